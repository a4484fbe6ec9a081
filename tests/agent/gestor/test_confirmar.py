"""The button: its own user, the very act that was shown, in time, once, with the role looked at again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from lib.agent.gestor.confirmar import decidir
from lib.agent.gestor.contrato import Quem
from lib.agent.gestor.entrada import atender
from lib.auth import Papel
from lib.queries import slack
from tests.agent.gestor.mesa import ALDA, OLGA, VERA, Mesa, botao, dito, linhas
from tests.builders import AGORA, gravar, id_of, um_estado, um_medico, uma_conversa

pytestmark = pytest.mark.anyio


async def pede(mesa: Mesa, texto: str = "pausar teste", usuario: str = OLGA) -> str:
    value = botao(await mesa.comando(texto, usuario))
    assert value is not None
    return value


async def pausada(mesa: Mesa) -> bool:
    rows = await linhas(mesa.db, "SELECT valor ->> 'ativo' AS ativa FROM flag WHERE chave = 'pausa'")
    return bool(rows) and rows[0]["ativa"] == "true"


async def test_nobody_else_confirms_or_cancels(mesa: Mesa) -> None:
    value = await pede(mesa)
    for acao in ("gestor_confirmar", "gestor_cancelar"):
        body = await mesa.aperta(value, ALDA, acao)
        assert (body["response_type"], body["replace_original"]) == ("ephemeral", False)
        assert "Só quem pediu" in dito(body)
    assert not await pausada(mesa)
    assert (await mesa.aperta(value))["replace_original"] is True
    assert await pausada(mesa)


async def test_a_request_is_over_after_five_minutes(mesa: Mesa) -> None:
    value = await pede(mesa)
    mesa.agora += timedelta(minutes=5)
    assert "venceu" in dito(await mesa.aperta(value))
    assert not await pausada(mesa)


@pytest.mark.parametrize("valor", ["", "sim", "{id}", "{id}:{outro}", "{novo}:{hash}", "{id}:{hash}0", "{id}:%"])
async def test_a_forged_button_does_nothing(mesa: Mesa, valor: str) -> None:
    id_, hash_ = (await pede(mesa)).split(":")
    forged = valor.format(id=id_, hash=hash_, outro="0" * 16, novo=uuid4())
    assert (await mesa.aperta(forged))["response_type"] == "ephemeral"
    assert not await pausada(mesa)


async def test_arguments_changed_in_the_table_are_not_run(mesa: Mesa) -> None:
    [um, outro] = await gravar(mesa.db, um_medico(), um_medico())
    await gravar(mesa.db, um_estado(id_of(um)), um_estado(id_of(outro)))
    value = await pede(mesa, f"bloquear #{um.id} pediu")
    changed = f"UPDATE slack_confirmacao SET args = jsonb_set(args, '{{medico}}', '\"#{outro.id}\"') RETURNING id"  # noqa: S608
    await linhas(mesa.db, changed)
    assert "mudou" in dito(await mesa.aperta(value))
    assert {row["permissao"] for row in await linhas(mesa.db, "SELECT permissao FROM doctor_state")} == {"none"}


async def test_cancelled_is_cancelled(mesa: Mesa) -> None:
    value = await pede(mesa)
    assert "Cancelado" in dito(await mesa.aperta(value, acao="gestor_cancelar"))
    assert "Cancelado" in dito(await mesa.aperta(value))
    assert not await pausada(mesa)


async def test_a_second_press_reads_the_first_result_and_a_stale_one_undoes_nothing(mesa: Mesa) -> None:
    value = await pede(mesa, "pausar teste")
    first = dito(await mesa.aperta(value))
    assert dito(await mesa.aperta(await pede(mesa, "retomar"))).startswith("✔ Operação retomada")
    assert dito(await mesa.aperta(value)) == first
    assert not await pausada(mesa)


async def test_fifty_presses_at_once_send_one_message(mesa: Mesa) -> None:
    [medica] = await gravar(mesa.db, um_medico())
    await gravar(mesa.db, um_estado(id_of(medica)))
    await gravar(mesa.db, uma_conversa(id_of(medica)))
    value = await pede(mesa, f"enviar #{medica.id} Oi!")
    quem = Quem(OLGA, "Olga", Papel.OPERATOR, "C1", mesa.agora, "x")
    done = await asyncio.gather(*(decidir(mesa.resources, value, quem, 100 + n, confirma=True) for n in range(50)))
    assert len(await linhas(mesa.db, "SELECT * FROM outbox")) == 1
    done_once = "SELECT * FROM auditoria WHERE acao = 'enviar_mensagem' AND resultado = 'feito'"
    assert len(await linhas(mesa.db, done_once)) == 1
    assert all("na fila" in one.resultado.texto or "em andamento" in one.resultado.texto for one in done)


async def test_the_role_is_looked_at_again_when_the_button_is_pressed(mesa: Mesa) -> None:
    value = await pede(mesa)
    await slack.authorize(mesa.db, OLGA, None, Papel.VIEWER, AGORA)
    assert "pede o papel de operação" in dito(await mesa.aperta(value))
    assert not await pausada(mesa)
    other = await pede(mesa, "pausar", ALDA)
    await slack.revoke(mesa.db, ALDA, AGORA)
    assert "não conheço você" in dito(await mesa.aperta(other, ALDA))
    assert not await pausada(mesa)


@pytest.mark.parametrize(("texto", "acontece"), [("pausar", True), ("retomar", False)])
async def test_a_press_cut_short_by_a_crash_is_finished_only_where_that_is_harmless(
    mesa: Mesa, texto: str, acontece: bool
) -> None:
    if texto == "retomar":
        await mesa.aperta(await pede(mesa, "pausar"))
    value = await pede(mesa, texto)
    # The decision was written, the act not: as if the process had died between the two.
    running = {"webhook": next(mesa.ids)}
    id_, hash_ = value.split(":")
    mine, _ = await slack.decide(mesa.db, UUID(id_), OLGA, hash_, "confirmada", running, mesa.agora)
    assert mine
    quem = Quem(OLGA, "Olga", Papel.OPERATOR, "C1", mesa.agora, "x")
    other = await decidir(mesa.resources, value, quem, running["webhook"] + 1, confirma=True)
    assert "em andamento" in other.resultado.texto
    again = await decidir(mesa.resources, value, quem, running["webhook"], confirma=True)
    assert again.resultado.erro is not acontece
    assert await pausada(mesa)


async def test_a_command_met_again_waits_for_the_same_button(mesa: Mesa) -> None:
    first = await pede(mesa)
    assert mesa.ultimo is not None
    _, again = await mesa.de_novo(mesa.ultimo)
    assert botao(again) == first
    assert len(await linhas(mesa.db, "SELECT * FROM slack_confirmacao")) == 1


@pytest.mark.parametrize("texto", ["sim", "Não", "ok", "confirmo", "s"])
async def test_words_never_confirm(mesa: Mesa, texto: str) -> None:
    await pede(mesa)
    metodo, body = await mesa.fala(texto)
    assert (metodo, body["user"]) == ("chat.postEphemeral", OLGA)
    assert "use os botões" in body["text"]
    assert not await pausada(mesa)


LEITURA = ("status", "metricas", "comparar hoje ontem", "medico Ana", "medicos", "historico #1", "vagas", "handoffs")
ATOS = ("enviar #1 oi", "bloquear #1 pediu", "desbloquear #1 pediu", "assumir 1", "devolver 1", "pausar", "retomar")
ADMINISTRA = ("notificacoes", "notificacoes off")


@pytest.mark.parametrize("texto", [*LEITURA, *ATOS, *ADMINISTRA])
async def test_viewers_read_operators_act_admins_manage(mesa: Mesa, texto: str) -> None:
    allowed = {VERA: texto in LEITURA, OLGA: texto not in ADMINISTRA, ALDA: True}
    for usuario, may in allowed.items():
        shown = dito(await mesa.comando(texto, usuario))
        assert ("Isso pede o papel" in shown) is not may, (usuario, shown)


async def test_strangers_hear_their_own_id_and_the_command_for_an_admin(mesa: Mesa) -> None:
    shown = dito(await mesa.comando("status", "UNOVO1"))
    assert "UNOVO1" in shown
    assert "agente slack usuario autorizar UNOVO1" in shown
    metodo, body = await mesa.fala("como está?", "UNOVO1")
    assert (metodo, body["user"]) == ("chat.postEphemeral", "UNOVO1")
    metodo, body = await mesa.fala("como está?", "UNOVO1", "D1")
    assert metodo == "chat.postMessage"
    assert not mesa.slack.falhas
    assert [row["resultado"] for row in await linhas(mesa.db, "SELECT resultado FROM auditoria")] == [
        "recusado: sem papel"
    ] * 3


async def test_without_slack_a_webhook_is_let_go(mesa: Mesa) -> None:
    await mesa.comando("status")
    assert mesa.ultimo is not None
    await atender(replace(mesa.resources, slack=None), mesa.ultimo)
