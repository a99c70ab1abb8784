"""Judging predictions: metrics, intervals by customer, baselines, routes, gate checks."""
