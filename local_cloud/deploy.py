"""Deploying an assembly as it stands: assets, then stacks in their order through CloudFormation."""

import io
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from configs.errors import SevenLensError
from local_cloud.assembly import FileAsset, Stack, read_stacks
from local_cloud.bootstrap import bootstrap

Client = Callable[[str], Any]
POLL_S = 0.1
INLINE_LIMIT = 51200
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
HOPELESS = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")
EPOCH = (1980, 1, 1, 0, 0, 0)


class DeployFailed(SevenLensError):
    """A stack could not be deployed; carries the resources and their reasons."""


def _fill(text: str, place: Mapping[str, str]) -> str:
    for name, value in place.items():
        text = text.replace(f"${{AWS::{name}}}", value)
    return text


def _packed(folder: Path) -> bytes:
    """Return a folder as a zip file whose bytes depend on names and contents only."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
                entry.external_attr = (path.stat().st_mode & 0o777) << 16
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, path.read_bytes())
    return packed.getvalue()


def _publish(s3: Any, asset: FileAsset, place: Mapping[str, str]) -> bool:
    bucket, key = _fill(asset.bucket, place), _fill(asset.key, place)
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
            raise
    else:
        return False  # keys are content hashes: what is there is the same
    body = _packed(asset.source) if asset.zipped else asset.source.read_bytes()
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    return True


def _status(cloudformation: Any, name: str) -> str:
    try:
        return str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
    except ClientError as error:
        if "does not exist" in str(error):
            return ""
        raise


def _settle(cloudformation: Any, name: str) -> str:
    while (status := _status(cloudformation, name)).endswith("_IN_PROGRESS"):
        time.sleep(POLL_S)
    return status


def _reasons(cloudformation: Any, name: str) -> str:
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    failed = [row for row in events if row["ResourceStatus"].endswith("_FAILED")]
    return "\n".join(
        f"  {row['LogicalResourceId']} ({row['ResourceType']}): "
        f"{row.get('ResourceStatusReason', row['ResourceStatus'])}"
        for row in reversed(failed)
    )


def _request(stack: Stack, s3_address: str) -> dict[str, Any]:
    body = stack.template.read_text()
    declared = stack.content.get("Parameters", {})
    source = {"TemplateBody": body} if len(body) <= INLINE_LIMIT else {"TemplateURL": s3_address}
    return {
        "StackName": stack.name,
        **source,
        "Capabilities": CAPABILITIES,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in stack.parameters.items()
            if key in declared
        ],
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
    }


def _template_address(client: Client, stack: Stack, place: Mapping[str, str]) -> str:
    """Return where a stack's template lies in the bootstrap bucket; it is one of its assets."""
    for asset in stack.assets:
        if asset.source.resolve() == stack.template.resolve():
            bucket, key = _fill(asset.bucket, place), _fill(asset.key, place)
            return f"{client('s3').meta.endpoint_url}/{bucket}/{key}"
    return ""


def deploy_stack(client: Client, stack: Stack, place: Mapping[str, str]) -> dict[str, str]:
    """Create or update one stack and return its outputs.

    Raises:
        DeployFailed: with the reasons of its resources.
    """
    cloudformation = client("cloudformation")
    if _settle(cloudformation, stack.name) in HOPELESS:
        cloudformation.delete_stack(StackName=stack.name)
        _settle(cloudformation, stack.name)
    request = _request(stack, _template_address(client, stack, place))
    known = _status(cloudformation, stack.name) not in ("", "DELETE_COMPLETE")
    remedy = "correct the template; `python -m local_cloud down --forget` starts from nothing"
    try:
        if known:
            cloudformation.update_stack(**request)
        else:
            cloudformation.create_stack(**request)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise DeployFailed(f"stack {stack.name}: {error}", remedy=remedy) from error
    status = _settle(cloudformation, stack.name)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise DeployFailed(
            f"stack {stack.name} ended as {status}\n{_reasons(cloudformation, stack.name)}",
            remedy=remedy,
        )
    outputs = cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0].get("Outputs", [])
    return {row["OutputKey"]: row["OutputValue"] for row in outputs}


def deploy(
    client: Client,
    assembly: Path,
    *,
    say: Callable[[str], None],
    inert: Callable[[Mapping[str, Any]], str | None],
) -> dict[str, dict[str, str]]:
    """Deploy all stacks of an assembly.

    Args:
        client: makes a client of a service.
        assembly: folder with manifest.json.
        say: receives one line for each step.
        inert: says of a resource why it does nothing offline, None if it works.

    Returns:
        Stack name -> outputs.

    Raises:
        AssemblyError: the folder is not an assembly.
        DeployFailed: at the first stack that fails.
    """
    stacks = read_stacks(assembly)
    place = {
        "AccountId": client("sts").get_caller_identity()["Account"],
        "Region": client("s3").meta.region_name,
        "Partition": "aws",
        "URLSuffix": "amazonaws.com",
    }
    qualifier = stacks[0].bootstrap_parameter.split("/")[2]
    bootstrap(client, account=place["AccountId"], region=place["Region"], qualifier=qualifier)
    outputs = {}
    for stack in stacks:
        begun = time.monotonic()
        published = sum(_publish(client("s3"), asset, place) for asset in stack.assets)
        outputs[stack.name] = deploy_stack(client, stack, place)
        say(
            f"  {stack.name}: {len(stack.resources)} resources, "
            f"{published} new files, {time.monotonic() - begun:.1f} s"
        )
    for line in sorted({inert(row) or "" for stack in stacks for row in stack.resources} - {""}):
        say(f"  {line}")
    return outputs


def destroy(client: Client, assembly: Path, *, say: Callable[[str], None]) -> None:
    """Delete the stacks of an assembly, last first; what is retained stays.

    Raises:
        DeployFailed: a stack could not be deleted.
    """
    cloudformation = client("cloudformation")
    for stack in reversed(read_stacks(assembly)):
        if _status(cloudformation, stack.name) in ("", "DELETE_COMPLETE"):
            continue
        cloudformation.delete_stack(StackName=stack.name)
        if _settle(cloudformation, stack.name) not in ("", "DELETE_COMPLETE"):
            raise DeployFailed(
                f"stack {stack.name} could not be deleted\n{_reasons(cloudformation, stack.name)}",
                remedy="empty what it names, then repeat",
            )
        say(f"  {stack.name}: deleted")
