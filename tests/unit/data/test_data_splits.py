"""Splits that are proposed where a data set names none."""

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from configs.errors import SettingsError
from configs.settings.base import CONFIGS, load, read_yaml, validate
from configs.settings.dataset import DatasetSettings
from configs.settings.months import month_range, parse_month, shift
from configs.settings.splits import propose
from tests.unit.data.tiny import SETTINGS, settings


@pytest.mark.parametrize("name", ["synthetic", "berka", "santander", "tabformer"])
def test_the_shipped_data_sets_would_be_divided_as_they_are(name: str) -> None:
    path = CONFIGS / "datasets" / f"{name}.yaml"
    whole = load(DatasetSettings, path)
    raw = read_yaml(path)
    del raw["splits"], raw["serving"]
    assert validate(DatasetSettings, raw, source="x") == whole


@limits(max_examples=200, deadline=None)
@given(
    months=st.integers(1, 60),
    horizon=st.integers(1, 6),
    lookback=st.integers(1, 18),
    least=st.integers(1, 12),
    start=st.integers(0, 400),
)
def test_proposed_windows_are_disjoint_and_have_their_history(
    months: int, horizon: int, lookback: int, least: int, start: int
) -> None:
    first = shift(parse_month("1990-01"), start)
    last = shift(first, months - 1)
    given_months = {"horizon": horizon, "lookback": lookback, "least": min(least, lookback)}
    span = f"{first:%Y-%m}", f"{last:%Y-%m}"
    if months < given_months["least"] + 3 * horizon:
        with pytest.raises(ValueError, match=f"need {given_months['least'] + 3 * horizon};"):
            propose(*span, **given_months)
        return
    made = propose(*span, **given_months)
    as_ofs = [parse_month(one) for one in (*made.train, *made.validation, *made.test)]
    assert as_ofs == sorted(as_ofs)
    ends = [shift(day, horizon) for day in as_ofs]
    assert all(end <= later for end, later in zip(ends, as_ofs[1:]))
    assert ends[-1] == last
    observed = [len(month_range(first, day)) for day in as_ofs]
    assert min(observed) >= given_months["least"]
    if len(made.train) > 1 and observed[1] < lookback:
        assert observed[-3] < lookback + horizon, "whole look-backs were there to be had"


def test_named_splits_are_left_alone_and_serving_defaults_to_the_last_month() -> None:
    raw = {key: value for key, value in SETTINGS.items() if key != "serving"}
    made = validate(DatasetSettings, raw, source="x")
    assert made.splits == settings().splits
    assert made.serving == made.last_month


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"last_month": "2023-10"}, "5 months are too few"),
        ({"last_month": "2024-13"}, "last_month"),
        ({"first_month": 2023}, "first_month"),
        ({"horizon_months": "three"}, "horizon_months"),
        ({"horizon_months": 0}, "horizon_months"),
    ],
)
def test_what_cannot_be_divided_is_refused_by_its_key(
    change: dict[str, object], message: str
) -> None:
    raw = {key: value for key, value in SETTINGS.items() if key not in ("splits", "serving")}
    with pytest.raises(SettingsError, match=message):
        validate(DatasetSettings, raw | change, source="x")
