"""The only HTTP out: one module for each outside system, behind a protocol where several may stand in for it."""
