"""The machine a training runs on: device, threads, determinism, precision."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from configs.errors import SevenLensError


def prepare_machine(*, threads: int, device: str) -> torch.device:
    """Fix threads and determinism and return the device to train on.

    Raises:
        SevenLensError: a GPU is asked for and there is none.
    """
    # Read by cuBLAS when it starts; without it deterministic products are refused.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    cuda = torch.cuda.is_available()
    if device == "cuda" and not cuda:
        raise SevenLensError(
            "teacher.device is cuda but there is no GPU here",
            remedy="choose a GPU instance or teacher.device=auto",
        )
    chosen = torch.device("cuda" if cuda and device != "cpu" else "cpu")
    # Sparse products have no deterministic GPU form: there it warns, on a CPU it is exact.
    torch.use_deterministic_algorithms(True, warn_only=chosen.type == "cuda")
    # Every result is written in full; clearing memory beforehand only costs time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return chosen


@contextmanager
def precision(device: torch.device, kind: str) -> Iterator[None]:
    """Run the block in bfloat16 where a GPU is used and `kind` is `auto`, else unchanged.

    bfloat16 has the range of full precision, so that no loss scaling is needed.
    """
    with torch.autocast(
        device.type, torch.bfloat16, enabled=device.type == "cuda" and kind == "auto"
    ):
        yield
