"""Typed settings: every YAML file of `configs/` is loaded through here and nowhere else."""
