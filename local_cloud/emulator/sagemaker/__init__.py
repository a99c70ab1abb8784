"""A SageMaker whose instances are subprocesses of the image's own entry point."""

from pathlib import Path
from typing import Any

from local_cloud.emulator.internals import part
from local_cloud.emulator.options import Options
from local_cloud.emulator.resources import register
from local_cloud.emulator.sagemaker.jobs import Jobs
from local_cloud.emulator.sagemaker.registry import Registry
from local_cloud.emulator.sagemaker.service import TARGET, SageMaker
from local_cloud.settings import LocalCloudSettings

SERVICE = "sagemaker"


def _group_resource(registry: Registry) -> dict[str, Any]:
    def result(name: str) -> tuple[str, dict[str, Any]]:
        group = registry.group(name)
        attributes = ("ModelPackageGroupArn", "ModelPackageGroupStatus", "CreationTime")
        return group["ModelPackageGroupArn"], {key: str(group[key]) for key in attributes}

    def create(_logical: str, properties: dict[str, Any], _stack: str) -> Any:
        registry.create_group(properties)
        return result(properties["ModelPackageGroupName"])

    def update(physical: str, _old: Any, new: dict[str, Any], _stack: str) -> Any:
        group = registry.group(physical)
        group["ModelPackageGroupDescription"] = new.get("ModelPackageGroupDescription", "")
        return result(physical)

    def delete(physical: str, _properties: Any) -> None:
        registry.delete_group(physical)

    return {"create": create, "update": update, "delete": delete}


def install(options: Options, settings: LocalCloudSettings) -> Jobs:
    """Make SageMaker one of the emulator's services; returns its jobs."""
    hidden: tuple[Path, ...] = (options.home.resolve(), options.state.resolve())
    jobs = Jobs(options.home.resolve() / "jobs", hidden=hidden, settings=settings.jobs)
    registry = Registry()
    service = SageMaker(jobs, registry, part("core.responses", "AccountRegionScopedDict")())
    application = part("app")
    application.SERVICE_REGISTRY[SERVICE] = {"module": SERVICE}
    application.SERVICE_HANDLERS[SERVICE] = service.handle_request
    application._loaded_modules[SERVICE] = service
    application._state_map[SERVICE] = SERVICE
    part("core.router").SERVICE_PATTERNS[SERVICE] = {
        "target_prefixes": [TARGET],
        "host_patterns": [r"api\.sagemaker\."],
        "credential_scope": SERVICE,
    }
    register("AWS::SageMaker::ModelPackageGroup", _group_resource(registry))
    return jobs
