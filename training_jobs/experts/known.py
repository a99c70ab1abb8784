"""Importing this module registers every expert of the product."""

from training_jobs.experts import deepfm, lightgcn, temporal

MODULES = (deepfm, lightgcn, temporal)
