"""What pictures are made from: the sample, the bins, drift, information and two dimensions."""

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import mutual_info_score

from configs.settings.run import load_run_settings
from tests.fixtures.report_documents import DEPOSITS, PRIMARY, TRAIN
from tests.fixtures.report_features import PART
from tests.fixtures.report_run import edit
from training_jobs.evaluation.ledger import Ledger
from training_jobs.reporting.documents import Inputs, NotAvailable
from training_jobs.reporting.sample import FeatureColumn, Sample, draw_sample, whole_customers
from training_jobs.reporting.statistics.bins import binned, coded, inner_edges
from training_jobs.reporting.statistics.columns import measure_columns
from training_jobs.reporting.statistics.drift import by_chance, stability_index
from training_jobs.reporting.statistics.histograms import histogram
from training_jobs.reporting.statistics.information import explained_share, mutual_information
from training_jobs.reporting.statistics.maps import map_inputs, neighbour_view, principal_view

SETTINGS = load_run_settings(
    "synthetic", {"report.pictures.information.least_rows": 100}
).report.pictures
TYPES = {DEPOSITS: "binary", PRIMARY: "multiclass", "cross_sell_count": "regression"}


def inputs(folder: Path) -> Inputs:
    """Return the channels of a made-up run."""
    return Inputs({channel.name: channel for channel in folder.iterdir()})


def sample_of(values: np.ndarray, splits: list[str], *, log: bool = False) -> Sample:
    """Return a sample of one numeric column."""
    rows = len(values)
    column = FeatureColumn("x", "g", ("deepfm",), None, log, 0.0, 1.0, decides=True)
    return Sample(
        columns=(column,),
        values=values.astype(np.float32).reshape(-1, 1),
        customers=np.array([f"C{row}" for row in range(rows)]),
        as_ofs=np.array(["2024-01-31"] * rows, "datetime64[D]"),
        splits=np.array(splits),
        labels={},
        chosen=(),
        parts=1,
        rows_of_parts=rows,
    )


def test_bins_have_equal_mass_and_missing_its_own() -> None:
    values = np.array([*range(100), np.nan], float)
    edges = inner_edges(values, 4)
    assert edges.tolist() == [25, 50, 75]
    assert np.bincount(binned(values, edges)).tolist() == [1, 25, 25, 25, 25]
    assert binned(np.array([-1e9, 1e9]), edges).tolist() == [1, 4], "later values beyond train"


def test_ties_share_a_bin_and_leave_none_empty() -> None:
    values = np.array([0.0] * 90 + [1.0] * 6 + [2.0] * 4)
    assert np.bincount(binned(values, inner_edges(values, 10)))[1:].tolist() == [90, 10]
    assert inner_edges(np.full(5, 3.0), 10).size == 0
    assert inner_edges(np.full(5, np.nan), 10).size == 0
    assert coded(np.array([0.0, 2.0, np.nan]), 3).tolist() == [1, 3, 0]


def test_stability_index_is_its_formula() -> None:
    before, after = np.repeat([0, 1, 2], [50, 30, 20]), np.repeat([0, 1, 3], [10, 60, 30])
    p = np.array([50.5, 30.5, 20.5, 0.5]) / 102
    q = np.array([10.5, 60.5, 0.5, 30.5]) / 102
    expected = sum((b - a) * math.log(b / a) for a, b in zip(p, q, strict=True))
    assert stability_index(before, after, 5) == pytest.approx(expected)
    assert stability_index(before, before, 5) == 0
    assert stability_index(before, after[:0], 5) is None


def test_stability_index_of_equal_populations_is_what_chance_says() -> None:
    draw = np.random.default_rng(2)
    found = [
        stability_index(draw.integers(0, 10, 2000), draw.integers(0, 10, 1000), 10)
        for _ in range(60)
    ]
    assert np.mean([value or 0 for value in found]) == pytest.approx(
        by_chance(10, 2000, 1000), rel=0.15
    )


def test_information_is_scikit_learns() -> None:
    draw = np.random.default_rng(3)
    for _ in range(5):
        first = draw.integers(0, 7, 400)
        second = np.where(draw.random(400) < 0.4, first % 3, draw.integers(0, 3, 400))
        assert mutual_information(first, second) == pytest.approx(mutual_info_score(first, second))


def test_share_is_one_for_a_copy_and_nothing_for_noise() -> None:
    draw = np.random.default_rng(4)
    label = draw.integers(0, 2, 5000)
    assert explained_share(label + 1, label) == pytest.approx(1, abs=1e-3)
    noise = [explained_share(draw.integers(0, 10, 5000), label) for _ in range(50)]
    raw = [mutual_information(draw.integers(0, 10, 5000), label) for _ in range(50)]
    assert np.mean(noise) < 0.5 * np.mean(raw) / math.log(2), "what counting adds is taken off"
    assert explained_share(label, np.zeros(5000, np.int64)) == 0.0


def test_the_sample_is_of_whole_customers_evenly_spaced() -> None:
    customers = pa.chunked_array([[f"C{n:04d}" for n in range(1000) for _ in range(3)]])
    chosen = whole_customers(customers, 300)
    assert chosen.sum() == 300
    own = chosen.reshape(1000, 3)
    assert (own.all(axis=1) == own.any(axis=1)).all()
    taken = np.flatnonzero(own.any(axis=1))
    assert (taken[0], taken[-1]) == (0, 999)
    assert np.diff(taken).max() <= 11
    assert whole_customers(customers, 10_000).all()


def test_the_sample_reads_labels_of_train_rows_alone(run_folder: Path) -> None:
    sample = draw_sample(inputs(run_folder), SETTINGS, Ledger("report"))
    train = sample.splits == "train"
    assert train.sum() == TRAIN
    table = pq.read_table(run_folder / "phase0" / "examples" / PART)
    for task in TYPES:
        expected = np.array(table[f"y_{task}"].to_pylist(), float)
        assert np.isnan(sample.labels[task][~train]).all()
        assert np.array_equal(sample.labels[task][train], expected[train], equal_nan=True)
    assert "churn_signal" not in sample.labels, "the task is off"


def test_rows_and_parts_are_bounded(run_folder: Path) -> None:
    """Of six equal parts two are read, and the bound holds for both together."""
    for kind in ("examples", "features"):
        folder = run_folder / "phase0" / kind
        for number in range(1, 6):
            (folder / f"part-{number:05d}.parquet").write_bytes((folder / PART).read_bytes())
    small = SETTINGS.model_copy(update={"rows": 100, "parts": 2})
    sample = draw_sample(inputs(run_folder), small, Ledger("report"))
    assert [chosen.part for chosen in sample.chosen] == [PART, "part-00005.parquet"]
    assert 80 <= len(sample.splits) <= 100
    assert (sample.parts, len(sample.values)) == (6, len(sample.splits))
    values = pq.read_table(run_folder / "phase0" / "features" / PART)["age"].to_numpy()
    rows = sample.chosen[0].rows
    assert sample.values[: rows.sum(), sample.places["age"]].tolist() == values[rows].tolist()


def test_a_missing_part_is_named(run_folder: Path) -> None:
    (run_folder / "phase0" / "features" / PART).unlink()
    with pytest.raises(NotAvailable, match=f"features/{PART} cannot be read"):
        draw_sample(inputs(run_folder), SETTINGS, Ledger("report"))


def test_a_planted_column_tells_its_label_and_drifts_most(run_folder: Path) -> None:
    path = run_folder / "phase0" / "features" / PART
    table = pq.read_table(path)
    examples = pq.read_table(run_folder / "phase0" / "examples" / PART)
    label = np.array(examples[f"y_{DEPOSITS}"].to_pylist(), float)
    test = np.array(examples["split"].to_pylist()) == "test"
    told = pa.array(np.where(np.isnan(label), 0.0, label).astype(np.float32))
    moved = table["age"].to_numpy() + 15 * test
    for name, values in (("income", told), ("age", pa.array(moved.astype(np.float32)))):
        table = table.set_column(table.column_names.index(name), name, values)
    pq.write_table(table, path)
    sample = draw_sample(inputs(run_folder), SETTINGS, Ledger("report"))
    found = {m.column.name: m for m in measure_columns(sample, TYPES, SETTINGS)}
    assert found["income"].information[DEPOSITS] > 0.95
    assert max(m.information[DEPOSITS] for name, m in found.items() if name != "income") < 0.2
    assert found["income"].shuffled[DEPOSITS] < 0.1
    assert max(found, key=lambda name: found[name].drift["test"] or 0) == "age"
    assert found["age"].drift["validation"] is None, "the made-up run has no validation rows"


def test_missing_values_are_counted_by_split(run_folder: Path) -> None:
    sample = draw_sample(inputs(run_folder), SETTINGS, Ledger("report"))
    found = {m.column.name: m for m in measure_columns(sample, TYPES, SETTINGS)}
    income = sample.values[:, sample.places["income"]]
    for split in ("train", "test"):
        gaps = np.isnan(income[sample.splits == split]).mean()
        assert found["income"].missing[split] == pytest.approx(gaps)
    assert found["income"].missing["validation"] is None


def test_histograms_are_shares_between_the_ends_of_train() -> None:
    values = np.array([*range(101), 1e6, 1e6, np.nan], float)
    sample = sample_of(values, ["train"] * 101 + ["test"] * 3)
    masks = {split: sample.of_split(split) for split in ("train", "test")}
    found = histogram(sample, sample.columns[0], masks, 7)
    assert sum(found.shares["train"]) == pytest.approx(1)
    assert found.shares["test"] == [0, 0, 0, 0, 0, 0, 1], "beyond train: in the outer bar"
    assert (found.low, found.high) == ("1", "99")


def test_a_power_law_is_drawn_on_its_logarithm_with_its_own_ends() -> None:
    values = np.expm1(np.linspace(0, 10, 1000))
    sample = sample_of(values, ["train"] * 1000, log=True)
    found = histogram(sample, sample.columns[0], {"train": sample.of_split("train")}, 5)
    assert max(found.shares["train"]) < 0.25, "evenly spread on the logarithm"
    assert found.high == "1.99e+04" or found.high == "19.9K"


def test_maps_weigh_groups_alike_and_leave_protected_columns_out(run_folder: Path) -> None:
    sample = draw_sample(inputs(run_folder), SETTINGS, Ledger("report"))
    rows = sample.first_train_rows(60)
    assert (sample.splits[rows] == "train").all()
    assert len(rows) == 60
    found = map_inputs(sample, rows, SETTINGS.maps.clip)
    assert found.shape == (60, 2), "age decides nothing"
    income = np.log1p(sample.values[rows, sample.places["income"]].astype(float)) - 14.0
    expected = np.where(np.isnan(income), 0, np.clip(income, -4, 4)) / math.sqrt(2)
    assert found[:, 0] == pytest.approx(expected)


def test_principal_components_are_those_of_the_decomposition() -> None:
    given = np.random.default_rng(6).normal(size=(50, 6)) * [5, 3, 1, 1, 1, 1]
    placed, shares = principal_view(given, seed=1, components=3)
    middle = given - given.mean(axis=0)
    left, sizes, _ = np.linalg.svd(middle, full_matrices=False)
    assert np.abs(placed) == pytest.approx(np.abs(left[:, :3] * sizes[:3]))
    assert shares == pytest.approx(sizes[:3] ** 2 / (sizes**2).sum())


def test_neighbours_stay_neighbours_and_the_view_is_repeatable() -> None:
    draw = np.random.default_rng(8)
    given = np.vstack([draw.normal(size=(30, 4)), draw.normal(size=(30, 4)) + 25])
    settings = SETTINGS.maps.model_copy(update={"perplexity": 8, "iterations": 400})
    placed = neighbour_view(given, settings, seed=3)
    first, second = placed[:30], placed[30:]
    gap = np.linalg.norm(first.mean(axis=0) - second.mean(axis=0))
    spread = np.linalg.norm(first - first.mean(axis=0), axis=1).mean()
    assert gap > 2 * spread
    assert np.array_equal(placed, neighbour_view(given, settings, seed=3))


def test_test_labels_change_no_sample(run_folder: Path) -> None:
    before = draw_sample(inputs(run_folder), SETTINGS, Ledger("report"))
    path = run_folder / "phase0" / "examples" / PART
    table = pq.read_table(path)
    train = np.array(table["split"].to_pylist()) == "train"
    for task in TYPES:
        name = f"y_{task}"
        label = np.where(train, np.array(table[name].to_pylist(), float), 1.0)
        table = table.set_column(
            table.column_names.index(name), name, pa.array(label, from_pandas=True)
        )
    pq.write_table(table, path)
    after = draw_sample(inputs(run_folder), SETTINGS, Ledger("report"))
    for task in TYPES:
        assert np.array_equal(before.labels[task], after.labels[task], equal_nan=True)


def test_a_schema_that_lacks_what_columns_are_is_said(run_folder: Path) -> None:
    edit(run_folder, "phase0/feature_schema.json", lambda c: c["columns"][0].pop("kind"))
    with pytest.raises(NotAvailable, match="holds no 'kind'"):
        draw_sample(inputs(run_folder), SETTINGS, Ledger("report"))


def test_drift_is_measured_in_bins_of_train_alone() -> None:
    values = np.array([*range(100), *[1000.0] * 40], float)
    sample = sample_of(values, ["train"] * 100 + ["test"] * 40)
    (found,) = measure_columns(sample, {}, SETTINGS)
    p = np.full(10, 10.5) / 105
    q = np.array([0.5] * 9 + [40.5]) / 45
    assert found.drift["test"] == pytest.approx(float(((q - p) * np.log(q / p)).sum()))
    assert found.information == {}
