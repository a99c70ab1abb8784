"""The emulator's private parts that we rely on, in one place.

They are plain module attributes, not an interface: the version is pinned, `check` refuses any
other, and a conformance test says which part moved.
"""

import importlib
import importlib.metadata
from typing import Any

from configs.errors import SevenLensError

PACKAGE = "ministack"
VERSION = "1.5.33"

RELIED_UPON: dict[str, tuple[str, ...]] = {
    "ministack.app": (
        "SERVICE_HANDLERS",
        "SERVICE_REGISTRY",
        "_build_persistence_save_dict",
        "_loaded_modules",
        "_state_map",
        "app",
        "save_all",
    ),
    "ministack.core.iam_actions": (
        "SERVICE_TO_IAM_NAMESPACE",
        "extract_iam_action",
        "extract_resource_arn",
    ),
    "ministack.core.iam_evaluator": ("enforce",),
    "ministack.core.lambda_runtime": ("Worker", "_PYTHON_WORKER_SCRIPT"),
    "ministack.core.responses": (
        "AccountRegionScopedDict",
        "get_account_id",
        "get_region",
        "set_request_account_id",
        "set_request_region",
    ),
    "ministack.core.router": ("SERVICE_PATTERNS",),
    "ministack.services.bedrock": (
        "_create_guardrail",
        "_create_guardrail_version",
        "_delete_guardrail",
        "_guardrail_versions",
        "_guardrails",
        "_update_guardrail",
    ),
    "ministack.services.bedrock_runtime": (
        "_converse",
        "_evaluate_guardrail",
        "_last_user_text",
        "_proxy_openai_chat_message",
    ),
    "ministack.services.cloudformation.provisioners": ("_RESOURCE_HANDLERS",),
    "ministack.services.cloudwatch": ("_evaluate_all_alarms", "_store_datum"),
    "ministack.services.cloudwatch_logs": (
        "_append_log_events",
        "_log_groups",
        "_make_group_arn",
    ),
    "ministack.services.ecr": ("_repositories",),
    "ministack.services.eventbridge": ("_put_events",),
    "ministack.services.iam": ("_roles",),
    "ministack.services.lambda_svc": ("_execute_function_warm",),
    "ministack.services.stepfunctions": (
        "_SERVICE_DISPATCH",
        "_ExecutionError",
        "_emit_execution_status_event",
        "_executions",
        "_fail_execution",
        "_invoke_resource_with_timeout",
        "_run_execution",
        "_state_machines",
        "load_persisted_state",
    ),
    "ministack.services.sts": ("register_session",),
}


class EmulatorChanged(SevenLensError):
    """The installed emulator is not the one this code was written for."""


def part(module: str, name: str = "") -> Any:
    """Return `ministack.<module>`, or an attribute of it."""
    found = importlib.import_module(f"{PACKAGE}.{module}")
    return getattr(found, name) if name else found


def check() -> None:
    """Refuse an emulator of another version or without a part that we rely on.

    Raises:
        EmulatorChanged: naming the version, or the parts that are missing.
    """
    installed = importlib.metadata.version(PACKAGE)
    remedy = f"install {PACKAGE}=={VERSION}, as requirements/dev.lock says"
    if installed != VERSION:
        raise EmulatorChanged(f"{PACKAGE} {installed} is installed", remedy=remedy)
    missing = [
        f"{module}.{name}"
        for module, names in RELIED_UPON.items()
        for name in names
        if not hasattr(importlib.import_module(module), name)
    ]
    if missing:
        raise EmulatorChanged(f"{PACKAGE} lacks {', '.join(missing)}", remedy=remedy)
