"""Progressive layered extraction over named experts, with gates that can be read."""
