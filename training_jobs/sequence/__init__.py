"""Selective state-space models over event sequences: scan, block, encoder and its pre-training."""
