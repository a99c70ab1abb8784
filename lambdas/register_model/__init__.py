"""Registers a package."""
