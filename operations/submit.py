"""Starting a run: settings resolved and validated, data delivered, cost shown, then executed."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from configs.contracts.artefacts import canonical_json
from configs.contracts.names import Parameter
from configs.contracts.storage import Prefix
from configs.settings.run import RunSettings, dump, load_run_settings
from operations.access import Access
from operations.oracle import delivered_oracle
from operations.raw_data import data_hash, upload

ORACLE_KEY = "evaluation.state_oracle"


@dataclass(frozen=True)
class Submission:
    """A started run: its id and the ARN of its execution."""

    run_id: str
    execution_arn: str
    data_hash: str
    settings: RunSettings


def new_run_id(now: datetime | None = None) -> str:
    """Return a sortable id that no two submissions share, e.g. `20261123-081500-3f9a1c`."""
    moment = now or datetime.now(UTC)
    return f"{moment:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def submit(
    access: Access,
    *,
    dataset: str,
    data: Path,
    submitter: str,
    overrides: Mapping[str, Any] | None = None,
) -> Submission:
    """Deliver data and settings and start `training_pipeline`.

    Args:
        dataset: name of a file in `configs/datasets/`.
        data: folder with the source files.
        submitter: who asks; in prod somebody else must approve.
        overrides: dotted settings keys.

    Raises:
        SettingsError: a setting is wrong; nothing was uploaded.
        OperationError: the folder is empty, the data are simulated and come without their state
            oracle, or the application is not deployed.
    """
    settings = load_run_settings(dataset, overrides)
    hash_ = data_hash(data)
    if settings.dataset.simulated:
        oracle = delivered_oracle(data, data_hash=hash_)
        settings = load_run_settings(dataset, {**(overrides or {}), ORACLE_KEY: oracle})
    bucket = access.parameter(Parameter.LAKE_BUCKET)
    machine = access.parameter(Parameter.TRAINING_PIPELINE_ARN)
    s3 = access.client("s3")
    data_uri = upload(s3, bucket=bucket, folder=data, hash_=hash_)
    run_id = new_run_id()
    identity = {
        "run_id": run_id,
        "data_hash": hash_,
        "dataset": dataset,
        "submitter": submitter,
        # The name is what somebody says of themselves; four eyes are told apart by both.
        "submitter_arn": access.client("sts").get_caller_identity()["Arn"],
    }
    key = f"{Prefix.RUNS}{run_id}/settings.json"
    s3.put_object(
        Bucket=bucket,
        Key=key,
        Body=canonical_json({"settings": dump(settings), "identity": identity}),
        ContentType="application/json",
    )
    started = access.client("stepfunctions").start_execution(
        stateMachineArn=machine,
        name=run_id,
        input=json.dumps(
            {
                "run_id": run_id,
                "settings_uri": f"s3://{bucket}/{key}",
                "data_uri": data_uri,
                "submitter": submitter,
            }
        ),
    )
    return Submission(run_id, started["executionArn"], hash_, settings)
