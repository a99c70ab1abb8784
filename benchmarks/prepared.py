"""An embedded AWS of its own with the application deployed, for benchmarks."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_cloud import session
from local_cloud.assembly import build_assembly
from local_cloud.demo.data import source_folder
from local_cloud.demo.training import watch
from operations.access import Access, open_access
from operations.progress import Durations
from operations.submit import submit

DATASET = "synthetic"


@dataclass(frozen=True)
class Prepared:
    """A deployed application and source data for it."""

    access: Access
    data: Path
    scratch: Path

    def run(self) -> tuple[str, str]:
        """Run the pipeline to its end, approved; returns run id and execution ARN."""
        started = submit(
            self.access, dataset=DATASET, data=self.data, submitter="bench", overrides={}
        )
        watch(
            self.access,
            run_id=started.run_id,
            execution_arn=started.execution_arn,
            ask=False,
            durations=Durations(self.scratch / "durations.json", {}),
            say=lambda _text: None,
        )
        return started.run_id, started.execution_arn


@contextmanager
def prepared(customers: int) -> Iterator[Prepared]:
    """Deploy onto a new embedded AWS and forget it afterwards."""
    data = source_folder(DATASET, None, customers=customers)
    assembly = build_assembly("local")
    with tempfile.TemporaryDirectory(prefix="sevenlens-bench-") as temporary:
        scratch = Path(temporary)
        with session(home=scratch / "home", persist=scratch / "state") as cloud:
            cloud.deploy(assembly, say=lambda _text: None)
            os.environ.update(cloud.environment)
            yield Prepared(open_access("local"), data, scratch)
