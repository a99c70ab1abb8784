"""Training: rows from Phase 0 as tensors, resumable optimisation, cross-fitting, predictions."""
