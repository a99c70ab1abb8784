"""All jobs of the server: starting, stopping, interrupting, and what a restart leaves of them."""

import contextvars
import re
import signal
import threading
import time
from pathlib import Path
from typing import Any

from local_cloud.emulator.internals import part
from local_cloud.emulator.sagemaker.records import Board, Record
from local_cloud.emulator.sagemaker.roles import check_role
from local_cloud.emulator.sagemaker.runner import Place, Run
from local_cloud.emulator.sagemaker.specification import Kind, specify
from local_cloud.settings import JobSettings

NAME = re.compile(r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$")


class JobError(Exception):
    """A refused request: SageMaker's error code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class Jobs:
    """Records and running threads of training and processing jobs.

    Args:
        folder: where jobs work.
        hidden: folders that no job may see.
        settings: grace time and pauses.
    """

    def __init__(self, folder: Path, *, hidden: tuple[Path, ...], settings: JobSettings) -> None:
        self._place = Place(folder, hidden)
        self._settings = settings
        self.board = Board()
        self.records = part("core.responses", "AccountRegionScopedDict")()
        self._runs: dict[str, Run] = {}

    def create(self, kind: Kind, request: dict[str, Any]) -> Record:
        """Start a job. Raises JobError as the create API would."""
        name = request[f"{kind}JobName"]
        if not NAME.match(name):
            raise JobError(
                "ValidationException",
                f"1 validation error detected: Value '{name}' failed to satisfy constraint: "
                f"Member must satisfy regular expression pattern: {NAME.pattern}",
            )
        if self.find(kind, name) is not None:
            raise JobError(
                "ResourceInUse",
                f"Job name must be unique within an AWS account and region, and a {kind.lower()} "
                f"job with this name already exists ({name})",
            )
        try:
            job = specify(kind, request)
            check_role(job.role)
        except ValueError as error:
            raise JobError("ValidationException", str(error)) from error
        responses = part("core.responses")
        arn = (
            f"arn:aws:sagemaker:{responses.get_region()}:{responses.get_account_id()}:"
            f"{kind.lower()}-job/{name.lower()}"
        )
        record = Record(kind.value, name, arn, request, created=time.time())
        self.records[f"{kind}/{name}"] = record
        run = Run(job, record, board=self.board, place=self._place, settings=self._settings)
        self._runs[arn] = run
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(run.go,), name=name, daemon=True).start()
        return record

    def find(self, kind: Kind, name: str) -> Record | None:
        """Return a job's record."""
        found: Record | None = self.records.get(f"{kind}/{name}")
        return found

    def get(self, kind: Kind, name: str) -> Record:
        """Return a job's record. Raises JobError if there is none."""
        record = self.find(kind, name)
        if record is None:
            raise JobError("ValidationException", "Requested resource not found.")
        return record

    def of_kind(self, kind: Kind) -> list[Record]:
        """Return all jobs of a kind, newest first."""
        found = [record for key, record in self.records.items() if key.startswith(f"{kind}/")]
        return sorted(found, key=lambda record: -record.created)

    def stop(self, record: Record) -> None:
        """Ask a job to stop; it ends as Stopped. Raises JobError if it has ended."""
        if record.final:
            raise JobError(
                "ValidationException",
                f"The request was rejected because the {record.kind.lower()} job is in status "
                f"{record.status}",
            )
        record.status = "Stopping"
        self._runs[record.arn].stopping.set()

    def interrupt(self, name: str) -> bool:
        """Take the spot instances of a running training job away; False if it has none."""
        record = self.find(Kind.TRAINING, name)
        run = self._runs.get(record.arn) if record is not None else None
        if run is None or not run.job.spot or run.record.secondary != "Training":
            return False
        run.interrupting.set()
        return True

    def processes(self) -> dict[str, list[int]]:
        """Return the process ids of running jobs by job name."""
        return {
            run.job.name: [one.process.pid for one in run.instances]
            for run in self._runs.values()
            if not run.record.final
        }

    def end(self) -> None:
        """Kill what still runs, at the end of the server."""
        for run in self._runs.values():
            if not run.record.final:
                for instance in run.instances:
                    instance.signal(signal.SIGKILL)

    def restore(self, records: Any) -> None:
        """Take stored records back; a job that ran when the server ended has failed."""
        for key, raw in records._data.items():
            record = Record(**raw)
            if not record.final:
                record.status = record.secondary = "Failed"
                record.failure = "InternalServerError: the embedded AWS was stopped"
                record.ended = record.changed = time.time()
            self.records._data[key] = record
