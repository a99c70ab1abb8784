"""Entry point of a run: input checked, budget guarded, run on record."""

import json
import os
import time
from typing import Any

from configs.contracts.functions import Grant
from lambdas.control import wiring
from lambdas.control.budget import guard, worst_case_usd
from lambdas.control.documents import Run, read_json
from lambdas.control.errors import BadInput
from lambdas.control.images import require_images
from lambdas.control.ledger import month_of
from lambdas.control.uris import locate

GIVEN = ("run_id", "settings_uri", "data_uri", "submitter")


def _run(event: dict[str, Any]) -> tuple[Run, dict[str, Any]]:
    given = event.get("input") or {}
    missing = [name for name in GIVEN if not isinstance(given.get(name), str) or not given[name]]
    unknown = sorted(set(given) - set(GIVEN))
    if missing or unknown:
        raise BadInput(
            f"execution input: missing {missing}, unknown {unknown}",
            remedy=f"give exactly {', '.join(GIVEN)}; `make submit` does",
        )
    document = read_json(wiring.client("s3"), locate(given["settings_uri"]))
    identity, settings = document.get("identity", {}), document.get("settings", {})
    if identity.get("run_id") != given["run_id"]:
        raise BadInput(
            f"the settings are of run {identity.get('run_id')}, not of {given['run_id']}",
            remedy="start the run by `make submit`",
        )
    data_hash = str(identity.get("data_hash", ""))
    if locate(given["data_uri"]).key.rstrip("/").rsplit("/", 1)[-1] != data_hash:
        raise BadInput(
            "the data lies under another hash than the settings say",
            remedy="start the run by `make submit`",
        )
    return Run(**given, execution_arn=str(event["execution_arn"]), data_hash=data_hash), settings


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return the run and its distillation groups.

    Raises:
        BadInput: the input or the settings are not what they must be, or an image is not built.
        BudgetExceeded: the worst case is above a limit or cannot be known.
        StoreUnavailable: the ledger cannot be read; then nothing starts.
    """
    run, settings = _run(event)
    try:
        groups = sorted(settings["distillation"]["groups"])
    except (KeyError, TypeError) as error:
        raise BadInput(
            f"the settings name no distillation groups: {error!r}",
            remedy="start the run by `make submit`",
        ) from error
    require_images(wiring.client("ssm"), json.loads(os.environ[Grant.READ_IMAGES.value]))
    now = time.time()
    worst = worst_case_usd(event.get("jobs") or [])
    spent = wiring.ledger().spent(month_of(now))
    guard(worst=worst, spent=spent, limits=event.get("limits") or {})
    wiring.ledger().put(
        run.run_id,
        "run",
        {
            "status": "RUNNING",
            "submitter": run.submitter,
            "execution_arn": run.execution_arn,
            "data_hash": run.data_hash,
            "started_at": int(now),
            "worst_case_usd": round(worst, 4),
        },
    )
    return {
        "run": {name: getattr(run, name) for name in Run.__dataclass_fields__},
        "groups": groups,
    }
