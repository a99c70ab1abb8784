"""Entry point of a run: input checked, images checked, run on record, worst case reserved."""

import json
import os
import time
from typing import Any

from configs.contracts.functions import Grant
from lambdas.control import wiring
from lambdas.control.budget import DECIMALS, guard, worst_case_usd
from lambdas.control.documents import read_json
from lambdas.control.errors import BadInput
from lambdas.control.images import require_images
from lambdas.control.intake import given_input, groups_of, identity_of, new_run, settings_of
from lambdas.control.ledger import month_of
from lambdas.control.uris import locate


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return the run and its distillation groups; repeating it for an execution is harmless.

    Raises:
        BadInput: the input or the settings are not what they must be, an image is not built, or
            another execution has the run id.
        BudgetExceeded: the worst case is above a limit or cannot be known.
        StoreUnavailable: the ledger cannot be read; then nothing starts.
    """
    now = time.time()
    given = given_input(event)
    document = read_json(wiring.client("s3"), locate(given["settings_uri"]))
    identity = identity_of(document, given)
    groups = groups_of(settings_of(document, dataset=identity["dataset"]))
    require_images(wiring.client("ssm"), json.loads(os.environ[Grant.READ_IMAGES.value]))
    worst = worst_case_usd(event.get("jobs") or [], groups=len(groups))
    run = new_run(event, given=given, identity=identity, month=month_of(now))
    begun = wiring.ledger().begin(
        run.run_id,
        {
            "status": "RUNNING",
            "submitter": run.submitter,
            "execution_arn": run.execution_arn,
            "data_hash": run.data_hash,
            "month": run.month,
            "started_at": int(now),
            "worst_case_usd": round(worst, DECIMALS),
        },
    )
    if not begun:
        raise BadInput(
            f"run {run.run_id} belongs to another execution",
            remedy="start the run by `make submit`",
        )
    wiring.costs().reserve(
        run.month,
        run.run_id,
        worst,
        allow=lambda spent: guard(worst=worst, spent=spent, limits=event.get("limits") or {}),
    )
    return {"run": run.as_json(), "groups": groups}
