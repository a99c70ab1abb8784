"""Asks the published model once."""
