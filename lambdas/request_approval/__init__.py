"""Asks a person."""
