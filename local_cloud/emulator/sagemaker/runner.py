"""Running one job from its first status to its last."""

import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local_cloud.emulator.internals import part
from local_cloud.emulator.sagemaker.images import entrypoint
from local_cloud.emulator.sagemaker.instance import Instance, Metrics, terminate, wait_all
from local_cloud.emulator.sagemaker.layout import variables, write_layout
from local_cloud.emulator.sagemaker.records import LOG_GROUPS, Board, Record, log
from local_cloud.emulator.sagemaker.roles import role_client
from local_cloud.emulator.sagemaker.specification import Kind, Specification
from local_cloud.emulator.sagemaker.transfer import Transfer, TransferFailed
from local_cloud.settings import JobSettings

METRIC_NAMESPACE = "/aws/sagemaker/TrainingJobs"


@dataclass(frozen=True)
class Place:
    """Where jobs work.

    Attributes:
        folder: folder of job folders.
        hidden: folders that no job may see.
    """

    folder: Path
    hidden: tuple[Path, ...]


class Run:
    """One job in progress; `go` is the body of its thread.

    Args:
        job: what to run.
        record: where its status stands.
        board: how its status changes.
        place: where it works.
        settings: grace time and pauses.
    """

    def __init__(
        self,
        job: Specification,
        record: Record,
        *,
        board: Board,
        place: Place,
        settings: JobSettings,
    ) -> None:
        self.job, self.record = job, record
        self._board, self._place, self._settings = board, place, settings
        self.stopping = threading.Event()
        self.interrupting = threading.Event()
        self.instances: list[Instance] = []
        self.codes: list[int] = []
        self.failed: list[Instance] = []
        self._metrics = Metrics(job.metrics)
        self._last_sync = 0.0

    def go(self) -> None:
        """Run to the end; every way out leaves a final status."""
        folder = self._place.folder / self.job.name
        try:
            self._attempts(folder)
        except TransferFailed as error:
            self._board.fail(self.record, str(error))
        except Exception as error:  # noqa: BLE001 - the runner's last line of defence
            self._board.fail(self.record, f"InternalServerError: {error}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _attempts(self, folder: Path) -> None:
        begun = time.monotonic()
        attempt = 0
        while True:
            self._board.move(self.record, "Starting", "Preparing the instances for the job")
            transfers = self._prepare(folder)
            reason = self._attempt(transfers, attempt, begun)
            attempt += 1
            if reason != "interrupted":
                break
            self._board.move(
                self.record, "Interrupted", "Spot capacity was reclaimed; the job will resume"
            )
            shutil.rmtree(folder, ignore_errors=True)
            if time.monotonic() - begun > self.job.max_wait:
                self._end(transfers, "waited")
                return
        self._end(transfers, reason)

    def _client(self) -> Transfer:
        region = self.record.arn.split(":")[3]
        return Transfer(role_client(self.job.role, "s3", region=region), self.job.kms_key)

    def _prepare(self, folder: Path) -> list[Transfer]:
        """Lay out and fill every instance's folder; one transfer an instance."""
        self._board.move(self.record, "Downloading", "Downloading input data")
        transfers = []
        for number, host in enumerate(self.job.hosts):
            root = folder / host / "ml"
            write_layout(root, self.job, host, self.record.request)
            transfer = self._client()
            for source in self.job.inputs:
                transfer.fetch(
                    source.uri,
                    root / source.folder,
                    shard=number if source.sharded else 0,
                    shards=self.job.instances if source.sharded else 1,
                )
            if self.job.checkpoints is not None:
                transfer.restore(self.job.checkpoints.uri, root / self.job.checkpoints.folder)
            transfers.append(transfer)
        return transfers

    def _attempt(self, transfers: list[Transfer], attempt: int, begun: float) -> str:
        """Run all instances once; returns why they ended."""
        argv = [
            *(self.job.entrypoint or entrypoint(self.job.image, self._settings.image_tag)),
            *self.job.arguments,
        ]
        if self.record.started is None:
            self.record.started = time.time()
        self._board.move(self.record, "Training", "The container is running")
        region = self.record.arn.split(":")[3]
        started = time.monotonic()
        self.instances = [
            Instance(
                argv,
                root=self._place.folder / self.job.name / host / "ml",
                environment=variables(self.job, host, arn=self.record.arn, region=region),
                hidden=list(self._place.hidden),
                log=self._logger(f"{self.job.name}/{host}-{int(time.time())}-{attempt}"),
            )
            for host in self.job.hosts
        ]
        limit = begun + self.job.max_runtime
        wait_all(
            self.instances,
            until=lambda: (
                self.stopping.is_set() or self.interrupting.is_set() or time.monotonic() > limit
            ),
            tick=lambda: self._sync(transfers),
        )
        reason = self._reason(limit)
        # Read before the others are told to stop: their exit has no reason of its own.
        self.failed = [one for one in self.instances if one.process.poll()]
        if reason != "ended" or any(one.process.poll() is None for one in self.instances):
            terminate(self.instances, self._settings.grace_seconds)
        self.codes = [instance.finish() for instance in self.instances]
        self.record.billable += (time.monotonic() - started) * self.job.instances
        self._sync(transfers, final=True)
        self.interrupting.clear()
        return reason

    def _reason(self, limit: float) -> str:
        if self.stopping.is_set():
            return "stopped"
        if self.interrupting.is_set():
            return "interrupted"
        return "late" if time.monotonic() > limit else "ended"

    def _end(self, transfers: list[Transfer], reason: str) -> None:
        if reason == "ended" and any(self.codes):
            self._fail()
            return
        self.record.exit_message = self._text("message")
        self._board.move(self.record, "Uploading", "Uploading what the job made")
        if self.job.kind is Kind.TRAINING:
            self._upload_model(transfers)
        elif reason == "ended":
            for transfer, instance in zip(transfers, self.instances, strict=True):
                for target in self.job.outputs:
                    transfer.send(instance.root / target.folder, target.uri)
        if reason == "ended":
            self._board.move(self.record, "Completed", "The job completed", status="Completed")
            return
        secondary = {"late": "MaxRuntimeExceeded", "waited": "MaxWaitTimeExceeded"}
        self._board.move(
            self.record, secondary.get(reason, "Stopped"), "The job was stopped", status="Stopped"
        )

    def _fail(self) -> None:
        code = self.failed[0].process.returncode
        said = self._text("failure") or "See job logs for more information"
        self.record.exit_message = self._text("message")
        number = 128 - code if code < 0 else code
        self._board.fail(self.record, f"AlgorithmError: {said}, exit code: {number}")

    def _text(self, name: str) -> str:
        for instance in self.failed or self.instances:
            path = instance.root / "output" / name
            if path.is_file():
                return re.sub(r"\s+", " ", path.read_text(errors="replace"))[:1024].strip()
        return ""

    def _upload_model(self, transfers: list[Transfer]) -> None:
        base = f"{self.job.output_uri}/{self.job.name}/output"
        for number, (transfer, instance) in enumerate(zip(transfers, self.instances, strict=True)):
            model, data = instance.root / "model", instance.root / "output/data"
            if not self.job.compressed:
                transfer.send(model, f"{base}/model")
                transfer.send(data, f"{base}/data")
            elif number == 0:
                transfer.send_packed(model, f"{base}/model.tar.gz")
                if any(data.iterdir()):
                    transfer.send_packed(data, f"{base}/output.tar.gz")
        self.record.artefacts = f"{base}/model.tar.gz" if self.job.compressed else f"{base}/model/"

    def _sync(self, transfers: list[Transfer], *, final: bool = False) -> None:
        """Put changed checkpoints and continuous outputs, at most every few moments."""
        if not final and time.monotonic() - self._last_sync < self._settings.sync_seconds:
            return
        targets = [target for target in self.job.outputs if target.continuous]
        if self.job.checkpoints is not None:
            targets.append(self.job.checkpoints)
        for transfer, instance in zip(transfers, self.instances, strict=True):
            for target in targets:
                transfer.send(instance.root / target.folder, target.uri)
        self._last_sync = time.monotonic()

    def _logger(self, stream: str) -> Callable[[list[str]], None]:
        def store(lines: list[str]) -> None:
            log(LOG_GROUPS[self.job.kind], stream, lines)
            cloudwatch = part("services.cloudwatch")
            for name, value in self._metrics.read(lines):
                now = time.time()
                self.record.metrics[name] = {
                    "MetricName": name,
                    "Value": value,
                    "Timestamp": now,
                }
                cloudwatch._store_datum(
                    METRIC_NAMESPACE,
                    name,
                    {"TrainingJobName": self.job.name},
                    now,
                    "None",
                    value,
                    None,
                    None,
                    None,
                )

        return store
