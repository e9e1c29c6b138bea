"""Ways for messages to leave the shop: SMTP, a log, and a memory for tests."""
