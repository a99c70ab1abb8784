"""What a data set supports, before anything runs: `python -m training_jobs.data.check`.

Exit code 0 when the data keep the contract, 1 when they break it, 2 when the call is wrong.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from configs.errors import SettingsError
from configs.settings.base import CONFIGS, load
from configs.settings.dataset import DatasetSettings, load_dataset
from configs.settings.features import FeaturesSettings
from configs.settings.splits import propose
from configs.settings.tasks import TasksSettings
from training_jobs.data.canonical import TABLES_FOLDER, convert
from training_jobs.data.findings import describe
from training_jobs.data.supported import supported
from training_jobs.data.synthetic.writing import Order, generate
from training_jobs.data.violations import render
from training_jobs.tasks.examples import write_examples

SYNTHETIC = Order(customers=2000, months=24, seed=1)
"""The bank that is checked when the synthetic data set is named without a folder."""


def _quiet(done: int, total: int, what: str) -> None:
    del done, total, what


def _silent(done: int, total: int, rows: int) -> None:
    del done, total, rows


def examine(
    dataset: DatasetSettings, tasks: TasksSettings, features: FeaturesSettings, raw: Path
) -> dict[str, Any]:
    """Return the findings on a folder as one JSON value.

    Keys: `dataset`, `ok`, `violations`, and where there are none `profile`, `splits` (rows),
    `proposed_splits`, `tasks`, `fit_customers`, `groups`, `tensors`, `experts`.
    """
    with TemporaryDirectory(prefix="sevenlens-check-") as scratch:
        output = Path(scratch)
        faults, profile = convert(dataset, raw=raw, output=output, progress=_quiet)
        found: dict[str, Any] = {
            "dataset": dataset.name,
            "ok": not faults,
            "violations": [fault.as_json() for fault in faults],
        }
        if faults:
            found["text"] = render(faults, show_identifying=True)
            return found
        tables, phase0 = output / TABLES_FOLDER, output / "phase0"
        report = write_examples(tables, phase0, dataset=dataset, tasks=tasks)
        return found | {
            "profile": profile,
            "splits": report["rows"],
            "proposed_splits": _proposal(dataset),
            "tasks": report["tasks"],
            **supported(tables, phase0, dataset, features),
        }


def _proposal(dataset: DatasetSettings) -> dict[str, Any] | None:
    """Return the splits that would be proposed for the span, None where it is too short."""
    try:
        return propose(
            dataset.first_month,
            dataset.last_month,
            horizon=dataset.horizon_months,
            lookback=dataset.lookback_months,
            least=dataset.min_months_observed,
        ).model_dump(mode="json")
    except ValueError:
        return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training_jobs.data.check",
        description="Tell what a data set supports: tasks, groups, experts, and what to supply.",
        epilog="example: python -m training_jobs.data.check --dataset berka --data ~/berka",
    )
    parser.add_argument("--dataset", required=True, help="name in configs/datasets, or a YAML file")
    parser.add_argument("--data", type=Path, help="folder with the source files")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    try:
        dataset = load_dataset(given.dataset)
        tasks = load(TasksSettings, CONFIGS / "pipeline" / "tasks.yaml")
        features = load(FeaturesSettings, CONFIGS / "feature_groups.yaml")
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    with ExitStack() as stack:
        raw = given.data
        if raw is None and given.dataset == "synthetic":
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="sevenlens-bank-")))
            raw = folder / "bank"
            print(f"No folder named: generating {SYNTHETIC.customers:,} customers", file=sys.stderr)
            generate(SYNTHETIC, out=raw, truth=folder / "truth", workers=1, progress=_silent)
        if raw is None or not raw.is_dir():
            print(
                f"{raw or 'no folder'}: name the folder with the source files by --data",
                file=sys.stderr,
            )
            return 2
        found = examine(dataset, tasks, features, raw)
    print(json.dumps(found, ensure_ascii=False) if given.json else describe(found, dataset))
    return 0 if found["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
