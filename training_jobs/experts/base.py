"""The interface of an expert and the registry that builds one by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from torch import Tensor, nn

from configs.errors import SevenLensError
from configs.settings.experts import ExpertConfig
from training_jobs.experts.batch import Batch


class ExpertError(SevenLensError):
    """An expert is unknown, registered twice, or lacks an input."""


@dataclass(frozen=True)
class ExpertInputs:
    """What one expert may read of a batch.

    Attributes:
        numeric: positions in `Batch.numeric` and `Batch.missing`.
        codes: positions in `Batch.codes`.
        cardinalities: codes of each column of `codes`, missing included.
        categories: event categories, unknown included; 0 where there are no events.
        items: item vocabulary; 0 where there is no incidence.
        event_length: most events of a row.
    """

    numeric: tuple[int, ...]
    codes: tuple[int, ...]
    cardinalities: tuple[int, ...]
    categories: int
    items: int
    event_length: int


class Expert(nn.Module):
    """A named lens on a customer.

    Class attributes:
        tensors: side tensors the expert cannot do without: `events`, `incidence`.

    Attributes:
        output_dim: D, width of the vector it gives.
    """

    tensors: ClassVar[tuple[str, ...]] = ()
    output_dim: int

    def prepare(self, rows: Batch) -> None:
        """Fit what is measured and not learned (bins, graphs) on train rows, before training.

        Args:
            rows: train rows of the first train `as_of`, the fit cut-off.
        """

    def forward(self, batch: Batch) -> Tensor:
        """Return [B, D] for the B rows of `batch`."""
        raise NotImplementedError


Builder = Callable[[Any, ExpertInputs], Expert]
_EXPERTS: dict[str, type[Expert]] = {}
Class = TypeVar("Class", bound=type[Expert])


def register(name: str) -> Callable[[Class], Class]:
    """Register the decorated class, built as `Class(config, inputs)`, under `name`.

    Raises:
        ExpertError: the name is taken.
    """

    def add(expert: Class) -> Class:
        if name in _EXPERTS:
            raise ExpertError(f"expert '{name}' is registered twice", remedy="choose another name")
        _EXPERTS[name] = expert
        return expert

    return add


def forget(name: str) -> None:
    """Remove a registered expert: for tests that plug one in."""
    _EXPERTS.pop(name, None)


def registered() -> tuple[str, ...]:
    """Return the names of all registered experts, sorted."""
    return tuple(sorted(_EXPERTS))


def build(name: str, config: ExpertConfig, inputs: ExpertInputs) -> Expert:
    """Return a new expert.

    Raises:
        ExpertError: no such expert, its inputs lack a side tensor it needs, or it has no input.
    """
    if name not in _EXPERTS:
        raise ExpertError(
            f"expert '{name}' is not registered (known: {', '.join(registered())})",
            remedy="name a registered expert in the teacher settings",
        )
    expert = _EXPERTS[name]
    here = {"events": inputs.categories > 0, "incidence": inputs.items > 0}
    for tensor in expert.tensors:
        if not here[tensor]:
            raise ExpertError(
                f"expert '{name}' needs the tensor '{tensor}', which this data set lacks",
                remedy="let Phase 0 report the expert as absent",
            )
    if not (expert.tensors or inputs.numeric or inputs.codes):
        raise ExpertError(
            f"expert '{name}' has no column to read: all that are routed to it are protected",
            remedy="route it another group, or leave it out of the teacher settings",
        )
    builder: Builder = expert
    return builder(config, inputs)
