"""The review machine walked: one snapshot, two reviews, three votes each, one report."""

from typing import Any

import pytest

from step_functions import ops_review
from step_functions.ops_review import AGENTS, VOTES
from tests.fixtures.asl_walk import ExecutionFailed, TaskFailed, Walk

CONTEXT = {"Execution": {"Name": "review-1"}}
SNAPSHOT = {"prefix": "reviews/2026-11-24/review-1/", "snapshot": "reviews/x/snapshot.json"}


def walk(fails: str = "") -> tuple[Walk, list[tuple[str, dict[str, Any]]]]:
    calls: list[tuple[str, dict[str, Any]]] = []

    def play(name: str, arguments: Any) -> dict[str, Any]:
        calls.append((name, arguments["Payload"]))
        if name == fails:
            raise TaskFailed("StoreUnavailable", "gone")
        return {"Payload": SNAPSHOT if name == "Collect" else {"done": name}}

    return Walk(play, CONTEXT), calls


def test_each_agent_reviews_and_is_voted_on_three_times_over_the_same_snapshot() -> None:
    made, calls = walk()
    made.run(ops_review.build().definition, {})
    expected = ["Collect"]
    for agent in AGENTS:
        expected += [f"Review by {agent}", *[f"Vote of {agent}"] * VOTES]
    assert [name for name, _ in calls] == [*expected, "Report"]
    for name, payload in calls[1:]:
        assert {key: payload[key] for key in SNAPSHOT} == SNAPSHOT, name


def test_votes_are_numbered_and_see_no_other_vote() -> None:
    made, calls = walk()
    made.run(ops_review.build().definition, {})
    for agent in AGENTS:
        votes = [payload for name, payload in calls if name == f"Vote of {agent}"]
        assert [row["vote"] for row in votes] == list(range(1, VOTES + 1))
        assert all(set(row) == {"action", "vote", *SNAPSHOT} for row in votes)


def test_collection_and_report_are_named_by_the_execution() -> None:
    made, calls = walk()
    made.run(ops_review.build().definition, {})
    told = dict(calls)
    assert told["Collect"]["execution"] == told["Report"]["execution"] == "review-1"


@pytest.mark.parametrize("task", ["Collect", *(f"Vote of {agent}" for agent in AGENTS), "Report"])
def test_a_failed_part_fails_the_review(task: str) -> None:
    made, calls = walk(task)
    with pytest.raises(ExecutionFailed):
        made.run(ops_review.build().definition, {})
    assert calls[-1][0] == task
