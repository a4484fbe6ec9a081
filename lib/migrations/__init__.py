"""The schema's history, run by Alembic and imported by nobody."""
