"""Queues with a place for what cannot be processed, and topics."""

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.nag import acknowledge

ATTEMPTS = 3
KEPT_DAYS = 14
"""The longest that SQS keeps a message; it counts from the first sending, also when moved."""
WAITING_DAYS = 4


def dead_letter_queue(scope: Construct, name: str, *, key: kms.IKey) -> sqs.Queue:
    """Return a queue that keeps what failed until a person has looked."""
    queue = sqs.Queue(
        scope,
        name,
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=key,
        enforce_ssl=True,
        retention_period=Duration.days(KEPT_DAYS),
    )
    acknowledge(queue, "Serverless-SQSRedrivePolicy", "it is the dead-letter queue itself")
    return queue


def work_queue(
    scope: Construct, name: str, *, key: kms.IKey, dead: sqs.IQueue, visibility_s: int
) -> sqs.Queue:
    """Return a queue whose messages move to `dead` after three failed attempts."""
    return sqs.Queue(
        scope,
        name,
        encryption=sqs.QueueEncryption.KMS,
        encryption_master_key=key,
        enforce_ssl=True,
        retention_period=Duration.days(WAITING_DAYS),
        visibility_timeout=Duration.seconds(visibility_s),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=ATTEMPTS),
    )


def topic(scope: Construct, name: str, *, key: kms.IKey) -> sns.Topic:
    """Return an encrypted topic."""
    return sns.Topic(scope, name, master_key=key, enforce_ssl=True)
