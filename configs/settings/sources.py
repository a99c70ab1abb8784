"""Source files of a data set: where they are, how they are read, what must hold in them."""

from typing import Literal

from pydantic import Field, model_validator

from configs.settings.base import Strict


class SourceColumn(Strict):
    """A column of a source file.

    Attributes:
        type: DuckDB type the text is converted to.
        format: strptime pattern for DATE and TIMESTAMP, else DuckDB's own reading.
        nullable: whether an empty value is allowed.
    """

    type: Literal["VARCHAR", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "BOOLEAN"]
    format: str | None = None
    nullable: bool = False


class Reference(Strict):
    """A foreign key between source files: every value of `column` stands in `source.key`."""

    column: str
    source: str
    key: str


class Source(Strict):
    """One or many files of the same shape, seen by the SQL as a view of typed columns.

    Attributes:
        path: glob below the data folder.
        format: `csv` covers every delimited text.
        null_strings: texts that mean a missing value.
        trim: remove blanks around values before they are read.
    """

    path: str
    format: Literal["csv", "parquet"]
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    quote: str = Field(default='"', min_length=1, max_length=1)
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    null_strings: tuple[str, ...] = ("",)
    trim: bool = False
    columns: dict[str, SourceColumn]
    unique: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()

    @model_validator(mode="after")
    def _keys_exist(self) -> "Source":
        for name in (*self.unique, *(reference.column for reference in self.references)):
            if name not in self.columns:
                raise ValueError(f"'{name}' is not among the source's columns")
        return self
