"""The synthesised cloud assembly: made when its sources changed, and read as it is."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from configs.errors import SevenLensError
from local_cloud.settings import ROOT

ASSEMBLIES = ROOT / "build" / "assembly"
SOURCES = (
    "app.py",
    "cdk.json",
    "pyproject.toml",
    "cdk",
    "stacks",
    "step_functions",
    "configs",
    "lambdas",
    "containers",
    "requirements",
    "training_jobs",
)
IGNORED = ("__pycache__",)


class AssemblyError(SevenLensError):
    """The application could not be synthesised, or its assembly is not readable."""


@dataclass(frozen=True)
class FileAsset:
    """A file or folder to put into the bootstrap bucket; placeholders are still in the names."""

    source: Path
    zipped: bool
    bucket: str
    key: str


@dataclass(frozen=True)
class Stack:
    """One stack of an assembly.

    Attributes:
        id: artefact id, unique in the assembly.
        name: CloudFormation name.
        template: template file.
        needs: artefact ids of stacks that come first.
        bootstrap_parameter: SSM parameter with the bootstrap version.
    """

    id: str
    name: str
    template: Path
    parameters: dict[str, str]
    tags: dict[str, str]
    needs: tuple[str, ...]
    assets: tuple[FileAsset, ...]
    bootstrap_parameter: str

    @cached_property
    def content(self) -> dict[str, Any]:
        """The parsed template."""
        parsed: dict[str, Any] = json.loads(self.template.read_text())
        return parsed

    @property
    def resources(self) -> list[dict[str, Any]]:
        """The template's resources, in its order."""
        return list(self.content.get("Resources", {}).values())


def _assets(folder: Path, artefact: dict[str, Any]) -> Iterator[FileAsset]:
    manifest = json.loads((folder / artefact["properties"]["file"]).read_text())
    if manifest.get("dockerImages"):
        raise AssemblyError(
            "the assembly holds container images to be built here",
            remedy="images are built in the cloud: reference them by repository and digest",
        )
    for asset in manifest.get("files", {}).values():
        source = asset["source"]
        for destination in asset["destinations"].values():
            yield FileAsset(
                folder / source["path"],
                source.get("packaging") == "zip",
                destination["bucketName"],
                destination["objectKey"],
            )


def read_stacks(folder: Path) -> list[Stack]:
    """Return the stacks of an assembly and its nested assemblies in deployment order.

    Raises:
        AssemblyError: it is not an assembly, or its dependencies form a circle.
    """
    found = {stack.id: stack for stack in _read(folder)}
    if not found:
        raise AssemblyError(f"{folder} holds no stack", remedy="synthesise it by `make synth`")
    ordered: list[Stack] = []
    while len(ordered) < len(found):
        done = {stack.id for stack in ordered}
        ready = [
            stack
            for stack in found.values()
            if stack.id not in done and all(need in done for need in stack.needs if need in found)
        ]
        if not ready:
            raise AssemblyError(f"the stacks of {folder} need each other", remedy="untie them")
        ordered.append(ready[0])
    return ordered


def _read(folder: Path) -> Iterator[Stack]:
    try:
        artefacts = json.loads((folder / "manifest.json").read_text())["artifacts"]
    except (OSError, ValueError, KeyError) as error:
        raise AssemblyError(
            f"{folder} is not a cloud assembly: {error}", remedy="synthesise it by `make synth`"
        ) from error
    for identifier, artefact in artefacts.items():
        properties = artefact.get("properties", {})
        if artefact["type"] == "cdk:cloud-assembly":
            yield from _read(folder / properties["directoryName"])
        elif artefact["type"] == "aws:cloudformation:stack":
            needs = tuple(artefact.get("dependencies", ()))
            yield Stack(
                identifier,
                properties.get("stackName", identifier),
                folder / properties["templateFile"],
                properties.get("parameters", {}),
                properties.get("tags", {}),
                needs,
                tuple(
                    asset
                    for need in needs
                    if artefacts.get(need, {}).get("type") == "cdk:asset-manifest"
                    for asset in _assets(folder, artefacts[need])
                ),
                properties.get(
                    "bootstrapStackVersionSsmParameter", "/cdk-bootstrap/hnb659fds/version"
                ),
            )


def source_digest(env: str) -> str:
    """Return a digest over everything that synthesis reads."""
    hasher = hashlib.sha256(env.encode())
    for name in SOURCES:
        base = ROOT / name
        for path in sorted(base.rglob("*")) if base.is_dir() else [base]:
            if path.is_file() and not set(path.parts) & set(IGNORED):
                hasher.update(path.relative_to(ROOT).as_posix().encode())
                hasher.update(hashlib.sha256(path.read_bytes()).digest())
    return hasher.hexdigest()


def build_assembly(env: str) -> Path:
    """Return the folder with an environment's assembly, synthesised if its sources changed.

    Raises:
        AssemblyError: synthesis failed; carries what it said.
    """
    folder, mark = ASSEMBLIES / env, ASSEMBLIES / f"{env}.digest"
    digest = source_digest(env)
    if mark.is_file() and mark.read_text() == digest and (folder / "manifest.json").is_file():
        return folder
    mark.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, "SEVENLENS_ENV": env, "CDK_OUTDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise AssemblyError(
            f"synthesis of '{env}' failed:\n{(done.stdout + done.stderr)[-4000:]}",
            remedy="correct what it names; nothing was deployed",
        )
    mark.write_text(digest)
    return folder
