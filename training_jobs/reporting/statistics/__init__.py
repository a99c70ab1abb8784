"""What the report measures of feature columns."""
