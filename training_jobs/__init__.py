"""Code that runs inside SageMaker jobs and, unchanged, on one machine."""
