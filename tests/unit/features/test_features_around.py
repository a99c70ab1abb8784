"""Generators that go around the cut to the label window: refused, or caught, and the run stops."""

import ast
import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from configs.contracts.artefacts import Check, write_checks
from configs.settings import generators as parameter_models
from configs.settings.base import CONFIGS, Strict
from configs.settings.months import shift
from tests.unit.features import features_bank as bank
from training_jobs.features import cut as cut_module
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Column, Fitted, FloatArray, Generator
from training_jobs.features.registry import GENERATORS
from training_jobs.features.run import Made

GROUP = {
    "name": "planted",
    "generator": "planted",
    "requires": ["customers"],
    "columns": 1,
    "experts": ["deepfm"],
    "parameters": {},
}
ACTIVE = 4
"""Transactions in the label window from which the label is 1."""


class NoParameters(Strict):
    """No parameters."""


def _in_window(customer: str, as_of: dt.date) -> int:
    """Return the customer's transactions in the month after `as_of`."""
    return sum(
        as_of < event["ts"].date() <= shift(as_of, 1)
        for event in bank.standard().transactions
        if event["customer_id"] == customer
    )


def _examples(output: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write examples whose label is read from the events of the label window."""
    monkeypatch.setattr(
        bank, "label", lambda customer, as_of, salt: float(_in_window(customer, as_of) >= ACTIVE)
    )
    return bank.write_examples(output, bank.standard())


@contextmanager
def _planted(peek: Any) -> Iterator[None]:
    """Register a generator of one column that `peek(view)` gives."""
    parameter_models.parameters("planted")(NoParameters)

    @GENERATORS.register("planted")
    class Planted(Generator[NoParameters]):
        def fit(self, view: CutView) -> Fitted:
            return Fitted()

        def columns(self, fitted: Fitted) -> tuple[Column, ...]:
            return (Column("planted"),)

        def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
            return np.asarray(peek(view), np.float32).reshape(-1, 1)

    try:
        yield
    finally:
        GENERATORS.forget("planted")
        parameter_models.forget("planted")


def _noted(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return where the SELECT of the transactions is noted that the running job cuts from."""
    honest = cut_module._materialise
    given: dict[str, str] = {}

    def noting(connection: Any, select: str | None, table: str, **named: Any) -> None:
        if table == "transactions":
            given["select"] = str(select)
        honest(connection, select, table, **named)

    monkeypatch.setattr(cut_module, "_materialise", noting)
    return given


def _failed(made: Made) -> dict[str, str]:
    return {c.name: c.detail for c in made.checks if c.blocking and not c.passed}


def _stops(checks: list[Check], output: Path) -> bool:
    """Return whether the gate that reads the stage's checks would stop the run."""
    write_checks(output, checks)
    written = json.loads((output / "checks.json").read_text())
    rows = written["checks"] if isinstance(written, dict) else written
    return any(row["blocking"] and not row["passed"] for row in rows)


def _count(rows: list[tuple[Any, ...]], view: CutView) -> list[int]:
    counts = dict(rows)
    return [counts.get(customer, 0) for customer in view.customers]


def _sql(files: str, view: CutView) -> str:
    return (
        f"SELECT customer_id, count(*) FROM {files} WHERE CAST(ts AS DATE) > DATE '{view.as_of}' "
        f"AND CAST(ts AS DATE) <= DATE '{shift(view.as_of, 1)}' GROUP BY 1"
    )


def test_a_clean_run_on_these_labels_passes(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = _examples(tmp_path, monkeypatch)
    made = bank.run(tables, output, bank.few_groups())
    assert _failed(made) == {}
    assert not _stops(made.checks, output)


def test_sql_of_a_view_cannot_read_the_label_window_from_the_files(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = f"read_parquet('{tables}/transactions/*.parquet')"

    def peek(view: CutView) -> list[int]:
        found = view.query(_sql(files, view))
        return _count(list(zip(found["customer_id"], found["count_star()"])), view)

    output = _examples(tmp_path, monkeypatch)
    with _planted(peek), pytest.raises(duckdb.PermissionException):
        bank.run(tables, output, bank.few_groups(GROUP))
    assert not (output / "features").exists()


def test_a_generator_with_a_connection_of_its_own_is_caught_by_the_screen(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files on disk are never altered, so time travel is blind here: its column is not."""
    files = f"read_parquet('{tables}/transactions/*.parquet')"

    def peek(view: CutView) -> list[int]:
        return _count(duckdb.sql(_sql(files, view)).fetchall(), view)

    output = _examples(tmp_path, monkeypatch)
    with _planted(peek):
        made = bank.run(tables, output, bank.few_groups(GROUP))
    caught = _failed(made)
    assert set(caught) == {"leakage.single_feature"}
    assert "'planted'" in caught["leakage.single_feature"]
    assert _stops(made.checks, output)


def test_a_generator_that_cuts_for_itself_is_caught_by_time_travel_and_the_screen(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the sources of the job that calls it and cuts them a month later."""
    given = _noted(monkeypatch)

    def peek(view: CutView) -> list[int]:
        return _count(duckdb.sql(_sql(f"({given['select']})", view)).fetchall(), view)

    output = _examples(tmp_path, monkeypatch)
    with _planted(peek):
        made = bank.run(tables, output, bank.few_groups(GROUP))
    caught = _failed(made)
    # Deleting the later rows empties the column; altering all but their times leaves the count.
    assert set(caught) == {
        "leakage.time_travel.delete",
        "leakage.fit_cutoff",
        "leakage.single_feature",
    }
    assert "features.planted" in caught["leakage.time_travel.delete"]
    assert _stops(made.checks, output)


def test_a_sum_of_later_amounts_is_caught_by_mutation_too(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = _noted(monkeypatch)

    def peek(view: CutView) -> list[int]:
        sql = _sql(f"({given['select']})", view).replace("count(*)", "sum(amount)")
        return _count([(row[0], float(row[1])) for row in duckdb.sql(sql).fetchall()], view)

    output = _examples(tmp_path, monkeypatch)
    with _planted(peek):
        caught = _failed(bank.run(tables, output, bank.few_groups(GROUP)))
    assert {"leakage.time_travel.delete", "leakage.time_travel.mutate"} <= set(caught)
    for change in ("delete", "mutate"):
        assert "features.planted" in caught[f"leakage.time_travel.{change}"]
        assert "features.age" not in caught[f"leakage.time_travel.{change}"]


FORBIDDEN = ("duckdb", "pyarrow.parquet", "pyarrow.dataset", "training_jobs.features.sources")


def test_no_generator_brings_its_own_way_to_the_files() -> None:
    """What time travel cannot see must not be there: SQL goes through the view alone."""
    folder = CONFIGS.parent / "training_jobs" / "features"
    modules = [*(folder / "generators").rglob("*.py"), *(folder / "tensors").rglob("*.py")]
    assert len(modules) > 8
    for path in modules:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names] + [str(node.module)]
            for name in names:
                reached = [one for one in FORBIDDEN if name == one or name.startswith(f"{one}.")]
                assert not reached, f"{path.name} imports {name}"
