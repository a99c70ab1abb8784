"""The inputs of the distill job on a small bank, and the job run on them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from configs.contracts.stages import Stage
from configs.settings.distillation import DistillationSettings
from tests.fixtures.phase0_output import write_phase0
from tests.unit.distillation.distillation_world import shipped, tolerant
from training_jobs.distill import main
from training_jobs.distillation.rows import SPLITS, read_folder, read_tasks
from training_jobs.runtime import JobContext

CHURN, NBA, COUNT = "churn_signal", "nba_primary", "cross_sell_count"
ROUTES = {CHURN: "DISTILL", NBA: "DIRECT", COUNT: "DISTILL"}
Change = Callable[[pa.Table], pa.Table]


@dataclass(frozen=True)
class Bank:
    """The three inputs of the stage."""

    phase0: Path
    teacher: Path
    evaluate: Path

    def distil(self, output: Path, settings: DistillationSettings, group: str = "all") -> Path:
        """Run the job and return its output."""
        output.mkdir(parents=True)
        inputs = {"phase0": self.phase0, "teacher": self.teacher, "evaluate": self.evaluate}
        main(
            JobContext(
                stage=Stage.DISTILL,
                inputs=inputs,
                output=output,
                checkpoints=None,
                settings={"distillation": settings.model_dump(mode="json")},
                identity={"group": group},
            )
        )
        return output

    def rewrite(self, folder: str, change: Change) -> None:
        """Change every part of one of Phase 0's tables."""
        for path in (self.phase0 / folder).glob("part-*.parquet"):
            pq.write_table(change(pq.read_table(path)), path)


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON document in place."""
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def opinions(name: str, examples: pa.Table, width: int) -> pa.Array:
    """A teacher that saw the label through a haze."""
    rng = np.random.default_rng(len(name))
    y = np.nan_to_num(examples.column(f"y_{name}").to_numpy().astype(float))
    if width > 1:
        p = np.full((len(y), width), 0.4 / width)
        p[np.arange(len(y)), y.astype(int)] += 0.6
        return pa.FixedSizeListArray.from_arrays(pa.array(p.ravel(), pa.float32()), width)
    if name.startswith(("cross_sell", "product")):
        return pa.array(0.5 * y + 0.5 * y.mean() + 0.1 * rng.random(len(y)))
    return pa.array(1 / (1 + np.exp(-(2 * y - 1.5 + rng.normal(size=len(y))))))


def write_bank(folder: Path) -> Bank:
    """Write the inputs below a folder: three tasks are on, the teacher knows them well."""
    phase0 = write_phase0(folder / "phase0", customers=300)

    def keep(document: dict[str, Any]) -> None:
        for row in document["tasks"]:
            row["status"] = "on" if row["name"] in ROUTES else "off"

    edit(phase0 / "tasks.json", keep)
    teacher, evaluate = folder / "teacher", folder / "evaluate"
    (teacher / "predictions").mkdir(parents=True)
    evaluate.mkdir()
    examples = read_folder(phase0 / "examples")
    names = np.array(examples.column("split").to_pylist())
    for split in SPLITS:
        part = examples.take(pa.array(np.flatnonzero(names == split)))
        # Backwards: the job must join by key, for the order of rows is nobody's promise.
        part = part.take(pa.array(np.arange(part.num_rows)[::-1]))
        columns = {name: part.column(name) for name in ("customer_id", "as_of")}
        columns |= {task.name: opinions(task.name, part, task.width) for task in read_tasks(phase0)}
        pq.write_table(pa.table(columns), teacher / "predictions" / f"{split}.parquet")
    rows = {name: {"route": route, "route_reason": ""} for name, route in ROUTES.items()}
    (evaluate / "evaluation.json").write_text(json.dumps({"tasks": rows}))
    return Bank(phase0, teacher, evaluate)


def light() -> DistillationSettings:
    """Return settings under which every student of the bank is served, quickly."""
    return tolerant(shipped(**{"student.rounds": 25}))


def students_of(output: Path) -> dict[str, Any]:
    """Return the entries of `students.json`."""
    found: dict[str, Any] = json.loads((output / "students.json").read_text())["tasks"]
    return found


def bytes_of(output: Path) -> dict[str, bytes]:
    """Return the content of every file, by its path below `output`."""
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in sorted(output.rglob("*"))
        if path.is_file()
    }
