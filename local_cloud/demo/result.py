"""Reading what a finished run left, through the same APIs an operator would use."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from configs.contracts.stages import Stage
from operations.access import Access, OperationError
from operations.standing import RunLedger


def _object(access: Access, uri: str) -> bytes:
    parsed = urlparse(uri)
    found = access.client("s3").get_object(Bucket=parsed.netloc, Key=parsed.path.lstrip("/"))
    return bytes(found["Body"].read())


def stage_file(access: Access, ledger: RunLedger, stage: Stage, name: str) -> bytes:
    """Return one output file of a run's committed stage.

    Raises:
        OperationError: the stage is not committed in this run.
    """
    uri = ledger.uri(stage)
    if uri is None:
        raise OperationError(
            f"run {ledger.run_id} has no committed stage '{stage}'", remedy="see `make status`"
        )
    return _object(access, f"{uri.rstrip('/')}/{name}")


def metrics(access: Access, ledger: RunLedger) -> dict[str, Any]:
    """Return the metrics by task of the run's evaluation."""
    content = json.loads(stage_file(access, ledger, Stage.EVALUATE, "evaluation.json"))
    return {task: row["metrics"] for task, row in content["tasks"].items()}


def tasks_off(access: Access, ledger: RunLedger) -> dict[str, str]:
    """Return the tasks that the viability gate switched off, with the reason."""
    content = json.loads(stage_file(access, ledger, Stage.PHASE0, "tasks.json"))
    return {row["name"]: row["reason"] for row in content["tasks"] if row["status"] == "off"}


def package(access: Access, ledger: RunLedger) -> dict[str, Any]:
    """Return the content of the run's `package.json`."""
    content: dict[str, Any] = json.loads(stage_file(access, ledger, Stage.PACKAGE, "package.json"))
    return content


def save_report(access: Access, ledger: RunLedger, folder: Path) -> Path:
    """Write the run report into `folder` and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "report.html"
    path.write_bytes(stage_file(access, ledger, Stage.REPORT, "report.html"))
    return path
