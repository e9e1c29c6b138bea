"""What plugs into the ports of `shop_core`: memory, PostgreSQL, passwords, tokens, clock and ids."""
