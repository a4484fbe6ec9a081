"""`agente chip previsao` and `agente chip campanhas`, against a real database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from lib.cli.programa import build
from lib.db import Database
from lib.domain.chip import Gateway, StatusChip
from lib.domain.horario import janela
from lib.models import ContaMeta
from lib.models.fila import OutboxState
from lib.queries import campanha
from lib.usecases.prever import ForaDoPoolError, prever_pool
from tests.builders import gravar, id_of, um_envio
from tests.cli.test_operacao import Terminal, ambiente
from tests.queries.fabrica import agora, chip_que_envia, consulta, pessoas, reivindicar

pytestmark = pytest.mark.anyio
MINUTO = timedelta(minutes=1)


@pytest.fixture
def agente(pg_url: str) -> Terminal:
    return Terminal(ambiente(pg_url))


async def um_pool(db: Database) -> None:
    """Two numbers that write first, and one for each reason not to."""
    await gravar(
        db,
        chip_que_envia(instancia="julia-01", trust_score=95, limite_hora=30, limite_dia=60, delay_minimo_s=45),
        chip_que_envia(instancia="julia-02", trust_score=85, limite_hora=15, limite_dia=20, delay_minimo_s=45),
        chip_que_envia(instancia="fraco", trust_score=79),
        chip_que_envia(instancia="mudo", conectado=False),
        chip_que_envia(instancia="calado", pode_prospectar=False),
        chip_que_envia(instancia="reserva", status=StatusChip.READY),
        chip_que_envia(instancia="novo", limite_hora=0, limite_dia=0),
        chip_que_envia(instancia="velho", status=StatusChip.CANCELLED),
    )


async def test_it_says_when_it_ends_what_binds_and_what_a_loss_costs(db: Database, agente: Terminal) -> None:
    await um_pool(db)
    done: Result = await agente("chip", "previsao", "--mensagens", "300")
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert said.startswith("300 primeiros contatos, a partir de agora, terminam em ")
    assert "Contam 2 de 7 chips; fora: " in said
    for words in (
        "1 trust abaixo do mínimo (fraco)",
        "1 desconectado (mudo)",
        "1 sem permissão para isto (calado)",
        "1 o status não envia isto (reserva)",
        "1 limite do dia (novo)",
    ):
        assert words in said
    assert "Gargalo: o limite por 24 horas segura julia-02, julia-01: " in said, "who waits longest comes first"
    assert "Se perder" in said


async def test_for_programs_it_is_json_and_a_chip_may_be_left_out_by_name_or_id(db: Database, agente: Terminal) -> None:
    await um_pool(db)
    [row] = await consulta(db, "SELECT id FROM chip WHERE instancia = 'julia-02'")
    whole: dict[str, Any] = await agente.json("chip", "previsao", "--mensagens", "100")
    by_name, by_id = [
        await agente.json("chip", "previsao", "--mensagens", "100", "--sem", name)
        for name in ("julia-02", str(row["id"]))
    ]
    assert whole["usados"] == ["julia-01", "julia-02"]
    assert sum(whole["por_chip"].values()) == sum(whole["por_dia"].values()) == whole["enviadas"] == 100
    assert by_name["usados"] == by_id["usados"] == ["julia-01"]
    assert by_name["sem"] == by_id["sem"] == ["julia-02"]
    assert datetime.fromisoformat(by_name["fim"]) > datetime.fromisoformat(whole["fim"])
    [cost] = [loss for loss in whole["perdas"] if loss["chip"] == "julia-02"]
    assert abs(datetime.fromisoformat(cost["fim"]) - datetime.fromisoformat(by_name["fim"])) < MINUTO
    assert {wait["freio"] for wait in whole["esperas"]} <= {"intervalo", "limite_hora", "limite_dia"}


async def test_an_unknown_chip_and_a_pool_that_cannot_are_told(db: Database, agente: Terminal) -> None:
    await gravar(db, chip_que_envia(instancia="fraco", trust_score=12))
    done = await agente("chip", "previsao", "--mensagens", "5", "--sem", "outro")
    assert (done.exit_code, "não há chip outro" in done.output) == (1, True)
    done = await agente("chip", "previsao", "--mensagens", "5")
    assert done.exit_code == 0
    assert "não terminam em 2 anos: não sai nenhum" in done.output
    assert "Gargalo: nenhum chip pode escrever primeiro." in done.output
    assert (await agente("chip", "previsao")).exit_code == 2


async def test_what_went_out_in_24_hours_the_queue_and_the_accounts_are_read(db: Database) -> None:
    now = agora()
    one, two, plain = await gravar(
        db,
        chip_que_envia(gateway=Gateway.META, conta="900", instancia="m1"),
        chip_que_envia(gateway=Gateway.META, conta="900", instancia="m2"),
        chip_que_envia(instancia="e1", limite_dia=3, trust_score=80),
    )
    await gravar(db, ContaMeta(conta="900", tier="TIER_250", limite_dia=2, em=now))
    um, dois = await pessoas(db, 2)
    sent = {"state": OutboxState.SENT}
    await gravar(
        db,
        um_envio(um.conversa, chip_id=id_of(one), enviando_em=now - 600 * MINUTO, **sent),
        um_envio(um.conversa, chip_id=id_of(two), enviando_em=now - 300 * MINUTO, **sent),
        um_envio(dois.conversa, chip_id=id_of(two), enviando_em=now - 1_441 * MINUTO, **sent),
        um_envio(dois.conversa, chip_id=id_of(plain), enviando_em=now - 60 * MINUTO, state=OutboxState.DEAD),
        um_envio(dois.conversa, chip_id=id_of(plain), enviando_em=now - 50 * MINUTO, proativa=False, **sent),
        um_envio(dois.conversa),
    )
    made = await prever_pool(db, 3, now)
    abre, _ = janela(now, None)
    assert made.na_fila == 1
    assert made.usados == ("m1", "m2", "e1")
    if abre < now + 240 * MINUTO:
        assert made.previsao.por_chip == {"m1": 1, "e1": 2}, (
            "one more of the account's two, two more of that chip's three"
        )
        assert made.previsao.fim == abre
    with pytest.raises(ForaDoPoolError):
        await prever_pool(db, 3, now, ["zzz"])


async def test_a_person_stops_campaigns_and_lets_them_go_on_with_a_reason(db: Database, agente: Terminal) -> None:
    await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1)
    await gravar(db, um_envio(pessoa.conversa))
    assert "Em andamento. Primeiros contatos na fila: 1." in (await agente("chip", "campanhas", "estado")).output
    assert (await agente("chip", "campanhas", "pausar")).exit_code == 2, "a reason is asked for"
    done = await agente("chip", "campanhas", "pausar", "--motivo", "lista em revisão", "--por", "rita")
    assert done.exit_code == 0
    assert " por rita: lista em revisão. Primeiros contatos na fila: 1." in done.output
    assert [row["bloqueio"] for row in (await reivindicar(db)).blocked] == ["campanhas_pausadas"]
    read = await agente.json("chip", "campanhas", "estado")
    assert (read["paradas"], read["por"], read["motivo"]) == (True, "rita", "lista em revisão")
    previsao = await agente("chip", "previsao", "--mensagens", "5")
    assert "As campanhas estão pausadas" in previsao.output
    assert "Já há 1 primeiros contatos na fila" in previsao.output
    done = await agente("chip", "campanhas", "retomar", "--motivo", "lista revista", "--por", "rita")
    assert done.output.startswith("Em andamento.")
    await consulta(db, "UPDATE outbox SET next_at = now()")
    assert len((await reivindicar(db)).claimed) == 1


async def test_bans_of_the_last_hour_are_told_beside_the_switch(db: Database, agente: Terminal) -> None:
    chips = await gravar(db, chip_que_envia(), chip_que_envia())
    for chip in chips:
        await consulta(
            db, "UPDATE chip SET status = 'banned', status_motivo = 't', status_ator = 'fluxo:x' WHERE id = %s", chip.id
        )
    said = (await agente("chip", "campanhas", "estado")).output
    assert "2 números banidos na última hora: nenhum primeiro contato sai antes das " in said
    await campanha.put(db, paradas=False, por="rita", motivo="sei", agora=agora())
    said = (await agente("chip", "campanhas", "estado")).output
    assert said == "Em andamento. Primeiros contatos na fila: 0.\n", "who lets them go on knows of the bans"


def test_the_group_has_a_help_with_examples() -> None:
    done = CliRunner().invoke(build(), ["chip", "campanhas", "--help"])
    assert all(word in done.output for word in ("pausar", "retomar", "estado", "Exemplos"))
