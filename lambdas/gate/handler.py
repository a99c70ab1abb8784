"""Entry point of the gates."""

import time
from typing import Any

from configs.contracts.artefacts import CHECKS_NAME
from lambdas.control import wiring
from lambdas.control.checks import judge
from lambdas.control.documents import Run, read_json
from lambdas.control.errors import GateRejected
from lambdas.control.uris import locate


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return counts when every output of a stage passes its checks.

    Raises:
        GateRejected: a blocking check failed, or there is nothing to judge.
    """
    run = Run.parse(event.get("run", {}))
    stage, uris = str(event.get("stage")), event.get("uris") or []
    if not uris:
        raise GateRejected(f"{stage} has no output", remedy="run the stage again")
    counts = [
        judge(stage, read_json(wiring.client("s3"), locate(uri) / CHECKS_NAME)) for uri in uris
    ]
    total = {name: sum(row[name] for row in counts) for name in ("checks", "warnings")}
    wiring.ledger().put(run.run_id, f"gate#{stage}", total | {"at": int(time.time())})
    return total
