from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from flows.chunks import Faixa
from flows.parametros import Modo
from flows.trust import CHUNKS_MAX, ParametrosTrust, find_ranges, score
from lib import ledger
from lib.db import Database, Row, Step
from lib.domain.chip import FaseWarmup, StatusChip, TipoChip
from lib.domain.estado import Permissao
from lib.domain.trust import EntradasTrust, calcular
from lib.models import Chip, ChipDecisao, ChipSelecao, Conversa, DeliveryEvent
from lib.models.conversa import Entrega
from lib.models.fila import OutboxState
from lib.queries import trust
from lib.resources import Resources
from tests.builders import (
    AGORA,
    gravar,
    id_of,
    um_chip,
    um_envio,
    um_estado,
    um_medico,
    uma_conversa,
    uma_entrada,
    uma_saida,
)

DIA = timedelta(days=1)


async def all_of(db: Database, sql: str) -> list[Row]:
    [rows] = await db.round_trip(Step(text(sql)))
    return rows


async def conversas(db: Database, chip: Chip, quantas: int) -> Sequence[Conversa]:
    medicos = await gravar(db, *(um_medico() for _ in range(quantas)))
    await gravar(db, *(um_estado(id_of(medico)) for medico in medicos))
    return await gravar(db, *(uma_conversa(id_of(medico), chip_id=chip.id) for medico in medicos))


async def run(resources: Resources, modo: Modo = Modo.APLICAR) -> tuple[int, int, int]:
    keys = await find_ranges(resources, ParametrosTrust(), AGORA)
    assert all(isinstance(chunk, Faixa) for chunk in keys.chunks)
    parts = [await score(resources, Faixa(*chunk), modo, AGORA) for chunk in keys.chunks]
    outcomes = [part.outcome for part in parts]
    return sum(o.seen for o in outcomes), sum(o.changed for o in outcomes), sum(o.missing for o in outcomes)


async def test_inputs_are_counted_from_the_messages(db: Database) -> None:
    [chip] = await gravar(db, um_chip(aquecimento_desde=AGORA - 40 * DIA, conexao_em=AGORA - 2 * DIA))
    todas = await conversas(db, chip, 10)
    envio = AGORA - 10 * DIA
    saidas = [
        uma_saida(c, envio, proativa=True, entrega=Entrega.LIDA if n < 6 else Entrega.ENVIADA)
        for n, c in enumerate(todas)
    ]
    saidas += [
        uma_saida(todas[0], AGORA - 31 * DIA, proativa=True, entrega=Entrega.LIDA),  # too old
        uma_saida(todas[1], envio + DIA, midia="imagem"),  # a reply
        uma_saida(todas[1], AGORA + DIA, proativa=True),  # not yet
    ]
    entradas = [
        uma_entrada(todas[0], envio + DIA),
        uma_entrada(todas[1], envio + 7 * DIA),
        uma_entrada(todas[2], envio + 8 * DIA),  # too late to be an answer
        uma_entrada(todas[3], envio - DIA),  # before the send
    ]
    await gravar(db, *saidas, *entradas)
    async with db.connection() as driver:
        await driver.execute(
            "UPDATE doctor_state SET permissao = 'opted_out', ultima_entrada_em = %s WHERE medico_id = ANY(%s)",
            (envio + DIA, [c.medico_id for c in todas[:2]]),
        )
    dead = {"chip_id": chip.id, "state": OutboxState.DEAD}
    await gravar(
        db,
        um_envio(todas[4], **dead, falhou_em=AGORA - 3 * DIA, motivo="evolution 403: number banned"),
        um_envio(todas[5], **dead, falhou_em=AGORA - DIA / 2, motivo="evolution 404: no such instance"),
        um_envio(todas[6], **dead, falhou_em=AGORA + DIA, motivo="evolution 403: banned"),
    )
    [medido] = await trust.measure(db, 0, 2**62, AGORA)
    assert medido.entradas == EntradasTrust(
        idade_dias=40,
        fase=FaseWarmup.OPERACAO,
        envios=10,
        entregues=6,
        respondidas=2,
        optouts=2,
        bloqueios=1,
        tipos_midia=2,
        erros_24h=1,
        dias_sem_erro=0,
        conversas_bidirecionais=4,
        bloqueios_7d=1,
    )


async def test_seven_days_are_counted_beside_thirty(db: Database) -> None:
    [chip] = await gravar(db, um_chip(aquecimento_desde=AGORA - 90 * DIA))
    todas = await conversas(db, chip, 6)
    antes, depois = AGORA - 7 * DIA, AGORA - 7 * DIA + timedelta(seconds=1)
    await gravar(
        db,
        *(uma_saida(c, antes, proativa=True, entrega=Entrega.ENTREGUE) for c in todas[:3]),
        *(uma_saida(c, depois, proativa=True, entrega=Entrega.LIDA) for c in todas[2:5]),
        uma_saida(todas[5], depois, proativa=True, entrega=Entrega.ENVIADA),
        uma_entrada(todas[0], AGORA - DIA),
        uma_entrada(todas[2], AGORA - DIA),
        uma_entrada(todas[3], AGORA - DIA),
    )
    async with db.connection() as driver:
        await driver.execute(
            "UPDATE doctor_state SET permissao = 'opted_out', ultima_entrada_em = %s WHERE medico_id = ANY(%s)",
            (AGORA - DIA, [c.medico_id for c in (todas[0], todas[3])]),
        )
    morto = {"chip_id": chip.id, "state": OutboxState.DEAD, "motivo": "evolution 403: banned"}
    await gravar(db, um_envio(todas[4], **morto, falhou_em=antes), um_envio(todas[5], **morto, falhou_em=depois))
    [medido] = await trust.measure(db, 0, 2**62, AGORA)
    assert medido.entradas == EntradasTrust(
        idade_dias=90,
        fase=FaseWarmup.OPERACAO,
        envios=7,
        entregues=6,
        respondidas=4,
        optouts=2,
        bloqueios=2,
        tipos_midia=1,
        dias_sem_erro=6,
        conversas_bidirecionais=3,
        envios_7d=4,
        entregues_7d=3,
        respondidas_7d=2,
        optouts_7d=1,
        bloqueios_7d=1,
    )


async def test_a_failed_attempt_is_charged_to_the_chip_that_made_it(db: Database) -> None:
    ruim, bom = await gravar(db, *(um_chip(aquecimento_desde=AGORA - 9 * DIA) for _ in range(2)))
    [conversa] = await conversas(db, ruim, 1)
    primeira, segunda = AGORA - timedelta(hours=2), AGORA - timedelta(hours=1)
    # Sent by another chip in the end: what is left of the failure in the message's own row is only when it was.
    enviado = {"state": OutboxState.SENT, "fence": 2, "enviando_em": segunda, "falhou_em": primeira}
    [envio] = await gravar(db, um_envio(conversa, chip_id=bom.id, **enviado))
    [selecao] = await gravar(
        db, ChipSelecao(em=primeira, tipo=envio.tipo, chips=2, elegiveis=2, no_minimo=2, candidatos=[], descartes={})
    )
    escolha: dict[str, Any] = {"outbox_id": envio.id, "selecao_id": selecao.id, "pedido": {}, "extras": []}
    await gravar(
        db,
        ChipDecisao(**escolha, fence=1, chip_id=ruim.id, em=primeira),
        ChipDecisao(**escolha, fence=2, chip_id=bom.id, em=segunda),
    )
    medidos = {m.chip_id: m.entradas for m in await trust.measure(db, 0, 2**62, AGORA)}
    assert [(medidos[id_of(c)].erros_24h, medidos[id_of(c)].dias_sem_erro) for c in (ruim, bom)] == [(1, 0), (0, 9)]


async def test_a_refusal_that_comes_as_a_receipt_is_a_block(db: Database) -> None:
    [chip] = await gravar(db, um_chip())
    todas = await conversas(db, chip, 4)
    falhou: dict[str, Any] = {"proativa": True, "entrega": Entrega.FALHOU}
    await gravar(db, *(uma_saida(c, AGORA - 9 * DIA, provider_msg_id=f"m{n}", **falhou) for n, c in enumerate(todas)))
    erros = ("recusada pelo WhatsApp (463)", "131048 Spam rate limit hit", "131026 Message undeliverable", None)
    await gravar(
        db,
        *(
            DeliveryEvent(chip_id=id_of(chip), provider_msg_id=f"m{n}", status="failed", entrega="falhou", erro=erro)
            for n, erro in enumerate(erros)
        ),
    )
    [medido] = await trust.measure(db, 0, 2**62, AGORA)
    assert (medido.entradas.envios, medido.entradas.bloqueios, medido.entradas.bloqueios_7d) == (4, 2, 0)


async def test_no_more_than_thirty_days_without_an_error_are_claimed(db: Database) -> None:
    [chip] = await gravar(db, um_chip(aquecimento_desde=AGORA - 300 * DIA))
    [conversa] = await conversas(db, chip, 1)
    await gravar(db, um_envio(conversa, chip_id=chip.id, state=OutboxState.DEAD, falhou_em=AGORA - 45 * DIA))
    [medido] = await trust.measure(db, 0, 2**62, AGORA)
    assert (medido.entradas.dias_sem_erro, medido.entradas.idade_dias) == (30, 300)


async def test_a_restricted_chip_goes_on_being_scored(resources: Resources) -> None:
    await gravar(resources.db, um_chip(status=StatusChip.RESTRICTED))
    assert await run(resources) == (1, 1, 0)


async def test_a_fresh_chip_scores_47(resources: Resources) -> None:
    await gravar(resources.db, um_chip(fase=FaseWarmup.REPOUSO))
    assert await run(resources) == (1, 1, 0)
    [row] = await all_of(resources.db, "SELECT trust_score, pode_prospectar, pode_responder, trust_formula FROM chip")
    assert row == {"trust_score": 47, "pode_prospectar": False, "pode_responder": True, "trust_formula": "v1"}


@pytest.mark.parametrize("quantos", [50, 500])
async def test_any_pool_costs_three_statements(resources: Resources, quantos: int) -> None:
    db = resources.db
    chips = await gravar(db, *(um_chip(aquecimento_desde=AGORA - n % 40 * DIA) for n in range(quantos)))
    for chip in chips[:3]:
        todas = await conversas(db, chip, 30)
        await gravar(db, *(uma_saida(c, AGORA - 5 * DIA, proativa=True, entrega=Entrega.LIDA) for c in todas))
        await gravar(db, *(uma_entrada(c, AGORA - 4 * DIA) for c in todas[:20]))
    with ledger.measure("trust") as custo:
        assert await run(resources) == (quantos, quantos, 0)
    rows = await all_of(
        db, "SELECT c.trust_score, h.score, h.entradas FROM chip c JOIN chip_trust_historico h ON h.chip_id = c.id"
    )
    assert len(rows) == quantos
    for row in rows:
        entradas = EntradasTrust(**{**row["entradas"], "fase": FaseWarmup(row["entradas"]["fase"])})
        assert row["trust_score"] == row["score"] == calcular(entradas).score
    assert sum(row["entradas"]["envios"] == 30 and row["entradas"]["respondidas"] == 20 for row in rows) == 3
    assert custo.statements <= 3, custo.names


async def test_a_run_is_at_most_fifty_chunks(resources: Resources) -> None:
    await gravar(resources.db, *(um_chip() for _ in range(120)))
    assert ParametrosTrust().tamanho == 5_000
    found = await trust.ranges(resources.db, 1, CHUNKS_MAX)
    assert len(found) <= CHUNKS_MAX == 50
    assert sum(quantos for _, _, quantos in found) == 120
    assert all(ate < de for (_, ate, _), (de, _, _) in itertools.pairwise(found))


async def test_a_second_run_writes_nothing_and_no_history(resources: Resources) -> None:
    await gravar(resources.db, *(um_chip(aquecimento_desde=AGORA - 9 * DIA) for _ in range(5)))
    assert await run(resources) == (5, 5, 0)
    before = await all_of(resources.db, "SELECT xmin::text, * FROM chip ORDER BY id")
    with ledger.measure("trust") as custo:
        assert await run(resources) == (5, 0, 0)
    assert await all_of(resources.db, "SELECT xmin::text, * FROM chip ORDER BY id") == before
    assert await all_of(resources.db, "SELECT count(*) AS n FROM chip_trust_historico") == [{"n": 5}]
    assert custo.statements == 2


async def test_a_simulation_writes_nothing(resources: Resources) -> None:
    await gravar(resources.db, *(um_chip() for _ in range(5)))
    assert await run(resources, Modo.SIMULAR) == (5, 5, 0)
    assert await run(resources, Modo.PLANO) == (5, 5, 0)
    assert await all_of(resources.db, "SELECT count(*) AS n FROM chip WHERE trust_em IS NOT NULL") == [{"n": 0}]


async def test_an_update_that_somebody_swallows_leaves_rows_missing(resources: Resources) -> None:
    await gravar(resources.db, *(um_chip() for _ in range(5)))
    async with resources.db.connection() as driver:
        await driver.execute("CREATE FUNCTION engole() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        await driver.execute("CREATE TRIGGER t BEFORE UPDATE ON chip FOR EACH ROW EXECUTE FUNCTION engole()")
    assert await run(resources) == (5, 0, 5)


async def test_listeners_and_lost_numbers_are_not_scored(resources: Resources) -> None:
    await gravar(
        resources.db,
        um_chip(tipo=TipoChip.LISTENER),
        um_chip(status=StatusChip.BANNED),
        um_chip(status=StatusChip.CANCELLED),
    )
    assert (await find_ranges(resources, ParametrosTrust(), AGORA)).chunks == []


async def test_an_opt_out_stays_an_opt_out_after_the_doctor_writes_again(db: Database) -> None:
    [chip] = await gravar(db, um_chip())
    [conversa] = await conversas(db, chip, 1)
    await gravar(db, uma_saida(conversa, AGORA - 20 * DIA, proativa=True))
    async with db.connection() as driver:
        await driver.execute(
            "UPDATE doctor_state SET permissao = %s, ultima_entrada_em = %s", (Permissao.OPTED_OUT.value, AGORA - DIA)
        )
        await driver.execute(
            "INSERT INTO turno (conversation_id, medico_id, fence, desfecho, motivo, etapas, custos, iniciado_em,"
            " terminado_em) VALUES (%s, %s, 1, 'optout', 'palavra', '{}', '{}', %s, %s)",
            (conversa.id, conversa.medico_id, AGORA - 19 * DIA, AGORA - 19 * DIA),
        )
    [medido] = await trust.measure(db, 0, 2**62, AGORA)
    assert medido.entradas.optouts == 1
