"""Dry-run job: the later jobs in miniature, so that a broken setting fails before a paid job.

Each job's own `main` runs in this process on a few customers, with the run's settings made
lighter by `dry_run.overrides`. Nothing that it learns is kept.
"""

import importlib
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from configs.contracts.artefacts import canonical_json
from configs.contracts.stages import STAGES, Stage
from configs.errors import SettingsError, SevenLensError
from configs.settings.dataset import DatasetSettings
from configs.settings.dry_run import DryRunSettings
from training_jobs.data.subsample import subsample
from training_jobs.runtime import Interrupted, JobContext, run_job, write_manifest

REHEARSED = (
    Stage.MAMBA,
    Stage.PHASE0,
    Stage.TEACHER,
    Stage.EVALUATE,
    Stage.DISTILL,
    Stage.PACKAGE,
)
"""The stages in order; each reads what those before it left in the scratch folder."""
RESULT_FILE = "dry_run.json"
_GROUP = "group"


class DryRunError(SevenLensError):
    """A later job fails on the subsample; it would fail on all the data as well."""


class Rehearsal(JobContext):
    """A context whose progress is not shown: the dry run reports its own."""

    def progress(self, done: int, total: int, what: str) -> None:
        """Say nothing."""
        del done, total, what


def lighten(settings: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings with dotted keys replaced.

    Raises:
        SettingsError: a key does not stand in the settings.
    """
    result: dict[str, Any] = deepcopy(dict(settings))
    for key, value in overrides.items():
        *parents, last = key.split(".")
        target: Any = result
        for parent in parents:
            target = target.get(parent) if isinstance(target, dict) else None
        if not isinstance(target, dict) or last not in target:
            raise SettingsError(
                f"dry_run.overrides: '{key}' does not stand in the run settings",
                remedy="name a key of a section's YAML file",
            )
        target[last] = value
    return result


def _groups(stage: Stage, settings: Mapping[str, Any]) -> list[str | None]:
    if not STAGES[stage].per_group:
        return [None]
    return sorted(settings["distillation"]["groups"])


def _context(
    stage: Stage, group: str | None, *, settings: Mapping[str, Any], scratch: Path, job: JobContext
) -> Rehearsal:
    contract = STAGES[stage]
    output = scratch / stage / (group or "")
    output.mkdir(parents=True)
    checkpoints = scratch / "checkpoints" / stage
    checkpoints.mkdir(parents=True, exist_ok=True)
    identity = {**job.identity, "stage_key": f"dry-{stage}"}
    return Rehearsal(
        stage=stage,
        inputs={channel.value: scratch / channel for channel in contract.inputs},
        output=output,
        checkpoints=checkpoints,
        settings={section: settings[section] for section in contract.sections},
        identity=identity | ({_GROUP: group} if group else {}),
    )


def rehearse(
    stage: Stage, group: str | None, *, settings: Mapping[str, Any], scratch: Path, job: JobContext
) -> dict[str, Any]:
    """Run one stage on the subsample and return what it left: files and bytes are not kept.

    Raises:
        DryRunError: the stage failed, or left nothing.
    """
    context = _context(stage, group, settings=settings, scratch=scratch, job=job)
    place = f"stage {stage}" + (f" (group {group})" if group else "")
    try:
        importlib.import_module(f"training_jobs.{stage}").main(context)
    except Interrupted:
        raise
    except SevenLensError as error:
        raise DryRunError(f"{place}: {error.problem}", remedy=error.remedy) from error
    except Exception as error:
        raise DryRunError(
            f"{place} fails on a subsample: {type(error).__name__}: {error}",
            remedy="mend the settings or the job; the log has the traceback",
        ) from error
    manifest = write_manifest(context)
    if not manifest.files:
        raise DryRunError(f"{place} left no output", remedy="the log shows what it did")
    return {"stage": stage.value, "group": group, "files": len(manifest.files)}


def main(context: JobContext) -> None:
    """Rehearse every later stage and write `dry_run.json`.

    Raises:
        DryRunError: a stage fails; the message names it.
        SettingsError: an override names no key.
    """
    rules = DryRunSettings.model_validate(context.settings["dry_run"])
    settings = lighten(context.settings, rules.overrides)
    dataset = DatasetSettings.model_validate(settings["dataset"])
    with TemporaryDirectory(prefix="sevenlens-dry-") as folder:
        scratch = Path(folder)
        customers = subsample(
            context.inputs[Stage.PREFLIGHT],
            scratch / Stage.PREFLIGHT,
            dataset=dataset,
            customers=rules.customers,
        )
        plan = [(stage, group) for stage in REHEARSED for group in _groups(stage, settings)]
        left = []
        for done, (stage, group) in enumerate(plan):
            context.progress(done, len(plan), f"rehearsing {stage}")
            left.append(rehearse(stage, group, settings=settings, scratch=scratch, job=context))
    context.progress(len(plan), len(plan), "rehearsed")
    result = {"customers": customers, "stages": left}
    (context.output / RESULT_FILE).write_bytes(canonical_json(result))


if __name__ == "__main__":
    run_job(Stage.DRY_RUN, main)
