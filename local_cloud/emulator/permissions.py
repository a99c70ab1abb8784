"""IAM actions and resources of the calls that the emulator itself lets through or misnames.

SageMaker is ours, so its calls need a name and a resource to be checked against a role's policy.
An answer to a task token is checked against the state machine that waits.
For Bedrock the emulator checks `bedrock:Converse` on `*`; AWS checks `bedrock:InvokeModel` on the
model or inference profile, and `bedrock:ApplyGuardrail` on the guardrail.
"""

import json
import re
from typing import Any
from urllib.parse import unquote

from local_cloud.emulator.callbacks import machine_of
from local_cloud.emulator.internals import part

MODEL_PATH = re.compile(r"^/model/(?P<model>.+?)/(converse|converse-stream|invoke.*)$")
GUARDRAIL_PATH = re.compile(r"^/guardrail/(?P<guardrail>[^/]+)/version/[^/]+/apply$")
PROFILE = re.compile(r"^(us|eu|apac|jp|au|ca|sa|us-gov|global)\.")

SAGEMAKER_RESOURCES = (
    ("TrainingJobName", "training-job"),
    ("ProcessingJobName", "processing-job"),
    ("ModelPackageGroupName", "model-package-group"),
)
"""Request member -> resource type, in the order in which they are looked for."""
BATCHES = {
    f"sqs:{verb}Batch": f"sqs:{verb}"
    for verb in ("SendMessage", "DeleteMessage", "ChangeMessageVisibility")
}
"""A batch is allowed by the permission for a single message; there is no other."""
ARN_MEMBERS = ("ResourceArn", "ModelPackageArn", "ModelPackageName")


def sagemaker_resource(body: bytes, *, region: str, account: str) -> str:
    """Return the ARN that a SageMaker call acts upon, `*` where it names none."""
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return "*"
    for member in ARN_MEMBERS:
        if str(request.get(member, "")).startswith("arn:"):
            return str(request[member])
    for member, kind in SAGEMAKER_RESOURCES:
        if request.get(member):
            return f"arn:aws:sagemaker:{region}:{account}:{kind}/{str(request[member]).lower()}"
    return "*"


def bedrock_resource(path: str, *, region: str, account: str) -> str:
    """Return the ARN of the model, inference profile or guardrail in a runtime path."""
    path = unquote(path)
    if found := MODEL_PATH.match(path):
        model = found["model"]
        if model.startswith("arn:"):
            return model
        if PROFILE.match(model):
            return f"arn:aws:bedrock:{region}:{account}:inference-profile/{model}"
        return f"arn:aws:bedrock:{region}::foundation-model/{model}"
    if found := GUARDRAIL_PATH.match(path):
        guardrail = found["guardrail"]
        if guardrail.startswith("arn:"):
            return guardrail
        return f"arn:aws:bedrock:{region}:{account}:guardrail/{guardrail}"
    return "*"


def install() -> None:
    """Replace the two look-ups of the emulator by ones that know these services."""
    actions = part("core.iam_actions")
    actions.SERVICE_TO_IAM_NAMESPACE["sagemaker"] = "sagemaker"
    action_before, resource_before = actions.extract_iam_action, actions.extract_resource_arn

    def extract_iam_action(service: str, method: str, path: str, *others: Any) -> str | None:
        if service == "bedrock-runtime" and MODEL_PATH.match(unquote(path)):
            return "bedrock:InvokeModel"
        action: str | None = action_before(service, method, path, *others)
        return BATCHES.get(action or "", action)

    def extract_resource_arn(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        parameters: dict[str, Any],
        region: str,
        account: str,
    ) -> str:
        if service == "states" and (machine := machine_of(body)):
            return machine
        if service == "sagemaker":
            return sagemaker_resource(body, region=region, account=account)
        if service == "bedrock-runtime":
            return bedrock_resource(path, region=region, account=account)
        found: str = resource_before(
            service, method, path, headers, body, parameters, region, account
        )
        return found

    actions.extract_iam_action = extract_iam_action
    actions.extract_resource_arn = extract_resource_arn
