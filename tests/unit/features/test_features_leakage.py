"""The validator passes what is clean and catches what is planted."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.settings import generators as parameter_models
from configs.settings.base import Strict
from configs.settings.months import shift
from tests.unit.features import features_bank as bank
from tests.unit.features.conftest import Clean
from training_jobs.features import cut as cut_module
from training_jobs.features import run as run_module
from training_jobs.features.cut import CutView
from training_jobs.features.generator import Column, Fitted, FloatArray, Generator
from training_jobs.features.model import Clock
from training_jobs.features.registry import GENERATORS
from training_jobs.features.run import Made
from training_jobs.features.sources import Sources
from training_jobs.features.store import fitted_files


def failed(made: Made) -> dict[str, str]:
    """Return the blocking checks that failed, with their detail."""
    return {c.name: c.detail for c in made.checks if c.blocking and not c.passed}


def test_the_clean_bank_passes_and_enough_was_compared(clean: Clean) -> None:
    assert failed(clean.made) == {}
    travel = [c for c in clean.made.checks if c.name.startswith("leakage.time_travel.")]
    assert len(travel) == 2
    customers, as_ofs, lists = 15, 5, 6
    cells = customers * as_ofs * (len(clean.made.model.columns) + lists)
    assert all(c.detail.startswith(f"{cells} cells") for c in travel)


def test_a_cut_that_lets_later_rows_in_is_caught(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = cut_module._materialise

    class Loose:
        """A connection whose upper bound is three days late."""

        def __init__(self, connection: Any) -> None:
            self.connection = connection

        def execute(self, sql: str, parameters: Any = None) -> Any:
            late = sql.replace("<= $as_of", "<= $as_of + INTERVAL 3 DAY")
            return self.connection.execute(late, parameters)

    def loose(connection: Any, *given: Any, **named: Any) -> None:
        honest(Loose(connection), *given, **named)

    monkeypatch.setattr(cut_module, "_materialise", loose)
    output = bank.write_examples(tmp_path, bank.standard())
    caught = failed(bank.run(tables, output, bank.few_groups()))
    assert set(caught) == {
        "leakage.time_travel.delete",
        "leakage.time_travel.mutate",
        "leakage.fit_cutoff",
    }
    assert "features.spend_sum_30d" in caught["leakage.time_travel.mutate"]
    assert "features.age" not in caught["leakage.time_travel.mutate"]


class NoParameters(Strict):
    """No parameters."""


@pytest.fixture
def planted() -> Iterator[None]:
    """Register a generator that knows the label of every example."""
    parameter_models.parameters("planted")(NoParameters)

    @GENERATORS.register("planted")
    class Planted(Generator[NoParameters]):
        def fit(self, view: CutView) -> Fitted:
            return Fitted()

        def columns(self, fitted: Fitted) -> tuple[Column, ...]:
            return (Column("planted"),)

        def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
            told = [bank.label(customer, view.as_of, "") for customer in view.customers]
            noise = np.array([sum(map(ord, customer)) % 7 for customer in view.customers])
            return (np.array(told) * 10 - noise).astype(np.float32).reshape(-1, 1)

    yield
    GENERATORS.forget("planted")
    parameter_models.forget("planted")


PLANTED = {
    "name": "planted",
    "generator": "planted",
    "requires": ["customers"],
    "columns": 1,
    "experts": ["deepfm"],
    "parameters": {},
}


@pytest.mark.usefixtures("planted")
def test_a_column_that_tells_the_label_is_caught_by_name(tables: Path, tmp_path: Path) -> None:
    output = bank.write_examples(tmp_path, bank.standard())
    caught = failed(bank.run(tables, output, bank.few_groups(PLANTED)))
    assert set(caught) == {"leakage.single_feature"}
    assert "'planted'" in caught["leakage.single_feature"]
    assert "'churn_signal'" in caught["leakage.single_feature"]


def test_a_fit_that_reads_beyond_the_cut_off_is_caught(
    tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = run_module.fit

    def late(sources: Sources, *, cutoff: date, **given: Any) -> Any:
        return honest(sources, cutoff=shift(cutoff, 1), **given)

    monkeypatch.setattr(run_module, "fit", late)
    output = bank.write_examples(tmp_path, bank.standard())
    assert set(failed(bank.run(tables, output, bank.few_groups()))) == {"leakage.fit_cutoff"}


def test_nothing_after_the_cut_off_changes_a_fitted_byte(tables: Path, tmp_path: Path) -> None:
    """The same by hand: a bank whose later rows were never written."""
    rows = bank.make_bank()
    for table in ("customer_months", "holdings"):
        rows.of(table)[:] = [row for row in rows.of(table) if row["month"] <= bank.CUTOFF]
    rows.transactions[:] = [r for r in rows.transactions if r["ts"].date() <= bank.CUTOFF]
    shorter = bank.write_tables(tmp_path / "tables", rows, shards=2)
    whole = fitted_files(bank.fitted(tables, bank.features()))
    short = fitted_files(bank.fitted(shorter, bank.features()))
    documents = [name for name in whole if name.endswith(".json")]
    assert len(documents) == len(bank.features().groups) + len(bank.features().tensors) + 1
    assert whole == short


def test_labels_reach_no_feature(tables: Path, tmp_path: Path, clean: Clean) -> None:
    """Other labels in the examples: every file but those of labels has the same bytes."""
    output = bank.write_examples(tmp_path, bank.standard(), salt="permuted")
    bank.run(tables, output, bank.features())
    given, permuted = (
        {
            path.relative_to(folder): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and path.parent.name != "examples"
        }
        for folder in (clean.output, output)
    )
    assert len(given) > 8
    assert given == permuted
    part = Path("examples/part-00000.parquet")
    assert (clean.output / part).read_bytes() != (output / part).read_bytes()


def test_a_segment_that_changes_later_keeps_its_value(tables: Path, tmp_path: Path) -> None:
    rows = bank.make_bank()
    as_of = bank.AS_OFS["validation"][0]
    for row in rows.customer_months:
        if row["month"] > as_of:
            row |= {"segment": "changed", "income": 1}
    changed = bank.write_tables(tmp_path / "tables", rows, shards=2)
    settings = bank.few_groups()
    model = bank.fitted(tables, settings)

    def values(folder: Path, day: date) -> bytes:
        with bank.view_of(folder, day) as view:
            return model.values(view, {}, Clock()).tobytes()

    assert values(tables, as_of) == values(changed, as_of)
    later = bank.AS_OFS["test"][0]
    assert values(tables, later) != values(changed, later), "later rows change later features"
