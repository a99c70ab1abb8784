"""The one version number of the product."""

import os
import tomllib
from functools import cache
from pathlib import Path

VERSION_VARIABLE = "SEVENLENS_VERSION"
"""Set on every job and Lambda function by the CDK application, where no pyproject exists."""


@cache
def version() -> str:
    """Return the version from the environment, else from the checkout's `pyproject.toml`.

    Raises:
        FileNotFoundError: neither is there.
    """
    if given := os.environ.get(VERSION_VARIABLE):
        return given
    project = Path(__file__).resolve().parents[1] / "pyproject.toml"
    return str(tomllib.loads(project.read_text())["project"]["version"])
