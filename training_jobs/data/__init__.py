"""From a bank's files to the canonical tables: source checks, SQL, table checks, sharded Parquet."""
