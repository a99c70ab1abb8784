"""The fitted parameters as files: JSON and npy, nothing that runs code when it is read."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from configs.contracts.artefacts import canonical_json
from training_jobs.features.generator import Fitted
from training_jobs.features.model import FeatureModel

STATISTICS = "statistics.json"


def fitted_files(model: FeatureModel) -> dict[str, bytes]:
    """Return every file of the fitted parameters: name -> bytes."""
    files: dict[str, bytes] = {}
    inputs = [(group.settings.name, group.fitted) for group in model.groups]
    inputs += [(item.settings.name, item.fitted) for item in model.tensors]
    for name, fitted in inputs:
        files |= input_files(name, fitted)
    files[STATISTICS] = canonical_json(
        {
            group.settings.name: {
                "kept": [column.name for column in group.columns],
                "dropped": dict(group.dropped),
                "columns": [asdict(row) for row in group.statistics],
            }
            for group in model.groups
        }
    )
    return files


def input_files(name: str, fitted: Fitted) -> dict[str, bytes]:
    """Return the files of one input's parameters: name -> bytes."""
    files = {f"{name}.json": canonical_json(dict(fitted.values))}
    for array_name, array in sorted(fitted.arrays.items()):
        files[f"{name}.{array_name}.npy"] = _npy(array)
    return files


def _npy(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def write_fitted(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def read_fitted(folder: Path, name: str) -> Fitted:
    """Read the parameters of one input as they were saved."""
    arrays = {
        path.name.removeprefix(f"{name}.").removesuffix(".npy"): np.load(path, allow_pickle=False)
        for path in sorted(folder.glob(f"{name}.*.npy"))
    }
    return Fitted(json.loads((folder / f"{name}.json").read_text()), arrays)


def broadcast(model: FeatureModel, folder: Path) -> FeatureModel:
    """Return the model with every parameter read from the files: what each shard is made with."""
    return replace(
        model,
        groups=tuple(
            replace(group, fitted=read_fitted(folder, group.settings.name))
            for group in model.groups
        ),
        tensors=tuple(
            replace(item, fitted=read_fitted(folder, item.settings.name)) for item in model.tensors
        ),
    )
