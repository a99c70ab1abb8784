"""The teacher: experts, progressive layered extraction, losses and training."""

from typing import Any, Literal

from pydantic import Field, SerializeAsAny, field_validator, model_validator

from configs.settings import experts
from configs.settings.base import Strict
from configs.settings.experts import ExpertConfig
from configs.settings.features import Expert


class Ple(Strict):
    """Progressive layered extraction.

    Attributes:
        layers: extraction layers.
        width: width of every stream between experts, gates and towers.
        gate: how a task weighs the lenses and its private expert.
        private: a private expert per task or one shared by the tasks of a group.
        private_hidden: width of the private experts' hidden layer.
        tower_hidden: width of a task tower's hidden layer.
        dropout: share of units dropped in streams, private experts and towers.
    """

    layers: int = Field(ge=2)
    width: int = Field(gt=0)
    gate: Literal["softmax", "sigmoid"]
    private: Literal["task", "group"]
    private_hidden: int = Field(gt=0)
    tower_hidden: int = Field(gt=0)
    dropout: float = Field(ge=0, lt=1)


class Losses(Strict):
    """Parameters of the losses; which task uses which stands with the tasks.

    Attributes:
        focal_gamma: 0 is plain binary cross-entropy.
        huber_delta: in label standard deviations.
    """

    focal_gamma: float = Field(ge=0)
    huber_delta: float = Field(gt=0)


class Training(Strict):
    """One training.

    Attributes:
        batch_size: rows a step.
        shared_epochs: phase 1, shared experts, gates and towers; private experts frozen.
        joint_epochs: phase 2, everything; at most, early stopping ends it sooner.
        learning_rate: peak of the schedule.
        weight_decay: of AdamW, on matrices only.
        warmup_share: share of all steps in which the rate rises linearly.
        final_share: rate at the end of the cosine, as a share of the peak.
        clip_norm: largest gradient norm.
        patience: joint epochs without a better composite before training stops.
        checkpoint_steps: steps between checkpoints.
        keep_checkpoints: files kept, newest first.
    """

    batch_size: int = Field(gt=1)
    shared_epochs: int = Field(ge=1)
    joint_epochs: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(ge=0)
    warmup_share: float = Field(ge=0, lt=1)
    final_share: float = Field(ge=0, le=1)
    clip_norm: float = Field(gt=0)
    patience: int = Field(ge=1)
    checkpoint_steps: int = Field(ge=1)
    keep_checkpoints: int = Field(ge=1)


class TeacherSettings(Strict):
    """Everything the teacher stage may be told.

    Attributes:
        seed: of weights, data order and dropout.
        threads: CPU threads of the tensor library; another count may round differently.
        device: `auto` takes a GPU where there is one.
        precision: `auto` is mixed precision on a GPU and full precision on a CPU.
        score_batch: rows a forward pass when predicting.
        clip_sd: inputs farther from their mean are drawn in to so many standard deviations.
        experts: name -> configuration. Lenses stand in the order of their names: settings travel
            as JSON with sorted keys, so any other order would be lost on the way.
        stand_ins: expert that does not exist yet -> the one that reads its columns until it does.
    """

    seed: int
    threads: int = Field(ge=1)
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "full"]
    score_batch: int = Field(gt=0)
    clip_sd: float = Field(gt=0)
    experts: dict[str, SerializeAsAny[ExpertConfig]] = Field(min_length=1)
    stand_ins: dict[Expert, Expert]
    ple: Ple
    losses: Losses
    training: Training

    @model_validator(mode="after")
    def _stand_ins_stand_in(self) -> "TeacherSettings":
        for absent, reader in self.stand_ins.items():
            if absent in self.experts or reader not in self.experts:
                raise ValueError(
                    f"stand_ins.{absent}: {reader}: an expert of `experts` reads for one that is "
                    "not there"
                )
        return self

    @field_validator("experts", mode="before")
    @classmethod
    def _parse_experts(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: experts.parse(name, raw) for name, raw in sorted(value.items())}
