"""From a bank's files to the canonical tables: checks, SQL, sharded Parquet."""
