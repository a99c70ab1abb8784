"""The fitted parameters as files: JSON and npy, nothing that runs code when it is read."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from configs.contracts.artefacts import canonical_json
from configs.settings.features import FeaturesSettings, Group
from training_jobs.features.generator import Bank, Fitted, TensorView
from training_jobs.features.model import FeatureModel, MadeGroup, MadeTensor, Statistics
from training_jobs.features.reading import Place
from training_jobs.features.registry import GENERATORS, TENSORS

STATISTICS = "statistics.json"
ABSENT = "absent.json"


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
    files[ABSENT] = canonical_json(dict(model.absent))
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


def read_model(folder: Path, settings: FeaturesSettings, bank: Bank) -> FeatureModel:
    """Return the model as it was saved: what every shard is made with, on whatever host."""
    absent: dict[str, str] = json.loads((folder / ABSENT).read_text())
    saved: dict[str, Any] = json.loads((folder / STATISTICS).read_text())
    tensors = []
    for item in settings.tensors:
        if item.name not in absent:
            tensor = TENSORS.build(item.generator, item.parameters, bank)
            tensors.append(MadeTensor(item, tensor, read_fitted(folder, item.name)))
    groups = [
        _read_group(group, saved[group.name], read_fitted(folder, group.name), bank)
        for group in settings.groups
        if group.name not in absent
    ]
    return FeatureModel(bank, tuple(groups), tuple(tensors), absent)


def _read_group(group: Group, saved: Mapping[str, Any], fitted: Fitted, bank: Bank) -> MadeGroup:
    generator = GENERATORS.build(group.generator, group.parameters, bank)
    places: tuple[Place, ...] = ()
    if isinstance(generator, TensorView):
        declared = tuple(column for column, _ in generator.columns())
        places = tuple(place for _, place in generator.columns())
    else:
        declared = generator.columns(fitted)
    where = {column.name: place for place, column in enumerate(declared)}
    return MadeGroup(
        group,
        generator,
        fitted,
        declared,
        tuple(where[name] for name in saved["kept"]),
        saved["dropped"],
        tuple(Statistics(**row) for row in saved["columns"]),
        places,
    )
