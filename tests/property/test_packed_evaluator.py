"""The packed evaluator gives what LightGBM gives, for every input there is."""

import io
import json
import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.contracts.packed_model import ARRAYS_FILE, TABLE_FILE
from lambdas.decision.students import BadStudents, PackedStudents, load_students
from tests.fixtures.packing import COLUMNS, OBJECTIVES, boosters, packed

EDGES = [0.0, -0.0, 1e-35, -1e-35, 1e-36, 1.1e-35, 1e-40, 1e-45, 1e38, -1e38, 3.4028235e38]
SPECIAL = [*EDGES, math.nan, math.inf, -math.inf]


@cache
def loaded() -> PackedStudents:
    return load_students(packed(boosters()), inputs=COLUMNS)


@pytest.fixture(scope="module")
def students() -> PackedStudents:
    return loaded()


@cache
def thresholds() -> list[float]:
    """Every threshold of every booster, and its float32 neighbours."""
    with np.load(io.BytesIO(packed(boosters())[ARRAYS_FILE])) as arrays:
        exact = np.unique(arrays["threshold"])
    single = exact[np.isfinite(exact)].astype(np.float32)
    above = np.nextafter(single, np.float32(np.inf))
    below = np.nextafter(single, np.float32(-np.inf))
    return [float(value) for value in np.concatenate([single, above, below])]


def expected(name: str, row: np.ndarray) -> np.ndarray:
    return np.atleast_1d(boosters()[name].predict(row[None, :], num_threads=1)[0])


def assert_equal(students: PackedStudents, row: np.ndarray) -> None:
    outputs = students.raw(row)
    assert set(outputs) == set(OBJECTIVES)
    for name in OBJECTIVES:
        np.testing.assert_allclose(
            outputs[name], expected(name, row), rtol=1e-12, atol=1e-14, err_msg=name
        )


THRESHOLDS = st.deferred(lambda: st.sampled_from(thresholds()))
VALUES = st.one_of(
    st.sampled_from(SPECIAL),
    THRESHOLDS,
    st.floats(width=32, allow_nan=True, allow_infinity=True),
    st.floats(-4, 4, width=32),
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(VALUES, min_size=COLUMNS, max_size=COLUMNS))
def test_equal_to_lightgbm(row: list[float]) -> None:
    assert_equal(loaded(), np.array(row, dtype=np.float32))


def test_equal_on_rows_of_every_special_value(students: PackedStudents) -> None:
    for value in SPECIAL:
        assert_equal(students, np.full(COLUMNS, value, dtype=np.float32))


def test_equal_on_thousands_of_random_rows(students: PackedStudents) -> None:
    random = np.random.default_rng(7)
    rows = random.choice(np.array([*SPECIAL, *thresholds()]), size=(600, COLUMNS))
    rows = rows.astype(np.float32)
    sums = {name: booster.predict(rows, num_threads=1) for name, booster in boosters().items()}
    for position, row in enumerate(rows):
        for name, output in students.raw(row).items():
            np.testing.assert_allclose(
                output, np.atleast_1d(sums[name][position]), rtol=1e-12, atol=1e-14, err_msg=name
            )


def test_the_boosters_exercise_every_rule_of_missing_values() -> None:
    with np.load(io.BytesIO(packed(boosters())[ARRAYS_FILE])) as arrays:
        kinds = {(int(flag) >> 1, int(flag) & 1) for flag in arrays["flags"]}
        assert {kind for kind, _ in kinds} == {0, 1, 2}
        assert {(2, 0), (2, 1)} <= kinds
        assert (arrays["left"] < 0).any()
        assert (arrays["left"] >= 0).any()


def test_a_tree_that_is_a_leaf() -> None:
    files = packed(boosters())
    with np.load(io.BytesIO(files[ARRAYS_FILE])) as arrays:
        rows = {name: arrays[name] for name in arrays.files}
    for name in ("feature", "threshold", "flags", "left", "right"):
        rows[name] = rows[name][:0]
    rows |= {
        "roots": np.array([-1, -2], dtype="i4"),
        "outputs": np.array([0, 0], dtype="i4"),
        "leaves": np.array([0.5, -0.2]),
    }
    table = {
        "outputs": [{"task": "t", "class": None}],
        "tasks": {"t": {"link": "identity", "calibrator": {"kind": "identity"}}},
    }
    loaded = load_students(rebuilt(rows, table), inputs=COLUMNS)
    assert loaded.scores(np.zeros(COLUMNS, dtype=np.float32)) == {"t": pytest.approx(0.3)}


def rebuilt(rows: dict[str, np.ndarray], table: dict[str, Any]) -> dict[str, bytes]:
    buffer = io.BytesIO()
    np.savez(buffer, **rows)
    return {ARRAYS_FILE: buffer.getvalue(), TABLE_FILE: json.dumps(table).encode()}


def parts() -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    files = packed({"binary": boosters()["binary"], "multiclass": boosters()["multiclass"]})
    with np.load(io.BytesIO(files[ARRAYS_FILE])) as arrays:
        return {name: arrays[name].copy() for name in arrays.files}, json.loads(files[TABLE_FILE])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("feature", lambda row: row.__setitem__(0, COLUMNS)),
        ("feature", lambda row: row.__setitem__(0, -1)),
        ("left", lambda row: row.__setitem__(3, 3)),
        ("right", lambda row: row.__setitem__(3, 1)),
        ("left", lambda row: row.__setitem__(0, 10**6)),
        ("right", lambda row: row.__setitem__(0, -(10**6))),
        ("roots", lambda row: row.__setitem__(0, 10**6)),
        ("outputs", lambda row: row.__setitem__(0, 99)),
    ],
)
def test_arrays_that_are_no_trees_are_refused(name: str, change: Any) -> None:
    rows, table = parts()
    change(rows[name])
    with pytest.raises(BadStudents):
        load_students(rebuilt(rows, table), inputs=COLUMNS)


@pytest.mark.parametrize(
    "change",
    [
        lambda rows, table: rows.update(threshold=rows["threshold"].astype("f4")),
        lambda rows, table: rows.update(flags=rows["flags"][:-1]),
        lambda rows, table: rows.pop("leaves"),
        lambda rows, table: rows.update(leaves=np.array([{"a": 1}], dtype=object)),
        lambda rows, table: table["outputs"].reverse(),
        lambda rows, table: table["outputs"].pop(),
        lambda rows, table: table["tasks"]["binary"].update(link="cosine"),
        lambda rows, table: table["tasks"]["binary"].update(calibrator={"kind": "magic"}),
        lambda rows, table: table["tasks"]["binary"].update(
            calibrator={"kind": "platt", "a": None, "b": 0}
        ),
        lambda rows, table: table["tasks"]["binary"].update(
            calibrator={"kind": "temperature", "t": 0.0}
        ),
        lambda rows, table: table["tasks"]["binary"].update(
            calibrator={"kind": "isotonic", "x": [0, 1], "y": [1, 0]}
        ),
        lambda rows, table: table["tasks"]["binary"].update(
            calibrator={"kind": "isotonic", "x": [], "y": []}
        ),
    ],
)
def test_files_that_are_not_what_they_should_be(change: Any) -> None:
    rows, table = parts()
    change(rows, table)
    with pytest.raises(BadStudents):
        load_students(rebuilt(rows, table), inputs=COLUMNS)
    with pytest.raises(BadStudents):
        load_students({ARRAYS_FILE: b"PK", TABLE_FILE: b"{}"}, inputs=COLUMNS)


@pytest.mark.parametrize(
    ("calibrator", "formula"),
    [
        ({"kind": "identity"}, lambda p: p),
        (
            {"kind": "platt", "a": 0.8, "b": -0.3},
            lambda p: 1 / (1 + np.exp(-(0.8 * np.log(p / (1 - p)) - 0.3))),
        ),
        (
            {"kind": "isotonic", "x": [0.0, 0.5, 1.0], "y": [0.1, 0.2, 0.9]},
            lambda p: np.where(p < 0.5, 0.1 + 0.2 * p, 0.2 + 1.4 * (p - 0.5)),
        ),
        ({"kind": "linear", "a": 0.5, "b": 0.1}, lambda p: 0.5 * p + 0.1),
    ],
)
def test_binary_calibrators(calibrator: dict, formula: Any) -> None:
    files = packed({"binary": boosters()["binary"]}, {"binary": calibrator})
    loaded = load_students(files, inputs=COLUMNS)
    row = np.linspace(-1, 1, COLUMNS).astype(np.float32)
    score = loaded.scores(row)["binary"]
    assert isinstance(score, float)
    assert score == pytest.approx(float(formula(expected("binary", row)[0])), rel=1e-12)


def test_temperature_keeps_a_distribution() -> None:
    calibrator = {"kind": "temperature", "t": 2.0}
    files = packed({"multiclass": boosters()["multiclass"]}, {"multiclass": calibrator})
    row = np.linspace(-1, 1, COLUMNS).astype(np.float32)
    score = load_students(files, inputs=COLUMNS).scores(row)["multiclass"]
    plain = expected("multiclass", row) ** 0.5
    assert score == pytest.approx(tuple(plain / plain.sum()), rel=1e-12)
    assert sum(score) == pytest.approx(1.0)
