"""Starting the training pipeline, showing its progress, and deciding on its package."""

import sys
import time
from collections.abc import Callable

from configs.errors import SevenLensError
from operations.access import Access
from operations.approval import Package, decide, pending_packages
from operations.follow import Standing, follow
from operations.progress import Durations

HEARTBEAT_S = 10.0
DEMO_OPERATOR = "demo-operator"


class RunFailed(SevenLensError):
    """The execution ended without success."""


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _ask(package: Package) -> bool:
    answer = input(f"Approve {package.description or package.arn}? [y/N] ")
    return answer.strip().lower() == "y"


def watch(
    access: Access,
    *,
    run_id: str,
    execution_arn: str,
    ask: bool,
    durations: Durations,
    say: Callable[[str], None],
) -> Standing:
    """Follow a run to its end, approving its package once as `demo-operator`, or as answered.

    Raises:
        RunFailed: the execution did not succeed; carries its reason.
    """
    shown = 0
    decided = False
    last_line = 0.0
    now = Standing("RUNNING", ())
    for now in follow(access, execution_arn):
        for step in now.steps[shown:]:
            if step.state.startswith("Run "):
                say(f"  {step.state[4:]} ... (about {_span(durations.remaining(now))} left)")
                last_line = time.monotonic()
        shown = len(now.steps)
        if not decided:
            for package in pending_packages(access):
                if package.run_id == run_id:
                    approved = _ask(package) if ask and sys.stdin.isatty() else not ask
                    say(f"  {'approved' if approved else 'refused'} as {DEMO_OPERATOR}")
                    decide(access, package, approver=DEMO_OPERATOR, approved=approved)
                    decided = True
        if time.monotonic() - last_line > HEARTBEAT_S and now.steps and not now.finished:
            state = now.steps[-1]
            say(
                f"  {state.state}: {_span(time.time() - state.at)} so far, "
                f"about {_span(durations.remaining(now))} left"
            )
            last_line = time.monotonic()
    if now.status != "SUCCEEDED":
        raise RunFailed(
            f"run {run_id} ended {now.status}: {now.error}: {now.cause}",
            remedy="read the reason above; finished stages are kept and will be skipped next time",
        )
    durations.learn(now.steps, until=time.time())
    return now
