"""On our own bank, at size, a column that says nothing fails the build; elsewhere it is dropped."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.errors import SettingsError
from configs.settings import generators as parameter_models
from configs.settings.base import Strict
from configs.settings.features import FeaturesSettings
from tests.unit.features import features_bank as bank
from training_jobs.features.cut import CutView
from training_jobs.features.errors import FeatureError
from training_jobs.features.generator import Column, Fitted, FloatArray, Generator
from training_jobs.features.registry import GENERATORS
from training_jobs.features.run import Made

CUSTOMERS = 60
GROUP = {
    "name": "planted",
    "generator": "planted",
    "requires": ["customers"],
    "columns": 2,
    "experts": ["deepfm"],
    "parameters": {},
}


class NoParameters(Strict):
    """No parameters."""


def _honest(view: CutView) -> Any:
    return [sum(map(ord, customer)) for customer in view.customers]


@contextmanager
def _planted(
    value: Callable[[CutView], Any],
    *,
    name: str = "planted",
    beside: Callable[[CutView], Any] = _honest,
) -> Iterator[None]:
    """Register a generator of a column that `value(view)` gives and another beside it."""
    parameter_models.parameters("planted")(NoParameters)

    @GENERATORS.register("planted")
    class Planted(Generator[NoParameters]):
        def fit(self, view: CutView) -> Fitted:
            return Fitted()

        def columns(self, fitted: Fitted) -> tuple[Column, ...]:
            return (Column("planted_too"), Column(name))

        def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
            both = [np.broadcast_to(make(view), view.rows) for make in (beside, value)]
            return np.stack(both, axis=1).astype(np.float32)

    try:
        yield
    finally:
        GENERATORS.forget("planted")
        parameter_models.forget("planted")


def _settings(*, least: int = CUSTOMERS, own: str = "synthetic") -> FeaturesSettings:
    """Return few groups and the planted one, strict from `least` customers of `own` on."""
    raw = bank.few_groups(GROUP).model_dump(mode="json")
    raw["complete"] = {"dataset": own, "customers": least}
    entry = raw["glossary"]["entries"][-1]
    raw["glossary"]["entries"].append(entry | {"columns": ["planted_too"]})
    # The hand-made bank's own columns are left aside: here it is about the planted one.
    raw["groups"] = [row for row in raw["groups"] if row["name"] in ("planted", "derived_temporal")]
    raw["private_groups"] = []
    return FeaturesSettings.model_validate(raw)


def _run(tables: Path, output: Path, settings: FeaturesSettings) -> Made:
    return bank.run(tables, bank.write_examples(output, bank.standard()), settings)


def _failed(made: Made) -> dict[str, str]:
    return {c.name: c.detail for c in made.checks if c.blocking and not c.passed}


def _honest_too(view: CutView) -> Any:
    return [float(customer[1:]) for customer in view.customers]


def test_a_bank_in_which_all_columns_vary_passes(tables: Path, tmp_path: Path) -> None:
    with _planted(_honest_too):
        made = _run(tables, tmp_path, _settings())
    assert _failed(made) == {}
    check = next(c for c in made.checks if c.name == "features.dropped_columns")
    assert (check.passed, check.blocking) == (True, True)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (lambda view: 7.0, "the same for everyone"),
        (lambda view: np.nan, "missing for everyone"),
        (lambda view: [np.inf] + [1.0] * (view.rows - 1), "not finite"),
        (lambda view: [-np.inf, np.nan] + [2.0] * (view.rows - 2), "not finite"),
    ],
)
def test_what_says_nothing_fails_the_build_by_name(
    tables: Path, tmp_path: Path, value: Callable[[CutView], Any], reason: str
) -> None:
    with _planted(lambda view: value(view) if view.rows > 2 else 7.0):
        caught = _failed(_run(tables, tmp_path, _settings()))
    assert set(caught) == {"features.dropped_columns"}
    assert caught["features.dropped_columns"] == f"planted.planted ({reason})"
    schema = json.loads((tmp_path / "feature_schema.json").read_text())
    assert "planted" not in [column["name"] for column in schema["columns"]]


@pytest.mark.parametrize("change", [{"least": CUSTOMERS + 1}, {"own": "berka"}])
def test_a_smaller_bank_and_one_of_others_drop_the_column_and_go_on(
    tables: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    with _planted(lambda view: 7.0):
        made = _run(tables, tmp_path, _settings(**change))
    assert _failed(made) == {}
    group = json.loads((tmp_path / "feature_schema.json").read_text())["groups"]["planted"]
    assert group["dropped_because"] == {"planted": "the same for everyone"}
    assert (group["declared"], group["columns"]) == (2, 1)


def test_a_group_in_which_nothing_varies_fails_the_build_too(tables: Path, tmp_path: Path) -> None:
    with _planted(lambda view: 7.0, beside=lambda view: 8.0):
        made = _run(tables, tmp_path, _settings())
    detail = _failed(made)["features.dropped_columns"]
    assert detail == "planted (no column varies up to the fit cut-off)"


def test_a_value_that_is_not_finite_after_the_fit_stops_the_run(
    tables: Path, tmp_path: Path
) -> None:
    def late(view: CutView) -> Any:
        return np.inf if view.as_of > bank.CUTOFF else _honest_too(view)

    with _planted(late), pytest.raises(FeatureError, match="planted"):
        _run(tables, tmp_path, _settings(least=10**6))


def test_a_column_without_a_glossary_entry_stops_the_run_whatever_the_size(
    tables: Path, tmp_path: Path
) -> None:
    with (
        _planted(_honest_too, name="nobody_wrote_this_down"),
        pytest.raises(SettingsError, match="nobody_wrote_this_down"),
    ):
        _run(tables, tmp_path, _settings(least=10**6))
    assert not (tmp_path / "features").exists()


def test_an_expert_without_input_fails_the_build(tables: Path, tmp_path: Path) -> None:
    with _planted(_honest_too):
        raw = _settings().model_dump(mode="json")
        events = bank.group("events").model_dump(mode="json")
        raw["tensors"] = [events | {"enabled": False}]
        made = _run(tables, tmp_path, FeaturesSettings.model_validate(raw))
    caught = _failed(made)
    assert set(caught) == {"features.experts_complete"}
    assert "temporal is absent: events: switched off" in caught["features.experts_complete"]


def test_the_product_is_strict_on_the_synthetic_bank_from_fifty_thousand_on() -> None:
    complete = bank.features().complete
    assert (complete.dataset, complete.customers) == ("synthetic", 50_000)
    assert bank.dataset().name == "synthetic"
