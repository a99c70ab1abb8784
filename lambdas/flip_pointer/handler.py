"""Entry point of the serving pointer: `flip` and `undo` by the pipeline, `rollback` by a person."""

from dataclasses import asdict
from typing import Any

from configs.contracts.tables import Table
from lambdas.control import wiring
from lambdas.control.documents import Run
from lambdas.control.errors import BadInput
from lambdas.control.pointer import Pointers


def _text(event: dict[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise BadInput(f"the event has no {name}", remedy="deploy the application again")
    return value


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return the pointer after the action.

    Raises:
        BadInput: no such action, or the event lacks what it needs.
        PointerConflict: somebody moved the pointer meanwhile, or nothing is there to go back to.
        StoreUnavailable: the control table or the ledger does not answer.
    """
    pointers = Pointers(wiring.client("dynamodb"), table=Table.CONTROL.value.physical_name())
    action = event.get("action")
    if action == "rollback":
        return asdict(pointers.roll_back())
    if action not in ("flip", "undo"):
        raise BadInput(f"no such action: {action!r}", remedy="use flip, undo or rollback")
    run, version = Run.parse(event.get("run")), _text(event, "model_version")
    if action == "undo":
        return asdict(pointers.undo(model_version=version, run_id=run.run_id))
    prefix = _text(event, "prefix")
    # The ledger first: the flip is the last thing that can fail, so a failed flip flipped nothing.
    wiring.ledger().put(run.run_id, "published", {"model_version": version})
    return asdict(pointers.flip(model_version=version, prefix=prefix, run_id=run.run_id))
