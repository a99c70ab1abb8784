"""From data to a published model: job roles, control functions, registry, the pipeline."""

from aws_cdk import App, Aws, Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_sqs as sqs

from cdk.function import PythonFunction
from cdk.image import image_tag
from cdk.job_role import job_role
from cdk.messaging import dead_letter_queue
from cdk.naming import machine_arn, machine_name, stack_name
from cdk.parameters import publish, published
from cdk.reach import Surroundings
from cdk.state_machine import StateMachine
from cdk.storage import removal
from configs.contracts.names import Function, Machine, Parameter
from configs.contracts.stages import STAGES, Image
from configs.settings.environment import EnvironmentSettings
from configs.settings.prices import hourly, load_prices
from configs.version import version
from stacks.base import SevenLensStack
from stacks.machines import allows, names, resolved
from step_functions import training_pipeline
from step_functions.spec import JobResources, PipelineParameters

CONTROL = (
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
EVENT_DRIVEN = (Function.RESUME_APPROVAL, Function.RECORD_EXECUTION)
ENDED = ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
DECIDED = ["Approved", "Rejected"]
EVENT_HOURS = 6


def parameters(settings: EnvironmentSettings) -> PipelineParameters:
    """Return what is configurable in the pipeline's definition."""
    price = hourly(settings, load_prices())
    return PipelineParameters(
        jobs={
            stage: JobResources(
                instance_type=job.instance_type,
                instance_count=job.instance_count,
                volume_gib=job.volume_gib,
                max_run_s=job.max_run_s,
                spot=job.spot,
                volume_key=job.volume_key,
                usd_per_hour=price[stage],
            )
            for stage, job in settings.jobs.items()
        },
        approval_timeout_s=settings.approval.timeout_s,
        run_limit_usd=settings.budget.per_run_usd,
        month_limit_usd=settings.budget.monthly_usd,
        publish_concurrency=settings.publish_concurrency,
    )


class Training(SevenLensStack):
    """The training pipeline and what it calls."""

    def __init__(self, app: App, settings: EnvironmentSettings) -> None:
        super().__init__(app, "training", settings, "the training pipeline and its control")
        self._key = self.data_key()
        self._dead = dead_letter_queue(self, "EventsDead", key=self._key)
        self._group = sagemaker.CfnModelPackageGroup(
            self,
            "Registry",
            model_package_group_name=stack_name(settings.name, "recommender"),
            model_package_group_description=f"Recommenders of SevenLens {version()}",
        )
        self._group.apply_removal_policy(removal(settings))
        self.functions = {
            function: self._function(function) for function in (*CONTROL, *EVENT_DRIVEN)
        }
        self.job_roles = {
            contract.stage: job_role(self, contract, self.handles) for contract in STAGES.values()
        }
        self._pipeline()
        self._rules()
        env = settings.name
        publish(self, env, Parameter.MODEL_GROUP, self._group.model_package_group_name)
        publish(
            self,
            env,
            Parameter.FLIP_POINTER_FUNCTION,
            self.functions[Function.FLIP_POINTER].function.function_arn,
        )

    def _function(self, function: Function) -> PythonFunction:
        recommend = published(self, self.settings.name, Parameter.RECOMMEND_FUNCTION)
        variables: dict[str, str] = {}
        if function in (Function.REQUEST_APPROVAL, Function.RESUME_APPROVAL):
            must_differ = self.settings.approval.approver_must_differ
            variables["APPROVER_MUST_DIFFER"] = str(must_differ).lower()
        return PythonFunction(
            self,
            function,
            self.settings,
            around=Surroundings(
                self.handles,
                self.settings.bedrock,
                model_group=self._group.model_package_group_name,
                recommend_arn=recommend,
                images={
                    Parameter.IMAGE_DIGEST.path(self.settings.name, image.value): image_tag(image)
                    for image in Image
                },
            ),
            key=self._key,
            variables=variables,
            dead=self._dead if function in EVENT_DRIVEN else None,
        )

    def _pipeline(self) -> None:
        env = self.settings.name
        spec = training_pipeline.build(parameters(self.settings))
        table = names(
            env,
            functions={name: row.function.function_arn for name, row in self.functions.items()},
            key_arn=self.handles.key_arn("data"),
            roles={stage: role.role_arn for stage, role in self.job_roles.items()},
            images={
                image: f"{self.handles.repository_uri(image)}:{image_tag(image)}" for image in Image
            },
        )
        machine = StateMachine(
            self,
            Machine.TRAINING_PIPELINE,
            self.settings,
            definition=resolved(spec, table),
            allows=allows(spec, table),
            key=self._key,
        )
        publish(self, env, Parameter.TRAINING_PIPELINE_ARN, machine.machine.ref)

    def _rules(self) -> None:
        env = self.settings.name
        events.Rule(
            self,
            "ExecutionEnded",
            description=f"{machine_name(env, Machine.TRAINING_PIPELINE)} ended: record why",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [machine_arn(env, Machine.TRAINING_PIPELINE)],
                    "status": ENDED,
                },
            ),
            targets=[self._target(Function.RECORD_EXECUTION)],
        )
        events.Rule(
            self,
            "PackageDecided",
            description="A person decided on a model package: resume the pipeline",
            event_pattern=events.EventPattern(
                source=["aws.sagemaker"],
                account=[Aws.ACCOUNT_ID],
                detail_type=["SageMaker Model Package State Change"],
                detail={
                    "ModelPackageGroupName": [self._group.model_package_group_name],
                    "ModelApprovalStatus": DECIDED,
                },
            ),
            targets=[self._target(Function.RESUME_APPROVAL)],
        )

    def _target(self, function: Function) -> targets.LambdaFunction:
        dead: sqs.IQueue = self._dead
        return targets.LambdaFunction(
            self.functions[function].function,
            dead_letter_queue=dead,
            max_event_age=Duration.hours(EVENT_HOURS),
            retry_attempts=10,
        )
