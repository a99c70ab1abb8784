"""Who changes segment, income, branch and region after `as_of` is, at `as_of`, who they were."""

import csv
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from configs.settings.base import CONFIGS, load
from configs.settings.dataset import load_dataset
from configs.settings.features import FeaturesSettings
from configs.settings.tasks import TasksSettings
from tests.fixtures.santander_file import HEADER, crowd, write
from training_jobs.data.canonical import convert
from training_jobs.features.run import make_features
from training_jobs.tasks.examples import write_examples

LATER = ("2016-04-28", "2016-05-28")
"""Months of the file in which everybody is changed: after validation's `as_of`, 2016-03."""
KEPT_UNTIL = date(2016, 3, 31)


def _changed(line: str) -> str:
    """Return a line of the later months with another segment, income, channel and region."""
    if not line.startswith(LATER):
        return line
    cells = next(csv.reader([line]))
    place = HEADER.index
    top = cells[place("segmento")] == "01 - TOP"
    cells[place("segmento")] = "03 - UNIVERSITARIO" if top else "01 - TOP"
    cells[place("renta")] = "1234567.89"
    cells[place("canal_entrada")] = "XXX"
    cells[place("nomprov")] = "ELSEWHERE"
    return ",".join(cells)


def _features(lines: list[str], folder: Path) -> tuple[pa.Table, pa.Table]:
    """Return examples and the demographic features of a bank, rows in one order."""
    dataset = load_dataset("santander")
    settings = load(FeaturesSettings, CONFIGS / "feature_groups.yaml")
    kept = tuple(group for group in settings.groups if group.name == "demographics")
    settings = settings.model_copy(update={"groups": kept, "tensors": (), "private_groups": ()})
    raw, prepared, output = write(folder / "raw", lines), folder / "preflight", folder / "phase0"
    faults, _ = convert(dataset, raw=raw, output=prepared, progress=lambda *_: None)
    assert not faults
    tasks = load(TasksSettings, CONFIGS / "pipeline" / "tasks.yaml")
    write_examples(prepared / "tables", output, dataset=dataset, tasks=tasks)
    made = make_features(
        prepared / "tables", output, dataset=dataset, settings=settings, progress=lambda *_: None
    )
    assert [c.name for c in made.checks if c.blocking and not c.passed] == []

    def read(name: str) -> pa.Table:
        parts = sorted((output / name).glob("part-*.parquet"))
        table = pa.concat_tables(pq.read_table(part) for part in parts)
        return table.sort_by([("customer_id", "ascending"), ("as_of", "ascending")])

    return read("examples"), read("features")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[pa.Table, pa.Table]]:
    lines = crowd(150, seed=4)
    later = [_changed(line) for line in lines]
    assert sum(one != two for one, two in zip(lines, later, strict=True)) > 200
    folder = tmp_path_factory.mktemp("later")
    return [_features(lines, folder / "given"), _features(later, folder / "later")]


def _rows(table: pa.Table, *, late: bool) -> list[dict[str, object]]:
    return [row for row in table.to_pylist() if (row["as_of"] > KEPT_UNTIL) == late]


def test_features_up_to_the_change_are_the_old_ones_bit_for_bit(
    both: list[tuple[pa.Table, pa.Table]],
) -> None:
    (_, given), (_, later) = both
    before = _rows(given, late=False)
    assert len({row["as_of"] for row in before}) == 4
    assert before == _rows(later, late=False)
    assert len({row["income"] for row in before}) > 20
    assert len({row["segment"] for row in before}) > 2


def test_features_after_the_change_are_the_new_ones(
    both: list[tuple[pa.Table, pa.Table]],
) -> None:
    (_, given), (_, later) = both
    old, new = _rows(given, late=True), _rows(later, late=True)
    assert len(old) == len(new) > 100
    assert {row["income"] for row in new} == {123_456_792.0}, "1,234,567.89 in cents as float32"
    assert all(one["segment"] != two["segment"] for one, two in zip(old, new, strict=True))


def test_the_label_knows_the_change_that_the_features_do_not(
    both: list[tuple[pa.Table, pa.Table]],
) -> None:
    """Of the validation rows the segment in the label window is another, the features the same."""
    (given, _), (later, _) = both

    def labels(table: pa.Table) -> list[object]:
        return [
            row["y_segment_prediction"]
            for row in table.to_pylist()
            if row["as_of"] == KEPT_UNTIL and row["y_segment_prediction"] is not None
        ]

    old, new = labels(given), labels(later)
    assert len(old) == len(new) > 50
    assert sum(one != two for one, two in zip(old, new, strict=True)) > len(old) / 2
