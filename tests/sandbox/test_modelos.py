"""What the stand-in models do with the tools that they are offered."""

from typing import Any

import httpx
import orjson
import pytest

from tests.sandbox.test_messages_api import CALL, HOSPITAL, RESULT, VAGAS, ask, request


def tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": [], "additionalProperties": False}
    return {"name": name, "description": name, "input_schema": schema}


WORD = {"type": "string"}
TODAS = [
    VAGAS, HOSPITAL, tool("registrar_interesse", vaga_id={"type": "integer"}),
    tool("agendar_lembrete", quando=WORD, assunto=WORD), tool("salvar_memoria", acao=WORD, informacao=WORD),
    tool("enviar_opcoes", texto=WORD, opcoes={"type": "array", "items": WORD}), tool("pedir_humano", motivo=WORD),
]  # fmt: skip
MOSTRADAS = """<contexto>
Vagas já mostradas nesta conversa e ainda abertas:
- vaga_id 41: Hospital Santa Clara, São Paulo-SP, Cardiologia, sábado, 28/11 das 07:00 às 19:00, R$ 1.875,00
- vaga_id 52: Santa Casa de Santos, Santos-SP, Clínica Médica, quinta, 03/12 das 19:00 às 07:00, R$ 1.600,00
</contexto>
<mensagens>
{}
</mensagens>"""


def called(sandbox: httpx.Client, said: str, context: str = "<mensagens>\n{}\n</mensagens>") -> list[tuple[str, Any]]:
    message = ask(sandbox, request(context.format(said), tools=TODAS))
    return [(block["name"], block["input"]) for block in message["content"] if block["type"] == "tool_use"]


@pytest.mark.parametrize(
    ("said", "quando", "assunto"),
    [
        ("Me lembra amanhã às 9h?", "amanhã às 9h", "conversar sobre plantões"),
        ("me chama na quinta às 19h30 para falar de escala", "na quinta às 19h30", "escala"),
        ("me avisa dia 5 de tarde", "dia 5 de tarde", "conversar sobre plantões"),
    ],
)
def test_julia_schedules_the_reminder_that_the_doctor_asks_for(
    sandbox: httpx.Client, said: str, quando: str, assunto: str
) -> None:
    [(name, arguments)] = called(sandbox, said)
    assert (name, arguments["quando"], arguments["assunto"]) == ("agendar_lembrete", quando, assunto)


@pytest.mark.parametrize(
    ("said", "vaga_id"),
    [
        ("Quero esse de Santos", 52),
        ("Tenho interesse no do Santa Clara", 41),
        ("aceito o de 03/12", 52),
        ("quero essa", 41),
    ],
)
def test_julia_records_a_wish_for_the_shift_that_was_shown_and_named(
    sandbox: httpx.Client, said: str, vaga_id: int
) -> None:
    assert ("registrar_interesse", {"vaga_id": vaga_id}) in called(sandbox, said, MOSTRADAS)
    assert "registrar_interesse" not in dict(called(sandbox, said))
    assert "registrar_interesse" not in dict(called(sandbox, "Não tenho interesse", MOSTRADAS))


def test_julia_keeps_a_preference_forgets_it_when_asked_and_searches_beside_it(sandbox: httpx.Client) -> None:
    both = called(sandbox, "Prefiro plantão noturno em Campinas")
    assert [name for name, _ in both] == ["salvar_memoria", "buscar_vagas"]
    assert both[0][1] | {"confianca": "alta"} == {
        "acao": "salvar", "tipo": "preferencia", "assunto": "regiao", "confianca": "alta",
        "informacao": "Prefiro plantão noturno em Campinas",
    }  # fmt: skip
    [(_, limit)] = called(sandbox, "Não faço UTI")
    assert (limit["tipo"], limit["assunto"]) == ("restricao", "especialidade")
    assert called(sandbox, "esquece o que eu disse sobre turno") == [
        ("salvar_memoria", {"acao": "esquecer", "assunto": "turno"})
    ]


def test_julia_calls_a_person_and_offers_choices_when_asked(sandbox: httpx.Client) -> None:
    assert called(sandbox, "Quero falar com alguém") == [("pedir_humano", {"motivo": "pediu_pessoa"})]
    found = orjson.dumps({"vagas": [{"quando": f"sábado, {day}/11, das 07:00"} for day in (21, 28)]}).decode()
    messages = [
        {"role": "user", "content": "quais opções de plantão?"},
        {"role": "assistant", "content": [CALL]},
        {"role": "user", "content": [{**RESULT, "content": found}]},
    ]
    (block,) = ask(sandbox, request(tools=TODAS, messages=messages))["content"]
    assert (block["name"], block["input"]["opcoes"]) == ("enviar_opcoes", ["21/11", "28/11"])


def test_julia_says_back_when_the_reminder_is(sandbox: httpx.Client) -> None:
    use = CALL | {"name": "agendar_lembrete"}
    messages = [
        {"role": "user", "content": "me lembra amanhã às 9h"},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [{**RESULT, "content": '{"agendado_para": "terça-feira, 24/11, às 9h"}'}]},
    ]
    said = ask(sandbox, request(tools=TODAS, messages=messages))["content"][0]["text"]
    assert said == "Combinado, te escrevo terça-feira, 24/11, às 9h."


def test_the_hostile_model_tries_every_tool_and_every_forbidden_text(sandbox: httpx.Client) -> None:
    sandbox.put("/_sandbox/modelo", json={"modelo": "hostil", "variante": "laco"}).raise_for_status()
    names = {block["name"] for n in range(40) for block in ask(sandbox, request(f"oi {n}", tools=TODAS))["content"][1:]}
    assert names == {one["name"] for one in TODAS}
    sandbox.put("/_sandbox/modelo", json={"modelo": "hostil", "variante": "texto"}).raise_for_status()
    texts = {ask(sandbox, request(f"oi {n}", system="Você é a Júlia"))["content"][0]["text"] for n in range(150)}
    assert len(texts) > 20
