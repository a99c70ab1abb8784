"""The end of the training pipeline: register, wait for a person, publish, test, or roll back."""

from typing import Any

from configs.contracts.names import Function
from step_functions.retries import lambda_retries
from step_functions.spec import PARTITION, PipelineParameters
from step_functions.states import invoke


def publication_states(parameters: PipelineParameters) -> dict[str, Any]:
    """Return the states from `Register model` on; they read `$run`, `$stages`."""
    package = "{% $stages.package.uri %}"
    undo = {
        "ErrorEquals": ["States.ALL"],
        "Assign": {"failure": "{% $states.errorOutput %}"},
        "Next": "Roll back",
    }
    approval = invoke(
        Function.REQUEST_APPROVAL,
        {
            "task_token": "{% $states.context.Task.Token %}",
            "run": "{% $run %}",
            "package_arn": "{% $package.package_arn %}",
            "report_uri": "{% $stages.report.uri %}",
            "expires_in_s": parameters.approval_timeout_s,
        },
        retries=lambda_retries(),
    )
    approval |= {
        "Resource": f"arn:{PARTITION}:states:::lambda:invoke.waitForTaskToken",
        "TimeoutSeconds": parameters.approval_timeout_s,
        "Output": "{% $states.result %}",
    }
    return {
        "Register model": invoke(
            Function.REGISTER_MODEL,
            {
                "run": "{% $run %}",
                "package_uri": package,
                "evaluate_uri": "{% $stages.evaluate.uri %}",
                "report_uri": "{% $stages.report.uri %}",
            },
        )
        | {"Assign": {"package": "{% $states.result.Payload %}"}, "Next": "Wait for approval"},
        "Wait for approval": approval | {"Next": "Publish model"},
        "Publish model": invoke(
            Function.PUBLISH_MODEL, {"run": "{% $run %}", "package_uri": package}
        )
        | {"Assign": {"published": "{% $states.result.Payload %}"}, "Next": "Publish records"},
        "Publish records": {
            "Type": "Map",
            "Items": "{% $published.record_parts %}",
            "ItemSelector": {
                "part": "{% $states.context.Map.Item.Value %}",
                "package_uri": package,
                "model_version": "{% $published.model_version %}",
            },
            "MaxConcurrency": parameters.publish_concurrency,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "INLINE"},
                "StartAt": "Publish part",
                "States": {
                    "Publish part": invoke(
                        Function.PUBLISH_RECORDS,
                        {
                            "part": "{% $states.input.part %}",
                            "package_uri": "{% $states.input.package_uri %}",
                            "model_version": "{% $states.input.model_version %}",
                        },
                    )
                    | {"End": True}
                },
            },
            "Next": "Flip pointer",
        },
        "Flip pointer": invoke(
            Function.FLIP_POINTER,
            {
                "action": "flip",
                "run": "{% $run %}",
                "model_version": "{% $published.model_version %}",
                "prefix": "{% $published.prefix %}",
            },
        )
        # A flip that failed may have moved the pointer before it did: nothing serves untested.
        | {"Catch": [undo], "Next": "Smoke test"},
        "Smoke test": invoke(
            Function.SMOKE_TEST,
            {
                "package_uri": package,
                "model_version": "{% $published.model_version %}",
            },
        )
        | {"Catch": [undo], "Next": "Done"},
        "Roll back": invoke(
            Function.FLIP_POINTER,
            {
                "action": "undo",
                "run": "{% $run %}",
                "model_version": "{% $published.model_version %}",
            },
        )
        | {"Next": "Rolled back"},
        "Rolled back": {
            "Type": "Fail",
            "Error": "RolledBack",
            "Cause": "{% 'publication failed, the earlier model serves: ' "
            "& $failure.Error & ': ' & $failure.Cause %}",
        },
        "Done": {
            "Type": "Succeed",
            "Output": {
                "run_id": "{% $run.run_id %}",
                "model_version": "{% $published.model_version %}",
                "report_uri": "{% $stages.report.uri %}",
            },
        },
    }
