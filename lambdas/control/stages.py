"""Planning and committing one stage of one run."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from configs.contracts.artefacts import MANIFEST_NAME, SETTINGS_NAME, Manifest
from configs.contracts.names import PRODUCT, Function, Metric
from configs.contracts.stages import STAGES, JobKind, Stage, StageContract
from configs.contracts.storage import Bucket, Prefix
from configs.errors import ArtefactError
from lambdas.control.channels import channel_uris, processing_inputs, training_channels
from lambdas.control.documents import Run, listing, run_settings, write_json
from lambdas.control.emf import count
from lambdas.control.errors import BadInput
from lambdas.control.keys import settings_slice, stage_key
from lambdas.control.leases import Commit, Leases
from lambdas.control.ledger import Ledger, month_of
from lambdas.control.uris import Location, locate

LEASE_SECONDS = 6 * 24 * 3600
"""Longer than any job may run; a lease of an execution that ended is taken over at once."""
NAME_DIGITS = 10
FACTS = ("stage", "group", "seconds", "skipped", "cost_usd", "avoided_usd", "stage_key")
"""What the report is told of each stage of its run."""


class StageControl:
    """The two halves of a stage around its job.

    Args:
        s3: an S3 client.
        clock: epoch seconds.
    """

    def __init__(
        self, s3: Any, *, leases: Leases, ledger: Ledger, clock: Callable[[], float]
    ) -> None:
        self._s3 = s3
        self._leases = leases
        self._ledger = ledger
        self._clock = clock
        self._bucket = Bucket.LAKE.value.physical_name()

    def plan(
        self, stage: Stage, *, run: Run, group: str | None, inputs: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return where the committed output is, or everything the job needs, lease taken.

        Raises:
            StageBusy: another living execution works on the same stage and key.
            BadInput: an input or a settings section is missing.
        """
        contract = STAGES[stage]
        settings, identity = run_settings(self._s3, run)
        facts = self._run_facts(run) if contract.run_facts else None
        code = os.environ[f"IMAGE_DIGEST_{contract.image.value.upper()}"]
        key = stage_key(
            contract,
            group=group,
            inputs=inputs,
            settings=settings,
            code_version=code,
            data_hash=run.data_hash,
            run_facts=facts,
        )
        found = self._leases.committed(stage.value, key)
        if found is None:
            self._leases.take(stage.value, key, owner=run.execution_arn, seconds=LEASE_SECONDS)
            return self._job(
                contract,
                run=run,
                group=group,
                inputs=inputs,
                key=key,
                code=code,
                settings=settings_slice(contract, settings),
                facts=facts,
                dataset=str(identity.get("dataset", "")),
            )
        self._note(run, contract, group, found, skipped=True, job=None)
        count(Function.STAGE_CONTROL, Metric.STAGES_SKIPPED)
        return {"committed": True, "uri": found.uri, "stage_key": key} | _named(group)

    def _run_facts(self, run: Run) -> dict[str, Any]:
        entries = self._ledger.entries(run.run_id)
        rows = [
            {name: row.get(name) for name in FACTS}
            for row in entries
            if row["entry"].startswith("stage#") and row["stage"] != Stage.REPORT.value
        ]
        started = next((row.get("started_at") for row in entries if row["entry"] == "run"), None)
        return {
            "run_id": run.run_id,
            "submitter": run.submitter,
            "started_at": started,
            "stages": rows,
        }

    def _place(self, *parts: str) -> Location:
        return Location(self._bucket, "".join(parts))

    def _job(
        self,
        contract: StageContract,
        *,
        run: Run,
        group: str | None,
        inputs: Mapping[str, Any],
        key: str,
        code: str,
        settings: Mapping[str, Any],
        facts: dict[str, Any] | None,
        dataset: str,
    ) -> dict[str, Any]:
        stage = contract.stage
        base = f"{Prefix.STAGES}{stage.value}/{key}/"
        folder = self._place(base, "settings/")
        write_json(
            self._s3,
            folder / SETTINGS_NAME,
            {
                "settings": settings,
                "identity": {
                    "run_id": run.run_id,
                    "stage_key": key,
                    "code_version": code,
                    "data_hash": run.data_hash,
                    "dataset": dataset,
                    **({"group": group} if group is not None else {}),
                },
            },
        )
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
            "checkpoint_uri": str(self._place(Prefix.CHECKPOINTS, f"{stage.value}/{key}/")),
            "job_base": f"{PRODUCT}-{os.environ['SEVENLENS_ENV']}-"
            f"{stage.value.replace('_', '')}-{mark}",
            **channels,
            **_named(group),
        }

    def commit(
        self,
        stage: Stage,
        *,
        run: Run,
        group: str | None,
        plan: Mapping[str, Any],
        job: str,
        usd_per_hour: float,
    ) -> dict[str, Any]:
        """Check a job's output against its manifest and commit it.

        Raises:
            ArtefactError: the manifest is missing, altered, of another key, or disagrees with
                what lies in the bucket.
            StageBusy: the lease was lost meanwhile.
        """
        contract = STAGES[stage]
        output = locate(plan["output_prefix"]) / job
        if contract.kind is JobKind.TRAINING:
            output = output / "output/model"
        manifest = self._manifest(output)
        key = str(plan["stage_key"])
        if manifest.stage_key != key or manifest.stage != stage.value:
            raise ArtefactError(
                f"the manifest at {output} is of stage {manifest.stage}, key {manifest.stage_key}, "
                f"not of {stage}, {key}",
                remedy="start the run again",
            )
        self._compare(manifest, output)
        done = self._leases.commit(
            stage.value,
            key,
            owner=run.execution_arn,
            uri=f"{output}/",
            content_hash=manifest.content_hash,
            usd_per_hour=usd_per_hour,
        )
        self._note(run, contract, group, done, skipped=False, job=job)
        self._ledger.charge(
            month=month_of(self._clock()), run_id=run.run_id, job=job, cost_usd=done.cost_usd
        )
        count(Function.STAGE_CONTROL, Metric.STAGES_RUN)
        return {"committed": True, "uri": done.uri, "stage_key": key} | _named(group)

    def _manifest(self, output: Location) -> Manifest:
        place = output / MANIFEST_NAME
        try:
            body = self._s3.get_object(Bucket=place.bucket, Key=place.key)["Body"].read()
        except self._s3.exceptions.NoSuchKey as error:
            raise ArtefactError(
                f"{place} is missing: the job did not finish", remedy="start the run again"
            ) from error
        return Manifest.parse(body)

    def _compare(self, manifest: Manifest, output: Location) -> None:
        present = listing(self._s3, output)
        for entry in manifest.files:
            if present.get(entry.path) != entry.size:
                raise ArtefactError(
                    f"{output}/{entry.path} has {present.get(entry.path)} bytes, "
                    f"the manifest says {entry.size}",
                    remedy="start the run again",
                )

    def _note(
        self,
        run: Run,
        contract: StageContract,
        group: str | None,
        commit: Commit,
        *,
        skipped: bool,
        job: str | None,
    ) -> None:
        name = contract.stage.value + (f"#{group}" if group is not None else "")
        self._ledger.put(
            run.run_id,
            f"stage#{list(STAGES).index(contract.stage)}#{name}",
            asdict(commit)
            | {
                "stage": contract.stage.value,
                "skipped": skipped,
                "cost_usd": 0.0 if skipped else commit.cost_usd,
                "avoided_usd": commit.cost_usd if skipped else 0.0,
                **({"group": group} if group is not None else {}),
                **({"job": job} if job is not None else {}),
            },
        )


def _named(group: str | None) -> dict[str, str]:
    return {"group": group} if group is not None else {}


def parse_stage(event: Mapping[str, Any]) -> Stage:
    """Return the stage an event names. Raises BadInput."""
    try:
        return Stage(event["stage"])
    except (KeyError, ValueError) as error:
        raise BadInput(f"no such stage: {error}", remedy="deploy the application again") from error
