"""Checkpoints: one file each, written beside and renamed, no pickle.

A file is safetensors with the JSON state in its metadata, so that numbers and state cannot come
apart. A file cut short by a lost machine is passed over for the one before.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

STATE_KEY = "state"
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


def write_tensors(path: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Write a safetensors file so that it is whole or absent, whenever the process dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(tensors.items())}
    # A name of its own: a half-written leftover is overwritten, never mistaken for a checkpoint.
    beside = path.with_suffix(".part")
    save_file(plain, beside, metadata={STATE_KEY: json.dumps(state, sort_keys=True)})
    with beside.open("rb") as stream:
        os.fsync(stream.fileno())
    os.replace(beside, path)


def read_tensors(path: Path) -> Checkpoint:
    """Read a file that `write_tensors` wrote.

    Raises:
        SafetensorError: the file is not whole.
    """
    with safe_open(path, framework="pt") as stream:
        tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict
        state = json.loads(stream.metadata()[STATE_KEY])
    return Checkpoint(tensors, state)


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
        """Write the checkpoint of `step` and drop the oldest beyond `keep`."""
        if self.folder is None:
            return
        path = self.folder / f"step-{step:09d}.safetensors"
        write_tensors(path, tensors, {**state, "identity": self.identity})
        for old in sorted(self.folder.glob(PATTERN))[: -self.keep]:
            old.unlink()

    def newest(self) -> Checkpoint | None:
        """Return the newest whole checkpoint of this training, None for a fresh start."""
        if self.folder is None:
            return None
        for path in sorted(self.folder.glob(PATTERN), reverse=True):
            try:
                found = read_tensors(path)
            except (SafetensorError, KeyError, ValueError, TypeError) as error:
                print(f"[checkpoint] {path.name} passed over: {type(error).__name__}", flush=True)
                continue
            if found.state.get("identity") == self.identity:
                return found
            print(f"[checkpoint] {path.name} belongs to another training", flush=True)
        return None
