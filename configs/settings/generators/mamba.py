"""Parameters of the event-sequence embedding: the encoder's shape and its pre-training."""

from pydantic import Field, model_validator

from configs.settings.base import Strict
from configs.settings.generators.registry import parameters


class EncoderShape(Strict):
    """Widths and depth of the encoder.

    Attributes:
        category_dim: width of a category's embedding.
        model_dim: width of an event inside the encoder, a multiple of `heads`.
        blocks: Mamba-2 blocks.
        state_dim: state per channel of the selective scan.
        heads: heads of the scan, each with a decay rate of its own.
        conv_width: events seen by the short causal convolution before the scan.
        scan_chunk: events in one quadratic chunk of the CPU form; values do not depend on it.
        width: width of the state that is the embedding.
    """

    category_dim: int = Field(gt=0)
    model_dim: int = Field(gt=0)
    blocks: int = Field(gt=0)
    state_dim: int = Field(gt=0)
    heads: int = Field(gt=0)
    conv_width: int = Field(gt=0)
    scan_chunk: int = Field(gt=1, le=256)
    width: int = Field(gt=0)

    @model_validator(mode="after")
    def _heads_divide(self) -> "EncoderShape":
        if self.model_dim % self.heads:
            raise ValueError("model_dim must be a multiple of heads")
        return self


class Pretraining(Strict):
    """How the encoder learns to predict the next event.

    Attributes:
        seed: of weights and data order.
        holdout_share: share of the fit customers, chosen by hash, that only measure.
        holdout_windows: most windows of theirs that are measured.
        batch: windows a step.
        epochs: passes over all windows, at most.
        max_steps: steps, at most: what bounds the cost on a large bank.
        learning_rate: peak of the schedule.
        warmup_share: share of the steps in which the rate rises.
        final_share: rate at the end of the cosine, as a share of the peak.
        weight_decay: of AdamW, on matrices only.
        clip_norm: largest gradient norm.
        size_weight: weight of the squared error of the next size beside the category's loss.
        gap_weight: the same of the next gap.
        evaluate_steps: steps between two measurements of the held-out loss.
        patience: measurements without a better one before training stops.
    """

    seed: int
    holdout_share: float = Field(gt=0, lt=1)
    holdout_windows: int = Field(gt=0)
    batch: int = Field(gt=0)
    epochs: int = Field(gt=0)
    max_steps: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    warmup_share: float = Field(ge=0, lt=1)
    final_share: float = Field(ge=0, le=1)
    weight_decay: float = Field(ge=0)
    clip_norm: float = Field(gt=0)
    size_weight: float = Field(ge=0)
    gap_weight: float = Field(ge=0)
    evaluate_steps: int = Field(gt=0)
    patience: int = Field(gt=0)


@parameters("mamba_temporal")
class MambaParameters(Strict):
    """Embedding of a customer's newest events.

    Attributes:
        length: newest events that are read.
        categories: longest category vocabulary.
        min_customers: fit customers a category needs to be in the vocabulary.
        pass_windows: windows in one pass of the encoder; values do not depend on it.
    """

    length: int = Field(gt=1)
    categories: int = Field(gt=0)
    min_customers: int = Field(gt=0)
    pass_windows: int = Field(gt=0, multiple_of=32)
    encoder: EncoderShape
    pretraining: Pretraining
