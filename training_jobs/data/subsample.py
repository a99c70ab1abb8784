"""A few customers of the canonical tables, for the dry run."""

from pathlib import Path

from configs.contracts.artefacts import canonical_json
from configs.settings.dataset import REFERENCE_TABLES, DatasetSettings
from training_jobs.data.canonical import SHARDS_FILE, TABLES_FOLDER, part_name, shard_count
from training_jobs.data.engine import engine, text


def subsample(preflight: Path, output: Path, *, dataset: DatasetSettings, customers: int) -> int:
    """Write the canonical tables of at most `customers` customers as one shard.

    The customers are those with the lowest hash, so the choice is the same on every run, among
    those who joined by the fit cut-off.

    Args:
        preflight: output of the preflight stage.
        output: where to write, in the same layout.
        dataset: the data set.
        customers: how many.

    Returns:
        How many customers there are.
    """
    shards = range(shard_count(preflight))

    def parts(table: str) -> str:
        paths = (preflight / TABLES_FOLDER / table / part_name(shard) for shard in shards)
        return f"read_parquet([{', '.join(text(path) for path in paths)}])"

    with engine(dataset) as connection:
        connection.execute(
            f"CREATE TABLE chosen AS SELECT customer_id FROM {parts('customers')} "
            f"WHERE joined_on IS NULL OR joined_on <= DATE '{dataset.fit_cutoff}' "
            f"ORDER BY md5('dry-run:' || customer_id) LIMIT {customers}"
        ).fetchall()
        for table in dataset.tables:
            path = output / TABLES_FOLDER / table / part_name(0)
            path.parent.mkdir(parents=True, exist_ok=True)
            connection.execute(
                f"COPY (SELECT * FROM {parts(table)} WHERE customer_id IN "
                f"(SELECT customer_id FROM chosen) ORDER BY ALL) TO {text(path)} (FORMAT parquet)"
            ).fetchall()
        chosen = connection.execute("SELECT count(*) FROM chosen").fetchall()[0][0]
    for table in REFERENCE_TABLES:
        source = preflight / TABLES_FOLDER / table / part_name(0)
        if source.is_file():
            path = output / TABLES_FOLDER / table / part_name(0)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(source.read_bytes())
    (output / SHARDS_FILE).write_bytes(canonical_json({"shards": 1}))
    return int(chosen)
