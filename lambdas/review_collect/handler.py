"""Entry point: writes one snapshot of what the review agents look at."""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from configs.contracts.artefacts import digest
from configs.contracts.storage import Prefix
from configs.contracts.tables import Table
from configs.version import version
from lambdas.stores import bundled
from lambdas.stores.bounded import StoreUnavailable, bounded_client
from lambdas.stores.control_items import ControlItems
from lambdas.stores.observations import MetricReader, TableReader
from lambdas.stores.review_files import ReviewFiles

logger = logging.getLogger("review_collect")
logger.setLevel(logging.INFO)
READ_SECONDS = 20.0
RUN_ENTRY = "run"


@cache
def files() -> ReviewFiles:
    """Return the audit bucket."""
    return ReviewFiles(bounded_client("s3", READ_SECONDS))


def _observed(name: str, read: Callable[[], Any], problems: list[dict[str, str]]) -> Any:
    """Return what was read, or None with the problem noted: a lost source spoils no other."""
    try:
        return read()
    except StoreUnavailable as error:
        problems.append({"source": name, "problem": error.problem})
        return None


def redacted(item: Mapping[str, str]) -> dict[str, Any]:
    """Return a decision record without the customer's id, its digest checked before.

    The audit bucket cannot be erased from; a customer's id must not get into it. A payload that
    is not JSON is left out, and the digest then does not match.
    """
    kept: dict[str, Any] = {
        name: item.get(name, "")
        for name in ("decision_id", "created_at", "version", "model_version", "layer", "channel")
    }
    text = item.get("payload", "")
    try:
        payload = json.loads(text)
        matches = digest(payload) == item.get("payload_sha256")
        payload["answer"].pop("customer_id", None)
        payload.get("request", {}).pop("context", None)
        payload.pop("record_digest", None)
    except (ValueError, TypeError, KeyError, AttributeError):
        payload, matches = None, False
    same = hashlib.sha256(text.encode()).hexdigest() == item.get("payload_sha256")
    return kept | {"payload": payload, "digest_matches": matches and same}


def collect(execution: str, *, now: datetime) -> dict[str, str]:
    """Write the snapshot of one review and return its keys.

    Raises:
        StoreUnavailable: the audit bucket did not take it.
    """
    policy = bundled.agents_policy()["review"]
    start = now - timedelta(hours=policy["hours"])
    since = start.isoformat(timespec="milliseconds")
    tables = TableReader(bounded_client("dynamodb", READ_SECONDS))
    problems: list[dict[str, str]] = []
    metrics = _observed(
        "metrics",
        lambda: MetricReader(bounded_client("cloudwatch", READ_SECONDS)).read(start, now),
        problems,
    )
    runs = _observed(
        "runs",
        lambda: [
            {name: row.get(name, "") for name in ("run_id", "status", "started_at", "reason")}
            for row in tables.scan(Table.RUNS, limit=policy["runs"] * 100, by=("started_at",))
            if row.get(str(Table.RUNS.value.sort_key)) == RUN_ENTRY
        ][: policy["runs"]],
        problems,
    )
    decisions = _observed(
        "decisions",
        lambda: [
            redacted(row)
            for row in tables.scan(
                Table.DECISIONS, limit=policy["decisions"], since=since, by=("created_at",)
            )
        ],
        problems,
    )
    state = _observed(
        "control",
        lambda: ControlItems(bounded_client("dynamodb"), cache_seconds=0).read(),
        problems,
    )
    prefix = f"{Prefix.REVIEWS}{now.date().isoformat()}/{execution}/"
    snapshot = {
        "version": version(),
        "execution": execution,
        "collected_at": now.isoformat(timespec="seconds"),
        "window": {"from": since, "hours": policy["hours"]},
        "metrics": metrics,
        "runs": runs,
        "decisions": decisions,
        "control": None
        if state is None
        else {"kill_switch": state.kill_switch, "model_version": state.model_version},
        "problems": problems,
    }
    key = files().write(f"{prefix}snapshot.json", snapshot)
    return {"prefix": prefix, "snapshot": key}


def handler(event: dict[str, Any], _context: Any) -> dict[str, str]:
    """Lambda entry point: `{"action": "collect", "execution": name}` -> prefix and snapshot key.

    Raises:
        StoreUnavailable: the snapshot could not be written.
        KeyError: the event names no execution.
    """
    answer = collect(str(event["execution"]).rsplit(":", 1)[-1], now=datetime.now(UTC))
    logger.info(json.dumps({"message": "collected", "snapshot": answer["snapshot"]}))
    return answer
