"""Writes customer records."""
