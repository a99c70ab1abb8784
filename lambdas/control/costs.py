"""A month's costs: what runs have spent, and what they may still spend while they run.

They lie in partition `ledger#<month>` of the runs table: `<run>` is a run's reservation, and
`<run>#<job>` what one of its jobs cost, at most its worst case while the job is open. A run
counts by the greater of both, so its own jobs are not counted twice. All costs of a run are
booked in the month in which it began.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from lambdas.control.budget import Price
from lambdas.control.errors import BudgetExceeded
from lambdas.control.ledger import Ledger, item_of
from lambdas.stores.bounded import StoreUnavailable, answering, error_code

GUARD = "#guard"
"""The entry whose number every reservation raises, so that two cannot be made on one reading."""
ATTEMPTS = 8
LOST = frozenset({"ConditionalCheckFailed", "TransactionConflict"})


def spent(rows: Sequence[Mapping[str, Any]], *, but: str = "") -> float:
    """Return the USD that a month's runs cost or may still cost, one run left out.

    Raises:
        BudgetExceeded: an entry holds no cost, so the sum cannot be known.
    """
    reserved: dict[str, float] = defaultdict(float)
    charged: dict[str, float] = defaultdict(float)
    for row in rows:
        if row["entry"] == GUARD:
            continue
        run, _, job = str(row["entry"]).partition("#")
        cost = row.get("cost_usd" if job else "reserved_usd")
        if isinstance(cost, bool) or not isinstance(cost, int | float) or not cost >= 0:
            raise BudgetExceeded(
                f"entry {row['entry']} of this month's ledger holds no cost: {cost!r}",
                remedy="correct the entry; nothing starts while the sum is unknown",
            )
        (charged if job else reserved)[run] += cost
    runs = {*reserved, *charged} - {but}
    return sum(max(reserved[run], charged[run]) for run in sorted(runs))


class Costs:
    """Reservations and charges; `client` is a DynamoDB client for the runs table."""

    def __init__(self, client: Any, *, table: str, ledger: Ledger) -> None:
        self._client = client
        self._table = table
        self._ledger = ledger

    def reserve(
        self, month: str, run_id: str, usd: float, *, allow: Callable[[float], None]
    ) -> None:
        """Reserve a run's worst case if `allow` lets it pass beside what others have.

        Args:
            allow: raises when the run may not start; is told the USD of all other runs.

        Raises:
            BudgetExceeded: by `allow`, or the sum cannot be known.
            StoreUnavailable: the ledger does not answer, or others kept reserving meanwhile.
        """
        for _ in range(ATTEMPTS):
            rows = self._ledger.entries(f"ledger#{month}")
            allow(spent(rows, but=run_id))
            seen = next((row["number"] for row in rows if row["entry"] == GUARD), None)
            if self._write(month, run_id, usd, seen=seen):
                return
        raise StoreUnavailable(
            f"other runs kept reserving in month {month}", remedy="try again in a minute"
        )

    def _write(self, month: str, run_id: str, usd: float, *, seen: int | None) -> bool:
        partition = f"ledger#{month}"
        guard: dict[str, Any] = {
            "TableName": self._table,
            "Item": item_of(partition, GUARD, {"number": (seen or 0) + 1}),
            "ConditionExpression": "attribute_not_exists(run_id)",
        }
        if seen is not None:
            guard |= {
                "ConditionExpression": "#n = :seen",
                "ExpressionAttributeNames": {"#n": "number"},
                "ExpressionAttributeValues": {":seen": {"N": str(seen)}},
            }
        reservation = {
            "TableName": self._table,
            "Item": item_of(partition, run_id, {"reserved_usd": usd}),
        }
        with answering("table runs"):
            try:
                self._client.transact_write_items(
                    TransactItems=[{"Put": guard}, {"Put": reservation}]
                )
            except ClientError as error:
                reasons = error.response.get("CancellationReasons", [])
                if error_code(error) == "TransactionCanceledException" and LOST & {
                    row.get("Code") for row in reasons
                }:
                    return False
                raise
        return True

    def open(self, month: str, run_id: str, job: str, price: Price, *, at: float) -> None:
        """Book a job that may start now by its worst case."""
        self._ledger.put(
            f"ledger#{month}",
            f"{run_id}#{job}",
            {
                "cost_usd": price.worst,
                "open": True,
                "opened_at": int(at),
                "usd_per_hour": price.usd_per_hour,
            },
        )

    def charge(self, month: str, run_id: str, job: str, cost_usd: float) -> None:
        """Book what a job cost; a repeated charge replaces itself."""
        self._ledger.put(f"ledger#{month}", f"{run_id}#{job}", {"cost_usd": cost_usd})

    def settle(self, month: str, run_id: str, *, now: float) -> None:
        """Give a run's reservation back; a job still open is charged until now, if that is less.

        Settling twice changes nothing that matters: nothing is open any more.
        """
        partition = f"ledger#{month}"
        for row in self._ledger.entries(partition):
            run, _, job = str(row["entry"]).partition("#")
            if run != run_id:
                continue
            if not job:
                self._ledger.put(partition, run_id, {"reserved_usd": 0.0})
            elif row.get("open"):
                price = Price(row["usd_per_hour"], max(0.0, now - row["opened_at"]))
                self.charge(month, run_id, job, min(price.worst, row["cost_usd"]))
