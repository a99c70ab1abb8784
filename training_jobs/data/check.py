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
from configs.settings.dataset import DatasetSettings
from configs.settings.features import FeaturesSettings
from configs.settings.tasks import TasksSettings
from training_jobs.data.canonical import TABLES_FOLDER, convert, shard_count
from training_jobs.data.engine import BANK_SCHEMA, engine, name, scalar, use
from training_jobs.data.rates import rates_by_month
from training_jobs.data.schema import TIME_COLUMN
from training_jobs.data.synthetic.writing import Order, generate
from training_jobs.data.violations import render
from training_jobs.tasks.examples import write_examples
from training_jobs.tasks.spine import open_views

SYNTHETIC = Order(customers=2000, months=24, seed=1)
"""The bank that is checked when the synthetic data set is named without a folder."""


def _quiet(done: int, total: int, what: str) -> None:
    del done, total, what


def _silent(done: int, total: int, rows: int) -> None:
    del done, total, rows


def feature_groups(
    preflight: Path, dataset: DatasetSettings, features: FeaturesSettings
) -> list[dict[str, Any]]:
    """Return each feature group with `status` on or off and, for those off, `reason`.

    A group is on when it is enabled and every table or column that it requires holds a value up
    to the fit cut-off.
    """
    result = []
    with engine(dataset) as connection:
        use(connection, BANK_SCHEMA)
        shards = list(range(shard_count(preflight)))
        open_views(connection, preflight / TABLES_FOLDER, dataset, shards)
        until = f"DATE '{dataset.fit_cutoff}' + INTERVAL 1 DAY"
        for group in features.groups:
            reason = None if group.enabled else "switched off in feature_groups.yaml"
            for requirement in group.requires if reason is None else ():
                table, _, column = requirement.partition(".")
                if requirement == "products":
                    missing = dataset.catalogue is None
                elif table not in dataset.tables:
                    missing = True
                else:
                    when = TIME_COLUMN[table]
                    missing = not scalar(
                        connection,
                        f"SELECT count({name(column) if column else '*'}) FROM {name(table)} "
                        f"WHERE {when} IS NULL OR {when} < {until}",
                    )
                if missing:
                    reason = f"the data set has no {requirement}"
                    break
            result.append(
                {"group": group.name, "status": "off" if reason else "on", "reason": reason}
            )
    return result


def examine(
    dataset: DatasetSettings, tasks: TasksSettings, features: FeaturesSettings, raw: Path
) -> dict[str, Any]:
    """Return the findings on a folder as one JSON value.

    Keys: `dataset`, `ok`, `violations`, and where there are none `profile`, `splits` (rows),
    `tasks`, `groups`.
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
        report = write_examples(
            output / TABLES_FOLDER, output / "phase0", dataset=dataset, tasks=tasks
        )
        return found | {
            "profile": profile,
            "splits": report["rows"],
            "tasks": report["tasks"],
            "groups": feature_groups(output, dataset, features),
        }


def _rate(task: dict[str, Any], split: str) -> str:
    mean = task["counts"][split]["mean"]
    return f"{mean:10.4f}" if mean is not None else f"{'':10}"


def describe(found: dict[str, Any], dataset: DatasetSettings) -> str:
    """Return the findings as text for a person."""
    span = f"{dataset.first_month} to {dataset.last_month}"
    lines = [f"Data set {dataset.name} ({dataset.titles.en}), {span}"]
    if not found["ok"]:
        lines.append(f"{len(found['violations'])} violations of the data contract:")
        return "\n".join([*lines, "", found["text"], "", "Nothing was written."])
    lines += [
        "",
        "Rows in the files: "
        + ", ".join(f"{source} {rows:,}" for source, rows in found["profile"]["sources"].items()),
    ]
    lines += ["", f"{'table':18}{'rows':>12}{'customers':>12}  from .. to"]
    for table, facts in found["profile"]["tables"].items():
        span = f"{facts['first'][:10]} .. {facts['last'][:10]}"
        lines.append(f"{table:18}{facts['rows']:>12,}{facts['customers']:>12,}  {span}")
    lines += ["", "Examples: " + ", ".join(f"{k} {v:,}" for k, v in found["splits"].items())]
    lines += [
        "",
        f"{'task':26}{'':5}{'train':>10}{'selection':>10}{'calibr.':>10}{'test':>10}"
        "  mean label, or why off",
    ]
    for task in found["tasks"]:
        rates = "".join(
            _rate(task, split) for split in ("train", "selection", "calibration", "test")
        )
        note = task["reason"] or (f"{len(task['classes'])} classes" if task["classes"] else "")
        lines.append(f"{task['name']:26}{task['status']:5}{rates}  {note}")
    lines += rates_by_month(found["tasks"])
    lines += ["", f"{'feature group':32}"]
    for group in found["groups"]:
        lines.append(f"{group['group']:32}{group['status']:5}{group['reason'] or ''}".rstrip())
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m training_jobs.data.check",
        description="Tell what a data set supports: tables, tasks, feature groups, violations.",
        epilog="example: python -m training_jobs.data.check --dataset berka --data ~/berka",
    )
    parser.add_argument("--dataset", required=True, help="name of a file in configs/datasets")
    parser.add_argument("--data", type=Path, help="folder with the source files")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    try:
        dataset = load(DatasetSettings, CONFIGS / "datasets" / f"{given.dataset}.yaml")
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
