"""What every tool has in common: its schema, its arguments, and whose data it may touch."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from lib.agent.tools import TOOLS
from lib.agent.tools.contrato import Argumentos

NOMES = (
    *("buscar_vagas", "buscar_info_hospital", "registrar_interesse", "agendar_lembrete", "salvar_memoria"),
    *("enviar_opcoes", "pedir_humano"),
)
QUEM = re.compile(r"medico|doctor|conversa|telefone|phone|fence|cause|chip")


def test_the_tools_come_in_their_fixed_order() -> None:
    assert tuple(tool.nome for tool in TOOLS) == NOMES


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.nome)
def test_a_schema_is_closed_small_and_names_nobody(tool: Any) -> None:
    schema = tool.esquema()
    assert schema["additionalProperties"] is False
    assert not any(QUEM.search(name) for name in schema["properties"])
    written = orjson.dumps(dict(schema)).decode()
    assert "$ref" not in written
    assert '"title"' not in written
    assert len(written) < 1_600
    assert len(tool.descricao) < 200


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.nome)
def test_an_argument_that_names_another_doctor_is_refused(tool: Any) -> None:
    for name in ("medico_id", "conversation_id", "telefone", "cause"):
        with pytest.raises(ValidationError):
            tool.argumentos.model_validate({name: 1})


class _Um(Argumentos):
    texto: str
    lista: tuple[str, ...] = ()


def test_control_characters_never_reach_a_tool() -> None:
    um = _Um.model_validate({"texto": "a\x00b\u202e c\n\n d", "lista": ["\x07x"]})
    assert (um.texto, um.lista) == ("a b c d", ("x",))
    with pytest.raises(ValidationError):
        _Um.model_validate({"texto": "x" * 201})
