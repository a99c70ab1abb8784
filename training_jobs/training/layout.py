"""The feature schema as positions: which expert reads which column of a batch."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.errors import ArtefactError
from configs.settings.features import Expert
from training_jobs.experts.base import ExpertInputs

SCHEMA_NAME = "feature_schema.json"
CATEGORICAL = "categorical"


@dataclass(frozen=True)
class NumericColumn:
    """A numeric or binary decision input and how it is scaled.

    Attributes:
        name: of the column.
        log: take sign(x) log1p(|x|) before scaling.
        mean: of the value after `log`, on the fit sample.
        sd: likewise, > 0.
    """

    name: str
    log: bool
    mean: float
    sd: float


@dataclass(frozen=True)
class Layout:
    """Positions of the decision inputs in a batch.

    Attributes:
        numeric: columns of `Batch.numeric`, in order.
        codes: names of the columns of `Batch.codes`, in order.
        cardinalities: of `codes`.
        routes: expert -> names of the columns it reads.
        private: names of the columns private experts read.
        categories: event categories, unknown included; 0 without events.
        items: item vocabulary; 0 without incidence.
        event_length: most events of a row.
        present: expert -> None, or the reason why Phase 0 left it without input.
    """

    numeric: tuple[NumericColumn, ...]
    codes: tuple[str, ...]
    cardinalities: tuple[int, ...]
    routes: dict[str, tuple[str, ...]]
    private: tuple[str, ...]
    categories: int
    items: int
    event_length: int
    present: dict[str, str | None]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all decision inputs that are no views of side tensors."""
        return (*(column.name for column in self.numeric), *self.codes)

    def inputs(self, names: tuple[str, ...]) -> ExpertInputs:
        """Return where the columns `names` stand, with the sizes of the vocabularies."""
        wanted = set(names)
        codes = tuple(i for i, name in enumerate(self.codes) if name in wanted)
        return ExpertInputs(
            numeric=tuple(i for i, column in enumerate(self.numeric) if column.name in wanted),
            codes=codes,
            cardinalities=tuple(self.cardinalities[i] for i in codes),
            categories=self.categories,
            items=self.items,
            event_length=self.event_length,
        )

    def lenses(self, configured: tuple[str, ...]) -> tuple[dict[str, ExpertInputs], dict[str, str]]:
        """Split the configured experts into those with inputs and those absent with a reason."""
        lenses, absent = {}, {}
        for name in configured:
            reason = self.present.get(name, "no column or tensor is routed to it")
            if reason is None:
                lenses[name] = self.inputs(self.routes.get(name, ()))
            else:
                absent[name] = reason
        return lenses, absent


def read_layout(phase0: Path, stand_ins: Mapping[Expert, Expert]) -> Layout:
    """Read `feature_schema.json` of a Phase 0 output.

    Args:
        phase0: output of Phase 0.
        stand_ins: expert that does not exist -> the one that reads its columns.

    Raises:
        ArtefactError: a decision input does not exist, or is protected and not exposed on purpose.
    """
    schema = json.loads((phase0 / SCHEMA_NAME).read_text())
    by_name = {column["name"]: column for column in schema["columns"]}
    chosen: list[dict[str, Any]] = []
    for name in schema["decision_inputs"]:
        column = by_name.get(name)
        if column is None or (column["protected"] and not column["exposed"]):
            raise ArtefactError(
                f"{SCHEMA_NAME}: decision input '{name}' is "
                + ("protected" if column else "not a column"),
                remedy="run Phase 0 again; protected columns decide only where exposed",
            )
        # A view repeats what its side tensor holds, and experts read the tensor itself.
        if column["view"] is None:
            chosen.append(column)
    experts = schema["experts"]
    tensors = schema["tensors"]
    vocabularies = schema["vocabularies"]

    def size(tensor: str, vocabulary: str, spare: int) -> int:
        here = tensors.get(tensor, {}).get("status") == "present"
        return len(vocabularies[vocabulary]) + spare if here else 0

    private_groups = set(schema["private_groups"])
    categorical = [column for column in chosen if column["kind"] == CATEGORICAL]
    return Layout(
        numeric=tuple(
            NumericColumn(c["name"], bool(c["log"]), float(c["mean"]), float(c["sd"]))
            for c in chosen
            if c["kind"] != CATEGORICAL
        ),
        codes=tuple(column["name"] for column in categorical),
        cardinalities=tuple(int(column["cardinality"]) for column in categorical),
        routes={
            expert: tuple(
                c["name"]
                for c in chosen
                if expert in {stand_ins.get(routed, routed) for routed in c["experts"]}
            )
            for expert in experts
        },
        private=tuple(c["name"] for c in chosen if c["group"] in private_groups),
        categories=size("events", "categories", 1),
        items=size("incidence", "items", 0),
        event_length=int(schema["event_length"] or 0),
        present={
            expert: None if row["status"] == "present" else (row["reason"] or "absent")
            for expert, row in experts.items()
        },
    )
