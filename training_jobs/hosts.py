"""Several hosts of one job: which part is this one's, and what it leaves.

Source: SageMaker developer guide, `resourceconfig.json`, "Build your own processing container" and
"How Amazon SageMaker provides training information".
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.contracts.parts import part_of
from configs.contracts.stages import JobKind, StageContract
from configs.errors import SevenLensError

RESOURCES = "resourceconfig.json"
_SHARD = re.compile(r"part-(\d+)\.\w+")
"""Every file of one customer shard, whatever its folder."""


class HostsError(SevenLensError):
    """A job runs on hosts that cannot divide its work."""


@dataclass(frozen=True)
class Share:
    """The part of the shards that one host works on: every `count`-th from `index` on."""

    index: int = 0
    count: int = 1

    def of(self, shards: Sequence[int]) -> tuple[int, ...]:
        """Return this host's shards.

        Raises:
            HostsError: there are more hosts than shards.
        """
        if self.count > len(shards):
            raise HostsError(
                f"{self.count} hosts for {len(shards)} customer shards",
                remedy="lower instance_count of the job, or raise `shards` of the data set",
            )
        return tuple(shards[self.index :: self.count])

    def part(self, name: str) -> str:
        """Return the name under which this host leaves its part of a document of all hosts."""
        return part_of(name, index=self.index, count=self.count)


ALONE = Share()


def read_share(contract: StageContract, root: Path) -> Share:
    """Return this host's place among those of the job, as SageMaker tells it below `root`.

    Raises:
        HostsError: it does not tell, or there are several hosts and the stage is not sharded.
    """
    training = contract.kind is JobKind.TRAINING
    path = root / ("input/config" if training else "config") / RESOURCES
    if not contract.sharded and not path.is_file():
        return ALONE
    try:
        given = json.loads(path.read_text())
        hosts = sorted(given["hosts"])
        share = Share(hosts.index(given["current_host"]), len(hosts))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise HostsError(
            f"{path} does not say which of the job's hosts this is: {error!r}",
            remedy="start the job by the state machine",
        ) from error
    if share.count > 1 and not contract.sharded:
        raise HostsError(
            f"stage {contract.stage} runs on one host, not on {share.count}",
            remedy="set instance_count of the job to 1",
        )
    return share


def leave_own(output: Path, shards: Sequence[int], *, share: Share) -> None:
    """Remove what another host leaves too, so that every file of the output has one writer.

    The files of a shard are its own host's; those of no shard are the first host's.
    """
    writer = {shard: place % share.count for place, shard in enumerate(shards)}
    for path in sorted(output.rglob("*")):
        match = _SHARD.fullmatch(path.name)
        host = writer.get(int(match[1]), 0) if match else 0
        if path.is_file() and host != share.index:
            path.unlink()
