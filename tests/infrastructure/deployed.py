"""What deployment would make of a template's references: names, ARNs, imports, parameters.

CloudFormation is imitated only as far as these templates go; anything else raises, so that no
value is compared that was not understood.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from tests.infrastructure.synthesis import Assembly, Resource

ACCOUNT = "111122223333"
PARTITION = "aws"
SUB = re.compile(r"\$\{([^}!]+)\}")

ARNS: Mapping[str, str] = {
    "AWS::ApiGateway::RestApi": "arn:aws:apigateway:{region}::/restapis/{name}",
    "AWS::Bedrock::Guardrail": "arn:aws:bedrock:{region}:{account}:guardrail/{name}",
    "AWS::CloudWatch::Alarm": "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    "AWS::CodeBuild::Project": "arn:aws:codebuild:{region}:{account}:project/{name}",
    "AWS::DynamoDB::GlobalTable": "arn:aws:dynamodb:{region}:{account}:table/{name}",
    "AWS::ECR::Repository": "arn:aws:ecr:{region}:{account}:repository/{name}",
    "AWS::Events::Rule": "arn:aws:events:{region}:{account}:rule/{name}",
    "AWS::IAM::Role": "arn:aws:iam::{account}:role/{name}",
    "AWS::KMS::Key": "arn:aws:kms:{region}:{account}:key/{name}",
    "AWS::Lambda::Alias": "arn:aws:lambda:{region}:{account}:function:{name}:live",
    "AWS::Lambda::Function": "arn:aws:lambda:{region}:{account}:function:{name}",
    "AWS::Lambda::Version": "arn:aws:lambda:{region}:{account}:function:{name}:1",
    "AWS::Logs::LogGroup": "arn:aws:logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::SNS::Topic": "arn:aws:sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:{region}:{account}:{name}",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:{region}:{account}:stateMachine:{name}",
    "AWS::WAFv2::WebACL": "arn:aws:wafv2:{region}:{account}:regional/webacl/{name}",
}
REF_IS_ARN = (
    "AWS::Lambda::Alias",
    "AWS::Lambda::Version",
    "AWS::SNS::Topic",
    "AWS::StepFunctions::StateMachine",
)
NAMES = (
    "BucketName",
    "FunctionName",
    "LogGroupName",
    "Name",
    "QueueName",
    "RoleName",
    "StateMachineName",
    "TableName",
    "TopicName",
)
"""Properties that give a resource its physical name; without one it is made of the logical id."""


class Deployed:
    """An assembly whose values can be resolved."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly = assembly
        environment = assembly.manifest["artifacts"]["Foundation"]["environment"]
        self.region = str(environment).rsplit("/", 1)[-1]

    @cached_property
    def _exports(self) -> dict[str, tuple[str, Any]]:
        return {
            output["Export"]["Name"]: (stack, output["Value"])
            for stack, template in self.assembly.templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    @cached_property
    def _parameters(self) -> dict[str, tuple[str, Any]]:
        return {
            row.properties["Name"]: (row.stack, row.properties["Value"])
            for row in self.assembly.resources("AWS::SSM::Parameter")
        }

    def _find(self, stack: str, logical_id: str) -> Resource:
        body = self.assembly.templates[stack]["Resources"][logical_id]
        return Resource(stack, logical_id, body)

    def name(self, resource: Resource) -> str:
        """Return a resource's physical name."""
        if resource.type in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
            function = resource.properties["FunctionName"]["Ref"]
            return self.name(self._find(resource.stack, function))
        for key in NAMES:
            if key in resource.properties:
                return str(self.value(resource.stack, resource.properties[key]))
        return f"{resource.stack}-{resource.logical_id}".lower()

    def arn(self, resource: Resource) -> str:
        """Return a resource's ARN. Raises KeyError for a type that this table does not know."""
        return ARNS[resource.type].format(
            region=self.region, account=ACCOUNT, name=self.name(resource)
        )

    def _ref(self, stack: str, name: str) -> str:
        pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": PARTITION,
            "AWS::Region": self.region,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        parameter = self.assembly.templates[stack].get("Parameters", {}).get(name)
        if parameter is not None:
            if parameter["Type"] != "AWS::SSM::Parameter::Value<String>":
                raise ValueError(f"{stack}: parameter {name} is given by nobody")
            owner, value = self._parameters[parameter["Default"]]
            return str(self.value(owner, value))
        resource = self._find(stack, name)
        if resource.type == "AWS::SQS::Queue":
            return f"https://sqs.{self.region}.amazonaws.com/{ACCOUNT}/{self.name(resource)}"
        return self.arn(resource) if resource.type in REF_IS_ARN else self.name(resource)

    def _attribute(self, stack: str, logical_id: str, attribute: str) -> str:
        resource = self._find(stack, logical_id)
        if attribute.endswith("Arn"):
            return self.arn(resource)
        return f"{self.name(resource)}.{attribute}"

    def value(self, stack: str, given: Any) -> Any:
        """Return a value of a stack's template with every intrinsic function worked out.

        Raises:
            ValueError: a function, or a parameter, is not known here.
        """
        if isinstance(given, list):
            return [self.value(stack, item) for item in given]
        if not isinstance(given, dict):
            return given
        if len(given) == 1:
            ((function, argument),) = given.items()
            if function == "Ref":
                return self._ref(stack, argument)
            if function.startswith("Fn::"):
                return self._function(stack, function, argument)
        return {key: self.value(stack, item) for key, item in given.items()}

    def _function(self, stack: str, function: str, argument: Any) -> Any:
        if function == "Fn::GetAtt":
            return self._attribute(stack, *argument)
        if function == "Fn::Join":
            delimiter, items = argument
            return str(delimiter).join(str(item) for item in self.value(stack, items))
        if function == "Fn::Sub" and isinstance(argument, str):
            return SUB.sub(lambda match: self._ref(stack, match[1]), argument)
        if function == "Fn::Select":
            index, items = argument
            return self.value(stack, items)[int(index)]
        if function == "Fn::Split":
            delimiter, text = argument
            return str(self.value(stack, text)).split(delimiter)
        if function == "Fn::ImportValue":
            owner, value = self._exports[self.value(stack, argument)]
            return self.value(owner, value)
        raise ValueError(f"{stack}: {function} is not imitated here")
