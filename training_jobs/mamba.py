"""Mamba stage: learns the event encoder ahead of Phase 0, on a GPU where there is one."""

from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from configs.contracts.artefacts import digest
from configs.contracts.stages import Stage
from configs.errors import SettingsError
from configs.settings.base import validate
from configs.settings.dataset import DatasetSettings
from configs.settings.features import FeaturesSettings
from configs.settings.generators.mamba import MambaParameters
from configs.settings.mamba import MambaSettings
from configs.settings.tasks import TasksSettings
from training_jobs.runtime import JobContext, run_job
from training_jobs.sequence.kernel import KernelScan, load_kernel
from training_jobs.sequence.machine import Machine
from training_jobs.sequence.precompute import Precompute, group_of, write_account
from training_jobs.sequence.scan import Scan
from training_jobs.tasks.examples import EXAMPLES_FOLDER, write_examples
from training_jobs.training.checkpoint import CheckpointStore
from training_jobs.training.machine import prepare_machine

ONE_THREAD = 1


def scan_of(settings: MambaSettings, device: torch.device, chunk: int) -> Scan | None:
    """Return the form of the scan to use; None is the CPU form.

    Raises:
        SettingsError: the kernels are asked for and cannot be loaded.
    """
    if settings.kernel == "matmul" or (settings.kernel == "auto" and device.type != "cuda"):
        return None
    try:
        return KernelScan(load_kernel(), chunk)
    except ImportError as error:
        if settings.kernel == "auto":
            print(f"[mamba] kernels left out: {error}", flush=True)
            return None
        raise SettingsError(
            f"mamba.kernel is mamba_ssm, which cannot be loaded: {error}",
            remedy="run on the mamba image and a GPU, or set mamba.kernel=auto",
        ) from error


def make_machine(
    context: JobContext, settings: MambaSettings, parameters: MambaParameters
) -> Machine:
    """Return the machine of the job: device, scan, checkpoints, progress."""
    device = prepare_machine(threads=ONE_THREAD, device=settings.device)
    scan = scan_of(settings, device, parameters.encoder.scan_chunk)
    form = "mamba_ssm" if scan else "matmul"
    print(f"[mamba] device {device.type}, scan {form}", flush=True)
    # A checkpoint of another bank, code, shape or form of the arithmetic is not resumed.
    identity = digest(
        {
            "data": context.identity["data_hash"],
            "code": context.identity["code_version"],
            "settings": {k: context.settings[k] for k in ("dataset", "tasks", "features")},
            "device": device.type,
            "scan": form,
        }
    )
    return Machine(
        device=device,
        scan=scan,
        store=CheckpointStore(
            context.checkpoints, identity=identity, keep=settings.keep_checkpoints
        ),
        checkpoint_steps=settings.checkpoint_steps,
        report=context.progress,
    )


def main(context: JobContext) -> None:
    """Learn the encoder, and embed everybody where that is asked for.

    Raises:
        SevenLensError: settings do not fit the machine, nothing can be learnt from, or the job
            was asked to stop (it resumes from its checkpoints when started again).
    """
    sections = context.settings
    settings = validate(MambaSettings, sections["mamba"], source="settings.mamba")
    dataset = validate(DatasetSettings, sections["dataset"], source="settings.dataset")
    tasks = validate(TasksSettings, sections["tasks"], source="settings.tasks")
    features = validate(FeaturesSettings, sections["features"], source="settings.features")
    group = group_of(features)
    assert isinstance(group.parameters, MambaParameters)
    tables = context.inputs[Stage.PREFLIGHT] / "tables"
    with TemporaryDirectory(prefix="sevenlens-mamba-") as scratch:
        # Who is learnt from and who is embedded follows from the splits; labels are not kept.
        write_examples(
            tables, Path(scratch), dataset=dataset, tasks=tasks, progress=context.progress
        )
        work = Precompute(
            tables,
            Path(scratch) / EXAMPLES_FOLDER,
            dataset=dataset,
            features=features,
            machine=make_machine(context, settings, group.parameters),
        )
        fitted, reason = work.learn(context.output)
        if fitted is not None and settings.embed:
            shards = work.sources.shards
            for done, shard in enumerate(shards):
                rows = work.embed(fitted, shard, context.output)
                context.progress(done + 1, len(shards), f"shard {shard} embedded, {rows} rows")
    write_account(context.output, group, fitted, reason)


if __name__ == "__main__":
    run_job(Stage.MAMBA, main)
