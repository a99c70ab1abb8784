"""The pictures of the features: what is drawn is what is there, and what is not there says why."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fixtures.report_documents import DEPOSITS
from tests.fixtures.report_features import (
    CATEGORIES,
    EVENTS_A_ROW,
    PART,
    add_pairs,
    edit_schema,
    keys,
)
from tests.fixtures.report_reader import Part
from tests.fixtures.report_run import edit
from tests.unit.reporting.conftest import Render
from tests.unit.reporting.test_reporting_statistics import SETTINGS, inputs
from training_jobs.evaluation.ledger import Ledger
from training_jobs.reporting import side_tensors
from training_jobs.reporting.documents import NotAvailable
from training_jobs.reporting.figures.distribution import BOTTOM, TOP, distribution
from training_jobs.reporting.sample import FeatureColumn, Sample, draw_sample
from training_jobs.reporting.sections.states import moves, shares_by_date
from training_jobs.reporting.words import compact


def test_every_group_with_columns_has_a_part_that_opens(parts: dict[str, Part]) -> None:
    groups = parts["groups"]
    assert sum(tag == "details" for tag, _ in groups.elements) == 1
    assert not any("open" in given for tag, given in groups.elements if tag == "details")
    assert sum(tag == "svg" for tag, _ in groups.elements) == 4, "three columns and their gaps"
    assert "wavelets is absent: the data set has no transactions" in groups.text
    assert "3 columns, read by deepfm" in groups.text
    assert "labels shuffled, all columns" in groups.text
    assert "churn signal" not in groups.text, "a task that is off tells nothing"


def test_drift_and_information_of_a_planted_column_stand_first(
    run_folder: Path, render: Render
) -> None:
    path = run_folder / "phase0" / "features" / PART
    table = pq.read_table(path)
    examples = pq.read_table(run_folder / "phase0" / "examples" / PART)
    split = np.array(examples["split"].to_pylist())
    label = np.nan_to_num(np.array(examples[f"y_{DEPOSITS}"].to_pylist(), float))
    moved = np.where(split == "test", 300.0, label * 10 + np.arange(len(label)) % 7)
    place = table.column_names.index("age_of_account")
    changed = pa.array(moved.astype(np.float32))
    pq.write_table(table.set_column(place, "age_of_account", changed), path)
    groups = render(run_folder)["groups"]
    drift = next(at for at, row in enumerate(groups.rows) if row[:1] == ["Column"])
    assert groups.rows[drift + 1][0] == "age_of_account"
    assert groups.rows[drift + 1][2].endswith("large")
    assert groups.row("age_of_account", place=1)[0] == "age_of_account"
    assert f"strongest alone: age_of_account on {DEPOSITS}" in groups.text


def test_reads_of_labels_for_pictures_are_on_record(parts: dict[str, Part]) -> None:
    rows = [row for row in parts["checks"].rows if row[:1] == ["report"]]
    assert ["report", "train", "3", "what columns tell of labels, colours of a map"] in rows


def test_test_labels_change_no_picture(
    run_folder: Path, render: Render, parts: dict[str, Part]
) -> None:
    path = run_folder / "phase0" / "examples" / PART
    table = pq.read_table(path)
    name = f"y_{DEPOSITS}"
    train = np.array(table["split"].to_pylist()) == "train"
    label = np.array(table[name].to_pylist(), float)
    flipped = pa.array(np.where(train, label, 1 - label), from_pandas=True)
    pq.write_table(table.set_column(table.column_names.index(name), name, flipped), path)
    changed = render(run_folder)
    assert changed["groups"] == parts["groups"]
    assert changed["pictures"] == parts["pictures"]
    assert changed["metrics"] != parts["metrics"], "the labels did change"


def test_pictures_that_cannot_be_drawn_say_why(parts: dict[str, Part]) -> None:
    text = parts["pictures"].text
    assert "No picture: the features have no side tensor 'persistence_pairs'." in text
    assert "No picture: no feature group is made by 'hidden_markov'." in text
    assert "No colouring: the features have no column 'segment'." in text


def test_an_absent_tensor_and_an_absent_group_give_their_reasons(
    run_folder: Path, render: Render
) -> None:
    def change(schema: dict[str, Any]) -> None:
        reason = {"status": "absent", "reason": "needs transactions", "experts": []}
        schema["tensors"]["persistence_pairs"] = reason
        schema["tensors"]["events"] |= reason
        schema["groups"]["wavelets"]["generator"] = "hidden_markov"

    edit_schema(run_folder, change)
    text = render(run_folder)["pictures"].text
    assert "No picture: side tensor 'persistence_pairs' is absent: needs transactions." in text
    assert "No picture: side tensor 'events' is absent: needs transactions." in text
    assert "group wavelets is absent: the data set has no transactions" in text


def test_without_the_tree_the_other_pictures_stay(run_folder: Path, render: Render) -> None:
    (run_folder / "preflight" / "tables" / "categories" / PART).unlink()
    pictures = render(run_folder)["pictures"]
    assert "No picture: tables/categories/part-00000.parquet is not among" in pictures.text
    assert pictures.of_class("dots"), "the map is drawn"


def dots(part: Part, kind: str) -> list[int]:
    """Return the number of dots in each drawing of a kind."""
    return [given["d"].count("M") for given in part.of_class("dots", kind)]


def test_persistence_pairs_of_the_longest_window_are_drawn_by_dimension(
    run_folder: Path, render: Render
) -> None:
    add_pairs(run_folder)
    pictures = render(run_folder)["pictures"]
    assert dots(pictures, "dim0") == [200, 1], "the made-up run has 200 train customers"
    assert dots(pictures, "dim1") == [200, 1]
    assert "The last 12 months of each." in pictures.text
    assert "200 customers, dimension 0" in pictures.text


def test_the_customer_beside_is_the_one_with_the_longest_loop(
    run_folder: Path, render: Render
) -> None:
    """The loop of row 7 lives from 1 to 4: alone it fills its diagram, birth left of death."""
    add_pairs(run_folder)
    together, alone = render(run_folder)["pictures"].of_class("dots", "dim1")
    points = re.findall(r"M([\d.]+) ([\d.]+)", together["d"])
    heights = [float(y) for _, y in points]
    assert min(heights) == heights[7], "the highest death"
    assert alone["d"].count("M") == 1


def test_the_tree_shows_the_events_of_sampled_train_customers(
    run_folder: Path, parts: dict[str, Part]
) -> None:
    table = pq.read_table(run_folder / "phase0" / "events" / PART)["category"]
    train = np.array(keys(run_folder)["split"].to_pylist()) == "train"
    events = np.array(table.to_pylist())[train]
    counts = {code: int((events == place + 1).sum()) for place, code in enumerate(CATEGORIES)}
    assert events.shape[1] == EVENTS_A_ROW
    text = parts["pictures"].text
    for code, number in counts.items():
        assert f"name of {code} ({code}): {number} events" in text
    assert f"that {sum(counts.values())} events of sampled" in text
    assert len(parts["pictures"].of_class("node")) == 10


def state_sample(rows: list[tuple[str, str, int]]) -> tuple[Sample, np.ndarray]:
    """Return a sample of (customer, date, state) and the states."""
    states = np.array([state for _, _, state in rows])
    column = FeatureColumn("m_state", "g", (), 3, log=False, mean=None, sd=None, decides=True)
    sample = Sample(
        columns=(column,),
        values=states.astype(np.float32).reshape(-1, 1),
        customers=np.array([customer for customer, _, _ in rows]),
        as_ofs=np.array([day for _, day, _ in rows], "datetime64[D]"),
        splits=np.array(["train"] * len(rows)),
        labels={},
        chosen=(),
        parts=1,
        rows_of_parts=len(rows),
    )
    return sample, states


def test_states_are_shared_out_by_date_and_followed_to_the_next() -> None:
    sample, states = state_sample(
        [
            ("B", "2024-02-29", 2),
            ("A", "2024-01-31", 1),
            ("A", "2024-02-29", 2),
            ("B", "2024-01-31", 1),
            ("C", "2024-01-31", 2),
            ("C", "2024-03-31", 1),
            ("D", "2024-01-31", 0),
            ("D", "2024-02-29", 1),
        ]
    )
    assert shares_by_date(sample, states, 2) == {
        "2024-01-31": pytest.approx([2 / 3, 1 / 3]),
        "2024-02-29": pytest.approx([1 / 3, 2 / 3]),
        "2024-03-31": [1, 0],
    }
    # C is not seen at the second date, D has no state at the first.
    assert moves(sample, states, 2).tolist() == [[0, 2], [0, 0]]


def test_hidden_states_are_drawn_by_mode(run_folder: Path, render: Render) -> None:
    rows = keys(run_folder).num_rows
    path = run_folder / "phase0" / "features" / PART
    table = pq.read_table(path)
    states = (np.arange(rows) % 4).astype(np.float32)
    for name, values in (("walk_state", states), ("walk_dwell_months", states * 2)):
        table = table.append_column(name, pa.array(values))
    pq.write_table(table, path)

    def change(schema: dict[str, Any]) -> None:
        group = schema["groups"]["demographics"]
        schema["groups"]["paths"] = group | {"generator": "hidden_markov"}
        column = schema["columns"][0] | {"group": "paths", "log": False}
        state = {"name": "walk_state", "kind": "categorical", "cardinality": 4, "mean": None}
        schema["columns"] += [column | state | {"sd": None}, column | {"name": "walk_dwell_months"}]

    edit_schema(run_folder, change)
    pictures = render(run_folder)["pictures"]
    assert len(pictures.of_class("state")) == 3 * 3, "three dates, three states"
    assert [row[2] for row in pictures.rows if row[0].startswith("■")] == ["2", "4", "6"]
    assert "No picture: no feature group" not in pictures.text


def test_bars_are_as_high_as_their_shares() -> None:
    svg = distribution("x" * 40, {"train": [0.5, 0.25], "test": [0.0, 1.0]}, low="0", high="9")
    mass = re.search(r'd="M4.0 76.0([^"]*)"', svg).group(1)  # type: ignore[union-attr]
    heights = [BOTTOM - float(y) for y in re.findall(r"L[\d.]+ ([\d.]+)", mass)]
    high = BOTTOM - TOP
    assert heights[:4] == pytest.approx([high / 2, high / 2, high / 4, high / 4])
    assert "x" * 27 + "…" in svg, "a long name is cut"
    assert 'class="outline test"' in svg


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.0512, "0.0512"), (-340.0, "-340"), (1234.0, "1.23K"), (5.6e7, "56M")],
)
def test_compact_numbers_fit_an_axis(value: float, text: str) -> None:
    assert compact(value) == text


def test_a_map_is_coloured_by_train_labels(parts: dict[str, Part]) -> None:
    pictures = parts["pictures"]
    assert "by will acquire deposits (train)" in pictures.text
    drawn = [given["d"].count("M") for given in pictures.of_class("dots")]
    assert sum(drawn) == 2 * 60, "two views of sixty customers"


def test_a_task_that_is_off_colours_nothing(run_folder: Path, render: Render) -> None:
    def off(content: dict[str, Any]) -> None:
        for task in content["tasks"]:
            if task["name"] == DEPOSITS:
                task |= {"status": "off", "reason": "too few"}

    edit(run_folder, "phase0/tasks.json", off)
    text = render(run_folder)["pictures"].text
    assert f"No colouring: tasks that are off: {DEPOSITS}." in text


def test_lists_are_read_for_the_rows_of_the_sample_over_parts_and_batches(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_tensors, "BATCH_ROWS", 7)
    rows = keys(run_folder).num_rows
    for number in range(3):
        for kind in ("examples", "features"):
            folder = run_folder / "phase0" / kind
            (folder / f"part-{number:05d}.parquet").write_bytes((folder / PART).read_bytes())
        lists = [[number * 10_000 + row] * (row % 3) for row in range(rows)]
        path = run_folder / "phase0" / "events" / f"part-{number:05d}.parquet"
        pq.write_table(pa.table({"category": lists}), path)
    given = inputs(run_folder)
    sample = draw_sample(
        given, SETTINGS.model_copy(update={"rows": 200, "parts": 2}), Ledger("report")
    )
    first, last = (np.flatnonzero(chosen.rows) for chosen in sample.chosen)
    places = np.array([len(first) + 4, 0, len(first), 5])
    found = side_tensors.read_lists(given, sample, "events", ["category"], places)
    expected = [20_000 + last[4], first[0], 20_000 + last[0], first[5]]
    assert found["category"].to_pylist() == [[row] * (row % 10_000 % 3) for row in expected]
    with pytest.raises(NotAvailable, match="has no field birth"):
        side_tensors.read_lists(given, sample, "events", ["birth"], places)
