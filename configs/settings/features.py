"""Feature groups and side tensors: generators, parameters, inputs, experts, leakage checks."""

from typing import Any, Literal

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from configs.settings import generators
from configs.settings.base import CONFIGS, Strict
from configs.settings.glossary import Glossary, read_glossary

Expert = Literal["deepfm", "temporal", "hgcn", "perslay", "lightgcn", "causal", "optimal_transport"]
"""Every expert an input may be routed to."""


class FeatureInput(Strict):
    """What a group of columns and a side tensor have in common.

    Attributes:
        name: unique among groups and tensors.
        generator: registered class that makes it.
        enabled: an input that is not enabled is absent, with that reason.
        requires: `table` or `table.column` that must hold values up to the fit cut-off, or
            `products` (a catalogue), or `categories` (a category tree); unmet, the input is absent,
            never filled.
        experts: who reads it.
        parameters: typed by the generator.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    generator: str
    enabled: bool = True
    requires: tuple[str, ...] = Field(min_length=1)
    experts: tuple[Expert, ...] = Field(min_length=1)
    parameters: SerializeAsAny[Strict]

    @model_validator(mode="before")
    @classmethod
    def _parse_parameters(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "generator" not in value:
            return value
        parsed = generators.parse(value["generator"], value.get("parameters") or {})
        return {**value, "parameters": parsed}


class Group(FeatureInput):
    """A group of feature columns.

    Attributes:
        columns: width where all inputs are present.
        follows: what the width follows instead where a bank differs.
    """

    columns: int = Field(gt=0)
    follows: Literal["products", "categories"] | None = None


class Tensor(FeatureInput):
    """A side tensor: lists of varying length beside the columns."""


class Fit(Strict):
    """The sample on which everything fitted is fitted.

    Attributes:
        customers: most train customers in the sample.
        salt: another salt is another sample.
    """

    customers: int = Field(gt=0)
    salt: str


class Complete(Strict):
    """Where a column that never varies fails the build instead of being dropped by name.

    Attributes:
        dataset: the data set that is under our own control.
        customers: from this many customers on.
    """

    dataset: str
    customers: int = Field(gt=0)


class Leakage(Strict):
    """The leakage validator.

    Attributes:
        sample_customers: customers whose features are made again from altered tables.
        sample_shards: most shards that they, and those on whom the fit is repeated, come from.
        refit_customers: most fit customers on whom the fit is repeated on altered tables.
        screen_rows: most train rows of the single-feature screen.
        screen_bound: largest max(AUC, 1 - AUC) a single column may reach on a binary task.
        screen_positives: rows of each class a task needs to be screened.
    """

    sample_customers: int = Field(gt=0)
    sample_shards: int = Field(gt=0)
    refit_customers: int = Field(gt=0)
    screen_rows: int = Field(gt=0)
    screen_bound: float = Field(gt=0.5, lt=1)
    screen_positives: int = Field(gt=0)


class FeaturesSettings(Strict):
    """All of Phase 0 but labels.

    Attributes:
        memory: DuckDB memory limit of one process, e.g. `2GB`.
        threads: of all workers together, shared out among them; the bytes do not depend on it.
        workers: processes that work on shards side by side; the bytes do not depend on it.
        parallel_customers: fewer customers than this are not worth another process.
        process_memory: a process that has needed more ends the run.
        batch_customers: customers of one shard worked on at a time; values do not depend on it.
        private_groups: groups the task-private experts read.
        expose_protected: protected columns that are decision inputs all the same; empty by default.
        glossary: names, units and sentences of every column, from `configs/glossary/`.
    """

    memory: str = Field(pattern=r"^\d+(MB|GB)$")
    threads: int = Field(gt=0)
    workers: int = Field(gt=0)
    parallel_customers: int = Field(ge=0)
    process_memory: str = Field(pattern=r"^\d+(MB|GB)$")
    batch_customers: int = Field(gt=0)
    fit: Fit
    complete: Complete
    leakage: Leakage
    private_groups: tuple[str, ...]
    expose_protected: tuple[str, ...] = ()
    groups: tuple[Group, ...] = Field(min_length=1)
    tensors: tuple[Tensor, ...]
    glossary: Glossary

    @field_validator("glossary", mode="before")
    @classmethod
    def _read_glossary(cls, value: Any) -> Any:
        return read_glossary(CONFIGS / value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _consistent(self) -> "FeaturesSettings":
        names = [item.name for item in (*self.groups, *self.tensors)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"groups, tensors: '{name}' stands twice")
        unknown = set(self.private_groups) - {group.name for group in self.groups}
        if unknown:
            raise ValueError(f"private_groups: {', '.join(sorted(unknown))}: no such group")
        return self
