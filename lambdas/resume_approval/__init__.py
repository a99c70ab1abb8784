"""Resumes after a person's decision."""
