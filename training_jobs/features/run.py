"""Features of a set of examples: fit once, transform shard by shard, prove that nothing leaks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from configs.contracts.artefacts import Check, canonical_json
from configs.settings.dataset import DatasetSettings
from configs.settings.features import FeaturesSettings
from training_jobs.features.bank import read_names
from training_jobs.features.completeness import dropped_columns, experts_present
from training_jobs.features.cut import Limits
from training_jobs.features.examples import Examples
from training_jobs.features.fit_once import fit_once
from training_jobs.features.fitting import NOTHING_GIVEN
from training_jobs.features.generator import Fitted
from training_jobs.features.leakage import checked_shards, time_travel
from training_jobs.features.model import Clock, FeatureModel
from training_jobs.features.reading import SCHEMA_NAME
from training_jobs.features.schema import feature_schema, glossary_entries, glossary_json
from training_jobs.features.screen import single_feature_screen
from training_jobs.features.shards import tally
from training_jobs.features.sources import find
from training_jobs.features.store import fitted_files
from training_jobs.features.work import ShardWork, make_shard, work_stamp
from training_jobs.features.workers import held_memory, shard_workers
from training_jobs.hosts import ALONE, Share

GLOSSARY_NAME = "glossary.json"
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
    share: Share = ALONE,
    given: Mapping[str, Fitted] = NOTHING_GIVEN,
) -> Made:
    """Write features, side tensors, schema, glossary and fitted parameters beside `examples`.

    What stands in `output` from an earlier try, made from the same tables, settings and code, is
    not made again. With several hosts each makes its share of the shards; fit and counts are the
    same on all, so together they leave the bytes that one would.

    Args:
        tables: the canonical tables, one file a shard.
        output: holds `examples` and `tasks.json` already.
        dataset: calendar, splits and catalogue.
        settings: groups, tensors and checks.
        progress: told (done, total, what) as work goes on.
        share: this host's part of the shards.
        given: parameters of groups that an earlier stage fitted.

    Raises:
        FeatureError: a generator broke its declaration, there is nothing to fit on, or a process
            needed too much memory.
        HostsError: there are more hosts than shards.
        SettingsError: a column has no glossary entry.
    """
    sources = find(tables)
    examples = Examples(output / "examples")
    clock = Clock()
    limits = Limits(settings.memory, settings.threads)
    own = share.of(sources.shards)
    total = feature_steps(len(own))
    progress(0, total, "fitting on train customers up to the fit cut-off")
    model, fit_check = fit_once(
        sources, output, dataset=dataset, settings=settings, clock=clock, given=given
    )
    progress(1, total, f"{len(model.columns)} columns in {len(model.groups)} groups")
    entries = glossary_entries(model, settings, read_names(tables))
    as_ofs = examples.as_ofs(sources.shards)
    schema = feature_schema(model, settings, entries, as_ofs=as_ofs)
    (output / SCHEMA_NAME).write_bytes(canonical_json(schema))
    (output / GLOSSARY_NAME).write_bytes(canonical_json(glossary_json(entries)))
    held_memory(settings.process_memory)
    customers = sum(examples.customers(shard) for shard in sources.shards)
    alone = customers < settings.parallel_customers or len(own) == 1
    count = 1 if alone else settings.workers
    each = Limits(settings.memory, max(1, settings.threads // count))
    with shard_workers(count, process_memory=settings.process_memory) as workers:
        tallies = tally(
            model,
            sources,
            examples,
            batch_customers=settings.batch_customers,
            limits=each,
            workers=workers,
            clock=clock,
        )
        work = ShardWork(
            model,
            sources,
            output,
            settings.batch_customers,
            each,
            tallies,
            work_stamp(fitted_files(model), tallies, settings, model.bank),
        )
        rows = 0
        for done, shard in enumerate(workers(partial(make_shard, work), own), 1):
            rows += shard.rows
            clock.add(shard.seconds)
            found = ", found from an earlier try" if shard.found else ""
            progress(done + 1, total, f"shard {shard.shard}: {shard.rows} rows{found}")
    filled = [shard for shard in own if examples.customers(shard)] or list(own[:1])
    some = checked_shards(filled, settings.leakage.sample_shards)
    travelled = time_travel(
        model,
        sources.some(some),
        output,
        tallies=tallies,
        customers=settings.leakage.sample_customers,
        limits=limits,
    )
    strict = dataset.name == settings.complete.dataset and customers >= settings.complete.customers
    checks = [
        *travelled,
        fit_check,
        single_feature_screen(output, own, settings.leakage),
        dropped_columns(model, strict=strict),
        *experts_present(schema, strict=strict),
    ]
    progress(total, total, "leakage checks")
    return Made(model, checks, clock, rows)
