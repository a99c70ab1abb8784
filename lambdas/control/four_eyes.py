"""Whether two people are one: the submitter may not approve where four eyes are demanded."""

from collections.abc import Iterable


def identities(names: Iterable[str]) -> frozenset[str]:
    """Return every form in which names may name one person.

    AWS names a person by an ARN whose last part is the user or the session, an operator by the
    name they log in with; both may stand for the same person, and doing so refuses.
    """
    forms = set()
    for name in names:
        plain = name.strip().casefold()
        forms |= {plain, plain.rpartition("/")[2]} - {""}
    return frozenset(forms)


def same_person(some: Iterable[str], others: Iterable[str]) -> bool:
    """Return whether any name of one side is a name of the other."""
    return bool(identities(some) & identities(others))
