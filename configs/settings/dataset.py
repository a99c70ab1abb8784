"""A data set: source files, one SELECT per canonical table, calendar, splits and catalogue."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from configs.settings.base import CONFIGS, Strict, load, read_yaml
from configs.settings.months import Month, month_range, parse_month, shift
from configs.settings.sources import Source
from configs.settings.splits import Splits, fill

TABLES = (
    "customers",
    "customer_months",
    "holdings",
    "transactions",
    "products",
    "categories",
    "contacts",
)
"""Canonical tables; `products` and `categories` come from the catalogue and the tree below."""

REFERENCE_TABLES = ("products", "categories")
MIN_MONTHS, LOOKBACK_MONTHS = 6, 12


class Names(Strict):
    """A Korean and an English name."""

    ko: str = Field(min_length=1)
    en: str = Field(min_length=1)


class TableQuery(Strict):
    """How a canonical table is made: a DuckDB SELECT, and the source its rows come from."""

    source: str
    sql: str = Field(min_length=8)


class Eligibility(Strict):
    """Who may be offered a product; an absent bound does not bind."""

    min_age: int | None = None
    max_age: int | None = None
    min_income: int | None = None
    segments: tuple[str, ...] | None = None


class Product(Strict):
    """A product of the catalogue; its place in the list is the catalogue order."""

    product: str
    group: str
    names: Names
    risk_grade: int | None = Field(default=None, ge=1, le=6)
    eligibility: Eligibility = Eligibility()
    fees: Names | None = None
    benefits: Names | None = None


class ProductGroup(Strict):
    """A group of products."""

    group: str
    names: Names


class Catalogue(Strict):
    """All products and groups."""

    groups: tuple[ProductGroup, ...]
    products: tuple[Product, ...]

    @model_validator(mode="after")
    def _consistent(self) -> "Catalogue":
        groups = [group.group for group in self.groups]
        codes = [product.product for product in self.products]
        for label, values in (("group", groups), ("product", codes)):
            if len(set(values)) != len(values):
                raise ValueError(f"a {label} stands twice")
        for product in self.products:
            if product.group not in groups:
                raise ValueError(f"product '{product.product}' names unknown group")
        return self


class Category(Strict):
    """A node of a data set's own category tree; `parent` absent = below the root."""

    code: str
    parent: str | None = None
    names: Names


class CategoryTree(Strict):
    """The tree of transaction categories.

    Attributes:
        iso18245: include the whole merchant category code tree
            (root > ISO range > 3-digit prefix > code).
        nodes: further nodes, and Korean names for codes of the ISO tree.
    """

    iso18245: bool
    nodes: tuple[Category, ...] = ()


class Segment(Strict):
    """A customer segment, in the order of the classes of `segment_prediction`."""

    code: str
    names: Names


class Currency(Strict):
    """Currency of all amounts and its decimal digits (amounts are integer minor units)."""

    code: str = Field(pattern=r"^[A-Z]{3}$")
    minor_digits: int = Field(ge=0, le=4)


class Limits(Strict):
    """Bounds of the preparation job.

    Attributes:
        memory: DuckDB memory limit, e.g. `2GB`.
        threads: threads of reading, checking and writing; the bytes do not depend on it.
        line_bytes: longest line accepted in a delimited file.
        examples: examples quoted per violation.
    """

    memory: str = Field(default="2GB", pattern=r"^\d+(MB|GB)$")
    threads: int = Field(default=2, gt=0)
    line_bytes: int = Field(default=1_000_000, gt=0)
    examples: int = Field(default=3, gt=0)


class DatasetSettings(Strict):
    """Everything that makes a bank's files the canonical tables.

    Attributes:
        time_zone: zone of the bank: canonical stamps are its local wall-clock time. Stamps of the
            sources are taken as local; those in another zone are turned in the table's SQL.
        splits: left out, they are proposed from the span (see `splits.py`).
        category_directions: directions of the transactions whose category the category tasks read.
        catalogue: name of a file in `configs/products/`, replaced by its content on loading.
        categories: name of a file in `configs/datasets/categories/`, likewise.
        segments: declared segments; empty where the data set has none.
        shards: number of customer shards.
        min_months_observed: months of history a customer needs to be in the examples.
        lookback_months: months of history that features may read, exactly.
        serving: month whose end is the `as_of` of the scored customers; the last one by default.
        simulated: the data come out of a simulation, so that what can be known of them is known:
            a run of them is not judged without their state oracle.
    """

    name: str
    titles: Names
    simulated: bool = False
    currency: Currency
    time_zone: str
    first_month: Month
    last_month: Month
    horizon_months: int = Field(gt=0)
    splits: Splits
    serving: Month
    shards: int = Field(gt=0)
    min_months_observed: int = Field(default=MIN_MONTHS, gt=0)
    lookback_months: int = Field(default=LOOKBACK_MONTHS, gt=0)
    category_directions: tuple[Literal["debit", "credit"], ...] = ("debit",)
    segments: tuple[Segment, ...] = ()
    catalogue: Catalogue | None = None
    categories: CategoryTree | None = None
    sources: dict[str, Source]
    tables: dict[str, TableQuery]
    limits: Limits = Limits()

    @model_validator(mode="before")
    @classmethod
    def _propose_splits(cls, value: Any) -> Any:
        return fill(value, lookback=LOOKBACK_MONTHS, least=MIN_MONTHS)

    @field_validator("catalogue", mode="before")
    @classmethod
    def _read_catalogue(cls, value: Any) -> Any:
        return (
            read_yaml(CONFIGS / "products" / f"{value}.yaml") if isinstance(value, str) else value
        )

    @field_validator("categories", mode="before")
    @classmethod
    def _read_categories(cls, value: Any) -> Any:
        folder = CONFIGS / "datasets" / "categories"
        return read_yaml(folder / f"{value}.yaml") if isinstance(value, str) else value

    @model_validator(mode="after")
    def _tables_have_sources(self) -> "DatasetSettings":
        if "customers" not in self.tables:
            raise ValueError("tables: 'customers' is missing")
        selectable = [table for table in TABLES if table not in REFERENCE_TABLES]
        for table, query in self.tables.items():
            if table not in selectable:
                raise ValueError(f"tables.{table}: unknown (allowed: {', '.join(selectable)})")
            if query.source not in self.sources:
                raise ValueError(f"tables.{table}.source: '{query.source}' is not among sources")
        for name, source in self.sources.items():
            for reference in source.references:
                other = self.sources.get(reference.source)
                if other is None or reference.key not in other.columns:
                    raise ValueError(
                        f"sources.{name}.references: {reference.source}.{reference.key} is unknown"
                    )
        if "holdings" in self.tables and self.catalogue is None:
            raise ValueError("catalogue: needed where there are holdings")
        return self

    @model_validator(mode="after")
    def _windows_fit(self) -> "DatasetSettings":
        order = (("train", "validation"), ("validation", "test"))
        for earlier, later in order:
            last = max(self.as_ofs(earlier))
            end = shift(last, self.horizon_months) + timedelta(days=self.splits.gap_days)
            if end > min(self.as_ofs(later)):
                raise ValueError(
                    f"splits: the label window of {earlier} as_of {last} (+ gap_days) ends after "
                    f"the first {later} as_of"
                )
        if shift(max(self.as_ofs("test")), self.horizon_months) > self.last:
            raise ValueError("splits: the label window of test ends after last_month")
        if min(self.as_ofs("train")) < self.first or parse_month(self.serving) > self.last:
            raise ValueError("splits, serving: outside first_month..last_month")
        return self

    @property
    def first(self) -> date:
        """Month end of the first month with data."""
        return parse_month(self.first_month)

    @property
    def last(self) -> date:
        """Month end of the last month with data: later rows are violations."""
        return parse_month(self.last_month)

    @property
    def months(self) -> list[date]:
        """Every month end of the data set."""
        return month_range(self.first, self.last)

    def as_ofs(self, split: str) -> list[date]:
        """Return the sorted `as_of` dates of train, validation, test or score (serving date)."""
        if split == "score":
            return [parse_month(self.serving)]
        months: tuple[str, ...] = getattr(self.splits, split)
        return sorted(parse_month(month) for month in months)

    @property
    def fit_cutoff(self) -> date:
        """The first train `as_of`: nothing later may reach anything that is fitted."""
        return self.as_ofs("train")[0]


def load_dataset(named: str) -> DatasetSettings:
    """Load `configs/datasets/<named>.yaml`, or the file itself where a path to a YAML is named.

    Raises:
        SettingsError: there is no such file, or it is not a data set.
    """
    if named.endswith(".yaml"):
        return load(DatasetSettings, Path(named))
    return load(DatasetSettings, CONFIGS / "datasets" / f"{named}.yaml")
