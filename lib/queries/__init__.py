"""The only SQL: set-based, the database first, one statement a round trip step, never a commit of its own."""
