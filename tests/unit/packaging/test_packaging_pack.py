"""The packer that ships: what it writes evaluates to what LightGBM says, and to nothing else."""

import io
from typing import Any

import lightgbm
import numpy as np
import pytest

from configs.contracts.packed_model import ARRAYS_FILE
from configs.errors import ArtefactError
from lambdas.decision.students import load_students
from tests.fixtures.packing import COLUMNS, LINKS, OBJECTIVES, boosters, packed
from training_jobs.packaging.pack import pack, parse_trees

SHIPPED = [name for name in OBJECTIVES if name != "binary_slope"]
LOWEST = -1e300
INPUTS = [f"c{position}" for position in range(COLUMNS)]


def entry(name: str, features: list[str] = INPUTS, **more: Any) -> dict[str, Any]:
    link = LINKS.get(name, "sigmoid")
    return {"features": features, "link": link, "calibrator": {"kind": "identity"}} | more


def texts() -> dict[str, str]:
    return {name: boosters()[name].model_to_string() for name in SHIPPED}


def rows(count: int) -> np.ndarray:
    random = np.random.default_rng(3)
    table = random.normal(size=(count, COLUMNS)).astype(np.float32) * 2
    table[random.random(table.shape) < 0.2] = np.nan
    table[random.random(table.shape) < 0.1] = 0
    table[random.random(table.shape) < 0.05] = np.inf
    return table


def test_packed_students_give_what_lightgbm_gives() -> None:
    students = load_students(pack({n: entry(n) for n in SHIPPED}, texts(), INPUTS), inputs=COLUMNS)
    table = rows(200)
    expected = {name: boosters()[name].predict(table, num_threads=1) for name in SHIPPED}
    for position, row in enumerate(table):
        found = students.raw(row)
        for name in SHIPPED:
            np.testing.assert_allclose(
                found[name],
                np.atleast_1d(expected[name][position]),
                rtol=1e-12,
                atol=1e-14,
                err_msg=name,
            )


def test_both_packers_agree_on_every_array() -> None:
    """The second packer reads LightGBM's JSON dump; thresholds and leaves agree to the bit.

    The dump writes the lowest double as -1e300, below every single-precision value either way.
    """
    ours = pack({n: entry(n) for n in sorted(SHIPPED)}, texts(), INPUTS)
    theirs = packed({name: boosters()[name] for name in sorted(SHIPPED)})
    with (
        np.load(io.BytesIO(ours[ARRAYS_FILE])) as a,
        np.load(io.BytesIO(theirs[ARRAYS_FILE])) as b,
    ):
        for name in ("outputs", "leaves", "threshold"):
            ours_sorted, theirs_sorted = (np.sort(np.maximum(x[name], LOWEST)) for x in (a, b))
            assert np.array_equal(ours_sorted, theirs_sorted), name


def test_a_student_reads_its_own_columns_of_the_record() -> None:
    """A student over two columns of seven must find them by name, not by position."""
    random = np.random.default_rng(1)
    table = random.normal(size=(300, 2)).astype(np.float32)
    booster = lightgbm.train(
        {"objective": "regression", "verbose": -1, "min_data_in_leaf": 5, "num_threads": 1},
        lightgbm.Dataset(table, table[:, 0] - 2 * table[:, 1]),
        num_boost_round=5,
    )
    files = pack({"t": entry("regression", ["c5", "c2"])}, {"t": booster.model_to_string()}, INPUTS)
    students = load_students(files, inputs=COLUMNS)
    record = np.full(COLUMNS, 99, dtype=np.float32)
    record[5], record[2] = table[0]
    np.testing.assert_allclose(students.raw(record)["t"], booster.predict(table[:1]), rtol=1e-12)


def test_no_students_pack_into_a_readable_nothing() -> None:
    assert load_students(pack({}, {}, INPUTS), inputs=COLUMNS).scores(rows(1)[0]) == {}


def test_same_students_give_the_same_bytes() -> None:
    given = {name: entry(name) for name in SHIPPED}
    assert pack(given, texts(), INPUTS) == pack(dict(reversed(given.items())), texts(), INPUTS)


def test_a_categorical_split_is_refused() -> None:
    random = np.random.default_rng(1)
    table = random.integers(0, 5, size=(300, 1)).astype(np.float32)
    booster = lightgbm.train(
        {"objective": "regression", "verbose": -1, "min_data_in_leaf": 5, "min_data_per_group": 5},
        lightgbm.Dataset(table, (table[:, 0] == 3).astype(float), categorical_feature=[0]),
        num_boost_round=2,
    )
    with pytest.raises(ArtefactError, match="splits on a category"):
        pack({"t": entry("regression", ["c0"])}, {"t": booster.model_to_string()}, INPUTS)


@pytest.mark.parametrize("text", ["", "tree\nversion=v4\n", "{}"])
def test_what_is_no_model_is_refused(text: str) -> None:
    with pytest.raises(ArtefactError, match="not a LightGBM model text"):
        parse_trees(text)


def test_trees_are_told_apart_although_their_numbers_repeat_digits() -> None:
    width, trees = parse_trees(boosters()["multiclass"].model_to_string())
    assert width == 4
    assert len(trees) == boosters()["multiclass"].num_trees()
