"""What the stages left, read so that every gap has a reason a reader can understand."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from configs.contracts.artefacts import MANIFEST_NAME, Manifest
from configs.contracts.stages import STAGES, Stage
from configs.errors import ArtefactError
from training_jobs.distillation.rows import read_folder
from training_jobs.evaluation.labels import read_labelled
from training_jobs.evaluation.ledger import Ledger

RUN_CHANNEL = "run"
RUN_FILE = "run.json"


class NotAvailable(Exception):
    """A part of the report cannot be shown; the text says why."""


class Document(Mapping[str, Any]):
    """A JSON object that knows where it came from: a missing key says which."""

    def __init__(self, content: Mapping[str, Any], source: str) -> None:
        """Wrap `content`; `source` names the file, then the path inside it."""
        self._content, self.source = content, source

    def __getitem__(self, key: str) -> Any:
        """Return a value, objects wrapped. Raises NotAvailable."""
        if key not in self._content:
            raise NotAvailable(f"{self.source} holds no '{key}'")
        return wrap(self._content[key], f"{self.source}: {key}")

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value or the default."""
        return self[key] if key in self._content else default

    def __contains__(self, key: object) -> bool:
        """Tell whether the key is there."""
        return key in self._content

    def __iter__(self) -> Iterator[str]:
        """Iterate over the keys in their order."""
        return iter(self._content)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._content)


def wrap(value: Any, source: str) -> Any:
    """Return objects, and objects in lists, as documents."""
    if isinstance(value, dict):
        return Document(value, source)
    if isinstance(value, list):
        return [wrap(item, source) for item in value]
    return value


class Inputs:
    """The channels of the job."""

    def __init__(self, channels: Mapping[str, Path]) -> None:
        """Keep channel -> folder."""
        self._channels = channels

    def folder(self, stage: Stage, group: str | None = None) -> Path:
        """Return the folder of a stage's output. Raises NotAvailable."""
        folder = self._channels.get(stage.value)
        if folder is None:
            raise NotAvailable(f"the output of stage {stage} was not given to this job")
        return folder if group is None else folder / group

    def groups(self, stage: Stage) -> list[str | None]:
        """Return the groups of a stage's output, [None] where it has none.

        Raises:
            NotAvailable: the stage was not given, or no group of it.
        """
        if not STAGES[stage].per_group:
            return [None]
        found = sorted(path.name for path in self.folder(stage).iterdir() if path.is_dir())
        if not found:
            raise NotAvailable(f"stage {stage} left no group")
        return list(found)

    def file(self, stage: Stage, name: str, group: str | None = None) -> Path:
        """Return an output file of a stage. Raises NotAvailable."""
        path = self.folder(stage, group) / name
        if not path.is_file():
            where = f"{stage} ({group})" if group else f"{stage}"
            raise NotAvailable(f"{name} is not among the outputs of stage {where}")
        return path

    def examples(self, columns: list[str]) -> pa.Table:
        """Return columns of all examples of Phase 0. Raises NotAvailable."""
        folder = self.folder(Stage.PHASE0) / "examples"
        if not any(folder.glob("part-*.parquet")):
            raise NotAvailable("examples are not among the outputs of stage phase0")
        return read_folder(folder, columns)

    def labelled(
        self, columns: list[str], tasks: list[str], *, uses: Mapping[str, str], ledger: Ledger
    ) -> pa.Table:
        """Return rows of some splits of Phase 0 with their labels. Raises NotAvailable.

        Args:
            columns: other columns.
            tasks: whose labels.
            uses: split -> what its labels are read for.
            ledger: where the reads go on record.
        """
        parts = sorted((self.folder(Stage.PHASE0) / "examples").glob("part-*.parquet"))
        if not parts:
            raise NotAvailable("examples are not among the outputs of stage phase0")
        return pa.concat_tables(
            [read_labelled(path, columns, tasks, uses=uses, ledger=ledger) for path in parts]
        )

    def document(self, stage: Stage, name: str, group: str | None = None) -> Document:
        """Return a JSON object that a stage left. Raises NotAvailable."""
        return read(self.file(stage, name, group), name)

    def run(self) -> Document:
        """Return the facts of the run. Raises NotAvailable."""
        folder = self._channels.get(RUN_CHANNEL)
        if folder is None or not (folder / RUN_FILE).is_file():
            raise NotAvailable("the run facts were not given to this job")
        return read(folder / RUN_FILE, RUN_FILE)

    def manifest(self, stage: Stage, group: str | None = None) -> Manifest:
        """Return a stage's manifest. Raises NotAvailable."""
        path = self.file(stage, MANIFEST_NAME, group)
        try:
            return Manifest.parse(path.read_bytes())
        except ArtefactError as error:
            raise NotAvailable(error.problem) from error


def read(path: Path, name: str) -> Document:
    """Return the JSON object in a file. Raises NotAvailable when it holds none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise NotAvailable(f"{name} is not JSON") from error
    if not isinstance(content, dict):
        raise NotAvailable(f"{name} is no JSON object")
    return Document(content, name)
