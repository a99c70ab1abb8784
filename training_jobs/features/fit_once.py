"""The fit of a run: made once, proven on altered tables, saved, and found again by a later try."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from configs.contracts.artefacts import Check, canonical_json, digest, file_sha256
from configs.settings.dataset import DatasetSettings
from configs.settings.features import FeaturesSettings
from training_jobs.features.bank import read_bank
from training_jobs.features.examples import Examples
from training_jobs.features.fitting import fit, fit_sample
from training_jobs.features.generator import Bank, Fitted
from training_jobs.features.leakage import CHANGES, checked_shards, fit_cutoff_check
from training_jobs.features.model import Clock, FeatureModel
from training_jobs.features.sources import Sources
from training_jobs.features.store import fitted_files, read_model, write_fitted
from training_jobs.features.work import DONE, PLACE_ONLY, code_digest, hash_of

FITTED = "fitted"
MARKER = "fitted.json"


def fit_once(
    sources: Sources,
    output: Path,
    *,
    dataset: DatasetSettings,
    settings: FeaturesSettings,
    clock: Clock,
    given: Mapping[str, Fitted],
) -> tuple[FeatureModel, Check]:
    """Return the fitted model, read back from its files, and the check of the fit cut-off.

    A fit that stands in `output` and was made from the same tables, settings and code is taken
    as it is.

    Args:
        given: parameters of groups that an earlier stage fitted.

    Raises:
        FeatureError: there is nothing to fit on, or a generator broke its declaration.
    """
    bank = read_bank(sources.folder, dataset)
    examples = Examples(output / "examples")
    customers = examples.train_customers(sources.shards, dataset.fit_cutoff)
    sample = fit_sample(customers, most=settings.fit.customers, salt=settings.fit.salt)
    stamp = _stamp(sources, sample, dataset, settings, bank, given)
    marker, folder = output / DONE / MARKER, output / FITTED
    if (check := _found(marker, folder, stamp)) is None:
        marker.unlink(missing_ok=True)
        model = fit(
            sources,
            customers=sample,
            cutoff=dataset.fit_cutoff,
            bank=bank,
            settings=settings,
            clock=clock,
            given=given,
        )
        files = fitted_files(model)
        check = _proven(sources, examples, files, sample, bank, dataset, settings, given)
        write_fitted(folder, files)
        hashes = {name: file_sha256(folder / name) for name in files}
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.write_bytes(
            canonical_json({"stamp": stamp, "files": hashes, "check": asdict(check)})
        )
    return read_model(folder, settings, bank), check


def _stamp(
    sources: Sources,
    sample: list[str],
    dataset: DatasetSettings,
    settings: FeaturesSettings,
    bank: Bank,
    given: Mapping[str, Fitted],
) -> str:
    tables = sorted({path.parent for path in sources.folder.glob("*/part-*.parquet")})
    return digest(
        {
            "sample": sample,
            "dataset": dataset.model_dump(mode="json"),
            "settings": settings.model_dump(mode="json", exclude=PLACE_ONLY),
            "bank": repr(bank),
            "given": {
                name: {array: hash_of(values.tobytes()) for array, values in one.arrays.items()}
                for name, one in given.items()
            },
            "code": code_digest(),
            "tables": {
                f"{table.name}/{path.name}": file_sha256(path)
                for table in tables
                for path in sources.files(table.name)
            },
        }
    )


def _found(marker: Path, folder: Path, stamp: str) -> Check | None:
    if not marker.is_file():
        return None
    marked = json.loads(marker.read_text())
    if marked["stamp"] != stamp:
        return None
    for name, expected in marked["files"].items():
        if not (folder / name).is_file() or file_sha256(folder / name) != expected:
            return None
    return Check(**marked["check"])


def _proven(
    sources: Sources,
    examples: Examples,
    files: dict[str, bytes],
    sample: list[str],
    bank: Bank,
    dataset: DatasetSettings,
    settings: FeaturesSettings,
    given: Mapping[str, Fitted],
) -> Check:
    """Fit again without and with another future, on few enough customers to afford it."""
    rules, cutoff = settings.leakage, dataset.fit_cutoff
    by_shard = {shard: examples.train_customers((shard,), cutoff) for shard in sources.shards}
    holding = [shard for shard, customers in by_shard.items() if customers]
    some = sources.some(checked_shards(holding, rules.sample_shards))
    here = {customer for shard in some.shards for customer in by_shard[shard]}
    few = fit_sample(
        [customer for customer in sample if customer in here],
        most=rules.refit_customers,
        salt=settings.fit.salt,
    )

    def refitted(chosen: Sources) -> dict[str, bytes]:
        model = fit(
            chosen,
            customers=few,
            cutoff=cutoff,
            bank=bank,
            settings=settings,
            clock=Clock(),
            given=given,
        )
        return fitted_files(model)

    as_they_are = files if few == sample else refitted(some)
    return fit_cutoff_check(
        as_they_are, {change: refitted(some.altered(change, cutoff)) for change in CHANGES}
    )
