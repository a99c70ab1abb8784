"""Which tests share a worker: folders whose tests share something that is expensive to make."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

TOGETHER = ("tests/end_to_end/", "tests/infrastructure/", "tests/local_cloud/")
"""Folders with a server or a synthesised application of their own, made once by one worker."""


class ByFolder(LoadGroupScheduling):  # type: ignore[misc]
    """Groups by folder.

    Marks cannot say it: pytest-xdist 3.8 passes them on inside node ids, which pytest 9.2 no
    longer lets it change, so that every group is silently scattered.
    """

    def _split_scope(self, nodeid: str) -> str:
        for folder in TOGETHER:
            if nodeid.startswith(folder):
                return folder
        return str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFolder | None:
    """Replace the scheduler of `--dist loadgroup`; the others stay as they are."""
    return ByFolder(config, log) if config.getvalue("dist") == "loadgroup" else None
