"""The files and variables that a container finds, as SageMaker lays them out.

Source: SageMaker developer guide, "How Amazon SageMaker provides training information" and
"Build your own processing container".
"""

import json
import sys
from pathlib import Path
from typing import Any

from local_cloud.emulator.sagemaker.specification import Kind, Specification
from local_cloud.settings import ROOT


def _json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def write_layout(root: Path, job: Specification, host: str, request: dict[str, Any]) -> None:
    """Write the configuration files and make the folders of one instance.

    Args:
        root: the instance's `/opt/ml`.
        job: what to run.
        host: name of the instance.
        request: the create request, for processingjobconfig.json.
    """
    resources = {
        "current_host": host,
        "current_instance_type": job.instance_type,
        "current_group_name": "homogeneousCluster",
        "hosts": job.hosts,
        "instance_groups": [
            {
                "instance_group_name": "homogeneousCluster",
                "instance_type": job.instance_type,
                "hosts": job.hosts,
            }
        ],
        "network_interface_name": "eth0",
    }
    for folder in ("output", "tmp"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for source in job.inputs:
        (root / source.folder).mkdir(parents=True, exist_ok=True)
    if job.kind is Kind.TRAINING:
        for folder in ("model", "output/data"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        _json(root / "input/config/resourceconfig.json", resources)
        _json(root / "input/config/hyperparameters.json", job.hyperparameters)
        _json(
            root / "input/config/inputdataconfig.json",
            {
                source.name: {
                    "TrainingInputMode": "File",
                    "S3DistributionType": "ShardedByS3Key" if source.sharded else "FullyReplicated",
                    "RecordWrapperType": "None",
                }
                for source in job.inputs
            },
        )
    else:
        for target in job.outputs:
            (root / target.folder).mkdir(parents=True, exist_ok=True)
        _json(root / "config/resourceconfig.json", resources)
        _json(root / "config/processingjobconfig.json", request)
    if job.checkpoints is not None:
        (root / job.checkpoints.folder).mkdir(parents=True, exist_ok=True)


def _training_variables(job: Specification, host: str) -> dict[str, str]:
    names = [source.name for source in job.inputs]
    return {
        "SM_MODEL_DIR": "{ml}/model",
        "SM_OUTPUT_DIR": "{ml}/output",
        "SM_OUTPUT_DATA_DIR": "{ml}/output/data",
        "SM_INPUT_DIR": "{ml}/input",
        "SM_INPUT_CONFIG_DIR": "{ml}/input/config",
        "SM_CHANNELS": json.dumps(sorted(names)),
        "SM_HPS": json.dumps(job.hyperparameters),
        "SM_CURRENT_HOST": host,
        "SM_HOSTS": json.dumps(job.hosts),
        "SM_NUM_GPUS": "0",
        **{f"SM_CHANNEL_{name.upper()}": f"{{ml}}/input/data/{name}" for name in names},
        **{f"SM_HP_{key.upper()}": value for key, value in job.hyperparameters.items()},
    }


def variables(job: Specification, host: str, *, arn: str, region: str) -> dict[str, str]:
    """Return all variables of one instance; `{ml}` stands for the layout's root.

    Nothing of the server's own environment is in it, credentials least of all.
    """
    prefix = job.kind.value.upper()
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        "HOME": "{ml}/tmp",
        "TMPDIR": "{ml}/tmp",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        f"{prefix}_JOB_ARN": arn,
        f"{prefix}_JOB_NAME": job.name,
        **(_training_variables(job, host) if job.kind is Kind.TRAINING else {}),
        **job.environment,
    }
