"""The stages of `training_pipeline`: what each reads, runs on and may be configured by.

This table is the single source for the state machine, the job roles, the stage keys and the
embedded runner. `sections` are the parts of the run settings the stage's job receives: a job
cannot read a setting that is not in its stage key, because the file it is given holds no other.
"""

from dataclasses import dataclass
from enum import StrEnum


class Image(StrEnum):
    """Container images; the value is the folder in `containers/`."""

    CPU = "cpu"
    PLE = "ple"
    MAMBA = "mamba"


class Stage(StrEnum):
    """Stage names; the value is the module in `training_jobs/` that is the job's entry point."""

    PREFLIGHT = "preflight"
    DRY_RUN = "dry_run"
    MAMBA = "mamba"
    PHASE0 = "phase0"
    TEACHER = "teacher"
    EVALUATE = "evaluate"
    DISTILL = "distill"
    PACKAGE = "package"
    REPORT = "report"


class JobKind(StrEnum):
    """The SageMaker API a stage's job is created with."""

    PROCESSING = "processing"
    TRAINING = "training"


@dataclass(frozen=True)
class StageContract:
    """One stage.

    Attributes:
        inputs: earlier stages whose committed outputs are mounted, channel name = stage name.
        raw: whether the raw data folder is mounted as channel `raw`.
        run_facts: whether `run.json` (timings, skips, costs so far) is mounted as channel `run`;
            its content then enters the stage key.
        sections: names of the run-settings sections in the job's settings slice.
        per_group: runs once per distillation group inside a Map; outputs of all groups are
            mounted by consumers as `<stage>/<group>`.
        checks: names of the blocking checks that the stage's `checks.json` must hold; a stage with
            any is gated: the pipeline goes on only when a gate has read and passed them.
        sharded: may run on N instances, one part of the customer shards each; all get all inputs.
    """

    stage: Stage
    kind: JobKind
    image: Image
    inputs: tuple[Stage, ...] = ()
    sections: tuple[str, ...] = ()
    raw: bool = False
    run_facts: bool = False
    per_group: bool = False
    checks: tuple[str, ...] = ()
    sharded: bool = False

    @property
    def gated(self) -> bool:
        """Whether a gate reads the stage's checks before the pipeline goes on."""
        return bool(self.checks)


STAGES: dict[Stage, StageContract] = {
    contract.stage: contract
    for contract in (
        StageContract(
            Stage.PREFLIGHT, JobKind.PROCESSING, Image.CPU, sections=("dataset",), raw=True
        ),
        StageContract(
            Stage.DRY_RUN,
            JobKind.PROCESSING,
            Image.CPU,
            inputs=(Stage.PREFLIGHT,),
            sections=(
                "dataset",
                "tasks",
                "features",
                "mamba",
                "teacher",
                "evaluation",
                "distillation",
                "package",
                "dry_run",
            ),
        ),
        StageContract(
            Stage.MAMBA,
            JobKind.TRAINING,
            Image.MAMBA,
            inputs=(Stage.PREFLIGHT,),
            sections=("dataset", "tasks", "features", "mamba"),
        ),
        StageContract(
            Stage.PHASE0,
            JobKind.PROCESSING,
            Image.CPU,
            inputs=(Stage.PREFLIGHT, Stage.MAMBA),
            sections=("dataset", "tasks", "features"),
            checks=(
                "viability.tasks_on",
                "leakage.time_travel.delete",
                "leakage.time_travel.mutate",
                "leakage.fit_cutoff",
                "leakage.single_feature",
                "features.experts_present",
                "features.decision_inputs",
            ),
            sharded=True,
        ),
        StageContract(
            Stage.TEACHER,
            JobKind.TRAINING,
            Image.PLE,
            inputs=(Stage.PHASE0,),
            sections=("tasks", "teacher"),
        ),
        StageContract(
            Stage.EVALUATE,
            JobKind.PROCESSING,
            Image.CPU,
            inputs=(Stage.PHASE0, Stage.TEACHER),
            sections=("dataset", "tasks", "evaluation"),
            checks=(
                "teacher_finite",
                "every_task_evaluated",
                "some_task_served",
                "no_constant_teacher",
                "gate_shares_sum_to_one",
                "leakage.state_oracle",
            ),
        ),
        StageContract(
            Stage.DISTILL,
            JobKind.PROCESSING,
            Image.CPU,
            inputs=(Stage.PHASE0, Stage.TEACHER, Stage.EVALUATE),
            sections=("tasks", "distillation"),
            per_group=True,
            checks=("fidelity.tasks_served",),
        ),
        StageContract(
            Stage.PACKAGE,
            JobKind.PROCESSING,
            Image.CPU,
            inputs=(Stage.PREFLIGHT, Stage.PHASE0, Stage.TEACHER, Stage.EVALUATE, Stage.DISTILL),
            sections=("dataset", "tasks", "package"),
        ),
        StageContract(
            Stage.REPORT,
            JobKind.PROCESSING,
            Image.CPU,
            inputs=(
                Stage.PREFLIGHT,
                Stage.PHASE0,
                Stage.TEACHER,
                Stage.EVALUATE,
                Stage.DISTILL,
                Stage.PACKAGE,
            ),
            sections=("dataset", "tasks", "evaluation", "report"),
            run_facts=True,
        ),
    )
}
