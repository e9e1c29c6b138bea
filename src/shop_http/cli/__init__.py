"""The command line: `shop`."""
