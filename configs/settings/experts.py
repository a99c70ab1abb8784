"""Configuration of the experts: one frozen model per registered name.

A later expert brings its model and registers it here under the name used in
`configs/pipeline/teacher.yaml`; nothing that loads settings has to change for it.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import Field, model_validator

from configs.errors import SettingsError
from configs.settings.base import Strict


class ExpertConfig(Strict):
    """What every expert has.

    Attributes:
        output_dim: width of the vector an expert gives for a customer.
        dropout: share of units dropped while training.
    """

    output_dim: int = Field(gt=0)
    dropout: float = Field(ge=0, lt=1)


_MODELS: dict[str, type[ExpertConfig]] = {}
Config = TypeVar("Config", bound=ExpertConfig)


def expert_config(name: str) -> Callable[[type[Config]], type[Config]]:
    """Register the decorated model as the configuration of expert `name`.

    Raises:
        SettingsError: the name is taken.
    """

    def add(model: type[Config]) -> type[Config]:
        if name in _MODELS:
            raise SettingsError(f"expert '{name}' stands twice", remedy="choose another name")
        _MODELS[name] = model
        return model

    return add


def forget(name: str) -> None:
    """Remove a registered model: for tests that plug one in."""
    _MODELS.pop(name, None)


def known() -> tuple[str, ...]:
    """Return the names of all configurable experts, sorted."""
    return tuple(sorted(_MODELS))


def parse(name: str, raw: Any) -> ExpertConfig:
    """Return `raw` as the configuration of expert `name`.

    Raises:
        ValueError: the expert is unknown, or a key or value is wrong.
    """
    model = _MODELS.get(name)
    if model is None:
        raise ValueError(f"expert '{name}' is unknown (allowed: {', '.join(known())})")
    return raw if isinstance(raw, model) else model.model_validate(raw)


@expert_config("deepfm")
class DeepFMConfig(ExpertConfig):
    """Field embeddings, explicit pairwise interactions and a deep part.

    Attributes:
        embedding_dim: width of a field's embedding.
        bins: equal-mass bins of a numeric field, fitted on train.
        hidden: widths of the deep part.
    """

    embedding_dim: int = Field(gt=0)
    bins: int = Field(gt=1)
    hidden: tuple[int, ...] = Field(min_length=1)


@expert_config("temporal")
class TemporalConfig(ExpertConfig):
    """Mamba, liquid and Transformer branches over the event sequence.

    Attributes:
        category_dim: width of an event category's embedding.
        model_dim: width of a token.
        max_tokens: events are patched to at most so many tokens, `as_of` token included.
        state_dim: state per channel of the selective scan.
        heads: heads of the scan and of attention; must divide `model_dim`.
        conv_width: tokens seen by the short causal convolution before the scan.
    """

    category_dim: int = Field(gt=0)
    model_dim: int = Field(gt=0)
    max_tokens: int = Field(gt=1, le=32)
    state_dim: int = Field(gt=0)
    heads: int = Field(gt=0)
    conv_width: int = Field(gt=0)

    @model_validator(mode="after")
    def _heads_divide(self) -> "TemporalConfig":
        if self.model_dim % self.heads or self.model_dim % 2:
            raise ValueError("model_dim must be even and a multiple of heads")
        return self


@expert_config("lightgcn")
class LightGCNConfig(ExpertConfig):
    """Propagation over the customer-item graph without customer parameters.

    Attributes:
        embedding_dim: width of an item's embedding.
        propagations: how often items pass through customers to items.
        hidden: width of the layer that joins the embedding with the routed columns.
        max_items: busiest items that propagate; memory grows with the square.
    """

    embedding_dim: int = Field(gt=0)
    propagations: int = Field(ge=1)
    hidden: int = Field(gt=0)
    max_items: int = Field(gt=0)
