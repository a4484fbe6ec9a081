"""What the stand-in model does with a manager's request."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.sandbox.test_messages_api import ask, request

SISTEMA = "Você é a Júlia e aqui atende a equipe de gestão no Slack."
WORD = {"type": "string"}
PERIODO = {"type": "string", "enum": ["hoje", "ontem", "semana", "semana_passada", "mes", "mes_passado"]}


def tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": [], "additionalProperties": False}
    return {"name": name, "description": name, "input_schema": schema}


TODAS = [
    tool("status_sistema"), tool("buscar_metricas", periodo=PERIODO), tool("buscar_medico", identificador=WORD),
    tool("comparar_periodos", periodo1=PERIODO, periodo2=PERIODO), tool("enviar_mensagem", medico=WORD, texto=WORD),
    tool("bloquear_medico", medico=WORD, motivo=WORD), tool("pausar_julia", motivo=WORD),
    tool("toggle_notificacoes", acao=WORD), tool("devolver", conversa={"type": "integer"}),
    tool("listar_medicos", filtro={"type": "string", "enum": ["responderam_hoje", "positivos", "todos"]}),
]  # fmt: skip


def called(sandbox: httpx.Client, said: str, tools: list[dict[str, Any]] = TODAS) -> list[tuple[str, Any]]:
    words = f"<contexto>\nAgora\n</contexto>\n<pedido>\n{said}\n</pedido>"
    message = ask(sandbox, request(words, system=SISTEMA, tools=tools))
    return [(block["name"], block["input"]) for block in message["content"] if block["type"] == "tool_use"]


@pytest.mark.parametrize(
    ("said", "name", "arguments"),
    [
        ("como está a fila?", "status_sistema", {}),
        ("quantas respostas ontem?", "buscar_metricas", {"periodo": "ontem"}),
        (
            "compara esta semana com a semana passada",
            "comparar_periodos",
            {"periodo1": "semana", "periodo2": "semana_passada"},
        ),
        ("quem é o médico #12?", "buscar_medico", {"identificador": "#12"}),
        ("quais médicos responderam hoje?", "listar_medicos", {"filtro": "responderam_hoje"}),
        ('manda para 11 90000-1001: "Oi!"', "enviar_mensagem", {"medico": "11 90000-1001", "texto": "Oi!"}),
        (
            "bloqueia a Helena Prado porque pediu por telefone",
            "bloquear_medico",
            {"medico": "Helena Prado", "motivo": "pediu por telefone"},
        ),
        ("pausa a Júlia", "pausar_julia", {}),
        ("desliga as notificações", "toggle_notificacoes", {"acao": "off"}),
        ("devolve a conversa 41", "devolver", {"conversa": 41}),
    ],
)
def test_a_request_calls_for_one_tool(sandbox: httpx.Client, said: str, name: str, arguments: dict[str, Any]) -> None:
    assert called(sandbox, said) == [(name, arguments)]


def test_a_tool_that_is_not_offered_is_not_called(sandbox: httpx.Client) -> None:
    assert called(sandbox, "pausa a Júlia", TODAS[:2]) == []


def test_a_result_is_said_as_it_came(sandbox: httpx.Client) -> None:
    use = {"type": "tool_use", "id": "toolu_1", "name": "status_sistema", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "<dados>\nOperação: em andamento\n</dados>"}
    messages = [
        {"role": "user", "content": "<pedido>\nstatus\n</pedido>"},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]
    said = ask(sandbox, request(system=SISTEMA, tools=TODAS, messages=messages))["content"][0]["text"]
    assert said == "Operação: em andamento"
