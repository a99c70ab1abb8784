"""A Lambda function by its contract: one role, exact reach, own encrypted log group."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.bundling import make_bundle, runtime_version
from cdk.nag import acknowledge
from cdk.policies import TRACING, Allow, grant, service_role
from cdk.reach import Surroundings, reach
from configs.contracts.functions import FUNCTIONS
from configs.contracts.names import Function
from configs.settings.environment import EnvironmentSettings
from configs.version import VERSION_VARIABLE, version

LATEST = lambda_.Runtime.PYTHON_3_14
ENVIRONMENT_VARIABLE = "SEVENLENS_ENV"


def log_group(
    scope: Construct,
    name: str,
    settings: EnvironmentSettings,
    *,
    key: kms.IKey,
    physical_name: str | None = None,
) -> logs.LogGroup:
    """Return an encrypted log group that forgets after the configured days."""
    retain = settings.removal == "retain"
    return logs.LogGroup(
        scope,
        name,
        log_group_name=physical_name,
        encryption_key=key,
        retention=logs.RetentionDays[RETENTION[settings.log_retention_days]],
        removal_policy=RemovalPolicy.RETAIN if retain else RemovalPolicy.DESTROY,
    )


RETENTION = {
    1: "ONE_DAY",
    3: "THREE_DAYS",
    5: "FIVE_DAYS",
    7: "ONE_WEEK",
    14: "TWO_WEEKS",
    30: "ONE_MONTH",
    60: "TWO_MONTHS",
    90: "THREE_MONTHS",
    120: "FOUR_MONTHS",
    150: "FIVE_MONTHS",
    180: "SIX_MONTHS",
    365: "ONE_YEAR",
    400: "THIRTEEN_MONTHS",
    545: "EIGHTEEN_MONTHS",
    731: "TWO_YEARS",
    1827: "FIVE_YEARS",
    3653: "TEN_YEARS",
}


class PythonFunction(Construct):
    """One function of the `FUNCTIONS` table.

    Args:
        around: what its grants point to.
        variables: further environment variables.
        extra: further statements (what invokes it may need to be read).
        dead: for functions that are invoked asynchronously, where failed events go.
    """

    def __init__(
        self,
        scope: Construct,
        function: Function,
        settings: EnvironmentSettings,
        *,
        around: Surroundings,
        key: kms.IKey,
        variables: Mapping[str, str] | None = None,
        extra: Sequence[Allow] = (),
        dead: sqs.IQueue | None = None,
    ) -> None:
        super().__init__(scope, "".join(word.capitalize() for word in function.value.split("_")))
        contract = FUNCTIONS[function]
        self.logs = log_group(self, "Logs", settings, key=key)
        self.role = service_role(self, "Role", "lambda.amazonaws.com", f"Function {function}")
        found = reach(contract, around)
        allows = [
            *found.allows,
            *extra,
            TRACING,
            Allow(("logs:CreateLogStream", "logs:PutLogEvents"), (self.logs.log_group_arn,)),
        ]
        if dead is not None:
            allows.append(Allow(("sqs:SendMessage",), (dead.queue_arn,)))
            allows.append(Allow(("kms:GenerateDataKey",), (key.key_arn,)))
        self.policy = grant(self, "Policy", self.role, allows)
        bundle = make_bundle(contract.bundle, settings.python)
        runtime = f"python{runtime_version(settings.python)}"
        self.function = lambda_.Function(
            self,
            "Function",
            description=f"{function} of SevenLens {version()} ({settings.name})",
            runtime=lambda_.Runtime(runtime, lambda_.RuntimeFamily.PYTHON),
            architecture=lambda_.Architecture.X86_64,
            handler=f"lambdas.{function}.handler.handler",
            code=lambda_.Code.from_asset(str(bundle.folder), asset_hash=bundle.digest),
            memory_size=contract.memory_mib,
            timeout=Duration.seconds(contract.timeout_s),
            role=self.role.without_policy_updates(),
            environment={
                **found.variables,
                **(variables or {}),
                VERSION_VARIABLE: version(),
                ENVIRONMENT_VARIABLE: settings.name,
            },
            environment_encryption=key,
            log_group=self.logs,
            tracing=lambda_.Tracing.ACTIVE,
            reserved_concurrent_executions=settings.serving.reserved_concurrency.get(function),
            dead_letter_queue=dead,
            current_version_options=lambda_.VersionOptions(
                description=f"SevenLens {version()}", removal_policy=RemovalPolicy.RETAIN
            ),
        )
        resource = self.function.node.default_child
        policy = self.policy.node.default_child
        if isinstance(resource, lambda_.CfnFunction) and isinstance(policy, iam.CfnPolicy):
            # The construct would also name the role, on which its property depends already.
            resource.add_override("DependsOn", [policy.logical_id])
        if dead is None:
            acknowledge(
                self.function,
                "Serverless-LambdaDLQ",
                "it is invoked synchronously or from a queue: the caller sees the error",
            )
        if runtime != LATEST.name:
            why = "the embedded AWS runs functions on the interpreter that serves them"
            acknowledge(self.function, "AwsSolutions-L1", why)
            acknowledge(self.function, "Serverless-LambdaLatestVersion", why)

    def live(self) -> lambda_.Alias:
        """Publish a version of the present code and return the alias `live` on it."""
        return lambda_.Alias(self, "Live", alias_name="live", version=self.function.current_version)
