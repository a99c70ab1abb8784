"""`python -m local_cloud.demo`: what `make demo` runs."""

import argparse
import json
import shutil
import sys
import time
from typing import Any

from configs.contracts.names import Parameter
from configs.errors import SevenLensError
from configs.settings.base import CONFIGS, read_yaml
from configs.settings.run import load_run_settings, parse_override
from configs.version import version
from local_cloud import session
from local_cloud.assembly import build_assembly
from local_cloud.demo.clock import Clock
from local_cloud.demo.data import ROOT, source_folder
from local_cloud.demo.present import recommendation_lines
from local_cloud.demo.result import metrics, package, save_report, tasks_off
from local_cloud.demo.training import RunFailed, watch
from operations.access import Access, open_access
from operations.call import api_url, call
from operations.progress import Durations
from operations.standing import run_ledger
from operations.submit import submit

EXAMPLES = """examples:
  python -m local_cloud.demo
  python -m local_cloud.demo --customers 500 --set teacher.training.joint_epochs=8
  python -m local_cloud.demo --dataset berka --data ./berka --keep
"""
OUT = ROOT / "out"
ENV = "local"


def arguments() -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(
        prog="python -m local_cloud.demo",
        description="Deploy SevenLens onto the embedded AWS, train, approve, serve, and print one "
        "recommendation with its reason.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--dataset", default="synthetic", help="a file in configs/datasets")
    parser.add_argument("--data", help="folder with the source files (synthetic: generated)")
    parser.add_argument("--customers", type=int, default=2000, help="size of the synthetic bank")
    parser.add_argument("--customer", help="customer to ask for (default: the smoke customer)")
    parser.add_argument("--approve", choices=("auto", "ask"), default="auto")
    parser.add_argument("--keep", action="store_true", help="keep serving until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="last line is one JSON object")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    return parser.parse_args()


def _recommend(access: Access, customer_id: str) -> dict[str, Any]:
    status, answer = call(
        access, "/v1/recommendations", method="POST", body={"customer_id": customer_id}
    )
    if status != 200:
        raise RunFailed(
            f"POST /v1/recommendations answered {status}: {answer}",
            remedy="see the log of the recommend function: `make up`, then `make logs`",
        )
    return answer


def _demo(given: argparse.Namespace, clock: Clock) -> dict[str, Any]:
    overrides = dict(parse_override(text) for text in given.set)
    load_run_settings(given.dataset, overrides)
    with clock.phase("data", f"Source files of data set '{given.dataset}'"):
        data = source_folder(given.dataset, given.data, customers=given.customers)
    with clock.phase("synth", "Synthesising the CDK application"):
        assembly = build_assembly(ENV)
    with session(persist=OUT / "local") as cloud:
        with clock.phase("deploy", f"Deploying onto the embedded AWS at {cloud.endpoint}"):
            cloud.deploy(assembly, say=clock.say)
        access = open_access(ENV)
        with clock.phase("pipeline", "Running the state machine training_pipeline"):
            started = submit(
                access,
                dataset=given.dataset,
                data=data,
                submitter="demo",
                overrides=overrides,
            )
            clock.say(f"  run {started.run_id}")
            watch(
                access,
                run_id=started.run_id,
                execution_arn=started.execution_arn,
                ask=given.approve == "ask",
                durations=Durations(
                    OUT / "local" / "durations.json",
                    read_yaml(CONFIGS / "demo.yaml")["expected_seconds"],
                ),
                say=clock.say,
            )
        ledger = run_ledger(access, started.run_id)
        for entry in ledger.stages:
            name = f"{entry['stage']}{'/' + entry['group'] if entry.get('group') else ''}"
            outcome = "skipped" if entry.get("skipped") else f"{entry.get('seconds')} s"
            clock.say(f"  {name}: {outcome}")
            clock.seconds[f"stage.{name}"] = float(entry.get("seconds") or 0)
        with clock.phase("serve", "Asking the API Gateway endpoint"):
            customer = given.customer or str(package(access, ledger)["smoke_customer"])
            answer = _recommend(access, customer)
        report = save_report(access, ledger, OUT / "runs" / started.run_id)
        latest = OUT / "report.html"
        shutil.copyfile(report, latest)
        result = {
            "version": version(),
            "run_id": started.run_id,
            "dataset": given.dataset,
            "customer_id": answer["customer_id"],
            "model_version": answer["model_version"],
            "recommendations": answer["recommendations"],
            "metrics": metrics(access, ledger),
            "tasks_off": tasks_off(access, ledger),
            "skipped": [row["stage"] for row in ledger.stages if row.get("skipped")],
            "report": str(report),
        }
        print("\n" + "\n".join(recommendation_lines(answer)))
        for task, reason in result["tasks_off"].items():
            clock.say(f"task {task} is off: {reason}")
        clock.say(f"run report: {report}")
        if given.keep:
            _keep(access, clock)
    return result


def _keep(access: Access, clock: Clock) -> None:
    clock.say(f"serving at {api_url(access)} (IAM-signed; see examples/recommend.py)")
    clock.say(f"state machine {access.parameter(Parameter.TRAINING_PIPELINE_ARN)}")
    clock.say("Ctrl-C stops")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        clock.say("stopping")


def main() -> int:
    """Run the demo; errors name the problem and the remedy."""
    given = arguments()
    clock = Clock()
    try:
        result = _demo(given, clock)
    except SevenLensError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    clock.say(f"done in {clock.elapsed:.0f} s")
    if given.json:
        print(
            json.dumps(
                result | {"seconds": clock.seconds | {"total": round(clock.elapsed, 2)}},
                ensure_ascii=False,
            )
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
