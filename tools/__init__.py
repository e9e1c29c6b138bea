"""What is run on the project itself, and is no part of it."""
