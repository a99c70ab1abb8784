"""Numbers as a reader sees them."""

import pytest

from configs.settings.run import load_run_settings
from training_jobs.evaluation.sample import find_metric
from training_jobs.reporting import words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0.000"),
        (0.71349, "0.713"),
        (-0.0004, "-0.0004"),
        (1.4e-07, "1.4e-07"),
        (12345.6, "12,346"),
        (-2.5, "-2.500"),
    ],
)
def test_number_keeps_its_sign_and_its_size(value: float | None, text: str) -> None:
    assert words.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(966.0, "966"), (0.0, "0"), (0.645, "0.645"), (1e6, "1,000,000")]
)
def test_counted_things_have_no_decimals(value: float, text: str) -> None:
    assert words.measured(value) == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (None, "–"),
        ({"value": None, "low": None, "high": None}, "–"),
        ({"value": 0.5, "low": None, "high": None}, "0.500 (no interval)"),
        ({"value": 0.5, "low": -0.25, "high": 0.75}, "0.500 [-0.250, 0.750]"),
    ],
)
def test_estimate_is_shown_with_its_interval(
    found: dict[str, float | None] | None, text: str
) -> None:
    assert words.estimate(found).replace(words.FIRM, " ") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (61.2, "1 min 01 s"), (7325.0, "2 h 02 min")],
)
def test_duration_changes_its_unit(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_moment_is_universal_time() -> None:
    assert words.moment(1772366400) == "2026-03-01 12:00 UTC"


def test_hash_keeps_its_scheme() -> None:
    assert words.short("sha256:" + "a" * 64) == "sha256:" + "a" * 12
    assert words.short("b" * 64) == "b" * 12


@pytest.mark.parametrize(
    ("size", "text"), [(10, "10 B"), (4096, "4 KiB"), (3 * 1024 * 1024, "3.0 MiB")]
)
def test_size_changes_its_unit(size: int, text: str) -> None:
    assert words.size(size) == text


def test_money_below_a_cent_is_not_nothing() -> None:
    assert words.usd(0.0003) == "0.0003 USD"
    assert words.usd(1234.5) == "1,234.50 USD"


def test_every_declared_metric_is_explained_and_exists() -> None:
    settings = load_run_settings("synthetic")
    declared = {metric for task in settings.tasks.tasks for metric in task.metrics}
    explained = set(settings.report.metrics)
    assert declared <= explained
    for name in explained - {"skill_over_persistence"}:
        find_metric(name)


def test_headline_of_every_type_is_measured_for_its_tasks() -> None:
    settings = load_run_settings("synthetic")
    for task in settings.tasks.tasks:
        assert getattr(settings.report.headline, task.type) in task.metrics
