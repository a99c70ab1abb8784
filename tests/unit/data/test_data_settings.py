"""Data set settings: shipped files load, windows cannot overlap, mistakes name the key."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from configs.errors import SettingsError
from configs.settings.base import CONFIGS, load, validate
from configs.settings.dataset import DatasetSettings
from configs.settings.months import month_range, parse_month, shift
from configs.settings.simulation import BankSettings
from tests.unit.data.tiny import SETTINGS


@pytest.mark.parametrize(
    "path", sorted((CONFIGS / "datasets").glob("*.yaml")), ids=lambda p: p.stem
)
def test_shipped_data_sets_load_and_survive_the_way_to_the_job(path: Path) -> None:
    dataset = load(DatasetSettings, path)
    assert dataset.name == path.stem
    assert DatasetSettings.model_validate(dataset.model_dump(mode="json")) == dataset
    assert dataset.fit_cutoff == dataset.as_ofs("train")[0]


def test_catalogue_and_tree_travel_with_the_settings() -> None:
    dumped = load(DatasetSettings, CONFIGS / "datasets" / "berka.yaml").model_dump(mode="json")
    assert dumped["catalogue"]["products"][0]["product"] == "account_monthly"
    assert dumped["categories"]["nodes"]


def _with(path: str, value: Any) -> dict[str, Any]:
    raw = copy.deepcopy(SETTINGS)
    target = raw
    *parents, last = path.split(".")
    for key in parents:
        target = target[key]
    target[last] = value
    return raw


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("splits.validation", ["2024-01"], "label window of train"),
        ("splits.test", ["2024-04"], "label window of validation"),
        ("splits.gap_days", 1, "label window of train"),
        ("last_month", "2024-07", "label window of test"),
        ("serving", "2024-09", "outside first_month..last_month"),
        ("splits.train", ["2023-05"], "outside first_month..last_month"),
        ("splits.train", [], "splits.train"),
        ("first_month", "2023-13", "first_month"),
        ("horizon_months", 0, "horizon_months"),
        ("tables.ledger", {"source": "held", "sql": "SELECT 1"}, "tables.ledger: unknown"),
        ("tables.holdings.source", "nowhere", "'nowhere' is not among sources"),
        ("sources.people.unique", ["ident"], "'ident' is not among"),
        ("sources.months.references", [{"column": "id", "source": "x", "key": "id"}], "x.id"),
        ("sources.people.columns.born.type", "INT4", "sources.people.columns.born.type"),
        ("speed", 3, "unknown key"),
        ("catalogue", None, "needed where there are holdings"),
    ],
)  # fmt: skip
def test_mistake_is_named(path: str, value: Any, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        validate(DatasetSettings, _with(path, value), source="tiny.yaml")
    assert message in str(caught.value)
    assert "tiny.yaml" in str(caught.value)


def test_gap_days_are_kept_between_window_and_next_as_of() -> None:
    raw = _with("splits.gap_days", 29)
    raw["splits"] |= {"train": ["2023-10"], "validation": ["2024-02"]}
    raw["splits"]["test"] = ["2024-06"]
    raw |= {"last_month": "2024-09"}
    assert DatasetSettings.model_validate(raw).splits.gap_days == 29


def test_product_of_an_unknown_group_is_refused() -> None:
    raw = _with(
        "catalogue.products", [{"product": "x", "group": "y", "names": {"ko": "x", "en": "x"}}]
    )
    with pytest.raises(SettingsError, match="unknown group"):
        validate(DatasetSettings, raw, source="tiny.yaml")


def test_shares_of_the_simulation_keep_their_bounds() -> None:
    raw = yaml.safe_load((CONFIGS / "simulation" / "bank.yaml").read_text())
    assert BankSettings.model_validate(raw).block % BankSettings.model_validate(raw).community == 0
    raw["targets"]["accounts"]["shares"] = {"crosses": 0.5, "rhythm": 0.1, "community": 0.1}
    with pytest.raises(SettingsError, match="none above 45 %"):
        validate(BankSettings, raw, source="bank.yaml")


def test_months_are_calendar_months() -> None:
    assert str(parse_month("2024-02")) == "2024-02-29"
    assert str(shift(parse_month("2023-11"), 3)) == "2024-02-29"
    assert str(shift(parse_month("2024-02"), -3)) == "2023-11-30"
    assert str(shift(parse_month("2024-01"), -1)) == "2023-12-31"
    assert len(month_range(parse_month("2023-11"), parse_month("2024-02"))) == 4
