"""What functions may do, what their rows declare and what their code calls are the same thing."""

import json

import pytest

from configs.contracts.functions import FUNCTIONS, Grant
from configs.contracts.names import Function
from configs.contracts.storage import Prefix
from configs.contracts.tables import Table
from tests.infrastructure.code_calls import Need, needs
from tests.infrastructure.deployed import ACCOUNT, Deployed
from tests.infrastructure.permissions import Permissions

PLATFORM = {
    "logs:CreateLogStream": "the runtime writes the function's log",
    "logs:PutLogEvents": "the runtime writes the function's log",
    "xray:GetSamplingRules": "the runtime traces",
    "xray:GetSamplingTargets": "the runtime traces",
    "xray:PutTelemetryRecords": "the runtime traces",
    "xray:PutTraceSegments": "the runtime traces",
}
"""Actions that a function's runtime uses, not its code."""
POLLED = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
"""Actions that Lambda's poller of a queue uses under the function's role."""
PREFIXES = sorted(
    value for name, value in vars(Prefix).items() if name.isupper() and isinstance(value, str)
)
OBJECTS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")
ITEMS = (
    "BatchGetItem",
    "BatchWriteItem",
    "ConditionCheckItem",
    "DeleteItem",
    "GetItem",
    "PutItem",
    "Query",
    "Scan",
    "UpdateItem",
)
each_function = pytest.mark.parametrize("function", list(Function), ids=str)


@pytest.fixture(scope="module")
def permissions(deployed: Deployed) -> Permissions:
    return Permissions(deployed)


@each_function
def test_its_code_calls_exactly_what_its_role_permits(
    permissions: Permissions, function: Function
) -> None:
    resource, properties = permissions.function(function)
    found = set()
    tables = {permissions.deployed.arn(row): table for table, row in permissions.tables.items()}
    polled = {
        permissions.deployed.value(row.stack, row.properties["FunctionName"])
        for row in permissions.deployed.assembly.resources("AWS::Lambda::EventSourceMapping")
    }
    dead = properties.get("DeadLetterConfig", {}).get("TargetArn")
    for row in permissions.roles[properties["Role"]]:
        for action in row.actions:
            if action in PLATFORM or action.startswith("kms:"):
                continue
            if action in POLLED and permissions.deployed.name(resource) in polled:
                continue
            if action == "sqs:SendMessage" and row.resources == (dead,):
                continue
            if action.startswith("dynamodb:"):
                found |= {Need(action, tables[name].value.name) for name in row.resources}
            else:
                found.add(Need(action))
    assert found == needs(function)


@each_function
def test_its_role_reaches_the_items_of_its_row_and_no_others(
    permissions: Permissions, function: Function
) -> None:
    _, properties = permissions.function(function)
    may = {
        (table, action)
        for table, row in permissions.tables.items()
        for action in ITEMS
        if permissions.permits(
            properties["Role"], f"dynamodb:{action}", permissions.deployed.arn(row)
        )
    }
    rows = FUNCTIONS[function].tables
    assert may == {(row.table, action) for row in rows for action in row.actions}


@each_function
def test_its_role_reaches_the_objects_of_its_row_and_no_others(
    permissions: Permissions, function: Function
) -> None:
    _, properties = permissions.function(function)
    role = properties["Role"]
    may = set()
    for bucket, row in permissions.buckets.items():
        arn = permissions.deployed.arn(row)
        for prefix in [*PREFIXES, "other/"]:
            may |= {
                (bucket, prefix, action)
                for action in OBJECTS
                if permissions.permits(role, action, f"{arn}/{prefix}deep/key")
            }
            if permissions.permits(role, "s3:ListBucket", arn, s3__prefix=f"{prefix}deep/"):
                may.add((bucket, prefix, "s3:ListBucket"))
        assert not permissions.permits(role, "s3:ListBucket", arn), "lists a whole bucket"
    declared = set()
    for access in FUNCTIONS[function].buckets:
        for used, action in (
            (access.read, "s3:GetObject"),
            (access.write, "s3:PutObject"),
            (access.list_keys, "s3:ListBucket"),
        ):
            if used:
                declared.add((access.bucket, access.prefix, action))
    assert may == declared


@each_function
def test_its_variables_name_exactly_what_its_row_declares(
    permissions: Permissions, function: Function
) -> None:
    _, properties = permissions.function(function)
    variables = properties["Environment"]["Variables"]
    contract = FUNCTIONS[function]
    for row in contract.tables:
        name = permissions.deployed.name(permissions.tables[row.table])
        assert variables[row.table.value.variable] == name
    for access in contract.buckets:
        name = permissions.deployed.name(permissions.buckets[access.bucket])
        assert variables[access.bucket.value.variable] == name
    for grant in contract.grants:
        assert variables[grant.value], grant
    named = {row.table.value.variable for row in contract.tables}
    named |= {access.bucket.value.variable for access in contract.buckets}
    named |= {grant.value for grant in contract.grants}
    possible = {table.value.variable for table in Table} | {grant.value for grant in Grant}
    possible |= {bucket.value.variable for bucket in permissions.buckets}
    assert set(variables) & possible == named


@pytest.mark.parametrize("table", list(Table), ids=lambda table: table.value.name)
def test_a_tables_name_leads_to_the_keys_of_its_contract(
    permissions: Permissions, table: Table
) -> None:
    contract = table.value
    properties = permissions.tables[table].properties
    keys = {row["KeyType"]: row["AttributeName"] for row in properties["KeySchema"]}
    assert keys.pop("HASH") == contract.partition_key
    assert keys.pop("RANGE", None) == contract.sort_key
    expiry = properties.get("TimeToLiveSpecification", {})
    assert expiry.get("AttributeName") == contract.ttl
    assert ("StreamSpecification" in properties) is contract.stream


def _granted(permissions: Permissions, grant: Grant) -> list[tuple[Function, str, str]]:
    """Return (function, role, variable) of every function with a grant."""
    found = []
    for function, contract in FUNCTIONS.items():
        if grant in contract.grants:
            _, properties = permissions.function(function)
            value = properties["Environment"]["Variables"][grant.value]
            found.append((function, properties["Role"], value))
    assert found, f"nobody has {grant.name}"
    return found


def test_what_a_grants_variable_names_is_what_its_statements_permit(
    permissions: Permissions,
) -> None:
    region = permissions.deployed.region

    def arn(service: str, resource: str) -> str:
        return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"

    def sends(url: str) -> list[tuple[str, str]]:
        return [("sqs:SendMessage", arn("sqs", url.rsplit("/", 1)[-1]))]

    def registers(group: str) -> list[tuple[str, str]]:
        package = arn("sagemaker", f"model-package/{group}/7")
        return [
            ("sagemaker:CreateModelPackage", arn("sagemaker", f"model-package-group/{group}")),
            ("sagemaker:CreateModelPackage", package),
            ("sagemaker:AddTags", package),
        ]

    def converses(models: str) -> list[tuple[str, str]]:
        return [
            ("bedrock:InvokeModel", arn("bedrock", f"inference-profile/{model}"))
            for model in models.split(",")
        ]

    def reads_images(images: str) -> list[tuple[str, str]]:
        return [("ssm:GetParameter", arn("ssm", f"parameter{path}")) for path in json.loads(images)]

    expected = {
        Grant.SEND_REASONS: sends,
        Grant.PUBLISH_APPROVALS: lambda topic: [("sns:Publish", topic)],
        Grant.CREATE_MODEL_PACKAGE: registers,
        Grant.READ_MODEL_PACKAGE: lambda group: [
            (
                "sagemaker:DescribeModelPackage",
                group.replace("model-package-group", "model-package") + "/7",
            )
        ],
        Grant.SEND_TASK_RESULT: lambda machine: [
            ("states:SendTaskSuccess", machine),
            ("states:SendTaskFailure", machine),
        ],
        Grant.DESCRIBE_EXECUTION: lambda runs: [
            ("states:DescribeExecution", runs.replace("*", "run-1"))
        ],
        Grant.INVOKE_RECOMMEND: lambda alias: [("lambda:InvokeFunction", alias)],
        Grant.CONVERSE: converses,
        Grant.APPLY_GUARDRAIL: lambda guardrail: [
            ("bedrock:ApplyGuardrail", arn("bedrock", f"guardrail/{guardrail.split('.')[0]}"))
        ],
        Grant.READ_METRICS: lambda _namespace: [("cloudwatch:GetMetricData", "*")],
        Grant.READ_IMAGES: reads_images,
    }
    assert set(expected) == set(Grant)
    for grant, wanted in expected.items():
        for function, role, variable in _granted(permissions, grant):
            for action, resource in wanted(variable):
                assert permissions.permits(role, action, resource), (function, action, resource)
