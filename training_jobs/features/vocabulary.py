"""Vocabularies: the most common values among fit customers, in an order nothing can disturb."""

from collections.abc import Sequence

from training_jobs.features.cut import CutView


def common(view: CutView, rows: str, *, most: int, least_customers: int = 1) -> list[str]:
    """Return values by number of customers, most first, ties by text.

    Args:
        view: the fit sample.
        rows: a SELECT of `row` and `value`; null values are left out.
        most: longest vocabulary.
        least_customers: customers a value needs.
    """
    found = view.query(
        f"""SELECT value FROM (
              SELECT value, count(DISTINCT row) AS customers FROM ({rows})
              WHERE value IS NOT NULL GROUP BY value
            ) WHERE customers >= $least ORDER BY customers DESC, value LIMIT $most""",
        least=least_customers,
        most=most,
    )
    return [str(value) for value in found["value"]]


def safe(code: str) -> str:
    """Return a code as it may stand in a column name: letters, digits and underscores."""
    return "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in code)


def safe_names(prefix: str, codes: Sequence[str]) -> list[str]:
    """Return one column name a code. Raises ValueError when two codes give the same name."""
    names = [f"{prefix}{safe(code)}" for code in codes]
    if len(set(names)) != len(names):
        raise ValueError(f"codes of '{prefix}' columns collide once made safe")
    return names
