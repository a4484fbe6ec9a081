"""What each operation may cost: one table, asserted by the tests and printed into the documentation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Linha:
    """One budget: `teto` is the most that `contador` may count for one `operacao`; `alvo` what we aim at, if lower."""

    operacao: str
    contador: str
    teto: int
    alvo: int | None = None


CONTADORES = {
    "round_trips": "Postgres round trips",
    "commits": "commits",
    "xids": "write transactions, counted by Postgres",
    "redis_commands": "Redis commands",
    "tcp_connections": "new TCP connections, warm",
    "llm_calls": "LLM calls",
    "analises": "analyses (`analisar_situacao`)",
    "http_requests": "HTTP requests",
}

WEBHOOK = "webhook → 202"
MENSAGEM = "one message, webhook → sent, no tool"
MENSAGEM_COM_FERRAMENTA = "one message, webhook → sent, one tool call"
MENSAGEM_INCERTA = "one message whose meaning the rules do not know"
RAJADA = "a burst of three messages, webhooks → sent"
PARADA = "an opt-out, webhook → confirmation sent"
CHIPS_20 = "send claim with chip choice, 20 chips"
CHIPS_500 = "send claim with chip choice, 500 chips"
OCIOSO = "one idle round of both polls and of the reconciliation"

TABELA: tuple[Linha, ...] = (
    Linha(WEBHOOK, "round_trips", 1),
    Linha(WEBHOOK, "commits", 1),
    Linha(WEBHOOK, "xids", 1),
    Linha(WEBHOOK, "redis_commands", 0),
    Linha(WEBHOOK, "tcp_connections", 0),
    Linha(MENSAGEM, "round_trips", 6, alvo=5),
    Linha(MENSAGEM, "commits", 5),
    Linha(MENSAGEM, "xids", 5),
    Linha(MENSAGEM, "redis_commands", 0),
    Linha(MENSAGEM, "tcp_connections", 0),
    Linha(MENSAGEM, "analises", 1),
    Linha(MENSAGEM, "llm_calls", 1),
    Linha(MENSAGEM, "http_requests", 2),
    Linha(MENSAGEM_COM_FERRAMENTA, "round_trips", 7, alvo=6),
    Linha(MENSAGEM_COM_FERRAMENTA, "commits", 5),
    Linha(MENSAGEM_COM_FERRAMENTA, "xids", 5),
    Linha(MENSAGEM_COM_FERRAMENTA, "tcp_connections", 0),
    Linha(MENSAGEM_COM_FERRAMENTA, "analises", 1),
    Linha(MENSAGEM_COM_FERRAMENTA, "llm_calls", 2),
    Linha(MENSAGEM_INCERTA, "round_trips", 6, alvo=5),
    Linha(MENSAGEM_INCERTA, "analises", 1),
    Linha(MENSAGEM_INCERTA, "llm_calls", 2),
    Linha(RAJADA, "round_trips", 9, alvo=8),
    Linha(RAJADA, "analises", 1),
    Linha(RAJADA, "llm_calls", 2),
    Linha(PARADA, "round_trips", 6, alvo=5),
    Linha(PARADA, "llm_calls", 0),
    Linha(CHIPS_20, "round_trips", 1),
    Linha(CHIPS_500, "round_trips", 1),
    Linha(OCIOSO, "round_trips", 4),
    Linha(OCIOSO, "xids", 0),
    Linha(OCIOSO, "http_requests", 0),
)
