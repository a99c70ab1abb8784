"""`python -m operations`: the operator's commands, each with `--env local|dev|prod`."""

import argparse
import getpass
import sys
from collections.abc import Callable
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table as Grid

from configs.contracts.names import Parameter
from configs.contracts.stages import Image
from configs.errors import SevenLensError
from configs.settings.environment import load_environment
from configs.settings.prices import load_prices, standing_cost, worst_case_cost
from configs.settings.run import parse_override
from operations.access import Access, OperationError, open_access
from operations.approval import decide, refuse_own, roll_back, waiting_package
from operations.doctor import Verdict, examine
from operations.follow import standing
from operations.images import build
from operations.logs import job_lines
from operations.standing import recent_executions, run_ledger
from operations.submit import submit

CONSOLE = Console(soft_wrap=True)
ENVIRONMENTS = ("local", "dev", "prod")

EXAMPLES = """examples:
  python -m operations doctor --env dev
  python -m operations submit --env dev --dataset berka --data ./berka
  python -m operations status --env local --run 20261123-081500-3f9a1c
  python -m operations approve --env prod --run 20261123-081500-3f9a1c --approver "Kim Ha-neul"
"""


def _doctor(arguments: argparse.Namespace) -> int:
    findings = examine(open_access(arguments.env), load_environment(arguments.env))
    grid = Grid("what", "verdict", "found", "remedy")
    colours = {Verdict.READY: "green", Verdict.MISSING: "red", Verdict.UNKNOWN: "yellow"}
    for row in findings:
        grid.add_row(row.what, f"[{colours[row.verdict]}]{row.verdict}", row.detail, row.remedy)
    CONSOLE.print(grid)
    return 0 if all(row.verdict is Verdict.READY for row in findings) else 1


def _costs(_arguments: argparse.Namespace) -> int:
    prices = load_prices()
    grid = Grid("environment", "standing USD/month", "worst case of one run, USD")
    for env in ENVIRONMENTS:
        settings = load_environment(env)
        grid.add_row(
            env,
            f"{standing_cost(settings, prices).total:.2f}",
            f"{worst_case_cost(settings, prices).total:.2f}",
        )
    CONSOLE.print(grid)
    CONSOLE.print(f"Prices of {prices.as_of} in {prices.region}; requests, data and tokens apart.")
    return 0


def _images(arguments: argparse.Namespace) -> int:
    access = open_access(arguments.env)
    for image in Image:
        CONSOLE.print(f"{image}: {build(access, image, say=CONSOLE.print)}")
    return 0


def _submit(arguments: argparse.Namespace) -> int:
    settings = load_environment(arguments.env)
    worst = worst_case_cost(settings, load_prices())
    CONSOLE.print(
        f"Worst case of this run: USD {worst.total:.2f} "
        f"(limit a run USD {settings.budget.per_run_usd:.2f}, "
        f"a month USD {settings.budget.monthly_usd:.2f})"
    )
    if not arguments.yes:
        if not sys.stdin.isatty():
            raise OperationError("not confirmed", remedy="add --yes where nobody can be asked")
        if CONSOLE.input("Start it? [y/N] ").strip().lower() != "y":
            return 1
    started = submit(
        open_access(arguments.env),
        dataset=arguments.dataset,
        data=Path(arguments.data),
        submitter=arguments.submitter,
        overrides=dict(parse_override(text) for text in arguments.set),
    )
    CONSOLE.print(f"run {started.run_id}\nexecution {started.execution_arn}")
    return 0


def _status(arguments: argparse.Namespace) -> int:
    access = open_access(arguments.env)
    machine = access.parameter(Parameter.TRAINING_PIPELINE_ARN)
    if not arguments.run:
        grid = Grid("run", "status", "started")
        for row in recent_executions(access, machine):
            grid.add_row(row["name"], row["status"], f"{row['startDate']:%Y-%m-%d %H:%M:%S}")
        CONSOLE.print(grid)
        return 0
    arn = machine.replace(":stateMachine:", ":execution:") + f":{arguments.run}"
    now = standing(access, arn)
    CONSOLE.print(f"{arguments.run}: {now.status}, {now.steps[-1].state if now.steps else ''}")
    if now.cause:
        CONSOLE.print(f"{now.error}: {now.cause}")
    grid = Grid("stage", "group", "outcome", "seconds", "USD", "output")
    for entry in run_ledger(access, arguments.run).stages:
        grid.add_row(
            str(entry["stage"]),
            str(entry.get("group") or ""),
            "skipped" if entry.get("skipped") else "ran",
            str(entry.get("seconds", "")),
            str(entry.get("cost_usd", "")),
            str(entry["uri"]),
        )
    CONSOLE.print(grid)
    return 0


def _latest(access: Access) -> str:
    machine = access.parameter(Parameter.TRAINING_PIPELINE_ARN)
    for row in recent_executions(access, machine, limit=1):
        return str(row["name"])
    raise OperationError("no run was started yet", remedy="start one by `make submit`")


def _logs(arguments: argparse.Namespace) -> int:
    access = open_access(arguments.env)
    run = arguments.run or _latest(access)
    names = [str(entry["job"]) for entry in run_ledger(access, run).stages if entry.get("job")]
    for line in job_lines(access, names):
        CONSOLE.print(f"{line.stream}  {line.text}", markup=False, highlight=False)
    return 0


def _decide(arguments: argparse.Namespace) -> int:
    access = open_access(arguments.env)
    package = waiting_package(access, arguments.run)
    approved = arguments.command == "approve"
    if approved and load_environment(arguments.env).approval.approver_must_differ:
        refuse_own(package, approver=arguments.approver)
    decide(access, package, approver=arguments.approver, approved=approved)
    CONSOLE.print(f"{package.arn}: {'approved' if approved else 'refused'} by {arguments.approver}")
    return 0


def _rollback(arguments: argparse.Namespace) -> int:
    CONSOLE.print(roll_back(open_access(arguments.env)))
    return 0


COMMANDS: dict[str, tuple[str, Callable[[argparse.Namespace], int]]] = {
    "doctor": ("whether the environment is ready for a run", _doctor),
    "costs": ("standing monthly cost and worst case of one run, from the price table", _costs),
    "images": ("build the container images in the cloud", _images),
    "submit": ("show the worst-case cost, deliver the data and start a run", _submit),
    "status": ("runs and where they stand", _status),
    "logs": ("log lines of a run's jobs", _logs),
    "approve": ("approve the package that waits", _decide),
    "reject": ("refuse the package that waits", _decide),
    "rollback": ("serve the model that was served before", _rollback),
}


def parser() -> argparse.ArgumentParser:
    """Return the command line of the operator."""
    root = argparse.ArgumentParser(
        prog="python -m operations",
        description="Operate a deployed SevenLens, in an account or on the embedded AWS alike.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", required=True)
    for name, (what, _) in COMMANDS.items():
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("--env", choices=ENVIRONMENTS, default="local")
        if name in {"status", "logs", "approve", "reject"}:
            command.add_argument("--run", help="run id, e.g. 20261123-081500-3f9a1c")
        if name in {"approve", "reject"}:
            command.add_argument("--approver", default=getpass.getuser())
        if name == "submit":
            command.add_argument("--dataset", required=True)
            command.add_argument("--data", required=True, help="folder with the source files")
            command.add_argument("--submitter", default=getpass.getuser())
            command.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
            command.add_argument("--yes", action="store_true", help="do not ask")
    return root


def main() -> int:
    """Run one command; errors name the problem and the remedy."""
    arguments = parser().parse_args()
    try:
        return COMMANDS[arguments.command][1](arguments)
    except SevenLensError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except (ClientError, BotoCoreError) as error:
        sys.stderr.write(f"AWS did not do it: {error}\n  remedy: see `make doctor`\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
