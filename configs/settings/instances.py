"""What SageMaker instance families are like, from `configs/instances.yaml`."""

from functools import cache

from configs.settings.base import CONFIGS, Strict, load


class InstanceSettings(Strict):
    """Families by property.

    Attributes:
        local_nvme: families whose disk is local, for which a volume key is refused.
    """

    local_nvme: frozenset[str]

    def accepts_volume_key(self, instance_type: str) -> bool:
        """Tell whether a job on this instance type may name a volume key."""
        family, _, _size = instance_type.rpartition(".")
        return family not in self.local_nvme


@cache
def load_instances() -> InstanceSettings:
    """Return the validated table. Raises SettingsError naming file and key."""
    return load(InstanceSettings, CONFIGS / "instances.yaml")
