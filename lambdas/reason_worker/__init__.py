"""Rewrites template reasons with a language model; only verified texts reach the cache."""
