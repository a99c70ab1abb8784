"""Rows as tensors: values, masks and lists stand where the schema says, or reading stops."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch
from pydantic import ValidationError

from configs.errors import ArtefactError
from configs.settings.teacher import TeacherSettings
from tests.fixtures.label_reads import label_reads
from tests.fixtures.phase0_output import write_phase0
from tests.fixtures.training_stages import (
    column,
    read,
    rewrite,
    set_column,
    teach,
    teacher_settings,
)
from tests.unit.teacher.teaching import CLIP, rows_of
from training_jobs.training.layout import Layout, NumericColumn, read_layout
from training_jobs.training.rows import padded, part_names, scaled

ALL = ("train", "selection", "calibration", "test", "score")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_phase0(tmp_path / "phase0", customers=20)


def table_of(phase0: Path, kind: str) -> pa.Table:
    parts = sorted((phase0 / kind).iterdir())
    return pa.concat_tables([pq.read_table(path) for path in parts])


def edit_schema(phase0: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = phase0 / "feature_schema.json"
    schema = json.loads(path.read_text())
    change(schema)
    path.write_text(json.dumps(schema))


def test_every_example_is_read_once_in_part_order(small: Path) -> None:
    rows, examples = rows_of(small, *ALL), table_of(small, "examples")
    assert len(part_names(small)) == 2
    assert rows.keys.equals(examples.select(["customer_id", "as_of"]).combine_chunks())
    for name, found in (("split", rows.split), ("cold", rows.cold), ("fold", rows.fold)):
        assert found.tolist() == examples[name].to_pylist()
    labels = examples["y_churn_signal"].to_numpy()
    np.testing.assert_allclose(rows.labels[:, 0].numpy(), labels, equal_nan=True)


def test_splits_do_not_mix(small: Path) -> None:
    assert set(rows_of(small, "train", "selection").split) == {"train", "selection"}
    assert len(rows_of(small, "test")) + len(rows_of(small, "score")) == len(
        rows_of(small, "test", "score")
    )


def test_numbers_are_logged_standardised_clipped_and_masked() -> None:
    columns = (NumericColumn("plain", False, 2.0, 4.0), NumericColumn("log", True, 1.0, 0.5))
    layout = Layout(columns, (), (), {}, (), 0, 0, 0, {})
    raw = np.array([[4.0, np.e - 1], [np.nan, -(np.e - 1)], [1e9, np.nan]], dtype=np.float32)
    expected = [[0.5, 0.0], [np.nan, -4.0], [CLIP, np.nan]]
    np.testing.assert_allclose(scaled(raw, layout, CLIP), expected, atol=1e-6)


def test_a_missing_number_is_zero_and_flagged(small: Path) -> None:
    rows, layout = rows_of(small, *ALL), read_layout(small, {})
    names = [column.name for column in layout.numeric]
    raw = table_of(small, "features")["recency_days"].to_numpy()
    at = names.index("recency_days")
    assert rows.batch.missing[:, at].tolist() == np.isnan(raw).tolist()
    assert bool(rows.batch.missing[:, at].any())
    assert torch.all(rows.batch.numeric[rows.batch.missing] == 0)


def test_lists_are_padded_behind_and_cut_to_the_newest() -> None:
    lists = pa.chunked_array([pa.array([[1, 2, 3, 4], [], [5]])])
    values, sizes = padded(lists, 3, np.int64)
    assert values.tolist() == [[1, 2, 3], [0, 0, 0], [5, 0, 0]]
    assert sizes.tolist() == [3, 0, 1]


def test_lists_of_a_slice_are_those_of_its_rows() -> None:
    whole = pa.array([[9], [1, 2], [], [3]])
    values, sizes = padded(pa.chunked_array([whole.slice(1)]), 2, np.int64)
    assert values.tolist() == [[1, 2], [0, 0], [3, 0]]
    assert sizes.tolist() == [2, 0, 1]
    assert padded(pa.chunked_array([whole.slice(0, 0)]), 2, np.int64)[0].shape == (0, 2)


def test_events_and_items_stand_with_their_customer(small: Path) -> None:
    rows = rows_of(small, *ALL)
    events, incidence = rows.batch.events, rows.batch.incidence
    assert events is not None
    assert incidence is not None
    for number, given in enumerate(table_of(small, "events").to_pylist()):
        count = int(events.length[number])
        assert events.category[number, :count].tolist() == given["category"]
        assert torch.all(events.category[number, count:] == 0)
    for number, given in enumerate(table_of(small, "incidence").to_pylist()):
        tied = incidence.weights[number] > 0
        assert incidence.items[number][tied].tolist() == given["items"]


@pytest.mark.parametrize("kind", ["features", "events", "incidence"])
def test_rows_in_another_order_are_refused(small: Path, kind: str) -> None:
    rewrite(small / kind, lambda table: table.take(list(reversed(range(len(table))))))
    with pytest.raises(ArtefactError, match=kind):
        rows_of(small, "train")


def test_a_missing_part_is_refused(small: Path) -> None:
    (small / "events" / "part-00001.parquet").unlink()
    with pytest.raises(ArtefactError, match="missing"):
        rows_of(small, "train")
    for path in (small / "examples").iterdir():
        path.unlink()
    with pytest.raises(ArtefactError, match="no part"):
        rows_of(small, "train")


@pytest.mark.parametrize("code", [99.0, -1.0])
def test_a_code_outside_its_column_is_refused_and_not_read_from_the_next(
    small: Path, code: float
) -> None:
    def spoil(table: pa.Table) -> pa.Table:
        train = np.arange(len(table)) == 0
        return set_column(table, "segment", lambda values: values * 0 + code, train)

    rewrite(small / "features", spoil)
    with pytest.raises(ArtefactError, match="segment"):
        rows_of(small, *ALL)


def test_protected_columns_never_decide_unless_exposed_on_purpose(small: Path) -> None:
    assert "age" not in read_layout(small, {}).columns
    edit_schema(small, lambda schema: schema["decision_inputs"].append("age"))
    with pytest.raises(ArtefactError, match="'age' is protected"):
        read_layout(small, {})

    def expose(schema: dict[str, Any]) -> None:
        for row in schema["columns"]:
            row["exposed"] = row["name"] == "age"

    edit_schema(small, expose)
    assert "age" in read_layout(small, {}).columns


def test_a_decision_input_that_is_no_column_is_refused(small: Path) -> None:
    edit_schema(small, lambda schema: schema["decision_inputs"].append("shoe_size"))
    with pytest.raises(ArtefactError, match="shoe_size"):
        read_layout(small, {})


def test_each_expert_reads_what_is_routed_to_it_and_private_experts_their_groups(
    small: Path,
) -> None:
    layout = read_layout(small, {})
    lenses, absent = layout.lenses(("deepfm", "temporal", "lightgcn", "hgcn"))
    assert absent == {"hgcn": "no column or tensor is routed to it"}
    numeric = [column.name for column in layout.numeric]
    assert {numeric[i] for i in lenses["lightgcn"].numeric} == {
        name for name in layout.columns if name.startswith(("acquired_", "mcc_"))
    }
    assert [layout.codes[i] for i in lenses["deepfm"].codes] == list(layout.codes)
    private = layout.inputs(layout.private)
    assert "roll_sum_30d" not in {numeric[i] for i in private.numeric}
    assert "spend_90d" in {numeric[i] for i in private.numeric}


def test_predictions_of_every_split_cover_its_examples(phase0: Path, taught: Path) -> None:
    examples = table_of(phase0, "examples")
    for split in ALL:
        wanted = examples.filter(pc.equal(examples["split"], split))
        table = read(taught / "predictions", split)
        assert table["customer_id"].to_pylist() == wanted["customer_id"].to_pylist()
        assert np.isfinite(column(table, "churn_signal")).all()
        assert column(table, "segment_prediction").shape == (len(wanted), 3)
        assert "next_mcc" not in table.column_names, "a task that is off has no prediction"


def test_columns_of_an_expert_that_is_not_there_are_read_by_its_stand_in_alone(
    small: Path,
) -> None:
    def route(schema: dict[str, Any]) -> None:
        schema["experts"]["causal"] = {"status": "present", "reason": None, "inputs": []}
        next(row for row in schema["columns"] if row["name"] == "income")["experts"] = ["causal"]

    edit_schema(small, route)
    without, within = read_layout(small, {}), read_layout(small, {"causal": "deepfm"})
    assert "income" not in without.routes["deepfm"]
    assert set(within.routes["deepfm"]) - set(without.routes["deepfm"]) == {"income"}
    assert within.routes["lightgcn"] == without.routes["lightgcn"]


def test_a_view_of_a_side_tensor_is_no_column_of_the_teacher(small: Path) -> None:
    def view(schema: dict[str, Any]) -> None:
        row = next(row for row in schema["columns"] if row["name"] == "income")
        row["view"] = {"tensor": "events", "field": "amount", "item": 0}

    assert "income" in read_layout(small, {}).columns
    edit_schema(small, view)
    assert "income" not in read_layout(small, {}).columns


@pytest.mark.parametrize(
    "stand_ins", [{"deepfm": "temporal"}, {"causal": "hgcn"}, {"causal": "oracle"}]
)
def test_a_stand_in_reads_for_an_expert_that_is_not_there(stand_ins: dict[str, str]) -> None:
    raw = teacher_settings() | {"stand_ins": stand_ins}
    with pytest.raises(ValidationError, match="stand_ins"):
        TeacherSettings.model_validate(raw)


def test_the_teacher_reads_labels_of_train_and_selection_and_no_others(
    phase0: Path, tmp_path: Path
) -> None:
    with label_reads() as reads:
        teach(phase0, tmp_path, teacher_settings(joint_epochs=1))
    assert set(reads.columns) == {"train", "selection"}
    assert (tmp_path / "model" / "predictions" / "test.parquet").is_file()
