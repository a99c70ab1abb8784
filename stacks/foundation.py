"""What outlives everything else: keys, buckets, tables, queues, topics, images."""

from aws_cdk import App, CfnOutput
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from cdk.image import CloudImage
from cdk.messaging import dead_letter_queue, topic, work_queue
from cdk.parameters import publish
from cdk.storage import (
    allow_services,
    audit_bucket,
    customer_key,
    lake_bucket,
    log_bucket,
    secure_table,
)
from configs.contracts.functions import FUNCTIONS
from configs.contracts.names import Function, Parameter, Queue, Topic
from configs.contracts.stages import Image
from configs.contracts.storage import Bucket
from configs.contracts.tables import Table
from configs.settings.environment import EnvironmentSettings
from configs.version import version
from stacks.base import SevenLensStack

VISIBILITY_FACTOR = 6
"""A message stays invisible for this many time limits of the function that works on it."""


class Foundation(SevenLensStack):
    """Everything that holds state, exported to the other stacks by name."""

    def __init__(self, app: App, settings: EnvironmentSettings) -> None:
        super().__init__(app, "foundation", settings, "keys, data, queues, topics, images")
        self.key = customer_key(self, "DataKey", settings, "SevenLens data, queues, logs, images")
        allow_services(self.key)
        self._export("key-data", self.key.key_arn)
        self._buckets()
        self._tables()
        self._queues()
        self._topics()
        for image in Image:
            made = CloudImage(self, image, settings, key=self.key)
            self._export(f"repository-{image}", made.repository.repository_name)
        publish(self, settings.name, Parameter.VERSION, version())

    def _export(self, what: str, value: str) -> None:
        words = "".join(word.capitalize() for word in what.split("-"))
        CfnOutput(self, f"Export{words}", value=value, export_name=self.handles.export_name(what))

    def _buckets(self) -> None:
        audit_key: kms.Key = customer_key(
            self, "AuditKey", self.settings, "SevenLens decision roots and review reports"
        )
        self._export("key-audit", audit_key.key_arn)
        logs = log_bucket(self, "AccessLogs", self.settings)
        buckets: dict[Bucket, s3.Bucket] = {
            Bucket.LOGS: logs,
            Bucket.LAKE: lake_bucket(self, self.settings, key=self.key, logs=logs),
            Bucket.AUDIT: audit_bucket(self, self.settings, key=audit_key, logs=logs),
        }
        for logical, bucket in buckets.items():
            self._export(f"bucket-{logical.value.name}", bucket.bucket_name)
        name = self.settings.name
        publish(self, name, Parameter.LAKE_BUCKET, buckets[Bucket.LAKE].bucket_name)
        publish(self, name, Parameter.AUDIT_BUCKET, buckets[Bucket.AUDIT].bucket_name)

    def _tables(self) -> None:
        for table in Table:
            made = secure_table(self, table, self.settings, key=self.key)
            self._export(f"table-{table.value.name}", made.table_name)
            publish(self, self.settings.name, Parameter.TABLES, made.table_name, table.value.name)

    def _queues(self) -> None:
        timeout_s = FUNCTIONS[Function.REASON_WORKER].timeout_s
        dead = dead_letter_queue(self, "ReasonsDead", key=self.key)
        reasons = work_queue(
            self,
            "Reasons",
            key=self.key,
            dead=dead,
            visibility_s=VISIBILITY_FACTOR * timeout_s,
        )
        self._export(f"queue-{Queue.REASONS}", reasons.queue_arn)
        self._export(f"queue-url-{Queue.REASONS}", reasons.queue_url)
        self._export(f"queue-{Queue.REASONS}-dead", dead.queue_arn)

    def _topics(self) -> None:
        for logical in Topic:
            made = topic(self, f"Topic{logical.value.capitalize()}", key=self.key)
            self._export(f"topic-{logical}", made.topic_arn)
            if logical is Topic.ALARMS:
                for service in ("cloudwatch", "budgets"):
                    made.add_to_resource_policy(
                        iam.PolicyStatement(
                            sid=service.capitalize(),
                            principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                            actions=["sns:Publish"],
                            resources=[made.topic_arn],
                            conditions={"StringEquals": {"aws:SourceAccount": self.account}},
                        )
                    )
