"""What the shop promises, tried by force: see docs/consistency.md and `make verify`."""
