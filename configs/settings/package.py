"""Packaging: what the served model and the customers' records are made of."""

from pydantic import Field

from configs.settings.base import Strict


class Words(Strict):
    """A text in the languages of the product."""

    ko: str = Field(min_length=1)
    en: str = Field(min_length=1)


class Attributions(Strict):
    """Per-customer attributions of the students.

    Attributes:
        top: strongest columns kept for a task that speak for it, and as many that speak against.
        threads: CPU threads.
    """

    top: int = Field(ge=1, le=20)
    threads: int = Field(ge=1)


class Popularity(Strict):
    """Shares of customers who took a product up, by segment, for the rule layer.

    Attributes:
        months: how far back an uptake counts.
        prior_customers: customers of the whole bank's share mixed into each segment's.
    """

    months: int = Field(ge=1, le=24)
    prior_customers: float = Field(ge=0)


class ModelCard(Strict):
    """Texts of the model card that no artefact can give."""

    intended_use: Words
    limits: tuple[Words, ...] = Field(min_length=1)


class PackageSettings(Strict):
    """Everything the package stage may be told.

    Attributes:
        lenses: lens -> label; every lens of the teacher needs one.
        max_record_bytes: a record above it cannot be stored.
        part_records: records in one part; a part is published by one function call.
    """

    lenses: dict[str, Words]
    attributions: Attributions
    popularity: Popularity
    max_record_bytes: int = Field(gt=0, le=400_000)
    part_records: int = Field(ge=1, le=20_000)
    model_card: ModelCard
