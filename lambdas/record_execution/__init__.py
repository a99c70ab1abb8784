"""Records how executions end."""
