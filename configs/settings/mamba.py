"""The Mamba stage: where the event encoder is learnt ahead of Phase 0."""

from typing import Literal

from pydantic import Field

from configs.settings.base import Strict


class MambaSettings(Strict):
    """Everything the Mamba stage may be told beside the feature group itself.

    Attributes:
        device: `auto` takes a GPU where there is one.
        kernel: `auto` runs the scan through mamba-ssm on a GPU that has it, `matmul` never does.
        checkpoint_steps: steps between checkpoints.
        keep_checkpoints: files kept, newest first.
        embed: whether every customer is embedded at every `as_of` as well.
    """

    device: Literal["auto", "cpu", "cuda"]
    kernel: Literal["auto", "mamba_ssm", "matmul"]
    checkpoint_steps: int = Field(gt=0)
    keep_checkpoints: int = Field(gt=0)
    embed: bool
