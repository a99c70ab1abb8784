"""`ops_review`: collect, two agents, three independent votes each, one report."""

from typing import Any

from configs.contracts.names import Function
from step_functions.spec import StateMachineSpec
from step_functions.states import invoke, invoke_statement, machine

AGENTS = (Function.OPS_AGENT, Function.AUDIT_AGENT)
VOTES = 3
CALLED = (Function.REVIEW_COLLECT, *AGENTS, Function.REVIEW_REPORT)
SNAPSHOT = {"prefix": "{% $snapshot.prefix %}", "snapshot": "{% $snapshot.snapshot %}"}


def _votes(agent: Function, *, following: str) -> dict[str, Any]:
    """A Map, not a Parallel: votes see the snapshot and the review, never each other."""
    return {
        "Type": "Map",
        "Items": list(range(1, VOTES + 1)),
        "ItemSelector": {**SNAPSHOT, "vote": "{% $states.context.Map.Item.Value %}"},
        "MaxConcurrency": VOTES,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": f"Vote of {agent}",
            "States": {
                f"Vote of {agent}": invoke(
                    agent,
                    {
                        "action": "vote",
                        "prefix": "{% $states.input.prefix %}",
                        "snapshot": "{% $states.input.snapshot %}",
                        "vote": "{% $states.input.vote %}",
                    },
                )
                | {"End": True}
            },
        },
        "Next": following,
    }


def build() -> StateMachineSpec:
    """Return the review machine."""
    states: dict[str, Any] = {
        "Collect": invoke(
            Function.REVIEW_COLLECT,
            {"action": "collect", "execution": "{% $states.context.Execution.Name %}"},
        )
        | {"Assign": {"snapshot": "{% $states.result.Payload %}"}},
    }
    previous = "Collect"
    for agent in AGENTS:
        states[previous]["Next"] = f"Review by {agent}"
        states[f"Review by {agent}"] = invoke(agent, {"action": "review", **SNAPSHOT}) | {
            "Next": f"Votes of {agent}"
        }
        states[f"Votes of {agent}"] = _votes(agent, following="Report")
        previous = f"Votes of {agent}"
    states["Report"] = invoke(
        Function.REVIEW_REPORT,
        {
            "action": "report",
            **SNAPSHOT,
            "execution": "{% $states.context.Execution.Name %}",
        },
    ) | {"End": True}
    return StateMachineSpec(
        machine("Scheduled review of operation and records", "Collect", states),
        (invoke_statement(CALLED),),
    )
