"""What a pre-training runs on: by default one thread of a CPU, without checkpoints."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from training_jobs.sequence.scan import Scan
from training_jobs.training.checkpoint import CheckpointStore

Report = Callable[[int, int, str], None]


def silent(done: int, total: int, what: str) -> None:
    """Report nothing."""
    del done, total, what


@dataclass(frozen=True)
class Machine:
    """Where an encoder learns and embeds.

    Attributes:
        device: where tensors go.
        scan: form of the scan; None is the CPU form of the encoder's shape.
        store: where checkpoints go; nowhere by default.
        checkpoint_steps: steps between checkpoints, 0 = none.
        report: told (done, total, what).
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    scan: Scan | None = None
    store: CheckpointStore = field(
        default_factory=lambda: CheckpointStore(None, identity="", keep=1)
    )
    checkpoint_steps: int = 0
    report: Report = silent


@contextmanager
def one_thread() -> Iterator[None]:
    """Run the block on one thread of torch and put the number back.

    A sum split over threads is rounded by their number.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
