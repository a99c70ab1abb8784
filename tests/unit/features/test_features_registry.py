"""Names are given once, promises are held, and a module nobody foresaw plugs in from outside."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from configs.errors import SettingsError
from configs.settings import generators as parameter_models
from configs.settings.base import Strict, validate
from configs.settings.features import FeaturesSettings
from tests.unit.features import features_bank as bank
from training_jobs.features.cut import CutView
from training_jobs.features.errors import FeatureError
from training_jobs.features.generator import Column, Fitted, FloatArray, Generator, SideTensor
from training_jobs.features.registry import GENERATORS, TENSORS, Registry
from training_jobs.features.tensors.lists import list_array, list_of


def test_the_registries_and_feature_groups_yaml_name_each_other() -> None:
    settings = bank.features()
    assert sorted({group.generator for group in settings.groups}) == list(GENERATORS.names())
    assert sorted({item.generator for item in settings.tensors}) == list(TENSORS.names())
    assert set(parameter_models.known()) == {*GENERATORS.names(), *TENSORS.names()}


def test_the_groups_of_the_specification_have_their_widths() -> None:
    widths = {group.name: group.columns for group in bank.features().groups if group.enabled}
    assert widths == {
        "demographics": 11,
        "product_holdings": 24,
        "txn_behavior": 14,
        "derived_temporal": 4,
        "txn_lag_tensor": 800,
        "tda_global": 16,
        "tda_local": 16,
        "hmm_states": 25,
        "gmm_clustering": 22,
        "model_derived": 27,
        "product_hierarchy": 34,
        "merchant_hierarchy": 27,
        "graph_collaborative": 66,
        "mamba_temporal": 50,
        "txn_rolling_stats": 20,
        "acquisition_history_multihot": 24,
        "mcc_top30_multihot": 31,
    }


def test_four_modules_are_registered_and_off_by_default() -> None:
    off = {group.generator: group for group in bank.features().groups if not group.enabled}
    assert set(off) == {"temporal", "economics", "multidisciplinary", "phase_transition"}
    for group in off.values():
        assert 4 <= group.columns <= 8


def test_a_name_is_registered_once() -> None:
    registry: Registry[Generator[Any]] = Registry("generator")
    registry.register("demographics")(object)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="'demographics' is registered twice"):
        registry.register("demographics")(object)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="has no parameter model"):
        registry.register("unheard_of")(object)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="has parameters already"):
        parameter_models.parameters("demographics")(Strict)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"generator": "nonsense"}, r"groups\.0.*'nonsense' is unknown \(allowed: .*demographics"),
        ({"parameters": {"nmeric": []}}, r"groups\.0.*parameters\.nmeric"),
        ({"experts": ["oracle"]}, r"groups\.0\.experts\.0"),
        ({"requires": []}, r"groups\.0\.requires"),
        ({"colour": 1}, r"groups\.0\.colour: unknown key"),
        ({"name": "derived_temporal"}, r"'derived_temporal' stands twice"),
    ],
)
def test_a_wrong_group_is_refused_by_key_and_with_what_is_allowed(
    change: bank.Row, message: str
) -> None:
    raw = bank.features().model_dump(mode="json")
    raw["groups"][0] |= change
    with pytest.raises(SettingsError, match=message):
        validate(FeaturesSettings, raw, source="feature_groups.yaml")


class Empty(Strict):
    """No parameters."""


class Faulty(Generator[Empty]):
    """Declares one binary column; what it produces is set by the test."""

    make: Callable[[int], NDArray[Any]]

    def fit(self, view: CutView) -> Fitted:
        """Learn nothing."""
        return Fitted()

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare one column."""
        return (Column("planted", kind="binary"),)

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return whatever the test wants."""
        return type(self).make(view.rows)


@pytest.fixture
def plug() -> Iterator[Callable[..., None]]:
    """Register generators and side tensors for the length of a test."""
    added: list[str] = []

    def add(name: str, made: type[Any], model: type[Strict] = Empty) -> None:
        parameter_models.parameters(name)(model)
        registry: Any = TENSORS if issubclass(made, SideTensor) else GENERATORS
        registry.register(name)(made)
        added.append(name)

    yield add
    for name in added:
        GENERATORS.forget(name)
        TENSORS.forget(name)
        parameter_models.forget(name)


def group(name: str, **changes: Any) -> bank.Row:
    """Return a group entry of feature_groups.yaml."""
    return {
        "name": name,
        "generator": name,
        "requires": ["customers"],
        "columns": 1,
        "experts": ["deepfm"],
        "parameters": {},
    } | changes


def alternating(rows: int) -> FloatArray:
    """Return a valid binary column that varies."""
    return (np.arange(rows) % 2).astype(np.float32).reshape(-1, 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda rows: np.hstack([alternating(rows)] * 2), "declared 1 float32 columns"),
        (lambda rows: alternating(rows)[1:], "declared 1 float32 columns"),
        (lambda rows: alternating(rows).astype(np.float64), "produced float64"),
        (lambda rows: alternating(rows) * 2, "'planted' holds codes outside 0..1"),
        (lambda rows: alternating(rows) / 2, "'planted' holds codes outside 0..1"),
    ],
)
def test_a_broken_promise_stops_the_run(
    tables: Path, plug: Callable[..., None], make: Callable[[int], FloatArray], message: str
) -> None:
    plug("faulty", type("Broken", (Faulty,), {"make": staticmethod(make)}))
    with pytest.raises(FeatureError, match=message):
        bank.fitted(tables, bank.few_groups(group("faulty")))


def test_an_infinite_value_after_fitting_stops_the_run(
    tables: Path, tmp_path: Path, plug: Callable[..., None]
) -> None:
    class Late(Faulty):
        def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
            values = alternating(view.rows)
            if view.as_of != bank.CUTOFF:
                values[0] = np.inf
            return values

    plug("late", Late)
    output = bank.write_examples(tmp_path, bank.standard())
    with pytest.raises(FeatureError, match="'planted' holds a value that is not finite"):
        bank.run(tables, output, bank.few_groups(group("late")))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (np.ones, "the same for everyone"),
        (lambda rows: np.full(rows, np.nan), "missing for everyone"),
        (lambda rows: np.where(np.arange(rows) % 2, 1.0, np.nan), "the same for everyone"),
    ],
)
def test_a_column_that_cannot_tell_anything_is_dropped_by_name(
    tables: Path, plug: Callable[..., None], make: Callable[[int], Any], reason: str
) -> None:
    class Two(Faulty):
        def columns(self, fitted: Fitted) -> tuple[Column, ...]:
            return (Column("dead"), Column("planted"))

        def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
            return np.column_stack([make(view.rows), alternating(view.rows)]).astype(np.float32)

    plug("two", Two)
    model = bank.fitted(tables, bank.few_groups(group("two", columns=2)))
    made = model.groups[-1]
    assert made.dropped == {"dead": reason}
    assert [column.name for column in made.columns] == ["planted"]


def test_a_width_other_than_the_yaml_says_is_refused(
    tables: Path, plug: Callable[..., None]
) -> None:
    plug("faulty", type("Fine", (Faulty,), {"make": staticmethod(alternating)}))
    settings = bank.few_groups(group("faulty", columns=3))
    with pytest.raises(FeatureError, match=r"declares 1 columns, feature_groups\.yaml says 3"):
        bank.fitted(tables, settings)


class StateParameters(Strict):
    """Parameters of the sketch below."""

    states: int


class MonthlyStates(Generator[StateParameters]):
    """Sketch of a hidden-state module: arrays are learnt, series are followed, numpy only."""

    def fit(self, view: CutView) -> Fitted:
        """Learn one level a state from the monthly numbers of events."""
        series = self._series(view)
        shares = np.linspace(0, 1, self.parameters.states)
        levels = np.quantile(np.sort(series.ravel()), shares)
        return Fitted({"states": self.parameters.states}, {"levels": levels})

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare posteriors and the present state."""
        states = int(fitted.values["states"])
        posteriors = [Column(f"planted_{state}") for state in range(states)]
        return (*posteriors, Column("planted", kind="categorical", cardinality=states))

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return how near the newest month is to every level."""
        distance = np.abs(self._series(view)[:, :1] - fitted.arrays["levels"][None])
        near = np.exp(-distance)
        posterior = near / near.sum(axis=1, keepdims=True)
        return np.column_stack([posterior, distance.argmin(axis=1)]).astype(np.float32)

    def _series(self, view: CutView) -> NDArray[np.float64]:
        found = view.query(
            "SELECT row, date_diff('month', CAST(ts AS DATE), $as_of) AS place, count(*) AS n "
            "FROM transactions GROUP BY ALL",
            as_of=view.as_of,
        )
        series = np.zeros((view.rows, self.bank.lookback_months))
        series[found["row"], found["place"]] = found["n"]
        return series


class Neighbours(Generator[Empty]):
    """Sketch of a graph module: the state of all customers is tallied, never fitted."""

    tallies = True

    def fit(self, view: CutView) -> Fitted:
        """Learn nothing."""
        return Fitted()

    def tally(self, view: CutView, fitted: Fitted) -> NDArray[np.int64]:
        """Count the holders of every product."""
        found = view.query("SELECT product FROM holdings WHERE back = 0")
        codes = [product.code for product in self.bank.products]
        places = [codes.index(code) for code in found["product"]]
        return np.bincount(places, minlength=len(codes)).astype(np.int64)

    def columns(self, fitted: Fitted) -> tuple[Column, ...]:
        """Declare one column."""
        return (Column("planted_degree"),)

    def transform(self, view: CutView, fitted: Fitted) -> FloatArray:
        """Return the holders of all products the customer holds, of all customers."""
        assert fitted.tally is not None
        codes = [product.code for product in self.bank.products]
        values = np.zeros((view.rows, 1), np.float32)
        found = view.query("SELECT row, product FROM holdings WHERE back = 0")
        for row, code in zip(found["row"], found["product"], strict=True):
            values[row] += fitted.tally[codes.index(code)]
        return values


class Pairs(SideTensor[Empty]):
    """Sketch of a topology module: pairs of varying number beside the columns."""

    def fit(self, view: CutView) -> Fitted:
        """Learn nothing."""
        return Fitted()

    def fields(self, fitted: Fitted) -> tuple[pa.Field, ...]:
        """Declare births."""
        return (pa.field("birth", list_of(pa.float32())),)

    def transform(self, view: CutView, fitted: Fitted) -> tuple[pa.Array, ...]:
        """Return one birth for each event."""
        found = view.query("SELECT row, amount FROM transactions ORDER BY row, amount")
        lengths = np.bincount(found["row"], minlength=view.rows)
        return (list_array(found["amount"].astype(np.float64), lengths, pa.float32()),)


def test_later_modules_plug_in_without_touching_a_caller(
    tables: Path, tmp_path: Path, plug: Callable[..., None]
) -> None:
    plug("monthly_states", MonthlyStates, StateParameters)
    plug("neighbours", Neighbours)
    plug("pairs", Pairs)
    raw = bank.few_groups(
        group("monthly_states", columns=4, experts=["temporal"], parameters={"states": 3}),
        group("neighbours", experts=["lightgcn"], requires=["holdings"]),
    ).model_dump(mode="json")
    raw["tensors"] = [group("pairs", experts=["perslay"]) | {"requires": ["transactions"]}]
    raw["tensors"][0].pop("columns")
    named = raw["glossary"]["entries"][0]
    raw["glossary"]["entries"] += [
        named | {"columns": ["planted_{days}", "planted_degree"], "protected": False}
    ]
    settings = FeaturesSettings.model_validate(raw)
    output = bank.write_examples(tmp_path, bank.standard())
    made = bank.run(tables, output, settings)
    assert [c.name for c in made.checks if c.blocking and not c.passed] == []
    table = pa.concat_tables(
        pq.read_table(path) for path in sorted((output / "features").glob("*.parquet"))
    )
    names = [column.name for column in made.model.columns]
    assert names[-5:] == ["planted_0", "planted_1", "planted_2", "planted", "planted_degree"]
    assert (output / "fitted" / "monthly_states.levels.npy").is_file()
    assert (output / "pairs" / "part-00000.parquet").is_file()
    # The tally is of everybody at that date, over both shards.
    held: dict[tuple[str, Any], set[str]] = {}
    for row in bank.standard().holdings:
        held.setdefault((row["customer_id"], row["month"]), set()).add(row["product"])
    for row in table.to_pylist():
        own = held.get((row["customer_id"], row["as_of"]), set())
        degree = sum(
            len(own & products) for (_, month), products in held.items() if month == row["as_of"]
        )
        assert row["planted_degree"] == degree


def test_a_side_tensor_that_breaks_its_promise_stops_the_run(
    tables: Path, tmp_path: Path, plug: Callable[..., None]
) -> None:
    class Short(Pairs):
        def transform(self, view: CutView, fitted: Fitted) -> tuple[pa.Array, ...]:
            return (super().transform(view, fitted)[0].slice(1),)

    plug("short", Short)
    raw = bank.few_groups().model_dump(mode="json")
    entry = group("short") | {"requires": ["transactions"]}
    entry.pop("columns")
    raw["tensors"] = [entry]
    output = bank.write_examples(tmp_path, bank.standard())
    with pytest.raises(FeatureError, match="side tensor 'short' declared"):
        bank.run(tables, output, FeaturesSettings.model_validate(raw))
