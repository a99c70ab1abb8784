"""The serving pointer: one conditional write a move, a run undoes its own move alone."""

from functools import partial
from typing import Any

import pytest

from configs.contracts.tables import Table
from lambdas.control import wiring
from lambdas.control.errors import BadInput, PointerConflict
from lambdas.control.pointer import Pointer, Pointers
from lambdas.flip_pointer.handler import handler
from lambdas.stores.bounded import StoreUnavailable
from tests.fixtures import control_cloud as cloud_of

pytestmark = pytest.mark.usefixtures("cloud")


def flip(version: str, run_id: str = "run-1") -> dict[str, Any]:
    return handler(
        {
            "action": "flip",
            "run": cloud_of.run_json(run_id),
            "model_version": version,
            "prefix": f"serving/{version}/",
        },
        None,
    )


def undo(version: str, run_id: str = "run-1") -> dict[str, Any]:
    run = cloud_of.run_json(run_id)
    return handler({"action": "undo", "run": run, "model_version": version}, None)


def rollback() -> dict[str, Any]:
    return handler({"action": "rollback"}, None)


def now() -> Pointer:
    return Pointers(wiring.client("dynamodb"), table="t-control").read()


def spy(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Record the writes to the control table."""
    client = wiring.client("dynamodb")
    written: list[dict[str, Any]] = []
    plain = client.put_item

    def put_item(**given: Any) -> Any:
        if given["TableName"] == "t-control":
            written.append(given)
        return plain(**given)

    monkeypatch.setattr(client, "put_item", put_item)
    return written


def test_the_first_flip_has_nothing_before_it() -> None:
    flip("v1")
    assert now() == Pointer("v1", "serving/v1/", None, None, "run-1")
    assert cloud_of.entry("run-1", "published")["model_version"] == "v1"


def test_every_move_is_one_conditional_write(monkeypatch: pytest.MonkeyPatch) -> None:
    written = spy(monkeypatch)
    moves = (partial(flip, "v1"), partial(flip, "v2", "run-2"), rollback)
    for move in moves:
        written.clear()
        move()
        assert len(written) == 1
        assert "model_version" in written[0]["ConditionExpression"]


def test_flipping_to_what_serves_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    flip("v1")
    written = spy(monkeypatch)
    flip("v1", "run-2")
    assert written == []
    assert now().run_id == "run-1"


def test_undo_returns_to_the_model_before() -> None:
    flip("v1")
    flip("v2", "run-2")
    undo("v2", "run-2")
    assert (now().model_version, now().prefix) == ("v1", "serving/v1/")


def test_undo_of_the_first_flip_leaves_nothing_serving() -> None:
    flip("v1")
    undo("v1")
    assert now() == Pointer()
    flip("v2", "run-2")
    assert now().model_version == "v2"


def test_a_repeated_flip_and_undo_end_where_one_of_each_ends() -> None:
    flip("v1")
    flip("v2", "run-2")
    assert flip("v2", "run-2")["previous_version"] == "v1"
    undo("v2", "run-2")
    undo("v2", "run-2")
    assert now().model_version == "v1"


def test_a_run_does_not_take_back_the_flip_of_another() -> None:
    """Two runs made the same model: the second changed nothing, so it has nothing to undo."""
    flip("v1")
    flip("v2", "run-2")
    flip("v2", "run-3")
    undo("v2", "run-3")
    assert now().model_version == "v2"


def test_a_move_by_somebody_since_is_not_taken_back() -> None:
    flip("v1")
    flip("v2", "run-2")
    flip("v3", "run-3")
    undo("v2", "run-2")
    assert now().model_version == "v3"
    rollback()
    undo("v2", "run-2")
    assert now().model_version == "v2"


def test_rollback_goes_back_and_a_second_goes_forward_again() -> None:
    flip("v1")
    flip("v2", "run-2")
    rollback()
    assert now() == Pointer("v1", "serving/v1/", "v2", "serving/v2/")
    rollback()
    assert now() == Pointer("v2", "serving/v2/", "v1", "serving/v1/")


@pytest.mark.parametrize("flips", [0, 1])
def test_rollback_with_nothing_before_is_refused(flips: int) -> None:
    for _ in range(flips):
        flip("v1")
    before = cloud_of.items(Table.CONTROL)
    with pytest.raises(PointerConflict, match="no model before"):
        rollback()
    assert cloud_of.items(Table.CONTROL) == before


@pytest.mark.parametrize("earlier", [[], ["v1"], ["v0", "v1"]])
def test_of_two_flips_at_once_one_wins(monkeypatch: pytest.MonkeyPatch, earlier: list[str]) -> None:
    for number, version in enumerate(earlier):
        flip(version, f"run-0{number}")
    plain = Pointers.read

    def raced(self: Pointers) -> Pointer:
        monkeypatch.setattr(Pointers, "read", plain)
        seen = plain(self)
        flip("v3", "run-3")
        return seen

    monkeypatch.setattr(Pointers, "read", raced)
    with pytest.raises(PointerConflict, match="no longer"):
        flip("v2", "run-2")
    assert now().model_version == "v3"
    assert now().previous_version == (earlier[-1] if earlier else None)


def test_a_rollback_that_read_an_older_past_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same model serves again, but what was before it has changed meanwhile."""
    flip("v1")
    flip("v2", "run-2")
    plain = Pointers.read

    def raced(self: Pointers) -> Pointer:
        monkeypatch.setattr(Pointers, "read", plain)
        seen = plain(self)
        flip("v3", "run-3")
        rollback()
        return seen

    monkeypatch.setattr(Pointers, "read", raced)
    with pytest.raises(PointerConflict):
        rollback()
    assert (now().model_version, now().previous_version) == ("v2", "v3")


def test_a_ledger_that_does_not_answer_leaves_the_pointer() -> None:
    flip("v1")
    cloud_of.aws("dynamodb").delete_table(TableName="t-runs")
    with pytest.raises(StoreUnavailable):
        flip("v2", "run-2")
    assert now().model_version == "v1"


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"action": "erase"},
        {"action": "flip", "model_version": "v1", "prefix": "serving/v1/"},
        {"action": "flip", "run": cloud_of.run_json(), "prefix": "serving/v1/"},
        {"action": "flip", "run": cloud_of.run_json(), "model_version": "v1"},
        {"action": "undo", "run": cloud_of.run_json(), "model_version": None},
        {"action": "undo", "model_version": "v1"},
    ],
)
def test_an_event_that_lacks_something_moves_nothing(event: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        handler(event, None)
    assert cloud_of.items(Table.CONTROL) == []
