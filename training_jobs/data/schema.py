"""The canonical tables: columns, types, what may be missing, keys and allowed values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column of a canonical table.

    Attributes:
        type: DuckDB type.
        required: whether a missing value is a violation.
        check: SQL that must hold for every value that is present, with `$` for the column.
        says: the rule in words.
    """

    type: str
    required: bool = False
    check: str | None = None
    says: str = ""


@dataclass(frozen=True)
class TableSchema:
    """A canonical table: columns in order, unique key, sort order is the column order."""

    columns: dict[str, Column]
    key: tuple[str, ...] = ()


_ID = Column("VARCHAR", required=True, check="length($) > 0", says="must not be blank")
_MONTH = Column("DATE", required=True, check="$ = last_day($)", says="must be a month end")

SCHEMAS: dict[str, TableSchema] = {
    "customers": TableSchema(
        {
            "customer_id": _ID,
            "birth_year": Column("INTEGER", check="$ BETWEEN 1880 AND 2100", says="1880..2100"),
            "gender": Column("VARCHAR", check="$ IN ('F', 'M')", says="F or M"),
            "joined_on": Column("DATE"),
        },
        key=("customer_id",),
    ),
    "customer_months": TableSchema(
        {
            "customer_id": _ID,
            "month": _MONTH,
            "segment": Column("VARCHAR"),
            "income": Column("BIGINT", check="$ >= 0", says="must not be negative"),
            "channel": Column("VARCHAR"),
            "region": Column("VARCHAR"),
            "active": Column("BOOLEAN"),
        },
        key=("customer_id", "month"),
    ),
    "holdings": TableSchema(
        {"customer_id": _ID, "month": _MONTH, "product": Column("VARCHAR", required=True)},
        key=("customer_id", "month", "product"),
    ),
    "transactions": TableSchema(
        {
            "customer_id": _ID,
            "ts": Column("TIMESTAMP", required=True),
            "amount": Column("BIGINT", required=True, check="$ > 0", says="must be above 0"),
            "direction": Column(
                "VARCHAR", required=True, check="$ IN ('debit', 'credit')", says="debit or credit"
            ),
            "category": Column("VARCHAR", required=True),
            "channel": Column("VARCHAR"),
            "merchant": Column("VARCHAR"),
        }
    ),
    "contacts": TableSchema(
        {
            "customer_id": _ID,
            "ts": Column("TIMESTAMP", required=True),
            "product": Column("VARCHAR", required=True),
            "propensity": Column("DOUBLE", check="$ > 0 AND $ <= 1", says="in (0, 1]"),
            "outcome": Column("BOOLEAN"),
        }
    ),
}
"""`products` and `categories` are written by us, see `reference.py`."""

TIME_COLUMN = {
    "customers": "joined_on",
    "customer_months": "month",
    "holdings": "month",
    "transactions": "ts",
    "contacts": "ts",
}
"""The column that says when a row happened."""
