"""The year of a real shop, replayed against a running one over HTTP."""
