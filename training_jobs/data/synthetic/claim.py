"""One generation at a time on one folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a lock named after `folder` beside it; it falls with the process, however that ends.

    Raises:
        BlockingIOError: another process holds it.
    """
    path = folder.with_name(f".{folder.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Who held it before may have removed the file between the two calls above.
            if not path.exists() or not os.path.samestat(path.stat(), os.fstat(lock.fileno())):
                raise BlockingIOError
        except BlockingIOError as error:
            raise BlockingIOError(f"another generation is at work on {folder}") from error
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
