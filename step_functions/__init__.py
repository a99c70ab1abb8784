"""State machines as pure functions: contracts in, ASL and IAM statements as plain data out."""
