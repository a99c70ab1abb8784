"""Stage keys: what a stage's output depends on, and nothing else."""

from collections.abc import Mapping
from typing import Any

from configs.contracts.artefacts import digest
from configs.contracts.stages import StageContract
from lambdas.control.errors import BadInput

KEY_DIGITS = 32


def settings_slice(contract: StageContract, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sections a stage may read. Raises BadInput when one is missing."""
    missing = [name for name in contract.sections if name not in settings]
    if missing:
        raise BadInput(
            f"the run settings have no section {', '.join(missing)}",
            remedy="start the run by `make submit`",
        )
    return {name: settings[name] for name in contract.sections}


def input_keys(contract: StageContract, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stage keys of a stage's inputs, by group where an input has groups.

    Raises:
        BadInput: an input is missing.
    """
    keys: dict[str, Any] = {}
    for stage in contract.inputs:
        given = inputs.get(stage.value)
        if not given:
            raise BadInput(
                f"stage {contract.stage} was given no output of {stage}",
                remedy="run the whole pipeline",
            )
        keys[stage.value] = (
            given["stage_key"]
            if "stage_key" in given
            else {group: row["stage_key"] for group, row in sorted(given.items())}
        )
    return keys


def stage_key(
    contract: StageContract,
    *,
    group: str | None,
    inputs: Mapping[str, Any],
    settings: Mapping[str, Any],
    code_version: str,
    data_hash: str | None,
    run_facts: Mapping[str, Any] | None,
) -> str:
    """Return 32 hex digits over everything a stage's output depends on."""
    return digest(
        {
            "stage": contract.stage.value,
            "group": group,
            "inputs": input_keys(contract, inputs),
            "settings": settings_slice(contract, settings),
            "code_version": code_version,
            "data_hash": data_hash if contract.raw else None,
            "run_facts": dict(run_facts) if contract.run_facts and run_facts else None,
        }
    )[:KEY_DIGITS]
