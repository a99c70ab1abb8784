"""Reviews whether the service runs as it should."""
