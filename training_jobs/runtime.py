"""What every job entry point shares: where things are, progress, failure messages, the manifest.

A job is `python -m training_jobs.<stage>` inside a container (or the embedded runner) with
SageMaker's file layout below `/opt/ml`. It has no network and no credentials: files in, files out.
"""

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from configs.contracts.artefacts import (
    MANIFEST_NAME,
    SETTINGS_NAME,
    Manifest,
    digest,
    list_files,
)
from configs.contracts.stages import STAGES, JobKind, Stage
from configs.errors import ArtefactError, SevenLensError
from configs.version import version
from training_jobs.hosts import ALONE, Share, read_share

ROOT_VARIABLE = "SEVENLENS_ML_ROOT"
MESSAGE_LIMIT = 1000
"""SageMaker keeps the first 1,024 characters of an exit message."""


@dataclass(frozen=True)
class JobContext:
    """Where a running job finds its inputs and leaves its outputs.

    Attributes:
        inputs: channel name -> folder (read only). Per-group stages have one sub-folder a group.
        output: folder whose content becomes the stage's output.
        checkpoints: folder that survives interruption (training jobs), else None.
        settings: the stage's slice of the run settings, as parsed JSON.
        identity: run_id, stage_key, code_version, data_hash; `group` for per-group stages.
        share: this host's part of the job, where several run it.
    """

    stage: Stage
    inputs: Mapping[str, Path]
    output: Path
    checkpoints: Path | None
    settings: Mapping[str, Any]
    identity: Mapping[str, str]
    share: Share = ALONE

    def progress(self, done: int, total: int, what: str) -> None:
        """Print one progress line that the demo and the log reader understand."""
        print(f"[progress] {self.stage} {done}/{total} {what}", flush=True)


class Interrupted(SevenLensError):
    """The job was asked to stop (SIGTERM): spot interruption or a stopped execution."""


def _raise_interrupted(_signal: int, _frame: FrameType | None) -> None:
    raise Interrupted("the job was asked to stop", remedy="submit again: it resumes")


def ml_root() -> Path:
    """Return the root of SageMaker's file layout, `/opt/ml` unless the runner says otherwise."""
    return Path(os.environ.get(ROOT_VARIABLE, "/opt/ml"))


def load_context(stage: Stage, root: Path) -> JobContext:
    """Read SageMaker's file layout below `root`.

    Processing jobs: inputs in `processing/input/<channel>`, output in `processing/output/stage`.
    Training jobs: inputs in `input/data/<channel>`, output in `model`, checkpoints in
    `checkpoints`. The channel `settings` holds `settings.json` with keys `settings`, `identity`.

    Raises:
        FileNotFoundError: the settings channel is missing.
        HostsError: which part of a sharded job is this host's cannot be told.
    """
    training = STAGES[stage].kind is JobKind.TRAINING
    channels = root / ("input/data" if training else "processing/input")
    output = root / ("model" if training else "processing/output/stage")
    output.mkdir(parents=True, exist_ok=True)
    checkpoints = root / "checkpoints" if training else None
    if checkpoints is not None:
        checkpoints.mkdir(parents=True, exist_ok=True)
    given = json.loads((channels / "settings" / SETTINGS_NAME).read_text())
    inputs = {
        folder.name: folder
        for folder in sorted(channels.iterdir())
        if folder.is_dir() and folder.name != "settings"
    }
    return JobContext(
        stage,
        inputs,
        output,
        checkpoints,
        given["settings"],
        given["identity"],
        read_share(STAGES[stage], root),
    )


def verify_inputs(context: JobContext) -> None:
    """Hash the outputs of earlier stages that are mounted and hold them against their manifests.

    A commit hashes small files only, for it must end in seconds; the job has the files at hand.
    A folder without a manifest is no committed output, such as raw data.

    Raises:
        ArtefactError: a file is missing or altered, or the manifest is of another stage.
    """
    for stage in STAGES[context.stage].inputs:
        folder = context.inputs.get(stage.value)
        if folder is None:
            continue
        outputs = sorted(folder.iterdir()) if STAGES[stage].per_group else [folder]
        for output in outputs:
            place = output / MANIFEST_NAME
            if not place.is_file():
                continue
            manifest = Manifest.parse(place.read_bytes())
            if manifest.stage != stage.value:
                raise ArtefactError(
                    f"{place} is of stage {manifest.stage}, not of {stage}",
                    remedy="start the run again",
                )
            manifest.verify(output)


def _write_message(root: Path, text: str) -> None:
    folder = root / "output"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("message", "failure"):
        (folder / name).write_text(text[:MESSAGE_LIMIT])


def write_manifest(context: JobContext) -> Manifest:
    """Hash everything in the output folder and leave the manifest, or this host's, beside it."""
    name = context.share.part(MANIFEST_NAME)
    manifest = Manifest(
        stage=context.stage.value,
        stage_key=context.identity["stage_key"],
        run_id=context.identity["run_id"],
        config_hash=digest(dict(context.settings)),
        code_version=context.identity["code_version"],
        data_hash=context.identity["data_hash"],
        version=version(),
        files=list_files(context.output, manifest=name),
    )
    manifest.write(context.output, name=name)
    return manifest


def run_job(stage: Stage, main: Callable[[JobContext], None]) -> None:
    """Run a job's `main`, leave a manifest on success and a readable message on failure.

    Exits 0 on success, 1 on any error. The message names the problem and the remedy; the
    traceback goes to the log only, for it may quote data.
    """
    root = ml_root()
    signal.signal(signal.SIGTERM, _raise_interrupted)
    started = time.monotonic()
    try:
        context = load_context(stage, root)
        verify_inputs(context)
        main(context)
        manifest = write_manifest(context)
    except SevenLensError as error:
        print(f"[failed] {error}", file=sys.stderr, flush=True)
        _write_message(root, f"{type(error).__name__}: {error}")
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the job's last line of defence reports and exits 1
        traceback.print_exc()
        _write_message(root, f"{type(error).__name__}: {error}")
        sys.exit(1)
    seconds = time.monotonic() - started
    print(f"[done] {stage} {len(manifest.files)} files {seconds:.1f} s", flush=True)
