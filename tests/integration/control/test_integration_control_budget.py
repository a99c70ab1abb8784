"""The budget: worst case and month against the limits, reserved so that two cannot both pass."""

import time
from typing import Any

import pytest

from lambdas.control import wiring
from lambdas.control.errors import BudgetExceeded
from lambdas.stores.bounded import StoreUnavailable
from tests.fixtures import control_cloud as cloud_of
from tests.fixtures.control_begin import NOVEMBER, begin, costs, jobs
from tests.fixtures.control_cloud import MONTH

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture(autouse=True)
def november(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOVEMBER)


def test_a_job_that_runs_once_a_group_counts_once_a_group() -> None:
    cloud_of.put_settings(distillation={"groups": {"a": ["*"], "b": ["*"]}})
    with pytest.raises(BudgetExceeded, match=r"USD 20.00 is above USD 10.00"):
        begin(jobs=jobs(10.0, per_group=True))


@pytest.mark.parametrize(
    ("change", "figures"),
    [
        ({"jobs": jobs(10.01)}, "USD 10.01 is above USD 10.00"),
        ({"limits": {"run_usd": 10.0, "month_usd": 9.99}}, "USD 10.00 plus .* USD 0.00"),
        ({"limits": {"run_usd": float("nan"), "month_usd": 25.0}}, "above USD nan"),
        ({"limits": {"run_usd": 10.0, "month_usd": float("nan")}}, "above USD nan"),
        ({"limits": {"run_usd": 10.0}}, "limits cannot be read"),
        ({"limits": {"run_usd": "ten", "month_usd": 25.0}}, "limits cannot be read"),
        ({"limits": None}, "limits cannot be read"),
        ({"jobs": []}, "no jobs"),
        ({"jobs": jobs(10.0, usd_per_hour=None)}, "job x cannot be known"),
        ({"jobs": jobs(10.0, usd_per_hour=0.0)}, "job x is 0"),
        ({"jobs": jobs(10.0, usd_per_hour=float("nan"))}, "job x is nan"),
        ({"jobs": jobs(10.0, usd_per_hour=float("inf"))}, "job x is inf"),
        ({"jobs": jobs(10.0, max_run_s=-1)}, "job x is -"),
        ({"jobs": jobs(10.0, instance_count=0)}, "job x is 0"),
        ({"jobs": [{"stage": "x"}]}, "job x cannot be known"),
        ({"jobs": [{}]}, "cannot be known"),
    ],
)
def test_a_run_above_a_limit_or_of_unknown_cost_is_refused_with_the_figures(
    change: dict[str, Any], figures: str
) -> None:
    cloud_of.put_settings()
    with pytest.raises(BudgetExceeded, match=figures):
        begin(**change)
    assert costs() == {}


def test_a_run_exactly_at_both_limits_may_start() -> None:
    cloud_of.put_settings()
    begin(limits={"run_usd": 10.0, "month_usd": 10.0})


def test_what_the_month_has_spent_counts() -> None:
    cloud_of.put_settings()
    wiring.costs().charge(MONTH, "earlier", "teacher", 15.0)
    begin()
    cloud_of.put_settings("run-2")
    with pytest.raises(BudgetExceeded, match=r"USD 10.00 plus this month's USD 25.00"):
        begin("run-2")


def test_the_costs_of_another_month_do_not_count() -> None:
    cloud_of.put_settings()
    wiring.costs().charge("2026-10", "earlier", "teacher", 1000.0)
    begin()


def test_a_running_runs_own_charges_are_within_its_reservation() -> None:
    cloud_of.put_settings()
    begin()
    wiring.costs().charge(MONTH, "run-1", "teacher", 6.0)
    cloud_of.put_settings("run-2")
    begin("run-2", limits={"run_usd": 10.0, "month_usd": 20.0})


@pytest.mark.parametrize(
    "content", [{}, {"cost_usd": "much"}, {"cost_usd": -1}, {"cost_usd": True}]
)
def test_an_entry_without_a_cost_refuses_every_run(content: dict[str, Any]) -> None:
    cloud_of.put_settings()
    wiring.ledger().put(f"ledger#{MONTH}", "earlier#teacher", content)
    with pytest.raises(BudgetExceeded, match="earlier#teacher"):
        begin()


def test_a_ledger_that_cannot_be_read_refuses_every_run() -> None:
    cloud_of.put_settings()
    cloud_of.aws("dynamodb").delete_table(TableName="t-runs")
    with pytest.raises(StoreUnavailable, match="runs"):
        begin()


def test_a_repeated_begin_does_not_count_its_own_reservation() -> None:
    cloud_of.put_settings()
    for _ in range(2):
        begin(limits={"run_usd": 10.0, "month_usd": 10.0})


def race(monkeypatch: pytest.MonkeyPatch, limit: float) -> list[str]:
    """Let run-2 begin between run-1's reading of the ledger and its reservation."""
    begun: list[str] = []
    ledger = wiring.ledger()
    plain = ledger.entries
    cloud_of.put_settings("run-1")
    cloud_of.put_settings("run-2")
    limits = {"run_usd": 10.0, "month_usd": limit}

    def interleaved(partition: str) -> list[dict[str, Any]]:
        rows = plain(partition)
        monkeypatch.setattr(ledger, "entries", plain)
        begin("run-2", limits=limits)
        begun.append("run-2")
        return rows

    monkeypatch.setattr(ledger, "entries", interleaved)
    begin("run-1", limits=limits)
    begun.append("run-1")
    return begun


@pytest.mark.parametrize("earlier", [False, True])
def test_of_two_runs_at_once_only_one_passes_where_only_one_fits(
    monkeypatch: pytest.MonkeyPatch, earlier: bool
) -> None:
    """The month's first reservation is raced for, or a later one."""
    if earlier:
        wiring.costs().reserve(MONTH, "run-0", 0.0, allow=lambda _spent: None)
    with pytest.raises(BudgetExceeded, match=r"USD 10.00 plus this month's USD 10.00"):
        race(monkeypatch, 19.99)
    held = {name for name, row in costs().items() if row.get("reserved_usd")}
    assert held == {"run-2"}


def test_of_two_runs_at_once_both_pass_where_both_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert race(monkeypatch, 20.0) == ["run-2", "run-1"]


def test_a_ledger_that_never_rests_refuses_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud_of.put_settings()
    store = wiring.costs()
    monkeypatch.setattr(store, "_write", lambda *_given, **_more: False)
    with pytest.raises(StoreUnavailable, match="kept reserving"):
        begin()
