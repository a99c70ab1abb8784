"""Labels of a tiny bank, and the tasks' settings that the tests of this folder use."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from configs.settings.base import CONFIGS, read_yaml
from configs.settings.dataset import DatasetSettings
from configs.settings.tasks import TasksSettings
from tests.unit.data.tiny import Bank, convert_bank, settings
from training_jobs.tasks.examples import write_examples

LENIENT_GATE = {
    "minima": {"train": 1, "selection": 1, "calibration": 1, "test": 1},
    "min_coverage": 0.0,
    "min_class_rows": 1,
    "max_rate_ratio": 1e9,
}


def tasks(**changes: Any) -> TasksSettings:
    """Return the shipped tasks without cold customers and with a gate that lets all pass."""
    raw = read_yaml(CONFIGS / "pipeline" / "tasks.yaml")
    return TasksSettings.model_validate(raw | {"cold_per_mille": 0, "gate": LENIENT_GATE} | changes)


def label(
    bank: Bank,
    folder: Path,
    *,
    dataset: DatasetSettings | None = None,
    chosen: TasksSettings | None = None,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return all examples of a bank as rows, and the report of the tasks."""
    dataset = dataset or settings()
    preflight = convert_bank(bank, folder, dataset)
    output = folder / "phase0"
    report = write_examples(preflight / "tables", output, dataset=dataset, tasks=chosen or tasks())
    rows = [
        row
        for part in sorted((output / "examples").iterdir())
        for row in pq.read_table(part).to_pylist()
    ]
    return rows, report


def at(rows: list[dict[str, Any]], customer: str, as_of: date) -> dict[str, Any]:
    """Return the one example of a customer at a date."""
    found = [row for row in rows if (row["customer_id"], row["as_of"]) == (customer, as_of)]
    assert len(found) == 1, (customer, as_of, len(found))
    return found[0]
