"""A state machine from a definition and statements that are plain data."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from cdk.function import log_group
from cdk.naming import machine_name
from cdk.policies import TRACING, Allow, grant, service_role
from configs.contracts.names import Machine
from configs.settings.environment import EnvironmentSettings

LOG_DELIVERY = Allow(
    (
        "logs:CreateLogDelivery",
        "logs:GetLogDelivery",
        "logs:UpdateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:DescribeResourcePolicies",
        "logs:DescribeLogGroups",
    ),
    ("*",),
    reason="the log delivery interface knows no resource",
)


class StateMachine(Construct):
    """A traced and logged machine whose role holds exactly the given statements."""

    def __init__(
        self,
        scope: Construct,
        machine: Machine,
        settings: EnvironmentSettings,
        *,
        definition: Mapping[str, Any],
        allows: Sequence[Allow],
        key: kms.IKey,
    ) -> None:
        super().__init__(scope, "".join(word.capitalize() for word in machine.value.split("_")))
        name = machine_name(settings.name, machine)
        logs = log_group(
            self, "Logs", settings, key=key, physical_name=f"/aws/vendedlogs/states/{name}"
        )
        self.role = service_role(self, "Role", "states.amazonaws.com", f"State machine {machine}")
        policy = grant(self, "Policy", self.role, [*allows, LOG_DELIVERY, TRACING])
        self.machine = sfn.CfnStateMachine(
            self,
            "Machine",
            state_machine_name=name,
            role_arn=self.role.role_arn,
            definition_string=Stack.of(self).to_json_string(definition),
            logging_configuration=sfn.CfnStateMachine.LoggingConfigurationProperty(
                level="ALL",
                # Payloads hold locations and hashes, never customers; still they stay out of logs.
                include_execution_data=False,
                destinations=[
                    sfn.CfnStateMachine.LogDestinationProperty(
                        cloud_watch_logs_log_group=sfn.CfnStateMachine.CloudWatchLogsLogGroupProperty(
                            log_group_arn=logs.log_group_arn
                        )
                    )
                ],
            ),
            tracing_configuration=sfn.CfnStateMachine.TracingConfigurationProperty(enabled=True),
        )
        self.machine.node.add_dependency(policy)
