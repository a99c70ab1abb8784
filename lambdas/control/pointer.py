"""The serving pointer: which model answers, moved only by conditional writes.

The item remembers the model before it, so one step back is always possible without a search, and
the run that moved it, so a run takes back no move but its own.
"""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from configs.contracts.names import Control
from lambdas.control.errors import PointerConflict
from lambdas.stores.bounded import answering, error_code

FIELDS = ("model_version", "prefix", "previous_version", "previous_prefix", "run_id")


@dataclass(frozen=True)
class Pointer:
    """Present and previous model; None where there is none."""

    model_version: str | None = None
    prefix: str | None = None
    previous_version: str | None = None
    previous_prefix: str | None = None
    run_id: str | None = None


def _unmoved(old: Pointer) -> dict[str, Any]:
    """Return the condition under which the item is still `old`, as far as a move depends on it."""
    clauses, values = [], {}
    for name, mark in (("model_version", ":old"), ("previous_version", ":before")):
        value = getattr(old, name)
        clauses.append(f"attribute_not_exists({name})" if value is None else f"{name} = {mark}")
        if value is not None:
            values[mark] = {"S": value}
    return {
        "ConditionExpression": " AND ".join(clauses),
        **({"ExpressionAttributeValues": values} if values else {}),
    }


class Pointers:
    """The pointer item of the control table."""

    def __init__(self, client: Any, *, table: str) -> None:
        self._client = client
        self._table = table

    def read(self) -> Pointer:
        """Return the pointer as it is now."""
        with answering("table control"):
            item = self._client.get_item(
                TableName=self._table,
                Key={"name": {"S": Control.SERVING_MODEL.value}},
                ConsistentRead=True,
            ).get("Item", {})
        return Pointer(**{name: item[name]["S"] for name in FIELDS if name in item})

    def _move(self, old: Pointer, new: Pointer) -> None:
        values = {name: getattr(new, name) for name in FIELDS}
        item = {"name": {"S": Control.SERVING_MODEL.value}} | {
            name: {"S": value} for name, value in values.items() if value is not None
        }
        with answering("table control"):
            try:
                self._client.put_item(TableName=self._table, Item=item, **_unmoved(old))
            except ClientError as error:
                if error_code(error) == "ConditionalCheckFailedException":
                    raise PointerConflict(
                        f"the serving pointer is no longer at {old.model_version}",
                        remedy="see `make status`, then repeat",
                    ) from error
                raise

    def flip(self, *, model_version: str, prefix: str, run_id: str) -> Pointer:
        """Serve a model; flipping to the model that serves already changes nothing."""
        old = self.read()
        if old.model_version == model_version:
            return old
        new = Pointer(model_version, prefix, old.model_version, old.prefix, run_id)
        self._move(old, new)
        return new

    def undo(self, *, model_version: str, run_id: str) -> Pointer:
        """Take back a run's own flip, unless somebody moved the pointer since.

        A flip that changed nothing is not taken back: the model served before it as well.
        """
        old = self.read()
        if (old.model_version, old.run_id) != (model_version, run_id):
            return old
        new = Pointer(old.previous_version, old.previous_prefix)
        self._move(old, new)
        return new

    def roll_back(self) -> Pointer:
        """Serve the model before the present one; a second call goes forward again.

        Raises:
            PointerConflict: there is no earlier model.
        """
        old = self.read()
        if old.previous_version is None:
            raise PointerConflict(
                f"there is no model before {old.model_version}", remedy="publish one first"
            )
        new = Pointer(old.previous_version, old.previous_prefix, old.model_version, old.prefix)
        self._move(old, new)
        return new
