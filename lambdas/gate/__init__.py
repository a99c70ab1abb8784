"""Judges checks."""
