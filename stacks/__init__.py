"""Stacks: they wire constructs together and define no resource by themselves."""
