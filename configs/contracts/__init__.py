"""Names and schemas shared by infrastructure and runtime: standard library only."""
