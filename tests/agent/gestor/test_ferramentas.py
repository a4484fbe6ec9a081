"""Each tool as its slash command answers it: found, empty, refused, and masked by role."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lib.domain.estado import Ciclo, Permissao
from lib.domain.transferencia import Gatilho
from lib.models import Conversa, Especialidade, Hospital, Medico, Transferencia, Turno
from lib.models.conversa import Autor, Controle, Entrega
from lib.models.turno import Desfecho
from lib.models.vaga import StatusVaga
from tests.agent.gestor.mesa import ALDA, OLGA, VERA, Mesa, botao, dito, linhas
from tests.builders import (
    AGORA,
    gravar,
    id_of,
    um_chip,
    um_envio,
    um_estado,
    um_hospital,
    um_medico,
    uma_conversa,
    uma_entrada,
    uma_especialidade,
    uma_saida,
    uma_vaga,
)
from tests.queries.fabrica import chip_que_envia, reivindicar

pytestmark = pytest.mark.anyio
FONE = "+5511900001001"


async def uma_medica(mesa: Mesa, **estado: object) -> tuple[Medico, Conversa]:
    """Helena, with a state and an open conversation."""
    [medica] = await gravar(mesa.db, um_medico(telefone=FONE, crm="CRM-SP 123456", criado_em=AGORA))
    await gravar(mesa.db, um_estado(id_of(medica), **estado))
    [conversa] = await gravar(mesa.db, uma_conversa(id_of(medica)))
    return medica, conversa


async def test_every_tool_answers_an_empty_business_in_words(mesa: Mesa) -> None:
    for texto, parte in {
        "status": "Operação: em andamento",
        "metricas": "Mensagens recebidas: 0",
        "metricas mes conversoes": "Contatados que responderam: 0 de 0",
        "comparar hoje ontem": "Mensagens recebidas: 0 → 0",
        "medico Helena Prado": "Não achei esse médico",
        "medico zz": "Não achei",
        "medicos": "nenhum",
        "medicos positivos": "nenhum",
        "historico #7": "Não achei",
        "vagas": "nenhuma",
        "handoffs": "nenhuma",
        "enviar #7 oi": "Não achei",
        "bloquear #7 pediu": "Não achei",
        "desbloquear #7 pediu": "Não achei",
        "assumir 7": "Não há conversa 7",
        "devolver 7": "Não há conversa 7",
        "retomar": "não está pausada",
        "notificacoes": "ligadas",
    }.items():
        body = await mesa.comando(texto, ALDA)
        assert parte in dito(body), (texto, dito(body))
        assert botao(body) is None


async def test_a_doctors_card_is_found_by_phone_registration_name_and_number(mesa: Mesa) -> None:
    medica, conversa = await uma_medica(mesa, permissao=Permissao.ACTIVE, ciclo=Ciclo.ENGAGED)
    for how in ("(11) 90000-1001", "11900001001", "CRM-SP 123456", "crm 123456", "helena PRADO", f"#{medica.id}"):
        shown = dito(await mesa.comando(f"medico {how}"))
        assert "Helena Prado" in shown, how
        assert "(11) 90000-1001" in shown
        assert f"Conversa: {conversa.id}, com a Júlia" in shown
        assert "aceita mensagens" in shown


async def test_a_whole_phone_is_for_operators_who_ask_for_one_doctor(mesa: Mesa) -> None:
    await uma_medica(mesa)
    assert "(11) 9****-1001" in dito(await mesa.comando("medico Helena Prado", VERA))
    assert "123456" not in dito(await mesa.comando("medico Helena Prado", VERA))
    listed = dito(await mesa.comando("medicos todos", ALDA))
    assert "(11) 9****-1001" in listed
    assert "90000-1001" not in listed


async def test_two_doctors_of_one_name_are_asked_back_by_number(mesa: Mesa) -> None:
    pair = await gravar(mesa.db, um_medico(nome="Ana Lima"), um_medico(nome="Ana Lima Souza"))
    await gravar(mesa.db, *(um_estado(id_of(one)) for one in pair))
    shown = dito(await mesa.comando('bloquear "ana lima" pediu'))
    assert all(f"#{one.id} " in shown for one in pair)
    assert "mais de um" in shown
    assert not await linhas(mesa.db, "SELECT * FROM slack_confirmacao")


async def test_doctors_are_listed_by_what_they_did(mesa: Mesa) -> None:
    made = await gravar(
        mesa.db,
        um_medico(nome="Respondeu", criado_em=AGORA - timedelta(days=30)),
        um_medico(nome="Calada", criado_em=AGORA - timedelta(days=30)),
        um_medico(nome="Nova", criado_em=AGORA - timedelta(days=1)),
    )
    respondeu, calada, nova = (id_of(one) for one in made)
    await gravar(
        mesa.db,
        um_estado(respondeu, permissao=Permissao.ACTIVE, temperatura=0.9, ultima_entrada_em=AGORA),
        um_estado(calada, permissao=Permissao.INITIAL, ultima_saida_em=AGORA - timedelta(days=3)),
        um_estado(nova),
    )
    for filtro, names in {
        "responderam_hoje": {"Respondeu"},
        "positivos": {"Respondeu"},
        "sem_resposta": {"Calada"},
        "novos": {"Nova"},
        "todos": {"Respondeu", "Calada", "Nova"},
    }.items():
        shown = dito(await mesa.comando(f"medicos {filtro}"))
        assert {name for name in ("Respondeu", "Calada", "Nova") if name in shown} == names, filtro
    assert "Mostrando 1 de 3" in dito(await mesa.comando("medicos todos 1"))


async def test_a_history_is_shown_in_order_with_what_was_deleted_marked(mesa: Mesa) -> None:
    medica, conversa = await uma_medica(mesa)
    await gravar(
        mesa.db,
        uma_saida(conversa, AGORA - timedelta(hours=3), "Oi, doutora!", entrega=Entrega.LIDA),
        uma_entrada(conversa, AGORA - timedelta(hours=2), "<!channel> me liga no 11 91234-5678"),
        uma_entrada(conversa, AGORA - timedelta(hours=1), "segredo", apagada_em=AGORA),
    )
    body = await mesa.comando(f"historico #{medica.id}")
    shown = dito(body)
    assert shown.index("Oi, doutora!") < shown.index("me liga")
    assert "&lt;!channel&gt;" in shown
    assert "<!channel>" not in shown
    assert "segredo" not in shown
    assert "[mensagem apagada]" in shown
    assert "As 1 mais novas de 3" in dito(await mesa.comando(f"historico #{medica.id} 1"))


async def _mes(mesa: Mesa) -> None:
    """Messages of today and of yesterday, with what came of them."""
    medica, conversa = await uma_medica(mesa)
    ontem = AGORA - timedelta(days=1)
    await gravar(
        mesa.db,
        uma_saida(conversa, AGORA - timedelta(hours=4), proativa=True, entrega=Entrega.ENTREGUE),
        uma_saida(conversa, AGORA - timedelta(hours=3), autor=Autor.HUMANO, entrega=Entrega.LIDA),
        uma_saida(conversa, AGORA - timedelta(hours=2), entrega=Entrega.FALHOU),
        uma_entrada(conversa, AGORA - timedelta(hours=1)),
        uma_saida(conversa, ontem, proativa=True),
    )
    await gravar(
        mesa.db, Transferencia(conversation_id=id_of(conversa), gatilho=Gatilho.MANUAL, motivo="x", aberta_em=AGORA)
    )
    stop: dict[str, Any] = {
        "conversation_id": id_of(conversa), "medico_id": id_of(medica), "fence": 1, "desfecho": Desfecho.OPTOUT,
        "motivo": "parou", "etapas": {}, "custos": {}, "iniciado_em": AGORA, "terminado_em": AGORA,
    }  # fmt: skip
    await gravar(mesa.db, Turno(**stop))


async def test_the_numbers_of_a_period_are_counted_from_the_messages(mesa: Mesa) -> None:
    await _mes(mesa)
    shown = dito(await mesa.comando("metricas hoje"))
    for line in (
        "Mensagens recebidas: 1", "Mensagens enviadas: 3", "Entregues: 2 de 3 (67%)", "Falharam: 1", "Opt-outs: 1",
        "Transferências abertas: 1", "Contatados que responderam: 1 de 1 (100%)",
    ):  # fmt: skip
        assert line in shown, shown
    shown = dito(await mesa.comando("metricas ontem envios"))
    assert "Proativas: 1" in shown
    assert "Opt-outs" not in shown
    assert "Mensagens enviadas: 1 → 3" in dito(await mesa.comando("comparar ontem hoje"))


async def test_shifts_are_listed_by_hospital_specialty_and_state(mesa: Mesa) -> None:
    [hospital] = await gravar(mesa.db, um_hospital(nome_normalizado="hospital santa clara"))
    [outro] = await gravar(mesa.db, um_hospital(nome="Santa Casa", nome_normalizado="santa casa"))
    [cardio] = await gravar(mesa.db, uma_especialidade())
    await _vagas(mesa, (hospital, outro), cardio)
    shown = dito(await mesa.comando("vagas hospital Santa Clara"))
    assert "Vagas abertas: 1" in shown
    assert "R$ 1.800,00" in shown
    assert "Vagas reservadas: 1" in dito(await mesa.comando("vagas reservada especialidade cardiologia"))
    assert "Vagas: 2" in dito(await mesa.comando("vagas todas"))
    assert "nenhuma" in dito(await mesa.comando("vagas fechada"))


async def _vagas(mesa: Mesa, hospitais: tuple[Hospital, Hospital], cardio: Especialidade) -> None:
    inicio = AGORA + timedelta(days=2)
    fim = inicio + timedelta(hours=12)
    um, outro = (id_of(one) for one in hospitais)
    await gravar(
        mesa.db,
        uma_vaga(um, id_of(cardio), inicio, fim),
        uma_vaga(um, id_of(cardio), AGORA - timedelta(days=2), AGORA - timedelta(days=1)),
        uma_vaga(outro, id_of(cardio), inicio, fim, status=StatusVaga.RESERVADA),
    )


async def test_the_systems_state_names_pause_queue_chips_and_the_dead(mesa: Mesa) -> None:
    _, conversa = await uma_medica(mesa)
    await gravar(mesa.db, um_chip(), um_chip(conectado=False))
    await gravar(mesa.db, um_envio(conversa, next_at=AGORA - timedelta(minutes=7)))
    shown = dito(await mesa.comando("status"))
    assert "Fila de saída: 1 (1 já devidas, há 7 min)" in shown
    assert "Chips conectados: 1 de 2" in shown
    assert "Modelo: claude-haiku-5-5" in shown


async def confirma(mesa: Mesa, texto: str, usuario: str = OLGA) -> str:
    """Ask by command, press Confirmar, and return what stands there then."""
    value = botao(await mesa.comando(texto, usuario))
    assert value is not None, texto
    return dito(await mesa.aperta(value, usuario))


async def test_a_message_is_shown_word_by_word_and_queued_as_a_persons_once(mesa: Mesa) -> None:
    medica, conversa = await uma_medica(mesa, permissao=Permissao.ACTIVE, ultima_entrada_em=AGORA)
    body = await mesa.comando(f"enviar #{medica.id} Oi, doutora!\nA vaga é sua.")
    assert "Oi, doutora!\nA vaga é sua." in dito(body)
    assert not await linhas(mesa.db, "SELECT * FROM outbox")
    value = botao(body)
    assert value is not None
    assert "na fila" in dito(await mesa.aperta(value))
    await mesa.aperta(value)
    [row] = await linhas(mesa.db, "SELECT * FROM outbox")
    assert (row["body"], row["autor"], row["autor_nome"]) == ("Oi, doutora!\nA vaga é sua.", "humano", "Olga")
    assert (row["conversation_id"], row["proativa"], row["tipo"]) == (conversa.id, False, "resposta")
    assert row["cause"] == f"slack:{value.split(':')[0]}"


async def test_a_first_message_is_proactive_and_says_when_it_may_leave(mesa: Mesa) -> None:
    [medica] = await gravar(mesa.db, um_medico())
    mesa.agora = AGORA + timedelta(hours=11)  # 21h in São Paulo
    body = await mesa.comando(f"enviar #{medica.id} Oi! Temos um plantão.")
    assert "fora do horário" in dito(body)
    assert "11/03/2026 08:00" in dito(body)
    await mesa.aperta(botao(body) or "")
    [row] = await linhas(mesa.db, "SELECT * FROM outbox")
    assert (row["proativa"], row["tipo"], row["state"]) == (True, "prospeccao", "pending")


async def test_nobody_is_written_to_who_opted_out_not_even_between_preview_and_button(mesa: Mesa) -> None:
    medica, _ = await uma_medica(mesa)
    value = botao(await mesa.comando(f"enviar #{medica.id} Oi!")) or ""
    await linhas(mesa.db, "UPDATE doctor_state SET permissao = 'opted_out' RETURNING medico_id")
    assert "pediu para não receber" in dito(await mesa.aperta(value))
    assert "pediu para não receber" in dito(await mesa.comando(f"enviar #{medica.id} Oi!"))
    assert not await linhas(mesa.db, "SELECT * FROM outbox")


async def test_a_block_is_the_one_opt_out_and_discards_the_queue_and_a_reason_lifts_it(mesa: Mesa) -> None:
    medica, conversa = await uma_medica(mesa, permissao=Permissao.ACTIVE, ultima_entrada_em=AGORA)
    await gravar(mesa.db, um_envio(conversa))
    assert "Falta o motivo" in dito(await mesa.comando(f"bloquear #{medica.id}"))
    assert "bloqueado" in await confirma(mesa, f"bloquear #{medica.id} pediu por telefone")
    [state] = await linhas(mesa.db, "SELECT permissao FROM doctor_state")
    [queued] = await linhas(mesa.db, "SELECT state, motivo FROM outbox")
    assert (state["permissao"], queued["state"], queued["motivo"]) == ("opted_out", "cancelled", "opted_out")
    assert "já não recebe" in dito(await mesa.comando(f"bloquear #{medica.id} de novo"))
    assert "de novo" in await confirma(mesa, f"desbloquear #{medica.id} voltou a aceitar")
    [state] = await linhas(mesa.db, "SELECT permissao FROM doctor_state")
    assert state["permissao"] == "active"
    assert "não está bloqueado" in dito(await mesa.comando(f"desbloquear #{medica.id} voltou"))


async def test_a_conversation_is_taken_and_given_back(mesa: Mesa) -> None:
    _, conversa = await uma_medica(mesa)
    assert "está com Olga" in await confirma(mesa, f"assumir {conversa.id}")
    [row] = await linhas(mesa.db, "SELECT controle FROM conversa")
    assert row["controle"] == Controle.HUMANO
    assert "com Olga" in dito(await mesa.comando("handoffs assumida"))
    assert "voltou para a Júlia" in await confirma(mesa, f"devolver {conversa.id} já combinei")
    [row] = await linhas(mesa.db, "SELECT t.notas, c.controle FROM transferencia t, conversa c")
    assert (row["notas"], row["controle"]) == ("já combinei", "ai")
    assert "já está com a Júlia" in dito(await mesa.comando(f"devolver {conversa.id}"))


async def test_a_pause_and_the_notifications_are_switched_by_their_buttons(mesa: Mesa) -> None:
    assert "pausada" in await confirma(mesa, "pausar número em revisão")
    assert "PAUSADA desde 10/03/2026" in dito(await mesa.comando("status"))
    assert "retomada" in await confirma(mesa, "retomar")
    assert "em andamento" in dito(await mesa.comando("status"))
    assert "desligadas" in await confirma(mesa, "notificacoes off", ALDA)
    assert "desligadas" in dito(await mesa.comando("notificacoes", ALDA))
    assert "ligadas" in await confirma(mesa, "notificacoes on", ALDA)


async def test_a_persons_message_leaves_while_a_person_has_the_conversation(mesa: Mesa) -> None:
    await gravar(mesa.db, chip_que_envia())
    medica, _ = await uma_medica(mesa)
    [conversa] = await linhas(mesa.db, "UPDATE conversa SET controle = 'humano' RETURNING id")
    assert "na fila" in await confirma(mesa, f"enviar #{medica.id} Oi, doutora!")
    assert "na fila" in await confirma(mesa, f"enviar #{medica.id} Tudo bem?")
    sent = await reivindicar(mesa.db)
    assert [(row["body"], row["conversation_id"]) for row in sent.claimed] == [("Oi, doutora!", conversa["id"])]
    assert sent.blocked == []
