"""The run report: one self-contained page from what the stages of a run left behind."""
