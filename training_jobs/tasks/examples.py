"""Examples of every split with their labels, one part a customer shard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from configs.contracts.artefacts import canonical_json
from configs.settings.dataset import DatasetSettings
from configs.settings.tasks import TasksSettings
from training_jobs.data.canonical import part_name, shard_count
from training_jobs.data.engine import BANK_SCHEMA, engine, use
from training_jobs.tasks import categories, products, segments  # noqa: F401 - they register
from training_jobs.tasks.base import LabelFit, Setting, method_of
from training_jobs.tasks.categories import BEFORE, window_sql
from training_jobs.tasks.gate import Tally, judge, merge_classes
from training_jobs.tasks.segments import segment_number
from training_jobs.tasks.spine import cold_sql, make_spine, open_views

EXAMPLES_FOLDER = "examples"
TASKS_FILE = "tasks.json"
BASELINE_COLUMNS = ("b_segment", "b_top1", "b_top2", "b_top3", "b_count", "b_distinct")

Progress = Callable[[int, int, str], None]


def fit_labels(
    connection: duckdb.DuckDBPyConnection, dataset: DatasetSettings, tasks: TasksSettings
) -> LabelFit:
    """Return the categories of customers who are trained on, up to the fit cut-off.

    Most frequent first, ties by code. Needs views over all shards.
    """
    if "transactions" not in dataset.tables:
        return LabelFit(())
    rows = connection.execute(
        "SELECT category FROM events "
        f"WHERE ts < DATE '{dataset.fit_cutoff}' + INTERVAL 1 DAY AND NOT {cold_sql(tasks)} "
        "GROUP BY category ORDER BY count(*) DESC, category"
    ).fetchall()
    return LabelFit(tuple(row[0] for row in rows))


def _baselines(dataset: DatasetSettings) -> str:
    """Return a SELECT of what persistence baselines read, one row an example."""
    segment, segment_join = "CAST(NULL AS DOUBLE)", ""
    if "customer_months" in dataset.tables:
        segment = segment_number(dataset)
        segment_join = (
            "LEFT JOIN customer_months AS snapshot "
            "ON snapshot.customer_id = spine.customer_id AND snapshot.month = spine.as_of"
        )
    none = ", ".join(f"CAST(NULL AS DOUBLE) AS {column}" for column in BASELINE_COLUMNS[1:])
    counts, counts_join = none, ""
    if "transactions" in dataset.tables:
        tops = ", ".join(
            f"CAST(coalesce(sum(n) FILTER (place = {place}), 0) AS DOUBLE) AS b_top{place}"
            for place in (1, 2, 3)
        )
        counts = ", ".join(f"coalesce(before.{c}, 0) AS {c}" for c in BASELINE_COLUMNS[1:])
        counts_join = (
            f"LEFT JOIN (SELECT customer_id, as_of, {tops}, CAST(sum(n) AS DOUBLE) AS b_count, "
            f"CAST(count(*) AS DOUBLE) AS b_distinct FROM ({window_sql(BEFORE)}) GROUP BY ALL) "
            "AS before ON before.customer_id = spine.customer_id AND before.as_of = spine.as_of"
        )
    return (
        f"SELECT spine.customer_id, spine.as_of, {segment} AS b_segment, {counts} "
        f"FROM spine {segment_join} {counts_join}"
    )


def derive_shard(
    connection: duckdb.DuckDBPyConnection, setting: Setting, tasks: TasksSettings
) -> pa.Table:
    """Return the examples of the open shard with raw labels, sorted by (customer_id, as_of).

    Labels of the split `score` are null whatever the data hold. Columns of tasks that the data
    set cannot have are all null.
    """
    make_spine(connection, setting.dataset, tasks)
    connection.execute(f"CREATE OR REPLACE TABLE baselines AS {_baselines(setting.dataset)}")
    columns, joins = [], []
    for task in tasks.tasks:
        method = method_of(task.derivation)
        if method.unmet(task.derivation, setting.dataset):
            columns.append(f"CAST(NULL AS DOUBLE) AS y_{task.name}")
            continue
        connection.execute(
            f"CREATE OR REPLACE TABLE label_{task.name} AS " + method.sql(task.derivation, setting)
        )
        label = f"label_{task.name}"
        columns.append(f"CASE WHEN split <> 'score' THEN {label}.y END AS y_{task.name}")
        joins.append(
            f"JOIN {label} ON {label}.customer_id = spine.customer_id "
            f"AND {label}.as_of = spine.as_of"
        )
    table = connection.sql(
        f"SELECT spine.customer_id, spine.as_of, split, cold, fold, {', '.join(columns)}, "
        f"{', '.join(BASELINE_COLUMNS)} FROM spine "
        "JOIN baselines ON baselines.customer_id = spine.customer_id "
        f"AND baselines.as_of = spine.as_of {' '.join(joins)} "
        "ORDER BY spine.customer_id, spine.as_of"
    ).to_arrow_table()
    rows = connection.execute("SELECT count(*) FROM spine").fetchall()[0][0]
    if table.num_rows != rows:
        raise AssertionError(f"derivations made {table.num_rows} rows of {rows} examples")
    return table


def _remap(table: pa.Table, column: str, classes: dict[int, int]) -> pa.Table:
    values = table.column(column)
    changed = pc.cast(values, pa.float64())
    for old, new in sorted(classes.items()):
        changed = pc.if_else(pc.equal(values, float(old)), float(new), changed)
    return table.set_column(table.schema.get_field_index(column), column, changed)


def write_examples(
    tables: Path,
    output: Path,
    *,
    dataset: DatasetSettings,
    tasks: TasksSettings,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write `examples/part-NNNNN.parquet` and `tasks.json`; return the content of the latter.

    Args:
        tables: folder `tables/` of the preflight stage (with `shards.json` beside it).
        output: output folder of the stage.
        dataset: the data set.
        tasks: the tasks.
        progress: called with shards done, shards in all, what.
    """
    folder = output / EXAMPLES_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    shards = shard_count(tables.parent)
    tally = Tally()
    with engine(dataset) as connection:
        use(connection, BANK_SCHEMA)
        open_views(connection, tables, dataset, list(range(shards)))
        setting = Setting(dataset, fit_labels(connection, dataset, tasks))
        for shard in range(shards):
            open_views(connection, tables, dataset, [shard])
            table = derive_shard(connection, setting, tasks)
            tally.add(table, tasks)
            pq.write_table(table, folder / part_name(shard), compression="zstd")
            if progress is not None:
                progress(shard + 1, shards, "labels")
    report = judge(tally, setting, tasks)
    merges = merge_classes(tally, setting, tasks)
    for shard in range(shards):
        if any(merge.changes for merge in merges.values()):
            table = pq.read_table(folder / part_name(shard))
            for task in tasks.tasks:
                if (merge := merges.get(task.name)) is not None and merge.changes:
                    table = _remap(table, f"y_{task.name}", merge.classes)
                    if task.derivation.method == "segment_at_end":
                        table = _remap(table, "b_segment", merge.classes)
            pq.write_table(table, folder / part_name(shard), compression="zstd")
    (output / TASKS_FILE).write_bytes(canonical_json(report))
    return report
