"""Every read of labels, on record: who read which split's labels, and what for."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One read."""

    reader: str
    split: str
    columns: tuple[str, ...]
    purpose: str


class Ledger:
    """Collects the entries of one job in the order of the reads; the parts of one read are one."""

    def __init__(self, reader: str) -> None:
        """Open a ledger for `reader`, the job's name."""
        self.reader = reader
        self.entries: list[Entry] = []

    def record(self, split: str, columns: Sequence[str], purpose: str) -> None:
        """Put one read on record."""
        entry = Entry(self.reader, split, tuple(columns), purpose)
        if entry not in self.entries:
            self.entries.append(entry)

    def plain(self) -> list[dict[str, Any]]:
        """Return the JSON form."""
        return [asdict(entry) | {"columns": list(entry.columns)} for entry in self.entries]
