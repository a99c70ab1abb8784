"""`feature_schema.json` and `glossary.json`: what the columns are, for machines and for readers."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from configs.settings.features import FeaturesSettings
from configs.settings.glossary import Entry, Text
from training_jobs.features.model import FeatureModel

PRESENT, ABSENT = "present", "absent"


def glossary_entries(
    model: FeatureModel, settings: FeaturesSettings, names: Mapping[str, Mapping[str, Text]]
) -> dict[str, Entry]:
    """Return the filled-in entry of every written column. Raises SettingsError if one has none."""
    return {column.name: settings.glossary.resolve(column.name, names) for column in model.columns}


def glossary_json(entries: Mapping[str, Entry]) -> dict[str, Any]:
    """Return the entries as the decision path reads them."""
    return {
        column: {
            "ko": entry.name.ko,
            "en": entry.name.en,
            "unit": entry.unit,
            "period": entry.period.model_dump() if entry.period else None,
            "protected": entry.protected,
            "up": entry.up.model_dump(),
            "down": entry.down.model_dump(),
            "sentence": entry.sentence.model_dump(),
        }
        for column, entry in entries.items()
    }


def decision_inputs(
    model: FeatureModel, settings: FeaturesSettings, entries: Mapping[str, Entry]
) -> list[str]:
    """Return the columns that decide: all but the protected ones, in order."""
    return [
        column.name
        for column in model.columns
        if not entries[column.name].protected or column.name in settings.expose_protected
    ]


def feature_schema(
    model: FeatureModel,
    settings: FeaturesSettings,
    entries: Mapping[str, Entry],
    *,
    as_ofs: Mapping[date, int],
) -> dict[str, Any]:
    """Return the content of `feature_schema.json`."""
    vocabularies: dict[str, list[str]] = {}
    edges: dict[str, list[list[int]]] = {}
    for item in model.tensors:
        vocabularies.update(item.tensor.vocabularies(item.fitted))
        edges.update(item.tensor.edges(item.fitted))
    lengths = [item.tensor.length for item in model.tensors if item.tensor.length is not None]
    return {
        "columns": _columns(model, settings, entries),
        "groups": _groups(model, settings),
        "tensors": _tensors(model, settings),
        "experts": expert_rows(settings, model.absent),
        "private_groups": [
            group.settings.name
            for group in model.groups
            if group.settings.name in settings.private_groups
        ],
        "decision_inputs": decision_inputs(model, settings, entries),
        "vocabularies": {"categories": [], "items": [], **vocabularies},
        "edges": edges,
        "event_length": lengths[0] if lengths else 0,
        "as_of_counts": {day.isoformat(): rows for day, rows in as_ofs.items()},
    }


def _columns(
    model: FeatureModel, settings: FeaturesSettings, entries: Mapping[str, Entry]
) -> list[dict[str, Any]]:
    rows = []
    for group in model.groups:
        places = [asdict(group.places[place]) if group.places else None for place in group.kept]
        for column, statistics, place in zip(group.columns, group.statistics, places, strict=True):
            row = asdict(column) | asdict(statistics) | {"view": place}
            if column.kind == "categorical":
                row |= {"mean": None, "sd": None, "median": None}
            rows.append(
                row
                | {
                    "group": group.settings.name,
                    "experts": list(group.settings.experts),
                    "private": group.settings.name in settings.private_groups,
                    "protected": entries[column.name].protected,
                    "exposed": column.name in settings.expose_protected,
                }
            )
    return rows


def _groups(model: FeatureModel, settings: FeaturesSettings) -> dict[str, Any]:
    made = {group.settings.name: group for group in model.groups}
    rows: dict[str, Any] = {}
    for group in settings.groups:
        if group.name in made:
            rows[group.name] = {
                "status": PRESENT,
                "reason": None,
                "columns": len(made[group.name].kept),
                "declared": len(made[group.name].declared),
                "dropped": list(made[group.name].dropped),
                "dropped_because": dict(made[group.name].dropped),
            }
        else:
            rows[group.name] = {
                "status": ABSENT,
                "reason": model.absent[group.name],
                "columns": 0,
                "declared": 0,
                "dropped": [],
                "dropped_because": {},
            }
        rows[group.name]["generator"] = group.generator
        rows[group.name]["experts"] = list(group.experts)
    return rows


def _tensors(model: FeatureModel, settings: FeaturesSettings) -> dict[str, Any]:
    return {
        tensor.name: {
            "status": ABSENT if tensor.name in model.absent else PRESENT,
            "reason": model.absent.get(tensor.name),
            "experts": list(tensor.experts),
        }
        for tensor in settings.tensors
    }


def expert_rows(settings: FeaturesSettings, absent: Mapping[str, str]) -> dict[str, Any]:
    """Return for every routed expert whether anything is left for it to read.

    A side tensor is an expert's subject, columns beside it are context: an expert that is routed a
    tensor is absent when all of its tensors are.

    Args:
        settings: groups and side tensors with the experts that read them.
        absent: group or tensor -> why it is not there.
    """
    experts = sorted(
        {name for item in (*settings.groups, *settings.tensors) for name in item.experts}
    )
    rows: dict[str, Any] = {}
    for expert in experts:
        tensors = [item.name for item in settings.tensors if expert in item.experts]
        groups = [item.name for item in settings.groups if expert in item.experts]
        present = [name for name in (*tensors, *groups) if name not in absent]
        needed = tensors or groups
        lacking = [name for name in needed if name in absent]
        here = len(lacking) < len(needed)
        rows[expert] = {
            "status": PRESENT if here else ABSENT,
            "reason": None if here else "; ".join(f"{name}: {absent[name]}" for name in lacking),
            "inputs": present if here else [],
        }
    return rows
