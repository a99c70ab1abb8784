"""The agents: reason worker behind its queue, and the scheduled review of operation and records."""

from aws_cdk import App, Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler

from cdk.function import PythonFunction
from cdk.guardrail import Guardrail
from cdk.nag import acknowledge
from cdk.parameters import publish
from cdk.policies import Allow, grant, service_role
from cdk.reach import Surroundings
from cdk.state_machine import StateMachine
from configs.contracts.names import Function, Machine, Parameter, Queue
from configs.settings.environment import EnvironmentSettings
from stacks.base import SevenLensStack
from stacks.machines import allows, names, resolved
from step_functions import ops_review

REVIEWERS = (
    Function.REVIEW_COLLECT,
    Function.OPS_AGENT,
    Function.AUDIT_AGENT,
    Function.REVIEW_REPORT,
)
BATCH = 5


class Agents(SevenLensStack):
    """Language-model agents, all behind budgets and verifiers."""

    def __init__(self, app: App, settings: EnvironmentSettings) -> None:
        super().__init__(app, "agents", settings, "reason worker and scheduled review")
        self._key = self.data_key()
        guardrail = Guardrail(self, "Reasons", settings, key_arn=self.handles.key_arn("data"))
        self._around = Surroundings(
            self.handles,
            settings.bedrock,
            guardrail_arn=guardrail.guardrail.attr_guardrail_arn,
            guardrail=guardrail.reference,
        )
        self._worker()
        self._review()

    def _worker(self) -> None:
        arn = self.handles.queue_arn(Queue.REASONS.value)
        worker = PythonFunction(
            self,
            Function.REASON_WORKER,
            self.settings,
            around=self._around,
            key=self._key,
            extra=[
                Allow(("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"), (arn,))
            ],
        )
        mapping = lambda_.EventSourceMapping(
            self,
            "ReasonsToWorker",
            target=worker.function,
            event_source_arn=arn,
            batch_size=BATCH,
            max_batching_window=Duration.seconds(1),
            max_concurrency=self.settings.serving.reason_concurrency,
            report_batch_item_failures=True,
        )
        acknowledge(
            mapping,
            "Serverless-LambdaEventSourceMappingDestination",
            "a queue has no failure destination: its redrive policy moves messages to "
            f"{Queue.REASONS}_dead",
        )

    def _review(self) -> None:
        env = self.settings.name
        functions = {
            name: PythonFunction(
                self, name, self.settings, around=self._around, key=self._key
            ).function.function_arn
            for name in REVIEWERS
        }
        spec = ops_review.build()
        table = names(env, functions=functions, key_arn=self.handles.key_arn("data"))
        machine = StateMachine(
            self,
            Machine.OPS_REVIEW,
            self.settings,
            definition=resolved(spec, table),
            allows=allows(spec, table),
            key=self._key,
        ).machine
        publish(self, env, Parameter.OPS_REVIEW_ARN, machine.ref)
        role = service_role(
            self, "ScheduleRole", "scheduler.amazonaws.com", "Starts the scheduled review"
        )
        policy = grant(
            self, "SchedulePolicy", role, [Allow(("states:StartExecution",), (machine.ref,))]
        )
        schedule = scheduler.CfnSchedule(
            self,
            "ReviewSchedule",
            description="Review of operation and decision records",
            schedule_expression=self.settings.ops_review.schedule,
            state="ENABLED" if self.settings.ops_review.enabled else "DISABLED",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(
                mode="FLEXIBLE", maximum_window_in_minutes=15
            ),
            target=scheduler.CfnSchedule.TargetProperty(
                arn=machine.ref, role_arn=role.role_arn, input="{}"
            ),
        )
        schedule.node.add_dependency(policy)
