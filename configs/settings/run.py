"""One run's resolved settings: every section a stage may read, validated before anything starts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from configs.contracts.stages import STAGES
from configs.errors import SettingsError
from configs.settings.base import CONFIGS, Strict, read_yaml, validate
from configs.settings.dataset import DatasetSettings
from configs.settings.distillation import DistillationSettings
from configs.settings.dry_run import DryRunSettings
from configs.settings.evaluation import EvaluationSettings
from configs.settings.features import FeaturesSettings
from configs.settings.mamba import MambaSettings
from configs.settings.package import PackageSettings
from configs.settings.report import ReportSettings
from configs.settings.tasks import TasksSettings
from configs.settings.teacher import TeacherSettings


class RunSettings(Strict):
    """All sections; the names are those in `StageContract.sections`."""

    dataset: DatasetSettings
    tasks: TasksSettings
    features: FeaturesSettings
    mamba: MambaSettings
    teacher: TeacherSettings
    evaluation: EvaluationSettings
    distillation: DistillationSettings
    package: PackageSettings
    report: ReportSettings
    dry_run: DryRunSettings


def section_file(section: str, dataset: str) -> Path:
    """Return the YAML file a section is loaded from."""
    if section == "dataset":
        return CONFIGS / "datasets" / f"{dataset}.yaml"
    if section == "features":
        return CONFIGS / "feature_groups.yaml"
    return CONFIGS / "pipeline" / f"{section}.yaml"


def parse_override(text: str) -> tuple[str, Any]:
    """Split `teacher.epochs=3` into the dotted key and the value read as YAML.

    Raises:
        SettingsError: there is no `=`, or the key does not start with a section.
    """
    key, separator, value = text.partition("=")
    section, dot, rest = key.partition(".")
    if not separator or not dot or not rest or section not in RunSettings.model_fields:
        raise SettingsError(
            f"override '{text}' is not of the form section.key=value",
            remedy=f"start with one of: {', '.join(RunSettings.model_fields)}",
        )
    return key, yaml.safe_load(value)


def _apply(raw: dict[str, Any], key: str, value: Any) -> None:
    parts = key.split(".")
    target: Any = raw
    for depth, part in enumerate(parts[:-1]):
        if not isinstance(target, dict) or part not in target:
            raise SettingsError(
                f"override '{key}': '{'.'.join(parts[: depth + 1])}' does not exist",
                remedy="override a key that stands in the section's YAML file",
            )
        target = target[part]
    if not isinstance(target, dict):
        raise SettingsError(
            f"override '{key}': '{'.'.join(parts[:-1])}' holds no keys",
            remedy="override a key that stands in the section's YAML file",
        )
    target[parts[-1]] = value


def load_run_settings(dataset: str, overrides: Mapping[str, Any] | None = None) -> RunSettings:
    """Load every section for a data set, apply overrides by dotted key, and validate.

    Args:
        dataset: name of a file in `configs/datasets/`.
        overrides: dotted key -> value, e.g. `{"teacher.epochs": 3}`.

    Raises:
        SettingsError: a file, key or value is wrong; names file, key path and allowed values.
    """
    raw = {
        section: read_yaml(section_file(section, dataset)) for section in RunSettings.model_fields
    }
    for key, value in (overrides or {}).items():
        _apply(raw, key, value)
    # Section by section, so that a message names the very file; the whole is then only assembled.
    sections = {
        section: validate(
            cast(type[Strict], field.annotation),
            raw[section],
            source=str(section_file(section, dataset)),
        )
        for section, field in RunSettings.model_fields.items()
    }
    return RunSettings.model_validate(sections)


def dump(settings: RunSettings) -> dict[str, Any]:
    """Return the settings as plain JSON values, the form that is uploaded and hashed."""
    return settings.model_dump(mode="json")


def unread_sections() -> set[str]:
    """Return sections that no stage reads: each would be a setting without an effect."""
    read = {section for contract in STAGES.values() for section in contract.sections}
    return set(RunSettings.model_fields) - read
