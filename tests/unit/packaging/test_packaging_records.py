"""Serving records: what speaks for and against a task, gates in the customer's own row."""

import base64
import json
from datetime import date
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from configs.errors import ArtefactError
from lambdas.decision.record import parse_record
from training_jobs.distillation.rows import Rows
from training_jobs.package import write_records
from training_jobs.packaging.records import (
    Attributed,
    RecordParts,
    Telling,
    attributions,
    lens_shares,
    records,
    strongest,
)

NAMES = np.array(["a", "b", "c", "d"])
DAY = date(2025, 6, 30)
CUSTOMERS = ["x", "y", "z"]


def rows() -> Rows:
    features = np.array([[1, 2, 3, 4], [5, np.nan, 7, 8], [9, 1, 2, 3]], dtype=np.float32)
    return Rows(
        keys=pa.array([f"{name}|{DAY}" for name in CUSTOMERS]),
        customers=pa.array(CUSTOMERS),
        as_of=pa.array([DAY] * 3),
        split=np.array(["score", "test", "score"]),
        cold=np.array([False, False, True]),
        features=features,
        columns=tuple(NAMES),
        labels={},
    )


def parts(**more: object) -> RecordParts:
    given: dict[str, object] = {
        "rows": rows(),
        "places": np.array([0, 2]),
        "shares": [{"t": [0.25, 0.75]}, {"t": [0.5, 0.5]}],
        "attributed": {"t": [[("a", 0.5)], []]},
        "owned": {"x": ["card"]},
        "attributes": {"x": {"age": 40}},
    }
    return RecordParts(**(given | more))  # type: ignore[arg-type]


def test_what_speaks_for_is_not_crowded_out_by_what_speaks_against() -> None:
    found = strongest(np.array([0.1, -3.0, -2.0, 0.2]), NAMES, top=1)
    assert found == [("d", 0.2), ("b", -3.0)]


def test_nothing_is_told_of_a_column_without_a_part() -> None:
    assert strongest(np.zeros(4), NAMES, top=3) == []


def booster_of(label: NDArray[Any], table: NDArray[Any], **more: Any) -> lightgbm.Booster:
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "min_data_in_leaf": 5}
    return lightgbm.train(settings | more, lightgbm.Dataset(table, label), num_boost_round=8)


def telling(**more: Any) -> Telling:
    given: dict[str, Any] = {
        "columns": frozenset(NAMES),
        "classes": {},
        "groups": frozenset({"deposits", "lending"}),
        "top": 10,
    }
    return Telling(**(given | more))


def attributed(booster: lightgbm.Booster, *, batch: int = 5, **more: Any) -> Attributed:
    return attributions(
        {"t": {"features": list(NAMES)}},
        {"t": booster.model_to_string()},
        rows(),
        np.array([0, 2]),
        telling=telling(**more),
        batch=batch,
        threads=1,
    )


@pytest.fixture(scope="module")
def table() -> NDArray[np.float32]:
    return np.random.default_rng(2).normal(size=(300, 4)).astype(np.float32)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_contributions_add_up_to_the_score(table: NDArray[np.float32], batch: int) -> None:
    """With every column kept, contributions and the base value give the raw score (SHAP)."""
    booster = booster_of((table[:, 0] > 0).astype(float), table)
    found = attributed(booster, batch=batch)
    assert set(found) == {"t"}
    features = rows().features[[0, 2]]
    base = booster.predict(features, pred_contrib=True)[:, -1]
    raw = booster.predict(features, raw_score=True)
    sums = [sum(value for _, value in row) for row in found["t"]]
    np.testing.assert_allclose(base + sums, raw, atol=1e-5)


CLASSES = ("none", "deposits", "lending", "cards")


def test_a_class_is_told_by_what_sets_it_apart_from_the_others(table: NDArray[np.float32]) -> None:
    """The sums are the raw score of the class less the mean of all, less that of the base."""
    label = np.digitize(table[:, 0] + table[:, 1], [-1.0, 0.0, 1.0])
    booster = booster_of(label, table, objective="multiclass", num_class=len(CLASSES))
    found = attributed(booster, classes={"t": CLASSES})
    # No product is of the group `cards`, and none is taken up by taking none.
    assert set(found) == {"t:deposits", "t:lending"}
    features = rows().features[[0, 2]]
    base = booster.predict(features, pred_contrib=True).reshape(2, 4, 5)[:, :, -1]
    apart = booster.predict(features, raw_score=True) - base
    apart -= apart.mean(axis=1, keepdims=True)
    for name in ("deposits", "lending"):
        sums = [sum(value for _, value in row) for row in found[f"t:{name}"]]
        np.testing.assert_allclose(sums, apart[:, CLASSES.index(name)], atol=1e-5)
    assert found["t:deposits"] != found["t:lending"]


def test_what_moves_all_classes_alike_says_nothing_about_one(table: NDArray[np.float32]) -> None:
    """Softmax of raw scores that all rise with `a` does not depend on `a`."""

    def rising(scores: NDArray[Any], _data: lightgbm.Dataset) -> tuple[Any, Any]:
        target = np.repeat(table[:, [0]], len(CLASSES), axis=1)
        return scores - target, np.ones_like(scores)

    label = np.zeros(len(table))
    booster = booster_of(label, table, objective=rising, num_class=len(CLASSES))
    assert np.ptp(booster.predict(table, raw_score=True)) > 1
    found = attributed(booster, classes={"t": CLASSES})
    assert found == {"t:deposits": [[], []], "t:lending": [[], []]}


@pytest.mark.parametrize("classes", [{}, {"t": CLASSES[:3]}, {"t": (*CLASSES, "more")}])
def test_a_student_of_other_classes_is_refused(
    table: NDArray[np.float32], classes: dict[str, tuple[str, ...]]
) -> None:
    label = np.digitize(table[:, 0] + table[:, 1], [-1.0, 0.0, 1.0])
    booster = booster_of(label, table, objective="multiclass", num_class=len(CLASSES))
    with pytest.raises(ArtefactError, match=r"student of t has 4 raw scores"):
        attributed(booster, classes=classes)


def test_classes_that_are_no_product_groups_are_not_told(table: NDArray[np.float32]) -> None:
    label = np.digitize(table[:, 0], [0.0, 1.0])
    booster = booster_of(label, table, objective="multiclass", num_class=3)
    assert attributed(booster, classes={"t": ("5411", "5812", "other")}) == {}


def test_what_cannot_be_told_crowds_nothing_out(table: NDArray[np.float32]) -> None:
    booster = booster_of((3 * table[:, 0] + table[:, 1] > 0).astype(float), table)

    def found(columns: frozenset[str]) -> set[str]:
        made = attributed(booster, columns=columns, top=1)
        return {name for row in made["t"] for name, _ in row}

    assert "a" in found(frozenset(NAMES)), "the strongest column"
    assert found(frozenset({"b"})) == {"b"}


def test_gates_are_found_by_customer_not_by_position(tmp_path: Path) -> None:
    (tmp_path / "gates").mkdir()
    table = pa.table(
        {
            "customer_id": ["z", "x"],
            "as_of": pa.array([DAY, DAY]),
            "cold": [True, False],
            "t": pa.array([[0.1, 0.9], [0.7, 0.3]], type=pa.list_(pa.float32())),
        }
    )
    pq.write_table(table, tmp_path / "gates" / "score.parquet")
    found = lens_shares(tmp_path, rows(), np.array([0, 2]))
    assert found == [
        {"t": pytest.approx([0.7, 0.3])},
        {"t": pytest.approx([0.1, 0.9])},
    ]
    with pytest.raises(ArtefactError, match="no gates for 1 of 2"):
        lens_shares(tmp_path, rows(), np.array([0, 1]))


def test_a_record_is_what_serving_reads() -> None:
    (customer, line), (other, second) = records(parts())
    assert (customer, other) == ("x", "z")
    found = parse_record(line.decode(), inputs=4, version="v")
    np.testing.assert_array_equal(found.features, rows().features[0])
    assert found.owned == {"card"}
    assert found.facts == {"a": 1.0}
    assert found.attributions == {"t": [("a", 0.5)]}
    assert json.loads(second)["cold"] is True
    assert json.loads(second)["facts"] == {}


def test_missing_values_stay_missing() -> None:
    given = parts(places=np.array([1]), shares=[{}], attributed={"t": [[("b", 0.5)]]})
    ((_, line),) = records(given)
    assert json.loads(line)["facts"] == {}
    stored = np.frombuffer(base64.b64decode(json.loads(line)["features"]), dtype="<f4")
    assert np.isnan(stored[1])


def test_parts_hold_every_record_once(tmp_path: Path) -> None:
    lines = ((f"c{number}", f'{{"n":{number}}}'.encode()) for number in range(5))
    names, first = write_records(tmp_path / "records", lines, part_records=2, max_bytes=100)
    assert (names, first) == ([f"records/part-0000{part}.jsonl" for part in range(3)], "c0")
    found = [row for name in names for row in (tmp_path / name).read_text().splitlines()]
    assert [json.loads(row)["n"] for row in found] == list(range(5))


def test_a_record_too_large_to_store_stops_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="more than 10"):
        write_records(tmp_path / "r", iter([("c", b"x" * 11)]), part_records=2, max_bytes=10)
    assert list((tmp_path / "r").iterdir()) == []


def test_nobody_to_score_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="no customer is scored"):
        write_records(tmp_path / "r", iter([]), part_records=2, max_bytes=10)
