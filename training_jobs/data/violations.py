"""What the contract check found: every fault with file, table, column, count, examples, remedy."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from configs.errors import DataContractError

SUMMARY_LIMIT = 900
"""Characters of the error; an execution's history shows about that many."""


@dataclass(frozen=True)
class Violation:
    """One fault.

    Attributes:
        file: source file or glob in the data folder.
        table: source or canonical table.
        column: column or columns; empty where the whole file is at fault.
        rule: what is broken, a few words.
        count: rows (or files) at fault.
        examples: some of the values.
        remedy: what to do.
        identifying: whether the examples may identify a customer; then no log shows them.
    """

    file: str
    table: str
    column: str
    rule: str
    count: int
    examples: tuple[str, ...]
    remedy: str
    identifying: bool = False

    def headline(self) -> str:
        """Return one line with file, table, column, rule and count, without examples."""
        column = f" column {self.column}" if self.column else ""
        return f"{self.file} (table {self.table}){column}: {self.rule}: {self.count}"

    def as_json(self) -> dict[str, Any]:
        """Return the violation as a JSON value."""
        return asdict(self)


def render(violations: Sequence[Violation], *, show_identifying: bool) -> str:
    """Return the report for a person, one block a violation.

    Args:
        violations: what was found.
        show_identifying: whether examples that may identify customers are shown; never in a log.
    """
    lines = []
    for violation in violations:
        lines.append(violation.headline())
        if violation.examples and (show_identifying or not violation.identifying):
            lines.append(f"    for example: {', '.join(violation.examples)}")
        elif violation.examples:
            lines.append("    examples are not logged: `make check-data` shows them")
        lines.append(f"    remedy: {violation.remedy}")
    return "\n".join(lines)


def refuse(violations: Sequence[Violation]) -> DataContractError:
    """Return the error that stops a job: as many headlines as fit, then how many more."""
    lines: list[str] = []
    used = 0
    for number, violation in enumerate(violations):
        line = violation.headline()[: SUMMARY_LIMIT - 100]
        if used + len(line) > SUMMARY_LIMIT - 60:
            lines.append(f"... and {len(violations) - number} more")
            break
        lines.append(line)
        used += len(line) + 2
    return DataContractError(
        f"{len(violations)} violations of the data contract: " + "; ".join(lines),
        remedy="run check-data on the same folder for examples and remedies, mend the files",
    )
