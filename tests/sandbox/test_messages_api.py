from pathlib import Path
from typing import Any

import anthropic
import httpx
import orjson
import pytest
from anthropic.types import Message, MessageParam, ToolParam

from lib.sandbox.modelo_hostil import VARIANTES as HOSTIL
from lib.sandbox.modelo_ruido import VARIANTES as RUIDO

SAMPLES = orjson.loads((Path(__file__).parent / "fixtures" / "anthropic.json").read_bytes())
HEADERS = {"x-api-key": "qualquer", "anthropic-version": "2023-06-01"}
VAGAS: ToolParam = {
    "name": "buscar_vagas",
    "description": "Busca vagas",
    "input_schema": {
        "type": "object",
        "properties": {
            "especialidade": {"type": "string"},
            "cidade": {"type": "string"},
            "periodo": {"type": "string", "enum": ["diurno", "noturno"]},
            "valor_minimo": {"type": "integer"},
            "limite": {"type": "integer"},
        },
        "required": [],
    },
}
HOSPITAL: ToolParam = {
    "name": "buscar_info_hospital",
    "description": "Informações de um hospital",
    "input_schema": {"type": "object", "properties": {"nome": {"type": "string"}}, "required": ["nome"]},
}
CALL = {"type": "tool_use", "id": "toolu_B1", "name": "buscar_vagas", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_B1", "content": "nada"}


def request(text: str = "Oi", **more: Any) -> dict[str, Any]:
    return {
        "model": "claude-haiku-5-5",
        "max_tokens": 500,
        "messages": [{"role": "user", "content": text}],
        **more,
    }


def ask(sandbox: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    answer = sandbox.post("/v1/messages", json=body, headers=HEADERS)
    assert answer.status_code == 200, answer.text
    assert answer.headers["request-id"].startswith("req_")
    message: dict[str, Any] = answer.json()
    Message.model_validate(message)
    assert message.keys() == SAMPLES["message.text_end_turn"].keys()
    assert message["usage"].keys() == SAMPLES["message.text_end_turn"]["usage"].keys()
    return message


def structured(sandbox: httpx.Client, text: str, schema: dict[str, Any], **more: Any) -> Any:
    output = {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
    return orjson.loads(ask(sandbox, request(text, **output, **more))["content"][0]["text"])


def closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"model": "claude-haiku-5-5", "max_tokens": 10}, "messages: Field required"),
        (request(max_tokens=0), "max_tokens: Input should be greater than or equal to 1"),
        (request(foo=1), "foo: Extra inputs are not permitted"),
        (request(messages=[]), "messages: at least one message is required"),
        (request(""), "messages.0: all messages must have non-empty content"),
        (request(" "), "messages: text content blocks must contain non-whitespace text"),
        (request(system=[{"type": "text", "text": ""}]), "system: text content blocks must be non-empty"),
        (
            request(messages=[{"role": "user", "content": [{"type": "text", "text": ""}]}]),
            "messages: text content blocks must be non-empty",
        ),
        (
            request(messages=[{"role": "assistant", "content": "oi"}, {"role": "user", "content": "oi"}]),
            'messages: first message must use the "user" role',
        ),
        (request(tool_choice={"type": "any"}), "tool_choice: may only be specified while providing tools"),
        (
            request(tools=[VAGAS], tool_choice={"type": "tool", "name": "outra"}),
            "tool_choice: Tool 'outra' not found in provided tools",
        ),
        (request(tools=[VAGAS, VAGAS]), "tools: Tool names must be unique."),
        (
            request(tools=[{"name": "sem schema"}]),
            "tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
        ),
        (
            request(output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}}),
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false",
        ),
        (
            request(
                output_config={"format": {"type": "json_schema", "schema": closed(n={"type": "integer", "minimum": 1})}}
            ),
            "output_config.format.schema: For 'integer' type, property 'minimum' is not supported",
        ),
    ],
)
def test_a_wrong_request_is_refused_in_the_apis_words(
    sandbox: httpx.Client, body: dict[str, Any], message: str
) -> None:
    answer = sandbox.post("/v1/messages", json=body, headers=HEADERS)
    assert answer.status_code == 400
    assert answer.json()["error"] == {"type": "invalid_request_error", "message": message}
    assert answer.headers["request-id"] == answer.json()["request_id"]


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("depois te digo", "`tool_use` ids were found without `tool_result` blocks immediately after: toolu_B1"),
        (
            [{"type": "text", "text": "antes"}, RESULT],
            "`tool_use` ids were found without `tool_result` blocks immediately after: toolu_B1",
        ),
        ([{**RESULT, "tool_use_id": "toolu_X"}], "unexpected `tool_use_id` found in `tool_result` blocks: toolu_X"),
    ],
)
def test_every_tool_use_wants_its_result_first_in_the_next_message(sandbox: httpx.Client, last: Any, said: str) -> None:
    messages = [
        {"role": "user", "content": "tem vaga?"},
        {"role": "assistant", "content": [CALL]},
        {"role": "user", "content": last},
    ]
    answer = sandbox.post("/v1/messages", json=request(tools=[VAGAS], messages=messages), headers=HEADERS)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


def test_its_refusals_are_the_recorded_ones(sandbox: httpx.Client) -> None:
    for name, body in (
        ("error.400_invalid_request_sampling", request(temperature=0.2)),
        ("error.404_model_retired", request(model="claude-3-5-haiku-20241022")),
    ):
        sample = dict(SAMPLES[name])
        answer = sandbox.post("/v1/messages", json=body, headers=HEADERS)
        assert answer.status_code == sample.pop("_status")
        assert answer.json()["error"] == sample["error"]
        assert answer.json().keys() == sample.keys()


def test_a_missing_key_is_a_401(sandbox: httpx.Client) -> None:
    answer = sandbox.post("/v1/messages", json=request(), headers={"anthropic-version": "2023-06-01"})
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"model": NaN}'])
def test_a_body_that_is_no_json_object_is_a_400(sandbox: httpx.Client, body: bytes) -> None:
    assert sandbox.post("/v1/messages", content=body, headers=HEADERS).status_code == 400


def test_julia_asks_for_shifts_with_arguments_found_in_the_text(sandbox: httpx.Client) -> None:
    text = "Oi, tem vaga de cardiologia em São Paulo no noturno acima de R$ 1.500?"
    message = ask(sandbox, request(text, tools=[HOSPITAL, VAGAS]))
    assert message["stop_reason"] == "tool_use"
    (block,) = message["content"]
    assert block["name"] == "buscar_vagas"
    assert block["input"] == {
        "especialidade": "cardiologia",
        "cidade": "São Paulo",
        "periodo": "noturno",
        "valor_minimo": 1500,
    }


def test_julia_follows_references_and_defaults_of_a_pydantic_schema(sandbox: httpx.Client) -> None:
    nullable = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
    schema = {
        "type": "object",
        "$defs": {"Periodo": {"enum": ["diurno", "noturno", "qualquer"], "type": "string"}},
        "properties": {
            "cidade": nullable,
            "uf": nullable,
            "periodo": {"$ref": "#/$defs/Periodo", "default": "qualquer"},
            "limite": {"type": "integer", "default": 3, "minimum": 1},
        },
    }
    tool = {"name": "buscar_vagas", "input_schema": schema}
    text = "<contexto>\nCidade: Santos\n</contexto>\n<mensagens>\ntem plantão à noite em Campinas?\n</mensagens>"
    (block,) = ask(sandbox, request(text, tools=[tool]))["content"]
    assert block["input"] == {"cidade": "Campinas", "periodo": "noturno"}


@pytest.mark.parametrize("name", ["Hospital das Flores", "hospital boa vista"])
def test_julia_asks_about_a_hospital_by_its_name(sandbox: httpx.Client, name: str) -> None:
    message = ask(sandbox, request(f"Onde fica o {name}?", tools=[VAGAS, HOSPITAL]))
    (block,) = message["content"]
    assert (block["name"], block["input"]) == ("buscar_info_hospital", {"nome": name})


@pytest.mark.parametrize("text", ["Oi, bom dia", "Obrigada!", "Você é um robô?"])
def test_julia_answers_small_talk_shortly_and_never_hides_what_she_is(sandbox: httpx.Client, text: str) -> None:
    message = ask(sandbox, request(text, tools=[VAGAS]))
    said = message["content"][0]["text"]
    assert message["stop_reason"] == "end_turn"
    assert 10 <= len(said) <= 300
    assert not set("*#`\n") & set(said)
    if "robô" in text:
        assert "assistente automática" in said


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        (
            {"vagas": [{"id": "x1", "hospital": "Hospital Boa Vista", "valor_centavos": 180000}]},
            ["Hospital Boa Vista", "R$ 1.800,00"],
        ),
        ("1. **Hospital Boa Vista**, sáb 28/11 das 7h às 19h, R$ 1.800", ["Hospital Boa Vista", "R$ 1.800", "28/11"]),
        ({"vagas": []}, []),
    ],
)
def test_julia_repeats_only_what_the_tools_said(sandbox: httpx.Client, content: Any, facts: list[str]) -> None:
    result = content if isinstance(content, str) else orjson.dumps(content).decode()
    messages = [
        {"role": "user", "content": "tem vaga?"},
        {"role": "assistant", "content": [CALL]},
        {"role": "user", "content": [{**RESULT, "content": result}]},
    ]
    body = request(tools=[VAGAS], messages=messages)
    said = ask(sandbox, body)["content"][0]["text"]
    assert said == ask(sandbox, body)["content"][0]["text"]
    assert all(fact in said for fact in facts)
    assert "x1" not in said
    assert "*" not in said
    if not facts:
        assert not any(char.isdigit() for char in said)


def test_a_situation_is_read_from_the_text(sandbox: httpx.Client) -> None:
    schema = closed(
        objecao={"anyOf": [{"type": "string", "enum": ["preco", "distancia", "tempo"]}, {"type": "null"}]},
        intencao={"type": "string", "enum": ["outro", "interesse", "recusa"]},
        objetivo={"type": "string"},
        confianca={"type": "number", "description": "0 a 1"},
    )
    far = structured(sandbox, "Não tenho interesse, é muito longe de casa", schema)
    assert (far["objecao"], far["intencao"]) == ("distancia", "recusa")
    assert 0 <= far["confianca"] <= 1
    assert structured(sandbox, "Bom dia", schema)["objecao"] is None


def test_a_judge_scores_within_bounds_and_quotes_the_transcript(sandbox: httpx.Client) -> None:
    transcript = "Júlia: Oi, doutora! Tudo bem?\nMédico: Tem plantão sábado?\nJúlia: Tem sim, das 7h às 19h."
    score = {"type": "integer", "description": "nota de 1 a 10"}
    schema = closed(
        naturalidade=score,
        persona={"$ref": "#/$defs/nota"},
        evidencias={"type": "array", "items": {"type": "string"}},
        sugestoes={"type": "array", "items": {"type": "string"}},
    )
    schema["$defs"] = {"nota": score}
    verdict = structured(sandbox, f"Avalie.\n<transcricao>\n{transcript}\n</transcricao>", schema)
    assert all(1 <= verdict[name] <= 10 for name in ("naturalidade", "persona"))
    assert verdict["evidencias"]
    assert all(quote and quote in transcript for quote in verdict["evidencias"])


def test_a_prompt_that_wants_only_json_gets_json(sandbox: httpx.Client) -> None:
    system = 'Responda apenas com JSON no formato {"nota": 7, "tom": "formal|informal", "pontos": ["texto"]}'
    value = orjson.loads(ask(sandbox, request("Médico: oi, tudo bem?", system=system))["content"][0]["text"])
    assert value.keys() == {"nota", "tom", "pontos"}
    assert isinstance(value["nota"], int)
    assert value["tom"] in {"formal", "informal"}
    prose = ask(sandbox, request("Oi", system="Escreva somente texto, nunca JSON"))["content"][0]["text"]
    assert not prose.startswith("{")


@pytest.mark.parametrize(
    ("modelo", "variante"),
    [*(("ruido", name) for name in (*RUIDO, None)), *(("hostil", name) for name in (*HOSTIL, None))],
)
def test_the_bad_models_stay_valid_on_the_wire(sandbox: httpx.Client, modelo: str, variante: str | None) -> None:
    sandbox.put("/_sandbox/modelo", json={"modelo": modelo, "variante": variante}).raise_for_status()
    for text in (f"tem vaga {number}?" for number in range(15)):
        body = request(text, tools=[VAGAS, HOSPITAL])
        message = ask(sandbox, body)
        again = ask(sandbox, body)
        assert message["content"] == again["content"]
        ask(sandbox, request(text))


def test_a_model_is_listed_under_its_id_and_a_retired_or_made_up_one_is_not_there(sandbox: httpx.Client) -> None:
    there = sandbox.get("/v1/models/claude-haiku-5-5", headers=HEADERS)
    assert (there.status_code, there.json()["id"]) == (200, "claude-haiku-5-5")
    assert sandbox.get("/v1/models/claude-haiku-4-5", headers=HEADERS).json()["id"] == "claude-haiku-4-5-20251001"
    for gone in ("claude-3-5-haiku-20241022", "claude-sonnet-4-0", "claude-haiku-55", "gpt"):
        for answer in (
            sandbox.get(f"/v1/models/{gone}", headers=HEADERS),
            sandbox.post("/v1/messages", json=request() | {"model": gone}, headers=HEADERS),
        ):
            assert (answer.status_code, answer.json()["error"]["type"]) == (404, "not_found_error")


def test_one_model_may_be_overloaded_while_another_answers(sandbox: httpx.Client) -> None:
    sandbox.put(
        "/_sandbox/falhas", json={"alvo": "anthropic.messages", "modelo": "claude-haiku-5-5", "status": 529}
    ).raise_for_status()
    busy = sandbox.post("/v1/messages", json=request(), headers=HEADERS)
    assert (busy.status_code, busy.json()["error"]["type"]) == (529, "overloaded_error")
    assert ask(sandbox, request() | {"model": "claude-sonnet-5-5"})["model"] == "claude-sonnet-5-5"


def test_the_hostile_model_loops_on_tools_for_ever_when_told(sandbox: httpx.Client) -> None:
    sandbox.put("/_sandbox/modelo", json={"modelo": "hostil", "variante": "laco"}).raise_for_status()
    messages: list[dict[str, Any]] = [{"role": "user", "content": "tem vaga?"}]
    seen: set[str] = set()
    foreign: list[bool] = []
    for _ in range(8):
        message = ask(sandbox, request(tools=[VAGAS, HOSPITAL], messages=messages))
        calls = [block for block in message["content"] if block["type"] == "tool_use"]
        assert {call["name"] for call in calls} == {"buscar_vagas", "buscar_info_hospital"}
        foreign += ["medico_id" in call["input"] for call in calls]
        seen.update(call["id"] for call in calls)
        results = [{"type": "tool_result", "tool_use_id": call["id"], "content": "[]"} for call in calls]
        messages += [{"role": "assistant", "content": message["content"]}, {"role": "user", "content": results}]
    assert len(seen) == 16
    assert 0 < sum(foreign) < 16


def test_a_long_text_is_cut_at_max_tokens(sandbox: httpx.Client) -> None:
    message = ask(sandbox, request("Oi", max_tokens=3))
    assert message["stop_reason"] == "max_tokens"
    assert len(message["content"][0]["text"]) <= 12


def test_a_long_prefix_is_written_to_the_cache_and_then_read(sandbox: httpx.Client) -> None:
    system = [{"type": "text", "text": "regra " * 800, "cache_control": {"type": "ephemeral"}}]
    first = ask(sandbox, request("um", system=system))["usage"]
    second = ask(sandbox, request("dois", system=system))["usage"]
    assert first["cache_creation_input_tokens"] == second["cache_read_input_tokens"] > 1000
    assert (first["cache_read_input_tokens"], second["cache_creation_input_tokens"]) == (0, 0)
    short = [{"type": "text", "text": "regra", "cache_control": {"type": "ephemeral"}}]
    assert ask(sandbox, request("um", system=short))["usage"]["cache_creation_input_tokens"] == 0


def test_calls_are_logged_with_kind_tokens_and_bodies(sandbox: httpx.Client) -> None:
    ask(sandbox, request("tem vaga?", tools=[VAGAS]))
    ask(sandbox, request("Oi"))
    log = sandbox.get("/_sandbox/llm", params={"corpos": True}).json()
    assert log["chamadas"] == 2
    assert [call["tipo"] for call in log["registro"]] == ["ferramenta", "resposta"]
    assert log["input_tokens"] == sum(call["input_tokens"] for call in log["registro"]) > 0
    assert log["corpos"][1]["messages"][0]["content"] == "Oi"


@pytest.mark.anyio
async def test_the_real_sdk_runs_a_tool_loop(running: str, sandbox: httpx.Client) -> None:
    async with anthropic.AsyncAnthropic(base_url=running, api_key="qualquer", max_retries=0) as client:
        messages: list[MessageParam] = [{"role": "user", "content": "Tem plantão de pediatria em Campinas?"}]
        first = await client.messages.create(model="claude-haiku-5-5", max_tokens=300, tools=[VAGAS], messages=messages)
        assert first.stop_reason == "tool_use"
        call = first.content[0]
        assert call.type == "tool_use"
        assert call.input == {"especialidade": "pediatria", "cidade": "Campinas"}
        messages.append({"role": "assistant", "content": [call]})
        found = "Hospital Sol, 28/11 das 7h às 19h, R$ 1.400"
        messages.append(
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": found}]}
        )
        last = await client.messages.create(model="claude-haiku-5-5", max_tokens=300, tools=[VAGAS], messages=messages)
        assert last.stop_reason == "end_turn"
        assert last.content[0].type == "text"
        assert "Hospital Sol" in last.content[0].text
        counted = await client.messages.count_tokens(model="claude-haiku-5-5", messages=messages, tools=[VAGAS])
        assert counted.input_tokens > 50
        assert "claude-haiku-5-5" in [model.id async for model in client.models.list()]
        with pytest.raises(anthropic.NotFoundError):
            await client.messages.create(model="gpt", max_tokens=9, messages=messages[:1])
