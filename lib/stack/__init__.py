"""The embedded Postgres, Redis and Prefect server, and the supervisor of `agente up`."""
