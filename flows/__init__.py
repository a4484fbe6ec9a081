"""The flows: Prefect schedules, maps, limits and shows; the work is in the tables, the rules are in lib."""
