"""Shards as units of work: dealt to processes and hosts, marked when done, redone when lost."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.contracts.artefacts import canonical_json, digest, file_sha256
from configs.settings.features import FeaturesSettings
from configs.version import version
from training_jobs.features.cut import Limits
from training_jobs.features.examples import KEYS, Examples
from training_jobs.features.generator import Bank
from training_jobs.features.model import Clock, FeatureModel, Tallies
from training_jobs.features.shards import write_shard
from training_jobs.features.sources import SHARD_FILE, Sources

DONE = "done"
PLACE_ONLY = {"workers", "parallel_customers", "process_memory", "threads", "memory"}
"""Settings that say where and how fast, never what: another value asks for the same bytes."""
CODE = Path(__file__).parents[1]


@dataclass(frozen=True)
class ShardWork:
    """Everything a process needs to make any shard.

    Attributes:
        stamp: digest of all that the bytes of a shard depend on beside its own files.
    """

    model: FeatureModel
    sources: Sources
    output: Path
    batch_customers: int
    limits: Limits
    tallies: Tallies
    stamp: str


@dataclass(frozen=True)
class ShardDone:
    """What a shard left: rows, whether it was there already, seconds by input."""

    shard: int
    rows: int
    found: bool
    seconds: Mapping[str, float]


def code_digest() -> str:
    """Return a digest of the Python sources of the jobs: other code is other work."""
    hasher = hashlib.sha256(version().encode())
    for path in sorted(CODE.rglob("*.py")):
        hasher.update(path.relative_to(CODE).as_posix().encode())
        hasher.update(path.read_bytes())
    return hasher.hexdigest()


def hash_of(content: bytes) -> str:
    """Return the SHA-256 of bytes, as hex."""
    return hashlib.sha256(content).hexdigest()


def work_stamp(
    files: Mapping[str, bytes], tallies: Tallies, settings: FeaturesSettings, bank: Bank
) -> str:
    """Return the digest of fitted files, tallies, catalogue, settings and code."""
    return digest(
        {
            "fitted": {name: hash_of(content) for name, content in files.items()},
            "tallies": {
                f"{name}:{as_of}": hash_of(counts.tobytes())
                for (name, as_of), counts in sorted(tallies.items())
            },
            "bank": repr(bank),
            "settings": settings.model_dump(mode="json", exclude=PLACE_ONLY),
            "code": code_digest(),
        }
    )


def _inputs(work: ShardWork, shard: int) -> dict[str, str]:
    paths = sorted(work.sources.folder.glob(f"*/{SHARD_FILE.format(shard=shard)}"))
    # Of the examples only which rows are wanted: no byte of a shard depends on a label.
    keys = Examples(work.output / "examples").read(shard, KEYS).to_pydict()
    return {
        "examples": digest({name: [str(value) for value in keys[name]] for name in KEYS}),
        **{path.parent.name: file_sha256(path) for path in paths},
    }


def _marker(output: Path, shard: int) -> Path:
    return output / DONE / SHARD_FILE.format(shard=shard).replace(".parquet", ".json")


def _found(work: ShardWork, shard: int, stamp: str) -> int | None:
    """Return the rows of a shard that is there, whole and of this work; None if it is not."""
    path = _marker(work.output, shard)
    if not path.is_file():
        return None
    marked: dict[str, Any] = json.loads(path.read_text())
    if marked["stamp"] != stamp:
        return None
    for name, expected in marked["files"].items():
        place = work.output / name
        if not place.is_file() or file_sha256(place) != expected:
            return None
    return int(marked["rows"])


def make_shard(work: ShardWork, shard: int) -> ShardDone:
    """Make one shard unless it is there already, and mark it as done last of all."""
    stamp = digest({"work": work.stamp, "inputs": _inputs(work, shard)})
    if (rows := _found(work, shard, stamp)) is not None:
        return ShardDone(shard, rows, True, {})
    clock = Clock()
    path = _marker(work.output, shard)
    path.unlink(missing_ok=True)
    rows = write_shard(
        work.model,
        work.sources,
        shard,
        output=work.output,
        batch_customers=work.batch_customers,
        limits=work.limits,
        tallies=work.tallies,
        clock=clock,
    )
    name = SHARD_FILE.format(shard=shard)
    kinds = ("features", *(item.settings.name for item in work.model.tensors))
    files = {f"{kind}/{name}": file_sha256(work.output / kind / name) for kind in kinds}
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_bytes(canonical_json({"stamp": stamp, "rows": rows, "files": files}))
    partial.rename(path)
    return ShardDone(shard, rows, False, clock.seconds)
