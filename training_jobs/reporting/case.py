"""The run that is reported: what all sections share."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from configs.contracts.stages import Stage
from configs.settings.dataset import DatasetSettings
from configs.settings.evaluation import Bootstrap
from configs.settings.report import MetricText, ReportSettings
from training_jobs.evaluation.ledger import Ledger
from training_jobs.reporting.documents import Document, Inputs, NotAvailable
from training_jobs.reporting.markup import Html
from training_jobs.reporting.sample import Sample
from training_jobs.reporting.students import Measured


@dataclass(frozen=True)
class Case:
    """Everything the sections read.

    Attributes:
        identity: run_id, stage_key, code_version, data_hash of this job.
        bootstrap: of the intervals on test.
        measured: task -> the student beside its teacher on test, or why there is none.
        ledger: the reads of labels for `measured` and `sample`.
        sample: rows of Phase 0 that pictures are made from, or why there are none.
    """

    inputs: Inputs
    identity: Mapping[str, str]
    dataset: DatasetSettings
    settings: ReportSettings
    bootstrap: Bootstrap
    measured: Mapping[str, Measured] | NotAvailable
    ledger: Ledger
    sample: Sample | NotAvailable

    def tasks(self) -> list[Document]:
        """Return the rows of `tasks.json`, on and off."""
        rows: list[Document] = self.inputs.document(Stage.PHASE0, "tasks.json")["tasks"]
        return rows

    def students(self) -> dict[str, Document]:
        """Return the entries of `students.json` of all groups, by task."""
        found: dict[str, Document] = {}
        for group in self.inputs.groups(Stage.DISTILL):
            document = self.inputs.document(Stage.DISTILL, "students.json", group)
            found.update(document["tasks"].items())
        return found

    def student_of(self, task: str) -> Measured:
        """Return the measured student of a task. Raises NotAvailable."""
        if isinstance(self.measured, NotAvailable):
            raise self.measured
        if task not in self.measured:
            entry = self.students().get(task)
            reason = entry["reason"] if entry is not None else ""
            raise NotAvailable(f"the task has no student{f' ({reason})' if reason else ''}")
        return self.measured[task]

    def features(self) -> Sample:
        """Return the sample. Raises NotAvailable."""
        if isinstance(self.sample, NotAvailable):
            raise self.sample
        return self.sample

    def metric(self, name: str) -> MetricText:
        """Return how a metric is shown; one without a text goes by its own name."""
        found = self.settings.metrics.get(name)
        return found or MetricText(title=name, better="higher", meaning="Not described.")


@dataclass(frozen=True)
class Section:
    """One section of the page.

    Attributes:
        anchor: where links of the table of contents lead.
        make: returns the content; raises NotAvailable where its inputs are missing.
    """

    anchor: str
    title: str
    make: Callable[[Case], Html]
