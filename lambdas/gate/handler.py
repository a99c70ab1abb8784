"""Entry point of the gates."""

import time
from typing import Any

from configs.contracts.artefacts import CHECKS_NAME
from configs.contracts.stages import STAGES
from lambdas.control import wiring
from lambdas.control.checks import judge
from lambdas.control.documents import Run, read_json
from lambdas.control.errors import BadInput, GateRejected
from lambdas.control.stages import parse_stage
from lambdas.control.uris import locate


def _checks(uri: str) -> dict[str, Any]:
    try:
        return read_json(wiring.client("s3"), locate(uri) / CHECKS_NAME)
    except BadInput as error:
        raise GateRejected(f"nothing to judge: {error.problem}", remedy=error.remedy) from error


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return counts when every output of a stage passes its checks.

    Raises:
        BadInput: the event names no run, or no stage that has checks.
        GateRejected: a blocking check failed, or there is nothing to judge.
        StoreUnavailable: S3 or the ledger does not answer.
    """
    run, stage = Run.parse(event.get("run")), parse_stage(event)
    required, uris = STAGES[stage].checks, event.get("uris")
    if not required:
        raise BadInput(f"stage {stage} has no checks", remedy="deploy the application again")
    if not isinstance(uris, list) or not uris:
        raise GateRejected(f"{stage} has no output", remedy="run the stage again")
    counts = [judge(stage, _checks(str(uri)), required=required) for uri in uris]
    total = {name: sum(row[name] for row in counts) for name in ("checks", "warnings")}
    wiring.ledger().put(run.run_id, f"gate#{stage}", total | {"at": int(time.time())})
    return total
