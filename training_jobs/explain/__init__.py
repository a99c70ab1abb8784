"""Explanations of the teacher: what the gates say of each lens."""
