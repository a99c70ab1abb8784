"""Collects what the review looks at: metrics, runs, decision records."""
