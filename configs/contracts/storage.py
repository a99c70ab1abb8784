"""Logical S3 buckets and the prefixes in them."""

import os
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True)
class BucketContract:
    """A bucket by logical name; the physical name comes from CDK through the environment."""

    name: str

    @property
    def variable(self) -> str:
        """The environment variable that carries the physical name."""
        return f"BUCKET_{self.name.upper()}"

    def physical_name(self) -> str:
        """Return the physical name. Raises KeyError naming the variable when it is not set."""
        return os.environ[self.variable]


class Bucket(Enum):
    """All buckets of the application."""

    LAKE = BucketContract("lake")
    """Raw data, stages, checkpoints, serving models, reports."""
    AUDIT = BucketContract("audit")
    """Object Lock: decision roots and review reports."""
    LOGS = BucketContract("logs")
    """S3 server access logs."""


TRUTH_MARK = "ground-truth.json"
"""File in a folder that holds ground truth: a delivery with one below it is refused."""

ORIGIN_FILE = "origin.json"
"""File in a simulated delivery that says of which bank it is."""
ORACLE_ENDING = ".oracle.json"
"""`<folder><ending>` beside a simulated delivery: what no honest model can score on it."""


class Prefix:
    """Key prefixes inside the lake (and `reviews/` inside audit). Each ends in a slash."""

    RAW = "raw/"
    """`raw/<data_hash>/<source files>`: what the institution delivered."""
    TRUTH = "truth/"
    """`truth/<data_hash>/`: what only the simulation of a synthetic bank knows. The application
    neither writes nor reads it, and every job is denied it outright."""
    RUNS = "runs/"
    """`runs/<run_id>/settings.json`, `runs/<run_id>/report.html`."""
    STAGES = "stages/"
    """`stages/<stage>/<stage_key>/<attempt>/`: immutable outputs."""
    CHECKPOINTS = "checkpoints/"
    """`checkpoints/<stage>/<stage_key>/`: what an interrupted training resumes from."""
    SERVING = "serving/"
    """`serving/<model_version>/`: the published model package."""
    REVIEWS = "reviews/"
    """`reviews/<date>/`: reports of the ops and audit agents (audit bucket)."""
