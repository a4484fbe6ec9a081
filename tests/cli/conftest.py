"""What commands of their own find around them."""

from __future__ import annotations

import pytest


@pytest.fixture
def ambiente(pg_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a command of its own."""
    for name, value in {
        "AGENTE_AMBIENTE": "teste",
        "AGENTE_DATABASE_URL": pg_url,
        "AGENTE_EVOLUTION_URL": "http://127.0.0.1:9",
        "AGENTE_EVOLUTION_API_KEY": "sandbox-evolution-key",
        "AGENTE_EVOLUTION_WEBHOOK_SECRET": "t" * 40,
        "AGENTE_ANTHROPIC_URL": "http://127.0.0.1:9",
        "AGENTE_ANTHROPIC_API_KEY": "sandbox-anthropic-key",
        "COLUMNS": "160",
    }.items():
        monkeypatch.setenv(name, value)
