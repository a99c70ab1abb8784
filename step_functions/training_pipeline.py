"""`training_pipeline`: from delivered data to a published model.

Every stage is planned (committed already? else take the lease), run, and committed; gated stages
are then judged. A failed job fails the execution: there is no catch, so a redrive re-enters the
failed state itself, and a new execution skips what is committed. Catch serves roll-back only.
"""

from typing import Any

from configs.contracts.names import Function
from configs.contracts.stages import STAGES, StageContract
from step_functions.jobs import TIMEOUT_MARGIN_S, job_name_output, job_state, job_statements
from step_functions.publication import publication_states
from step_functions.retries import plan_retries
from step_functions.spec import (
    VERSION,
    JobResources,
    PipelineParameters,
    StateMachineSpec,
    image_uri,
)
from step_functions.states import invoke, invoke_statement, machine

CALLED = (
    Function.BEGIN_RUN,
    Function.STAGE_CONTROL,
    Function.GATE,
    Function.REGISTER_MODEL,
    Function.REQUEST_APPROVAL,
    Function.PUBLISH_MODEL,
    Function.PUBLISH_RECORDS,
    Function.FLIP_POINTER,
    Function.SMOKE_TEST,
)
PLAN_TIMEOUT_S = 120


def _begin(parameters: PipelineParameters) -> dict[str, Any]:
    jobs = [
        {
            "stage": stage.value,
            "per_group": STAGES[stage].per_group,
            "instance_count": row.instance_count,
            "max_run_s": row.max_run_s,
            "usd_per_hour": row.usd_per_hour,
        }
        for stage, row in parameters.jobs.items()
    ]
    limits = {"run_usd": parameters.run_limit_usd, "month_usd": parameters.month_limit_usd}
    state = invoke(
        Function.BEGIN_RUN,
        {
            "execution_arn": "{% $states.context.Execution.Id %}",
            "input": "{% $states.input %}",
            "jobs": jobs,
            "limits": limits,
        },
    )
    return state | {
        "Assign": {
            "run": "{% $states.result.Payload.run %}",
            "groups": "{% $states.result.Payload.groups %}",
            "stages": {},
        }
    }


def _inputs(contract: StageContract) -> str:
    pairs = ", ".join(
        f"'{name.value}': $lookup($stages, '{name.value}')" for name in contract.inputs
    )
    return f"{{% {{{pairs}}} %}}" if pairs else "{% {} %}"


def _plan(
    contract: StageContract, resources: JobResources, *, variable: str, group: str | None
) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "action": "plan",
        "stage": contract.stage.value,
        "run": "{% $run %}",
        "inputs": _inputs(contract),
        "image": image_uri(contract.image),
        "price": resources.price,
    }
    if group is not None:
        payload["group"] = group
    busy = plan_retries(resources.longest_s + TIMEOUT_MARGIN_S)
    state = invoke(Function.STAGE_CONTROL, payload, retries=busy)
    state["TimeoutSeconds"] = PLAN_TIMEOUT_S
    return state | {"Assign": {variable: "{% $states.result.Payload %}"}}


def _commit(
    contract: StageContract, resources: JobResources, *, plan: str, job: str, group: str | None
) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "action": "commit",
        "stage": contract.stage.value,
        "run": "{% $run %}",
        "plan": f"{{% ${plan} %}}",
        "job": f"{{% ${job} %}}",
        "version": VERSION,
        "price": resources.price,
    }
    if group is not None:
        payload["group"] = group
    return invoke(Function.STAGE_CONTROL, payload)


def _stage_states(
    contract: StageContract, parameters: PipelineParameters, *, following: str
) -> dict[str, Any]:
    """Plan, skip or run, commit: the states of one stage that runs once."""
    stage = contract.stage
    resources = parameters.jobs[stage]
    keep = f"{{% $merge([$stages, {{'{stage.value}': $states.result.Payload}}]) %}}"
    skip = f"{{% $merge([$stages, {{'{stage.value}': $plan}}]) %}}"
    return {
        f"Plan {stage}": _plan(contract, resources, variable="plan", group=None)
        | {"Next": f"Is {stage} committed"},
        f"Is {stage} committed": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": "{% $plan.committed %}",
                    "Assign": {"stages": skip},
                    "Next": following,
                }
            ],
            "Default": f"Run {stage}",
        },
        f"Run {stage}": job_state(stage, resources, plan="$plan")
        | {
            "Assign": {"job": f"{{% $states.result.{job_name_output(stage)} %}}"},
            "Next": f"Commit {stage}",
        },
        f"Commit {stage}": _commit(contract, resources, plan="plan", job="job", group=None)
        | {"Assign": {"stages": keep}, "Next": following},
    }


def _group_states(
    contract: StageContract, parameters: PipelineParameters, *, following: str
) -> dict[str, Any]:
    """The same states inside a Map over distillation groups."""
    stage = contract.stage
    resources = parameters.jobs[stage]
    group = "{% $states.context.Map.Item.Value %}"
    inner = {
        f"Plan {stage}": _plan(
            contract, resources, variable="group_plan", group="{% $states.input.group %}"
        )
        | {
            "Assign": {
                "group_plan": "{% $states.result.Payload %}",
                "group": "{% $states.input.group %}",
            },
            "Next": f"Is {stage} committed",
        },
        f"Is {stage} committed": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": "{% $group_plan.committed %}",
                    "Next": f"Keep {stage}",
                }
            ],
            "Default": f"Run {stage}",
        },
        f"Keep {stage}": {"Type": "Pass", "Output": "{% $group_plan %}", "End": True},
        f"Run {stage}": job_state(stage, resources, plan="$group_plan")
        | {
            "Assign": {"group_job": f"{{% $states.result.{job_name_output(stage)} %}}"},
            "Next": f"Commit {stage}",
        },
        f"Commit {stage}": _commit(
            contract, resources, plan="group_plan", job="group_job", group="{% $group %}"
        )
        | {"End": True},
    }
    merged = (
        f"{{% $merge([$stages, {{'{stage.value}': "
        "$merge($map($states.result, function($row) { {$row.group: $row} }))}]) %}"
    )
    return {
        f"Each group of {stage}": {
            "Type": "Map",
            "Items": "{% $groups %}",
            "ItemSelector": {"group": group},
            "MaxConcurrency": 4,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": f"Plan {stage}",
                "States": inner,
            },
            "Assign": {"stages": merged},
            "Next": following,
        }
    }


def _gate(contract: StageContract, *, following: str) -> dict[str, Any]:
    stage = contract.stage.value
    outputs = f"$lookup($stages, '{stage}')"
    uris = (
        f"$each({outputs}, function($row) {{ $row.uri }})"
        if contract.per_group
        else (f"{outputs}.uri")
    )
    return invoke(
        Function.GATE,
        {"stage": stage, "run": "{% $run %}", "uris": f"{{% [{uris}] %}}"},
    ) | {"Next": following}


def build(parameters: PipelineParameters) -> StateMachineSpec:
    """Return the training pipeline for given resources and limits.

    Raises:
        KeyError: a stage has no resources.
    """
    states: dict[str, Any] = {"Begin": _begin(parameters)}
    order = list(STAGES.values())

    def entry(position: int) -> str:
        if position == len(order):
            return "Register model"
        row = order[position]
        return f"Each group of {row.stage}" if row.per_group else f"Plan {row.stage}"

    states["Begin"]["Next"] = entry(0)
    for position, contract in enumerate(order):
        gate = f"Judge {contract.stage}"
        following = gate if contract.gated else entry(position + 1)
        make = _group_states if contract.per_group else _stage_states
        states |= make(contract, parameters, following=following)
        if contract.gated:
            states[gate] = _gate(contract, following=entry(position + 1))
    states |= publication_states(parameters)
    return StateMachineSpec(
        machine("From delivered data to a published model", "Begin", states),
        (invoke_statement(CALLED), *job_statements()),
    )
