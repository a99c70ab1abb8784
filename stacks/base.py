"""What all stacks have in common: name, description, tags, and the way to the foundation."""

from aws_cdk import App, Environment, Stack, Tags
from aws_cdk import aws_kms as kms

from cdk.naming import Handles, stack_name
from configs.contracts.names import PRODUCT
from configs.settings.environment import EnvironmentSettings
from configs.version import version


class SevenLensStack(Stack):
    """A stack of one environment, carrying the version in description and tags."""

    def __init__(self, app: App, name: str, settings: EnvironmentSettings, what: str) -> None:
        super().__init__(
            app,
            name.capitalize(),
            stack_name=stack_name(settings.name, name),
            description=f"SevenLens {version()} ({settings.name}): {what}",
            env=Environment(account=settings.account, region=settings.region),
            termination_protection=settings.removal == "retain",
            analytics_reporting=False,
        )
        self.settings = settings
        self.handles = Handles(settings.name)
        Tags.of(self).add("product", PRODUCT)
        Tags.of(self).add("environment", settings.name)
        Tags.of(self).add("version", version())

    def data_key(self) -> kms.IKey:
        """Return the foundation's data key."""
        return kms.Key.from_key_arn(self, "DataKey", self.handles.key_arn("data"))
