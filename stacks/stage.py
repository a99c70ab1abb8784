"""One environment: the five stacks, in the order in which they build on each other."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App

from cdk.nag import check
from configs.settings.environment import EnvironmentSettings
from stacks.agents import Agents
from stacks.foundation import Foundation
from stacks.observability import Observability
from stacks.serving import Serving
from stacks.training import Training

CDK_FILE = Path(__file__).resolve().parents[1] / "cdk.json"


def new_app(context: Mapping[str, Any] | None = None, outdir: str | None = None) -> App:
    """Return an application with the feature flags of `cdk.json`, with or without the CDK CLI."""
    flags = json.loads(CDK_FILE.read_text())["context"]
    return App(
        context={**flags, **(context or {})},
        outdir=outdir,
        analytics_reporting=False,
        stack_traces=False,
    )


@dataclass(frozen=True)
class Stage:
    """The stacks of one environment."""

    foundation: Foundation
    serving: Serving
    training: Training
    agents: Agents
    observability: Observability


def build_stage(app: App, settings: EnvironmentSettings) -> Stage:
    """Add an environment's stacks to the application and have every synthesis checked."""
    foundation = Foundation(app, settings)
    serving = Serving(app, settings)
    training = Training(app, settings)
    agents = Agents(app, settings)
    observability = Observability(app, settings)
    for stack in (serving, training, agents, observability):
        stack.add_stack_dependency(foundation, reason="imports its exports")
    training.add_stack_dependency(serving, reason="smoke-tests the function that it publishes")
    check(app)
    return Stage(foundation, serving, training, agents, observability)
