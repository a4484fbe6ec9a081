"""What follows `/julia`, read by rule: accents, case, phones however they are spaced, and help where it is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.agent.gestor import FERRAMENTAS
from lib.agent.gestor.comandos import SUBCOMANDOS, Ajuda, Chamada, ajuda, interpretar


@pytest.mark.parametrize(
    ("texto", "ferramenta", "args"),
    [
        ("STATUS", "status_sistema", {}),
        ("situação", "status_sistema", {}),
        ("buscar_metricas", "buscar_metricas", {"periodo": "hoje"}),
        ("Métricas Semana passada Envios", "buscar_metricas", {"periodo": "semana_passada", "tipo": "envios"}),
        ("comparar semana e semana_passada", "comparar_periodos", {"periodo1": "semana", "periodo2": "semana_passada"}),
        ("comparar mês passado com este mês", "comparar_periodos", {"periodo1": "mes_passado", "periodo2": "mes"}),
        ("médico 11 90000-1001", "buscar_medico", {"identificador": "11 90000-1001"}),
        ('médico "Ana 2"', "buscar_medico", {"identificador": "Ana 2"}),
        ("medicos", "listar_medicos", {"filtro": "todos"}),
        ("médicos responderam hoje 5", "listar_medicos", {"filtro": "responderam_hoje", "limite": 5}),
        ("historico Helena Prado 5", "buscar_historico", {"medico": "Helena Prado", "limite": 5}),
        ("historico +55 11 9 0000 1001 3", "buscar_historico", {"medico": "+55 11 9 0000 1001", "limite": 3}),
        ("vagas", "buscar_vagas", {}),
        (
            "vagas reservadas hospital: Santa Clara especialidade cardio limite 5",
            "buscar_vagas",
            {"status": "reservada", "hospital": "Santa Clara", "especialidade": "cardio", "limite": 5},
        ),
        ("handoffs resolvidas 3", "buscar_handoffs", {"status": "resolvido", "limite": 3}),
        ("enviar (11) 90000-1001 Oi!\nE aí?", "enviar_mensagem", {"medico": "(11) 90000-1001", "texto": "Oi!\nE aí?"}),
        ("enviar 11 90000-1001 12 horas?", "enviar_mensagem", {"medico": "11 90000-1001", "texto": "12 horas?"}),
        ("enviar “Helena Prado” oi", "enviar_mensagem", {"medico": "Helena Prado", "texto": "oi"}),
        ("bloquear crm 12345/SP pediu", "bloquear_medico", {"medico": "crm 12345/SP", "motivo": "pediu"}),
        ("desbloquear #3 voltou", "desbloquear_medico", {"medico": "#3", "motivo": "voltou"}),
        ("assumir c12", "assumir", {"conversa": 12}),
        ("devolver 12 já falei", "devolver", {"conversa": 12, "notas": "já falei"}),
        ("pausar", "pausar_julia", {}),
        ("pausar número em revisão", "pausar_julia", {"motivo": "número em revisão"}),
        ("retomar", "retomar_julia", {}),
        ("notificações desligar", "toggle_notificacoes", {"acao": "off"}),
    ],
)  # fmt: skip
def test_a_command_is_read(texto: str, ferramenta: str, args: dict[str, Any]) -> None:
    assert interpretar(texto) == Chamada(ferramenta, args)


@pytest.mark.parametrize(
    ("texto", "parte"),
    [
        ("metrcas", "Você quis dizer: metricas"),
        ("xpto", "Não conheço o subcomando “xpto”"),
        ("ajuda xpto", "Não conheço"),
        ("metricas anteontem", "Não conheço o período"),
        ("comparar hoje", "Diga dois períodos"),
        ("medico", "Falta dizer o médico"),
        ("historico", "Falta dizer o médico"),
        ("historico #3 muitas", "só pode vir quantas"),
        ("vagas xyz", "Não entendi"),
        ("vagas limite muitas", "Falta dizer limite"),
        ("handoffs velhos", "Não entendi"),
        ("enviar Helena oi", "Comece pelo médico"),
        ("enviar #3", "Falta o texto"),
        ("bloquear #3", "Falta o motivo"),
        ("assumir", "Falta o número da conversa"),
        ("assumir 12 agora", "não vem mais nada"),
        ("notificacoes talvez", "Não entendi"),
    ],
)
def test_a_wrong_command_says_what_is_wrong_and_how_it_is_written(texto: str, parte: str) -> None:
    read = interpretar(texto)
    assert isinstance(read, Ajuda)
    title, lines = ajuda(read)
    assert parte in title
    assert any("Exemplo: /julia" in line or "/julia ajuda" in line for line in lines)


def test_help_names_every_subcommand_and_every_tool_has_one() -> None:
    for texto in ("", "ajuda", "AJUDA", "help"):
        read = interpretar(texto)
        assert isinstance(read, Ajuda)
        _, lines = ajuda(read)
        assert all(any(line.startswith(f"/julia {sub.nome}") for line in lines) for sub in SUBCOMANDOS)
    assert {sub.ferramenta for sub in SUBCOMANDOS} == {tool.nome for tool in FERRAMENTAS}


@pytest.mark.parametrize("sub", SUBCOMANDOS, ids=lambda sub: sub.nome)
def test_every_example_in_the_help_is_right(sub: Any) -> None:
    read = interpretar(sub.exemplo)
    assert isinstance(read, Chamada)
    tool = next(tool for tool in FERRAMENTAS if tool.nome == read.ferramenta)
    tool.argumentos.model_validate(dict(read.args))
    asked = interpretar(f"ajuda {sub.nome}")
    assert isinstance(asked, Ajuda)
    assert asked.sub is sub


@given(st.text(max_size=80) | st.sampled_from([sub.nome for sub in SUBCOMANDOS]).flatmap(
    lambda nome: st.text(max_size=60).map(lambda rest: f"{nome} {rest}")
))  # fmt: skip
def test_nothing_that_is_typed_raises(texto: str) -> None:
    read = interpretar(texto)
    if isinstance(read, Ajuda):
        ajuda(read)


@pytest.mark.parametrize("tool", FERRAMENTAS, ids=lambda tool: tool.nome)
def test_every_tool_has_a_closed_schema_and_a_description(tool: Any) -> None:
    schema = tool.esquema()
    assert schema["additionalProperties"] is False
    assert all(part.get("description") for part in schema["properties"].values())
    assert ("Confirmar" in tool.descricao) is tool.confirma
