"""Which feature groups, side tensors and experts the prepared tables of a bank can support.

The rules are those of Phase 0, asked of the sample on which Phase 0 will fit; nothing is fitted.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from configs.settings.dataset import DatasetSettings
from configs.settings.features import FeatureInput, FeaturesSettings
from training_jobs.absence import Off
from training_jobs.features.bank import read_bank
from training_jobs.features.cut import Limits, cut
from training_jobs.features.examples import Examples
from training_jobs.features.fitting import fit_sample
from training_jobs.features.requirements import unmet
from training_jobs.features.schema import PRESENT, expert_rows
from training_jobs.features.sources import find


def _row(item: FeatureInput, kind: str, off: Off | None) -> dict[str, Any]:
    return {
        kind: item.name,
        "status": "off" if off else "on",
        "reason": off.reason if off else None,
        "remedy": off.remedy if off else None,
        "experts": list(item.experts),
    }


def _experts(settings: FeaturesSettings, absent: Mapping[str, Off]) -> list[dict[str, Any]]:
    rows = expert_rows(settings, {name: off.reason for name, off in absent.items()})
    found = []
    for expert, row in rows.items():
        on = row["status"] == PRESENT
        remedies = {
            absent[item.name].remedy
            for item in (*settings.groups, *settings.tensors)
            if expert in item.experts and item.name in absent
        }
        found.append(
            {
                "expert": expert,
                "status": "on" if on else "off",
                "reason": row["reason"],
                "remedy": None if on else "; ".join(sorted(remedies)),
                "inputs": row["inputs"],
            }
        )
    return found


def supported(
    tables: Path, phase0: Path, dataset: DatasetSettings, features: FeaturesSettings
) -> dict[str, Any]:
    """Return `fit_customers`, and rows of `groups`, `tensors` and `experts` with on or off.

    Args:
        tables: the canonical tables.
        phase0: folder that holds the `examples`.
        dataset: the data set.
        features: groups and side tensors.
    """
    sources = find(tables)
    customers = fit_sample(
        Examples(phase0 / "examples").train_customers(sources.shards, dataset.fit_cutoff),
        most=features.fit.customers,
        salt=features.fit.salt,
    )
    bank = read_bank(tables, dataset)
    with cut(
        sources,
        customers=customers,
        as_of=dataset.fit_cutoff,
        lookback_months=dataset.lookback_months,
        limits=Limits(features.memory, features.threads),
    ) as view:
        offs = {
            item.name: off
            for item in (*features.groups, *features.tensors)
            if (off := unmet(item, view, bank))
        }
    return {
        "fit_customers": len(customers),
        "groups": [_row(item, "group", offs.get(item.name)) for item in features.groups],
        "tensors": [_row(item, "tensor", offs.get(item.name)) for item in features.tensors],
        "experts": _experts(features, offs),
    }
