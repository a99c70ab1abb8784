"""A job's input channels in the form of its SageMaker API."""

from collections.abc import Mapping
from typing import Any

from configs.contracts.stages import STAGES, StageContract

MOST_INPUTS = 10
"""SageMaker's bound on the inputs of a processing job."""
INPUT_ROOT = "/opt/ml/processing/input"


def channel_uris(
    contract: StageContract,
    inputs: Mapping[str, Any],
    *,
    settings_uri: str,
    data_uri: str,
    run_facts_uri: str | None,
) -> dict[str, str]:
    """Return channel -> S3 prefix; an input with groups gives one channel a group."""
    uris = {"settings": settings_uri}
    if contract.raw:
        uris["raw"] = data_uri
    if run_facts_uri is not None:
        uris["run"] = run_facts_uri
    for stage in contract.inputs:
        given = inputs[stage.value]
        if "uri" in given:
            uris[stage.value] = given["uri"]
        else:
            uris |= {f"{stage.value}/{group}": row["uri"] for group, row in sorted(given.items())}
    return uris


def most_groups() -> int:
    """Return how many distillation groups the job with the most other inputs can mount."""
    grouped = {contract.stage for contract in STAGES.values() if contract.per_group}
    others = [
        1 + contract.raw + contract.run_facts + len(set(contract.inputs) - grouped)
        for contract in STAGES.values()
        if grouped & set(contract.inputs)
    ]
    return MOST_INPUTS - max(others)


def processing_inputs(uris: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return `ProcessingInputs`."""
    return [
        {
            "InputName": channel.replace("/", "-"),
            "S3Input": {
                "S3Uri": uri,
                "LocalPath": f"{INPUT_ROOT}/{channel}",
                "S3DataType": "S3Prefix",
                "S3InputMode": "File",
                "S3DataDistributionType": "FullyReplicated",
            },
        }
        for channel, uri in uris.items()
    ]


def training_channels(uris: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return `InputDataConfig`."""
    return [
        {
            "ChannelName": channel,
            "DataSource": {
                "S3DataSource": {
                    "S3DataType": "S3Prefix",
                    "S3Uri": uri,
                    "S3DataDistributionType": "FullyReplicated",
                }
            },
        }
        for channel, uri in uris.items()
    ]
