"""The scheduled review: what is observed, what is checked, how it is told and voted on."""
