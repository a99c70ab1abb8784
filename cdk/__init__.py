"""Constructs, one capability a file: secure by construction, so that stacks only compose."""
