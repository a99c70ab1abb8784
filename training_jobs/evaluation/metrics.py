"""Importing this module registers every metric."""

from training_jobs.evaluation import binary, multiclass, regression
from training_jobs.evaluation.sample import Metric, Sample, find_metric

MODULES = (binary, multiclass, regression)

__all__ = ["MODULES", "Metric", "Sample", "find_metric"]
