"""Parameters of the estimated groups are refused by key when they cannot mean anything."""

from typing import Any

import pytest

from configs.errors import SettingsError
from configs.settings.base import CONFIGS, load, validate
from configs.settings.features import FeaturesSettings


def raw() -> dict[str, Any]:
    """Return the product's own settings as plain data."""
    return load(FeaturesSettings, CONFIGS / "feature_groups.yaml").model_dump(mode="json")


def change(group: str, path: str, value: Any) -> dict[str, Any]:
    """Return the settings with one parameter of a group set to another value."""
    settings = raw()
    place: Any = next(row for row in settings["groups"] if row["name"] == group)["parameters"]
    *parents, last = path.split(".")
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place[key]
    place[last] = value
    return settings


@pytest.mark.parametrize(
    ("group", "path", "value", "message"),
    [
        ("hmm_states", "modes.0.series", ["events", "events"], "one stands twice"),
        ("hmm_states", "modes.0.series", ["age"], "products_held"),
        ("hmm_states", "modes.0.least_series", 9, "more than there are"),
        ("hmm_states", "modes.1.name", "journey", "a name stands twice"),
        ("hmm_states", "modes.1.states", 1, "greater than 1"),
        ("hmm_states", "estimation.min_variance", 0, "greater than 0"),
        ("hmm_states", "estimation.colour", 1, "Extra inputs"),
        ("gmm_clustering", "aggregates.names", ["spend", "spend"], "one stands twice"),
        ("gmm_clustering", "aggregates.names", ["gender", "spend", "tenure"], "weekend_share"),
        ("gmm_clustering", "aggregates.least", 99, "more than there are"),
        ("gmm_clustering", "aggregates.night", [3, 3], "two different hours"),
        ("model_derived", "aggregates.night", [22, 25], "two different hours"),
        ("model_derived", "bandit.upper", 0.5, "greater than 0.5"),
        ("model_derived", "bandit.prior_failures", 0, "greater than 0"),
        ("model_derived", "network.days", 0, "greater than 0"),
    ],
)
def test_a_value_that_means_nothing_is_refused(
    group: str, path: str, value: Any, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        validate(FeaturesSettings, change(group, path, value), source="feature_groups.yaml")


def test_the_settings_as_they_are_pass() -> None:
    assert validate(FeaturesSettings, raw(), source="feature_groups.yaml").groups
