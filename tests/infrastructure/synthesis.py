"""An environment synthesised the way a user does it, and read back as parsed JSON."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from configs.settings.environment import ENVIRONMENTS

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = ("AWS_", "CDK_", "SEVENLENS_", "DOCKER_")
"""Variables of the caller that must not be needed: credentials, regions, other settings."""
NODE = shutil.which("node")


@dataclass(frozen=True)
class Resource:
    """One resource of a template."""

    stack: str
    logical_id: str
    body: dict[str, Any]

    @property
    def type(self) -> str:
        return str(self.body["Type"])

    @property
    def properties(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body.get("Properties", {})
        return found

    @property
    def name(self) -> str:
        """How messages name it."""
        return f"{self.stack}/{self.logical_id}"


@dataclass(frozen=True)
class Assembly:
    """A cloud assembly: its manifest, and stack id -> template."""

    env: str
    folder: Path
    manifest: dict[str, Any]
    templates: dict[str, dict[str, Any]] = field(default_factory=dict)

    def resources(self, *types: str) -> Iterator[Resource]:
        """Yield all resources, or those of some types, in the order of the templates."""
        for stack, template in self.templates.items():
            for logical_id, body in template["Resources"].items():
                if not types or body["Type"] in types:
                    yield Resource(stack, logical_id, body)


def read_assembly(env: str, folder: Path) -> Assembly:
    """Return the assembly that lies in a folder."""
    manifest = json.loads((folder / "manifest.json").read_text())
    templates = {
        identifier: json.loads((folder / artefact["properties"]["templateFile"]).read_text())
        for identifier, artefact in manifest["artifacts"].items()
        if artefact["type"] == "aws:cloudformation:stack"
    }
    return Assembly(env, folder, manifest, templates)


def synthesise(env: str, folder: Path, **variables: str) -> Assembly:
    """Run `python app.py` without credentials and with nothing but Node on the path."""
    assert env in ENVIRONMENTS
    assert NODE, "Node is not installed"
    tools = folder.parent / f"{folder.name}-tools"
    tools.mkdir(parents=True)
    (tools / "node").symlink_to(Path(NODE).resolve())
    given = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={
            **given,
            "PATH": str(tools),
            "SEVENLENS_ENV": env,
            "CDK_OUTDIR": str(folder),
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return read_assembly(env, folder)
