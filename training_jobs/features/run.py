"""Features of a set of examples: fit once, transform shard by shard, prove that nothing leaks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from configs.contracts.artefacts import Check, canonical_json
from configs.settings.dataset import DatasetSettings
from configs.settings.features import FeaturesSettings
from training_jobs.features.bank import read_bank, read_names
from training_jobs.features.completeness import dropped_columns, experts_present
from training_jobs.features.cut import Limits
from training_jobs.features.examples import Examples
from training_jobs.features.fitting import NOTHING_GIVEN, fit, fit_sample
from training_jobs.features.generator import Fitted
from training_jobs.features.leakage import (
    CHANGES,
    fit_cutoff_check,
    time_travel,
)
from training_jobs.features.model import Clock, FeatureModel
from training_jobs.features.schema import feature_schema, glossary_entries, glossary_json
from training_jobs.features.screen import single_feature_screen
from training_jobs.features.shards import tally, write_shard
from training_jobs.features.sources import Sources, find
from training_jobs.features.store import broadcast, fitted_files, write_fitted

SCHEMA_NAME = "feature_schema.json"
GLOSSARY_NAME = "glossary.json"
FITTED = "fitted"
Progress = Callable[[int, int, str], None]


def feature_steps(shards: int) -> int:
    """Return how many steps `make_features` reports for a number of shards."""
    return shards + 3


@dataclass(frozen=True)
class Made:
    """What a run made, beside the files.

    Attributes:
        rows: example rows with features.
    """

    model: FeatureModel
    checks: list[Check]
    clock: Clock
    rows: int


def make_features(
    tables: Path,
    output: Path,
    *,
    dataset: DatasetSettings,
    settings: FeaturesSettings,
    progress: Progress,
    given: Mapping[str, Fitted] = NOTHING_GIVEN,
) -> Made:
    """Write features, side tensors, schema, glossary and fitted parameters beside `examples`.

    Args:
        tables: the canonical tables, one file a shard.
        output: holds `examples` and `tasks.json` already.
        dataset: calendar, splits and catalogue.
        settings: groups, tensors and checks.
        progress: told (done, total, what) as work goes on.
        given: parameters of groups that an earlier stage fitted.

    Raises:
        FeatureError: a generator broke its declaration, or there is nothing to fit on.
        SettingsError: a column has no glossary entry.
    """
    sources = find(tables)
    examples = Examples(output / "examples")
    clock = Clock()
    limits = Limits(settings.memory, settings.threads)
    total = feature_steps(len(sources.shards))
    progress(0, total, "fitting on train customers up to the fit cut-off")
    model, fit_check = _fit_and_check(
        sources, examples, output, dataset=dataset, settings=settings, clock=clock, given=given
    )
    progress(1, total, f"{len(model.columns)} columns in {len(model.groups)} groups")
    entries = glossary_entries(model, settings, read_names(tables))
    as_ofs = examples.as_ofs(sources.shards)
    schema = feature_schema(model, settings, entries, as_ofs=as_ofs)
    (output / SCHEMA_NAME).write_bytes(canonical_json(schema))
    (output / GLOSSARY_NAME).write_bytes(canonical_json(glossary_json(entries)))
    tallies = tally(
        model,
        sources,
        examples,
        batch_customers=settings.batch_customers,
        limits=limits,
        clock=clock,
    )
    rows = 0
    for done, shard in enumerate(sources.shards):
        rows += write_shard(
            model,
            sources,
            shard,
            output=output,
            batch_customers=settings.batch_customers,
            limits=limits,
            tallies=tallies,
            clock=clock,
        )
        progress(done + 2, total, f"shard {done + 1} of {len(sources.shards)}, {rows} rows")
    travelled = time_travel(
        model,
        sources,
        output,
        customers=settings.leakage.sample_customers,
        batch_customers=settings.batch_customers,
        limits=limits,
    )
    strict = (
        dataset.name == settings.complete.dataset
        and sum(_customers(examples, shard) for shard in sources.shards)
        >= settings.complete.customers
    )
    checks = [
        *travelled,
        fit_check,
        single_feature_screen(output, sources.shards, settings.leakage),
        dropped_columns(model, strict=strict),
        *experts_present(schema, strict=strict),
    ]
    progress(total, total, "leakage checks")
    return Made(model, checks, clock, rows)


def _customers(examples: Examples, shard: int) -> int:
    return len(examples.read(shard, ("customer_id",))["customer_id"].unique())


def _fit_and_check(
    sources: Sources,
    examples: Examples,
    output: Path,
    *,
    dataset: DatasetSettings,
    settings: FeaturesSettings,
    clock: Clock,
    given: Mapping[str, Fitted],
) -> tuple[FeatureModel, Check]:
    """Fit, save, fit again without and with another future, and hand out what was saved."""
    bank = read_bank(sources.folder, dataset)
    cutoff = dataset.fit_cutoff
    sample = fit_sample(
        examples.train_customers(sources.shards, cutoff),
        most=settings.fit.customers,
        salt=settings.fit.salt,
    )

    def fitted(chosen: Sources, watch: Clock) -> FeatureModel:
        return fit(
            chosen,
            customers=sample,
            cutoff=cutoff,
            bank=bank,
            settings=settings,
            clock=watch,
            given=given,
        )

    model = fitted(sources, clock)
    files = fitted_files(model)
    refitted = {
        change: fitted_files(fitted(sources.altered(change, cutoff), Clock())) for change in CHANGES
    }
    write_fitted(output / FITTED, files)
    return broadcast(model, output / FITTED), fit_cutoff_check(files, refitted)
