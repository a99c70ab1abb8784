"""What the application's own ledger says about runs."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from boto3.dynamodb.conditions import Key

from configs.contracts.tables import Table
from operations.access import Access

STAGE_ENTRY = "stage#"
RUN_ENTRY = "run"


def plain(value: Any) -> Any:
    """Return a DynamoDB value with numbers as int or float."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


@dataclass(frozen=True)
class RunLedger:
    """One run: its own entry and one entry a stage, in the order they were written."""

    run_id: str
    run: dict[str, Any]
    stages: list[dict[str, Any]]

    def uri(self, stage: str) -> str | None:
        """Return where a stage's committed output is, None when the stage is not committed."""
        for entry in self.stages:
            if entry["stage"] == stage:
                return str(entry["uri"])
        return None


def run_ledger(access: Access, run_id: str) -> RunLedger:
    """Return a run's ledger; `run` is empty when the run is unknown."""
    table = access.session.resource("dynamodb").Table(access.table(Table.RUNS))
    items: list[dict[str, Any]] = []
    query: dict[str, Any] = {"KeyConditionExpression": Key("run_id").eq(run_id)}
    while True:
        page = table.query(**query)
        items.extend(plain(item) for item in page["Items"])
        if "LastEvaluatedKey" not in page:
            break
        query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    return RunLedger(
        run_id,
        next((item for item in items if item["entry"] == RUN_ENTRY), {}),
        [item for item in items if str(item["entry"]).startswith(STAGE_ENTRY)],
    )


def recent_executions(access: Access, machine_arn: str, *, limit: int = 20) -> list[dict[str, Any]]:
    """Return the newest executions of a machine: name, status, start and stop time."""
    listed = access.client("stepfunctions").list_executions(
        stateMachineArn=machine_arn, maxResults=limit
    )
    return list(listed["executions"])
