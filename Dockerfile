# Unverified: no container engine was at hand when this was written.
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
RUN pip install --no-cache-dir uv
COPY requirements.lock ./
RUN uv venv /opt/venv && uv pip install --python /opt/venv/bin/python --require-hashes --compile-bytecode -r requirements.lock

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONPATH=/app DO_NOT_TRACK=1
RUN useradd --system --create-home --uid 10001 agente
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY prefect.yaml ./
COPY api api
COPY flows flows
COPY lib lib
USER agente
EXPOSE 8000
# The hot loops run inside; more replicas share the work through the claims in Postgres.
CMD ["uvicorn", "api.app:create_app", "--factory", "--host", "0.0.0.0", "--port", "8000", "--no-access-log", "--timeout-graceful-shutdown", "30"]
