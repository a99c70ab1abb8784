"""How an operator reaches one environment: credentials, clients and the published parameters."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from configs.contracts.names import Parameter
from configs.contracts.tables import Table
from configs.errors import SevenLensError

CLIENT_FILE = Path(__file__).resolve().parents[1] / "build" / "local" / "client.json"
"""Left by the embedded AWS while it serves: the variables an AWS client needs to reach it."""


class OperationError(SevenLensError):
    """An operator command cannot do what was asked."""


@dataclass(frozen=True)
class Access:
    """One environment's AWS, by logical names.

    Attributes:
        env: `local`, `dev` or `prod`; parameters are read below `/sevenlens/<env>/`.
        session: where credentials and region come from.
    """

    env: str
    session: boto3.Session

    def client(self, service: str) -> Any:
        """Return a client that retries adaptively."""
        return self.session.client(
            service, config=Config(retries={"mode": "adaptive", "max_attempts": 5})
        )

    @cached_property
    def _parameters(self) -> Any:
        return self.client("ssm")

    def parameter(self, name: Parameter, leaf: str = "") -> str:
        """Return a published parameter's value.

        Raises:
            OperationError: it is not there, so the application is not deployed.
        """
        path = name.path(self.env, leaf)
        try:
            return str(self._parameters.get_parameter(Name=path)["Parameter"]["Value"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise
            raise OperationError(
                f"parameter {path} does not exist in {self.session.region_name}",
                remedy=f"deploy the application first (ENV={self.env})",
            ) from error

    def table(self, table: Table) -> str:
        """Return a table's physical name."""
        return self.parameter(Parameter.TABLES, table.value.name)


def open_access(env: str) -> Access:
    """Return access to an environment.

    For `local` the variables of the running embedded AWS are taken into this process.

    Raises:
        OperationError: `local` is asked for and no embedded AWS is running.
    """
    if env == "local" and "AWS_ENDPOINT_URL" not in os.environ:
        if not CLIENT_FILE.is_file():
            raise OperationError("no embedded AWS is running", remedy="start one with `make up`")
        os.environ.update(json.loads(CLIENT_FILE.read_text()))
    return Access(env, boto3.Session())
