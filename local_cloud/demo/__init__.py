"""The whole application on one machine, from synthesis to a printed recommendation."""
