"""Command line: `python -m training_jobs.features` runs Phase 0 and prints its groups.

Exit code 0 when no blocking check failed, 1 when one did or the run could not be made.
"""

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from configs.contracts.artefacts import Check
from configs.errors import SettingsError, SevenLensError
from configs.settings.base import CONFIGS, load
from configs.settings.dataset import load_dataset
from configs.settings.features import FeaturesSettings
from configs.settings.tasks import TasksSettings
from training_jobs.data.canonical import convert
from training_jobs.data.synthetic.writing import Order, generate
from training_jobs.data.violations import refuse
from training_jobs.features.reading import SCHEMA_NAME
from training_jobs.phase0 import phase0

SYNTHETIC = "synthetic"
SYNTHETIC_MONTHS = 24
SYNTHETIC_SEED = 1
DATA_VARIABLE = "SEVENLENS_DATA"
_EXAMPLES = """examples:
  python -m training_jobs.features --dataset synthetic --customers 2000
  python -m training_jobs.features --dataset berka --data /data/berka --json
"""


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training_jobs.features",
        description="Compute all feature groups of a data set and print them as a table.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--dataset", default=SYNTHETIC, help="name in configs/datasets, or a YAML file"
    )
    parser.add_argument("--data", type=Path, help="folder with the raw files")
    parser.add_argument("--customers", type=int, default=2000, help="of a bank that is generated")
    parser.add_argument("--out", type=Path, help="keep the Phase 0 output in this folder")
    parser.add_argument("--json", action="store_true", help="one JSON list instead of a table")
    return parser.parse_args(arguments)


def _say(done: int, total: int, what: str) -> None:
    print(f"[progress] {done}/{total} {what}", file=sys.stderr, flush=True)


def _raw(given: argparse.Namespace, scratch: Path) -> Path:
    """Return the folder of raw files, generating a synthetic bank where none is given.

    Raises:
        SettingsError: a real data set without a folder.
    """
    if given.data is not None:
        return Path(given.data)
    if given.dataset == SYNTHETIC:
        folder = scratch / "raw"
        generate(
            Order(given.customers, SYNTHETIC_MONTHS, SYNTHETIC_SEED),
            out=folder,
            truth=scratch / "truth",
            workers=1,
            progress=lambda done, total, rows: _say(done, total, f"bank generated, {rows:,} rows"),
        )
        return folder
    if folder_of_all := os.environ.get(DATA_VARIABLE):
        kept = Path(folder_of_all) / str(given.dataset)
        if kept.is_dir():
            return kept
    raise SettingsError(
        f"data set '{given.dataset}' needs its files", remedy="name their folder: --data <folder>"
    )


def group_rows(
    settings: FeaturesSettings, schema: Mapping[str, Any], seconds: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Return one row a group that is switched on, in the order of `feature_groups.yaml`.

    Args:
        settings: the groups.
        schema: content of `feature_schema.json`.
        seconds: spent by group, fit included.
    """
    return [
        {
            "group": group.name,
            "columns": schema["groups"][group.name]["declared"],
            "constant": len(schema["groups"][group.name]["dropped"]),
            "generator": group.generator,
            "seconds": round(seconds.get(group.name, 0.0), 3),
            "experts": list(group.experts),
            "status": schema["groups"][group.name]["status"],
            "reason": schema["groups"][group.name]["reason"],
        }
        for group in settings.groups
        if group.enabled
    ]


def switched_off(settings: FeaturesSettings) -> list[str]:
    """Return one line a group that is registered and not switched on."""
    return [
        f"{group.name:<29}{group.columns:>8}{'':>9}  {group.generator:<21}{'':>8}  "
        f"{', '.join(group.experts)}  absent: switched off"
        for group in settings.groups
        if not group.enabled
    ]


def render(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a table for people."""
    head = f"{'group':<29}{'columns':>8}{'constant':>9}  {'generator':<21}{'seconds':>8}  experts"
    body = [
        f"{row['group']:<29}{row['columns']:>8}{row['constant']:>9}  {row['generator']:<21}"
        f"{row['seconds']:>8.2f}  {', '.join(row['experts'])}"
        + (f"  absent: {row['reason']}" if row["reason"] else "")
        for row in rows
    ]
    columns = sum(row["columns"] for row in rows)
    constant = sum(row["constant"] for row in rows)
    seconds = sum(row["seconds"] for row in rows)
    foot = f"{'total':<29}{columns:>8}{constant:>9}  {'':<21}{seconds:>8.2f}"
    return "\n".join([head, *body, foot])


def verdicts(checks: Sequence[Check]) -> list[str]:
    """Return one line a check: whether it passed, failed, or is only noted."""
    return [
        f"{'passed' if check.passed else 'FAILED' if check.blocking else 'noted '}  "
        f"{check.name}: {check.detail}"
        for check in checks
    ]


def exit_code(checks: Sequence[Check]) -> int:
    """Return 1 when a blocking check failed, as the gate of the pipeline would stop there."""
    return int(any(check.blocking and not check.passed for check in checks))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    given = _arguments(arguments)
    try:
        dataset = load_dataset(given.dataset)
        tasks = load(TasksSettings, CONFIGS / "pipeline" / "tasks.yaml")
        features = load(FeaturesSettings, CONFIGS / "feature_groups.yaml")
        with TemporaryDirectory(prefix="sevenlens-features-") as folder:
            scratch = Path(folder)
            prepared = scratch / "preflight"
            raw = _raw(given, scratch)
            faults, _ = convert(dataset, raw=raw, output=prepared, progress=_say)
            if faults:
                raise refuse(faults)
            output = given.out or scratch / "phase0"
            output.mkdir(parents=True, exist_ok=True)
            made = phase0(
                prepared / "tables",
                output,
                dataset=dataset,
                tasks=tasks,
                features=features,
                progress=_say,
            )
            rows = group_rows(
                features, json.loads((output / SCHEMA_NAME).read_text()), made.clock.seconds
            )
    except SevenLensError as error:
        print(error, file=sys.stderr)
        return 1
    if given.json:
        for line in verdicts([check for check in made.checks if check.blocking]):
            print(line, file=sys.stderr)
        print(json.dumps(rows))
        return exit_code(made.checks)
    print(render(rows))
    if off := switched_off(features):
        print("beside them, off by default:", *off, sep="\n")
    print(*verdicts(made.checks), sep="\n")
    return exit_code(made.checks)


if __name__ == "__main__":
    sys.exit(main())
