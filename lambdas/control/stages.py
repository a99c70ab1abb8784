"""Planning and committing one stage of one run."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from configs.contracts.artefacts import SETTINGS_NAME
from configs.contracts.names import PRODUCT, Function, Metric
from configs.contracts.stages import STAGES, JobKind, Stage, StageContract
from configs.contracts.storage import Bucket, Prefix
from configs.errors import ArtefactError
from lambdas.control.budget import Price
from lambdas.control.channels import channel_uris, processing_inputs, training_channels
from lambdas.control.documents import Run, run_settings, write_json
from lambdas.control.emf import count
from lambdas.control.errors import BadInput
from lambdas.control.keys import settings_slice, stage_key
from lambdas.control.leases import Leases
from lambdas.control.outputs import hold_hashes, hold_listing, smallest
from lambdas.control.parts import gather, seal
from lambdas.control.stage_notes import StageNotes
from lambdas.control.uris import Location, locate

LEASE_SECONDS = 6 * 24 * 3600
"""Longer than any job may run; a lease of an execution that ended is taken over at once."""
HASHED_BYTES = 64 << 20
"""So much of an output is hashed at its commit, smallest files first: the documents that control
functions read are among them. Larger files are hashed by the job that mounts them."""
NAME_DIGITS = 10


@dataclass(frozen=True)
class Work:
    """One stage of one run, or one group of it."""

    stage: Stage
    run: Run
    group: str | None

    @property
    def contract(self) -> StageContract:
        """The stage's contract."""
        return STAGES[self.stage]

    @property
    def named(self) -> dict[str, str]:
        """The group where there is one, for answers and documents."""
        return {"group": self.group} if self.group is not None else {}


def code_version(image: Any) -> str:
    """Return the immutable tag of an image URI, which is the hash of its sources.

    The state machine names the image that its job will run; a function's own environment would
    name another one after a deployment in the middle of the run. Raises BadInput.
    """
    tag = str(image or "").rpartition("/")[2].partition(":")[2]
    if not tag:
        raise BadInput(f"'{image}' names no image tag", remedy="deploy the application again")
    return tag


class StageControl:
    """The two halves of a stage around its job.

    Args:
        s3: an S3 client.
        clock: epoch seconds.
    """

    def __init__(
        self, s3: Any, *, leases: Leases, notes: StageNotes, clock: Callable[[], float]
    ) -> None:
        self._s3 = s3
        self._leases = leases
        self._notes = notes
        self._clock = clock
        self._bucket = Bucket.LAKE.value.physical_name()

    def plan(
        self, work: Work, *, inputs: Mapping[str, Any], image: Any, price: Price
    ) -> dict[str, Any]:
        """Return where the committed output is, or everything the job needs, lease taken.

        Args:
            image: URI of the image that the job will run.
            price: what the job may cost.

        Raises:
            StageBusy: another living execution works on the same stage and key.
            BadInput: an input, a settings section or the image's tag is missing.
            StoreUnavailable: a store does not answer.
        """
        contract, run = work.contract, work.run
        settings, identity = run_settings(self._s3, run)
        facts = self._notes.facts(run) if contract.run_facts else None
        code = code_version(image)
        key = stage_key(
            contract,
            group=work.group,
            inputs=inputs,
            settings=settings,
            code_version=code,
            data_hash=run.data_hash,
            run_facts=facts,
        )
        found = self._leases.committed(work.stage.value, key)
        if found is not None:
            self._notes.skipped(run, contract, work.group, commit=found)
            count(Function.STAGE_CONTROL, Metric.STAGES_SKIPPED)
            return {"committed": True, "uri": found.uri, "stage_key": key, **work.named}
        self._leases.take(work.stage.value, key, owner=run.execution_arn, seconds=LEASE_SECONDS)
        self._notes.started(run, contract, work.group, price=price, at=self._clock())
        document = {
            "settings": settings_slice(contract, settings),
            "identity": {
                "run_id": run.run_id,
                "stage_key": key,
                "code_version": code,
                "data_hash": run.data_hash,
                "dataset": str(identity.get("dataset", "")),
                **work.named,
            },
        }
        return self._job(work, key, inputs=inputs, document=document, facts=facts) | {
            "code_version": code
        }

    def _place(self, *parts: str) -> Location:
        return Location(self._bucket, "".join(parts))

    def _job(
        self,
        work: Work,
        key: str,
        *,
        inputs: Mapping[str, Any],
        document: Mapping[str, Any],
        facts: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        contract, stage, run = work.contract, work.stage.value, work.run
        base = f"{Prefix.STAGES}{stage}/{key}/"
        folder = self._place(base, "settings/")
        write_json(self._s3, folder / SETTINGS_NAME, document)
        facts_folder = None
        if facts is not None:
            facts_folder = self._place(base, "facts/")
            write_json(self._s3, facts_folder / "run.json", facts)
        uris = channel_uris(
            contract,
            inputs,
            settings_uri=str(folder),
            data_uri=run.data_uri,
            run_facts_uri=str(facts_folder) if facts_folder else None,
        )
        mark = hashlib.sha256(f"{run.execution_arn}/{key}".encode()).hexdigest()[:NAME_DIGITS]
        channels = (
            {"training_channels": training_channels(uris)}
            if contract.kind is JobKind.TRAINING
            else {"processing_inputs": processing_inputs(uris)}
        )
        return {
            "committed": False,
            "stage_key": key,
            "output_prefix": str(self._place(base)),
            "checkpoint_uri": str(self._place(Prefix.CHECKPOINTS, f"{stage}/{key}/")),
            "job_base": f"{PRODUCT}-{os.environ['SEVENLENS_ENV']}-{stage.replace('_', '')}-{mark}",
            **channels,
            **work.named,
        }

    def commit(
        self, work: Work, *, plan: Mapping[str, Any], job: str, version: str, price: Price
    ) -> dict[str, Any]:
        """Check a job's output against its manifest and commit it.

        Args:
            plan: the answer of `plan`.
            job: the job's name.
            version: the product version that the job was given.
            price: what the job cost an hour, and its time limit.

        Raises:
            ArtefactError: the manifest is missing, altered, of another key or version, lacks a
                host's part, or disagrees with what lies in the bucket; then nothing is written.
            BadInput: the plan is none.
            StageBusy: the lease was lost meanwhile.
            StoreUnavailable: a store does not answer.
        """
        given = {name: plan.get(name) for name in ("output_prefix", "stage_key", "code_version")}
        if not all(isinstance(value, str) and value for value in (*given.values(), job)):
            raise BadInput(
                f"the plan of {work.stage} lacks what a commit needs: {given}, job {job!r}",
                remedy="deploy the application again",
            )
        output = locate(str(given["output_prefix"])) / job
        if work.contract.kind is JobKind.TRAINING:
            output = output / "output/model"
        left = gather(self._s3, output)
        manifest = left.manifest
        expected = {
            "stage": work.stage.value,
            "stage_key": given["stage_key"],
            "code_version": given["code_version"],
            "version": version,
        }
        wrong = {name: getattr(manifest, name) for name in expected}
        if wrong != expected:
            raise ArtefactError(
                f"the manifest at {output} is of {wrong}, not of {expected}",
                remedy="start the run again",
            )
        hold_listing(self._s3, output, manifest, beside=left.beside)
        hold_hashes(self._s3, output, smallest(manifest.files, HASHED_BYTES))
        manifest = seal(self._s3, output, left, gated=work.contract.gated)
        key = manifest.stage_key
        done = self._leases.commit(
            work.stage.value,
            key,
            owner=work.run.execution_arn,
            uri=f"{output}/",
            content_hash=manifest.content_hash,
            price=price,
        )
        self._notes.ran(work.run, work.contract, work.group, commit=done, job=job)
        count(Function.STAGE_CONTROL, Metric.STAGES_RUN)
        return {"committed": True, "uri": done.uri, "stage_key": key, **work.named}


def parse_stage(event: Mapping[str, Any]) -> Stage:
    """Return the stage an event names. Raises BadInput."""
    try:
        return Stage(event["stage"])
    except (KeyError, ValueError) as error:
        raise BadInput(f"no such stage: {error}", remedy="deploy the application again") from error
