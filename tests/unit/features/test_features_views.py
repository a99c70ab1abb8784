"""Columns that are views: stored once in the side tensor, read as columns wherever columns are."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import ArtefactError
from configs.settings.months import shift
from tests.unit.features import features_bank as bank
from tests.unit.features.conftest import Clean
from training_jobs.features.errors import FeatureError
from training_jobs.features.model import view_values
from training_jobs.features.reading import Place, list_items, read_columns, read_places
from training_jobs.features.tensors.lists import list_of

PART = "part-00000.parquet"


@given(
    lists=st.lists(st.lists(st.integers(-9, 9), max_size=6), max_size=8),
    items=st.lists(st.integers(0, 7), max_size=5),
    first=st.integers(0, 3),
)
def test_items_of_lists_are_those_of_a_plain_loop_also_in_a_slice(
    lists: list[list[int]], items: list[int], first: int
) -> None:
    array = pa.array(lists, list_of(pa.float32())).slice(first)
    found = list_items(array, items)
    expected = [
        [float(row[item]) if item < len(row) else np.nan for item in items] for row in lists[first:]
    ]
    shape = (len(lists[first:]), len(items))
    np.testing.assert_array_equal(found, np.reshape(np.array(expected, np.float32), shape))


def test_a_lag_is_the_customers_nth_newest_event(clean: Clean) -> None:
    keys = pq.read_table(clean.output / "features" / PART, columns=["customer_id", "as_of"])
    names = ["lag_amount_1", "lag_hour_1", "lag_amount_3", "lag_hour_3"]
    values = read_columns(clean.output, PART, names)
    compared = 0
    for row, key in enumerate(keys.to_pylist()):
        before = shift(key["as_of"], -12)
        events = sorted(
            (
                event
                for event in bank.standard().transactions
                if event["customer_id"] == key["customer_id"]
                and before < event["ts"].date() <= key["as_of"]
            ),
            key=lambda event: (
                -event["ts"].timestamp(),
                -event["amount"],
                *(event[name] or "~" for name in ("direction", "category", "channel", "merchant")),
            ),
        )
        for column, place in ((0, 0), (2, 2)):
            if len(events) <= place:
                assert np.isnan(values[row, column])
                continue
            event = events[place]
            sign = -1 if event["direction"] == "debit" else 1
            assert values[row, column] == pytest.approx(sign * np.log1p(event["amount"]), rel=1e-6)
            assert values[row, column + 1] == event["ts"].hour
            compared += 1
    assert compared > 50


def test_views_are_in_no_feature_file_and_in_their_order_among_readers(clean: Clean) -> None:
    places = read_places(clean.output)
    assert {place.tensor for place in places.values()} == {"events"}
    stored = pq.read_schema(clean.output / "features" / PART).names
    assert not set(places) & set(stored)
    mixed = ["lag_gap_days_2", "age", "lag_amount_1", "tenure_months", "lag_gap_days_1"]
    together = read_columns(clean.output, PART, mixed)
    for place, name in enumerate(mixed):
        alone = read_columns(clean.output, PART, [name])[:, 0]
        np.testing.assert_array_equal(together[:, place], alone)
    chosen = np.arange(len(together)) % 3 == 0
    np.testing.assert_array_equal(
        read_columns(clean.output, PART, mixed, chosen=chosen), together[chosen]
    )


def test_a_tensor_of_other_rows_is_refused(clean: Clean, tmp_path: Path) -> None:
    for kind in ("examples", "features", "events"):
        (tmp_path / kind).mkdir()
        table = pq.read_table(clean.output / kind / PART)
        pq.write_table(table.slice(1) if kind == "events" else table, tmp_path / kind / PART)
    schema = clean.output / "feature_schema.json"
    (tmp_path / schema.name).write_bytes(schema.read_bytes())
    assert len(read_columns(tmp_path, PART, ["age"]))
    with pytest.raises(ArtefactError, match=r"events/part-00000.parquet: rows are not those"):
        read_columns(tmp_path, PART, ["age", "lag_amount_1"])
    (tmp_path / "events" / PART).unlink()
    with pytest.raises(ArtefactError, match="is missing"):
        read_columns(tmp_path, PART, ["lag_amount_1"])


def test_without_its_tensor_the_group_is_absent_with_the_reason(tables: Path) -> None:
    raw = bank.features().model_dump(mode="json")
    raw["tensors"] = [item for item in raw["tensors"] if item["name"] != "events"]
    model = bank.fitted(tables, bank.features(tensors=raw["tensors"]))
    assert model.absent["txn_lag_tensor"] == "needs the side tensor 'events', which is absent"


def test_a_field_the_tensor_does_not_have_is_refused(tables: Path) -> None:
    model = bank.fitted(tables, bank.features())
    item = next(made for made in model.tensors if made.settings.name == "events")
    with bank.view_of(tables, bank.CUTOFF) as view:
        arrays = item.tensor.transform(view, item.fitted)
    with pytest.raises(FeatureError, match="'events' has no field colour"):
        view_values(item, arrays, [Place("events", "colour", 0)])
