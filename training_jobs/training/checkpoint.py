"""Checkpoints: one file each, written beside and renamed, no pickle.

A file is safetensors with the JSON state in its metadata, so that numbers and state cannot come
apart, and with a digest of both: the format itself would not notice a flipped bit. A file that is
cut short or altered is passed over, with a line in the log, for the one before.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from configs.errors import ArtefactError

HEADER = "sevenlens"
"""The one metadata key, for several are written in no fixed order: digest, blank, JSON state."""
PATTERN = "step-*.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """What was saved.

    Attributes:
        tensors: name -> tensor on the CPU.
        state: JSON state.
    """

    tensors: dict[str, Tensor]
    state: dict[str, Any]


def _digest(tensors: dict[str, Tensor], state: str) -> str:
    hasher = hashlib.sha256(state.encode())
    for name, tensor in sorted(tensors.items()):
        hasher.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        hasher.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return hasher.hexdigest()


def write_tensors(path: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write a safetensors file so that it is whole or absent, whenever the process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(tensors.items())}
    # A name of its own: a half-written leftover is overwritten, never mistaken for a checkpoint.
    beside = path.with_suffix(".part")
    text = json.dumps(state, sort_keys=True)
    save_file(plain, beside, metadata={HEADER: f"{_digest(plain, text)} {text}"})
    with beside.open("rb") as stream:
        os.fsync(stream.fileno())
    os.replace(beside, path)


def read_tensors(path: Path) -> Checkpoint:
    """Read a file that `write_tensors` wrote.

    Raises:
        SafetensorError: the file is not whole.
        ArtefactError: its content is not what was written.
    """
    with safe_open(path, framework="pt") as stream:
        tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict
        digest, _, text = (stream.metadata() or {}).get(HEADER, "").partition(" ")
    if digest != _digest(tensors, text):
        raise ArtefactError(
            f"{path.name} is not what was written", remedy="delete the file and start again"
        )
    return Checkpoint(tensors, json.loads(text))


class CheckpointStore:
    """The checkpoints of one model in a folder of their own; without a folder it keeps none."""

    def __init__(self, folder: Path | None, *, identity: str, keep: int) -> None:
        """Open the store.

        Args:
            folder: where files lie; None where the job has no checkpoint folder.
            identity: digest of everything the training depends on; files of another are ignored.
            keep: newest files kept.
        """
        self.folder, self.identity, self.keep = folder, identity, keep

    def save(self, step: int, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Write the checkpoint of `step` and drop the oldest beyond `keep`.

        Files of later steps go too: they are altered or another training's, and would crowd out
        the ones that can be resumed.
        """
        if self.folder is None:
            return
        path = self.folder / f"step-{step:09d}.safetensors"
        write_tensors(path, tensors, {**state, "identity": self.identity})
        files = sorted(self.folder.glob(PATTERN))
        here = files.index(path) + 1
        for file in (*files[: max(0, here - self.keep)], *files[here:]):
            file.unlink()

    def newest(self) -> Checkpoint | None:
        """Return the newest whole checkpoint of this training, None for a fresh start."""
        if self.folder is None:
            return None
        for path in sorted(self.folder.glob(PATTERN), reverse=True):
            try:
                found = read_tensors(path)
            except (SafetensorError, ArtefactError, OSError) as error:
                print(f"[checkpoint] {path.name} passed over: {type(error).__name__}", flush=True)
                continue
            if found.state.get("identity") == self.identity:
                return found
            print(f"[checkpoint] {path.name} belongs to another training", flush=True)
        return None
