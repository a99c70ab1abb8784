"""Persistent homology of what customers spend; gudhi computes, see `diagrams`."""
