"""What an execution is given, held against what a run must be, before anything is paid for."""

import re
from collections.abc import Mapping
from typing import Any

from configs.contracts.stages import STAGES
from configs.contracts.storage import Bucket, Prefix
from lambdas.control.channels import most_groups
from lambdas.control.documents import Run
from lambdas.control.errors import BadInput

GIVEN = ("run_id", "settings_uri", "data_uri", "submitter")
RUN_ID = re.compile(r"[A-Za-z0-9-]{1,80}")
"""Also an execution's name, part of S3 keys and of a message's subject."""
GROUP = re.compile(r"[A-Za-z0-9_-]{1,40}")
"""Part of a channel's name, which SageMaker bounds to 64 characters."""
REMEDY = "start the run by `make submit`"


def given_input(event: Mapping[str, Any]) -> dict[str, str]:
    """Return the execution's input.

    Raises:
        BadInput: something is missing or unknown, the run id is malformed, is not the name of the
            execution (which Step Functions keeps unique), or the settings lie elsewhere.
    """
    given = event.get("input")
    given = given if isinstance(given, Mapping) else {}
    missing = [name for name in GIVEN if not isinstance(given.get(name), str) or not given[name]]
    unknown = sorted(set(given) - set(GIVEN))
    if missing or unknown:
        raise BadInput(
            f"execution input: missing {missing}, unknown {unknown}",
            remedy=f"give exactly {', '.join(GIVEN)}; `make submit` does",
        )
    run_id = str(given["run_id"])
    name = str(event.get("execution_arn", "")).rpartition(":")[2]
    if not RUN_ID.fullmatch(run_id) or run_id != name:
        raise BadInput(
            f"run id '{run_id}' is not the name of its execution, '{name}'", remedy=REMEDY
        )
    place = f"s3://{Bucket.LAKE.value.physical_name()}/{Prefix.RUNS}{run_id}/settings.json"
    if given["settings_uri"] != place:
        raise BadInput(
            f"the settings lie at {given['settings_uri']}, not at {place}", remedy=REMEDY
        )
    return {name: str(given[name]) for name in GIVEN}


def identity_of(document: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    """Return the identity in a run's settings document.

    Raises:
        BadInput: it names another run, submitter, data or dataset than the input or the settings.
    """
    identity = document.get("identity")
    identity = identity if isinstance(identity, Mapping) else {}
    names = ("run_id", "submitter", "submitter_arn", "data_hash", "dataset")
    missing = [name for name in names if not isinstance(identity.get(name), str)]
    missing += [name for name in names if name not in missing and not identity[name]]
    if missing:
        raise BadInput(f"the settings' identity has no {', '.join(missing)}", remedy=REMEDY)
    for name in ("run_id", "submitter"):
        if identity[name] != given[name]:
            raise BadInput(
                f"the settings are of {name} '{identity[name]}', not '{given[name]}'",
                remedy=REMEDY,
            )
    place = f"s3://{Bucket.LAKE.value.physical_name()}/{Prefix.RAW}{identity['data_hash']}/"
    if given["data_uri"] != place:
        raise BadInput(
            f"the data lie at {given['data_uri']}, by their hash they lie at {place}",
            remedy=REMEDY,
        )
    return {name: str(identity[name]) for name in names}


def settings_of(document: Mapping[str, Any], *, dataset: str) -> dict[str, Any]:
    """Return the settings, which hold exactly the sections that stages read.

    Raises:
        BadInput: a section is missing or unknown, or the data set is another than the identity's.
    """
    settings = document.get("settings")
    settings = settings if isinstance(settings, dict) else {}
    wanted = {section for contract in STAGES.values() for section in contract.sections}
    missing, unknown = sorted(wanted - set(settings)), sorted(set(settings) - wanted)
    if missing or unknown:
        raise BadInput(
            f"run settings: sections missing {missing}, unknown {unknown}", remedy=REMEDY
        )
    section = settings["dataset"]
    found = section.get("name") if isinstance(section, Mapping) else None
    if found != dataset:
        raise BadInput(
            f"the settings are of data set {found!r}, the identity says '{dataset}'",
            remedy=REMEDY,
        )
    return settings


def groups_of(settings: Mapping[str, Any]) -> list[str]:
    """Return the names of the distillation groups, sorted.

    Raises:
        BadInput: there are none, more than a job can mount, or a name cannot be a channel's.
    """
    section = settings["distillation"]
    groups = section.get("groups") if isinstance(section, Mapping) else None
    if not isinstance(groups, Mapping) or not groups:
        raise BadInput("the settings name no distillation groups", remedy=REMEDY)
    if bad := sorted(name for name in groups if not GROUP.fullmatch(name)):
        raise BadInput(
            f"distillation groups {bad}: a name cannot be a channel's",
            remedy=f"use names of the form {GROUP.pattern}",
        )
    if len(groups) > most_groups():
        raise BadInput(
            f"{len(groups)} distillation groups: a job mounts at most {most_groups()}",
            remedy="put tasks together: one group is enough, its tasks share one binned matrix",
        )
    return sorted(groups)


def new_run(
    event: Mapping[str, Any], *, given: Mapping[str, str], identity: Mapping[str, str], month: str
) -> Run:
    """Return the run that an execution works for."""
    return Run(
        **given,
        execution_arn=str(event["execution_arn"]),
        data_hash=identity["data_hash"],
        submitter_arn=identity["submitter_arn"],
        month=month,
    )
