"""Reads the onboarding guide: its files and its commands with the lines they print."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from configs.settings.base import CONFIGS

GUIDE = CONFIGS.parent / "docs" / "onboarding.md"
_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)"( append)?)?\n(.*?)^```$', re.M | re.S)
SKIP = "..."


@dataclass(frozen=True)
class File:
    """A file of the guide, or lines that are appended to one."""

    path: str
    content: str
    append: bool

    def write(self, folder: Path) -> None:
        """Write or append it below a folder."""
        target = folder / self.path
        target.parent.mkdir(parents=True, exist_ok=True)
        before = target.read_text() if self.append else ""
        target.write_text(before + self.content)


@dataclass(frozen=True)
class Command:
    """A command of the guide and what it shows."""

    line: str
    shown: tuple[str, ...]

    def differs(self, printed: str) -> str | None:
        """Return the first line shown that is not printed in its place, None if all are.

        A line of `...` stands for any number of lines.
        """
        lines = [line.rstrip() for line in printed.rstrip().split("\n")]
        at, loose = 0, False
        for line in self.shown:
            if line == SKIP:
                loose = True
                continue
            here = lines[at:] if loose else lines[at : at + 1]
            if line not in here:
                return line
            at += here.index(line) + 1
            loose = False
        return None if loose or at == len(lines) else f"more is printed: {lines[at]}"


def steps() -> Iterator[File | Command]:
    """Yield the steps of the guide, in order."""
    for kind, title, append, body in _BLOCK.findall(GUIDE.read_text(encoding="utf-8")):
        if title:
            yield File(title, body, bool(append))
        elif kind == "console":
            first, *shown = body.rstrip("\n").split("\n")
            yield Command(first.removeprefix("$ "), tuple(line.rstrip() for line in shown))
