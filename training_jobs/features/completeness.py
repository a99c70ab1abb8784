"""What is missing from the features: columns dropped by name, experts with nothing to read."""

from collections.abc import Mapping
from typing import Any

from configs.contracts.artefacts import Check
from training_jobs.features.fitting import NOTHING_VARIES
from training_jobs.features.model import FeatureModel
from training_jobs.features.schema import PRESENT


def dropped_columns(model: FeatureModel, *, strict: bool) -> Check:
    """Report the columns that cannot be used; where `strict`, one of them blocks."""
    names = [
        f"{group.settings.name}.{name} ({reason})"
        for group in model.groups
        for name, reason in group.dropped.items()
    ]
    names += [f"{name} ({why})" for name, why in model.absent.items() if why == NOTHING_VARIES]
    return Check(
        name="features.dropped_columns",
        passed=not names,
        blocking=strict,
        value=float(len(names)),
        bound="= 0",
        detail="; ".join(names) or "every declared column varies",
    )


def experts_present(schema: Mapping[str, Any], *, strict: bool) -> list[Check]:
    """Report which routed experts have an input; one is always needed, all where `strict`.

    Args:
        schema: content of `feature_schema.json`.
        strict: whether an absent expert blocks.
    """
    experts = schema["experts"]
    absent = {name: row["reason"] for name, row in experts.items() if row["status"] != PRESENT}
    reasons = "; ".join(f"{name} is absent: {reason}" for name, reason in absent.items())
    return [
        Check(
            name="features.experts_present",
            passed=len(absent) < len(experts),
            blocking=True,
            value=float(len(experts) - len(absent)),
            bound=">= 1",
            detail=reasons or f"all {len(experts)} routed experts have inputs",
        ),
        Check(
            name="features.experts_complete",
            passed=not absent,
            blocking=strict,
            value=float(len(absent)),
            bound="= 0",
            detail=reasons or f"all {len(experts)} routed experts have inputs",
        ),
        Check(
            name="features.decision_inputs",
            passed=bool(schema["decision_inputs"]),
            blocking=True,
            value=float(len(schema["decision_inputs"])),
            bound="> 0",
            detail=f"{len(schema['columns'])} columns, {len(schema['decision_inputs'])} decide",
        ),
    ]
