"""The state oracle of a simulated delivery: found beside it, held against it, sent along."""

import json
from pathlib import Path
from typing import Any

from configs.contracts.storage import ORACLE_ENDING, ORIGIN_FILE
from configs.settings.base import validate
from configs.settings.state_oracle import StateOracle
from operations.access import OperationError

IDENTITY = ("customers", "months", "seed", "bank")


def _remedy(folder: Path) -> str:
    return f"make it: python -m training_jobs.data.synthetic.oracle --data {folder} --workers 2"


def _read(place: Path, *, remedy: str) -> Any:
    try:
        return json.loads(place.read_text())
    except ValueError as error:
        raise OperationError(f"{place} is not JSON: {error}", remedy=remedy) from error


def _origin(folder: Path) -> dict[str, Any]:
    place = folder / ORIGIN_FILE
    if not place.is_file():
        raise OperationError(
            f"{place} is missing, so that nobody knows which bank this is",
            remedy="generate the folder by `make data`, or name the data set it is of by DATASET=",
        )
    content = _read(place, remedy="generate the folder anew by `make data`")
    if not isinstance(content, dict):
        raise OperationError(
            f"{place} holds no JSON object, found {type(content).__name__}",
            remedy="generate the folder anew by `make data`",
        )
    return content


def delivered_oracle(folder: Path, *, data_hash: str) -> dict[str, Any]:
    """Return the setting `evaluation.state_oracle` of a simulated delivery.

    Args:
        folder: what is delivered; the oracle is `<folder>.oracle.json` beside it.
        data_hash: of the delivery.

    Raises:
        OperationError: the oracle is missing, torn or of another bank, or the folder does not tell
            which bank it is.
        SettingsError: the file is not a state oracle's.
    """
    folder = folder.resolve()
    place = folder.with_name(folder.name + ORACLE_ENDING)
    origin = _origin(folder)
    if not place.is_file():
        raise OperationError(
            f"{place} is missing: a run on simulated data is judged beside its state oracle",
            remedy=_remedy(folder),
        )
    content = _read(place, remedy=_remedy(folder))
    oracle = validate(StateOracle, content, source=str(place))
    other = [
        f"{name} {getattr(oracle, name)}, the data {origin.get(name)}"
        for name in IDENTITY
        if getattr(oracle, name) != origin.get(name)
    ]
    if other:
        raise OperationError(
            f"{place} is of another bank than {folder}: the oracle has {'; '.join(other)}",
            remedy=_remedy(folder),
        )
    return {"data_hash": data_hash, "ceilings": content}
