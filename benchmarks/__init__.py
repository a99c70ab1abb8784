"""One benchmark a module, started by `make bench-<name>`, each leaving `out/bench/<name>.json`."""
