"""What the control functions share: stage keys, leases, commits, budgets, addresses."""
