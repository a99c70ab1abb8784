"""The embedded AWS: a pinned emulator with what it lacks, and the commands around it."""

from local_cloud.session import Cloud, session

__all__ = ["Cloud", "session"]
