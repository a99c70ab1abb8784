"""Counts the votes and writes the report of a review."""
