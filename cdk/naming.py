"""Names and ARNs: the few that are written, and how the others are addressed."""

from aws_cdk import Aws, Fn

from configs.contracts.names import PRODUCT, Machine
from configs.contracts.storage import Bucket
from configs.contracts.tables import Table


def stack_name(env: str, stack: str) -> str:
    """Return the name of a stack."""
    return f"{PRODUCT}-{env}-{stack}"


def machine_name(env: str, machine: Machine) -> str:
    """Return the name of a state machine.

    It is written, because functions inside the machine name its ARN, and that would be circular.
    """
    return f"{PRODUCT}-{env}-{machine.value.replace('_', '-')}"


def arn(service: str, resource: str) -> str:
    """Return an ARN in the stack's own partition, region and account."""
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"


def machine_arn(env: str, machine: Machine) -> str:
    """Return a state machine's ARN."""
    return arn("states", f"stateMachine:{machine_name(env, machine)}")


def executions_arn(env: str, machine: Machine) -> str:
    """Return the ARN pattern of a state machine's executions."""
    return arn("states", f"execution:{machine_name(env, machine)}:*")


class Handles:
    """What the foundation exports, as strings that other stacks import.

    Strings and not constructs: an L2 object would write its own, wider statements.
    """

    def __init__(self, env: str) -> None:
        self.env = env

    def export_name(self, what: str) -> str:
        """Return the name of an export."""
        return stack_name(self.env, what)

    def _imported(self, what: str) -> str:
        return Fn.import_value(self.export_name(what))

    def bucket_name(self, bucket: Bucket) -> str:
        """Return a bucket's physical name."""
        return self._imported(f"bucket-{bucket.value.name}")

    def bucket_arn(self, bucket: Bucket) -> str:
        """Return a bucket's ARN."""
        return f"arn:{Aws.PARTITION}:s3:::{self.bucket_name(bucket)}"

    def table_name(self, table: Table) -> str:
        """Return a table's physical name."""
        return self._imported(f"table-{table.value.name}")

    def table_arn(self, table: Table) -> str:
        """Return a table's ARN."""
        return arn("dynamodb", f"table/{self.table_name(table)}")

    def key_arn(self, key: str) -> str:
        """Return the ARN of the key `data` or `audit`."""
        return self._imported(f"key-{key}")

    def queue_arn(self, queue: str) -> str:
        """Return a queue's ARN; `<queue>_dead` is its dead-letter queue."""
        return self._imported(f"queue-{queue.replace('_', '-')}")

    def queue_url(self, queue: str) -> str:
        """Return a queue's URL."""
        return self._imported(f"queue-url-{queue.replace('_', '-')}")

    def topic_arn(self, topic: str) -> str:
        """Return a topic's ARN."""
        return self._imported(f"topic-{topic}")

    def repository(self, image: str) -> str:
        """Return the name of an image's repository."""
        return self._imported(f"repository-{image}")

    def repository_arn(self, image: str) -> str:
        """Return the ARN of an image's repository."""
        return arn("ecr", f"repository/{self.repository(image)}")

    def repository_uri(self, image: str) -> str:
        """Return the URI of an image's repository, without tag or digest."""
        registry = f"{Aws.ACCOUNT_ID}.dkr.ecr.{Aws.REGION}.{Aws.URL_SUFFIX}"
        return f"{registry}/{self.repository(image)}"
