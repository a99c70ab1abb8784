"""Copies a package to the serving prefix."""
