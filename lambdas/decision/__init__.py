"""The decision path as pure functions: no AWS call, no clock, no randomness, no settings file."""
