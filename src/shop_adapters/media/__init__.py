"""Pictures: where their files are kept, and how those are made of what was uploaded."""
