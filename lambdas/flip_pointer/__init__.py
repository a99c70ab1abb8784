"""Moves the serving pointer."""
