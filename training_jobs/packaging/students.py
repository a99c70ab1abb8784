"""The students of all groups as one table."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.errors import ArtefactError


@dataclass(frozen=True)
class Students:
    """What the distill stage left, all groups together.

    Attributes:
        entries: task -> its entry in `students.json`, served or not.
        texts: task -> LightGBM model text, of the served tasks only.
    """

    entries: dict[str, dict[str, Any]]
    texts: dict[str, str]

    @property
    def served(self) -> dict[str, dict[str, Any]]:
        """Entries of the tasks that have a student."""
        return {task: self.entries[task] for task in self.texts}


def read_students(distill: Path, tasks: list[str]) -> Students:
    """Return the students below the folder of each group.

    Raises:
        ArtefactError: a task stands in two groups, or in none.
    """
    entries: dict[str, dict[str, Any]] = {}
    texts: dict[str, str] = {}
    for group in sorted(path for path in distill.iterdir() if path.is_dir()):
        found = json.loads((group / "students.json").read_text())["tasks"]
        if twice := sorted(entries.keys() & found.keys()):
            raise ArtefactError(
                f"task {twice[0]} stands in two distillation groups",
                remedy="name each task in one of distillation.groups",
            )
        entries |= found
        texts |= {path.stem: path.read_text() for path in (group / "students").glob("*.txt")}
    if missing := [task for task in tasks if task not in entries]:
        raise ArtefactError(
            f"no distillation group holds task {missing[0]}",
            remedy="name it in one of distillation.groups, or '*' for all",
        )
    return Students({task: entries[task] for task in tasks}, dict(sorted(texts.items())))
