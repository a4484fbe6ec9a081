"""Directives through both caches: right from the next message on, with Redis, without it, and when there are none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from lib import ledger
from lib.agent.contexto import montar_contexto_completo
from lib.agent.diretrizes import Diretrizes, da_conversa
from lib.cache import Cache
from lib.db import Database
from lib.domain.diretriz import DiretrizLida, EscopoDiretriz, TipoDiretriz
from lib.queries import diretriz, mailbox
from lib.queries.diretriz import NewDirective
from tests.agent.test_pedido import VAGA, um_contexto
from tests.builders import gravar
from tests.queries.fabrica import chega, chip_que_envia, consulta, ingerir

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["redis", "sem redis", "redis morto"])
async def cache(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    url = {"redis": None, "sem redis": None, "redis morto": "redis://127.0.0.1:1/0"}[request.param]
    opened = Cache.open(request.getfixturevalue("redis_url") if request.param == "redis" else url, timeout_s=2.0)
    yield opened
    await opened.close()


def nova(conteudo: str = "não fale de UTI", **over: Any) -> NewDirective:
    row = {"tipo": TipoDiretriz.EVITAR, "escopo": EscopoDiretriz.GERAL, "escopo_id": None, "prioridade": 0}
    return NewDirective(**{**row, "conteudo": conteudo, "criada_por": "rosa", "expira_em": None, **over})


async def versao(db: Database) -> int:
    """The version as a turn's own read gives it."""
    [chip] = await gravar(db, chip_que_envia())
    await ingerir(db, chega(chip.instancia, f"+55119{uuid4().int % 10**8:08d}", uuid4().hex, "oi"))
    rows, _ = await mailbox.claim_due(db, uuid4(), 1, 60, 10)
    return montar_contexto_completo(rows[0]).diretrizes_versao


async def test_a_saved_or_ended_directive_holds_from_the_next_message_on(db: Database, cache: Cache) -> None:
    reader = Diretrizes(db, cache)
    assert await reader.carregar_diretrizes_ativas(await versao(db)) == ()
    id_ = await diretriz.create(db, nova())
    [found] = await reader.carregar_diretrizes_ativas(await versao(db))
    assert (found.id, found.conteudo) == (id_, "não fale de UTI")
    assert await diretriz.end(db, id_)
    assert await reader.carregar_diretrizes_ativas(await versao(db)) == ()
    assert not await diretriz.end(db, id_)


@pytest.mark.parametrize("quantas", [0, 2])
async def test_the_same_version_is_read_once_an_empty_set_too(db: Database, cache: Cache, quantas: int) -> None:
    for n in range(quantas):
        await diretriz.create(db, nova(f"evite {n}"))
    current, reader = await versao(db), Diretrizes(db, cache)
    first = await reader.carregar_diretrizes_ativas(current)
    with ledger.measure("teste") as conta:
        again = await reader.carregar_diretrizes_ativas(current)
    assert again == first
    assert len(first) == quantas
    assert (conta.round_trips, conta.redis_commands) == (0, 0)


async def test_another_process_reads_what_redis_holds(db: Database, redis_url: str) -> None:
    expira = datetime(2030, 1, 1, tzinfo=UTC)
    await diretriz.create(db, nova(expira_em=expira))
    current = await versao(db)
    for reads in (1, 0):
        cache = Cache.open(redis_url, timeout_s=2.0)
        with ledger.measure("teste") as conta:
            [found] = await Diretrizes(db, cache).carregar_diretrizes_ativas(current)
        await cache.close()
        assert conta.round_trips == reads
        assert found.expira_em == expira


async def test_a_turn_that_began_before_a_change_gets_the_newer_directives_and_never_older_ones(db: Database) -> None:
    before, reader = await versao(db), Diretrizes(db, Cache.open(None))
    await diretriz.create(db, nova())
    after = await versao(db)
    assert after > before
    new = await reader.carregar_diretrizes_ativas(after)
    with ledger.measure("teste") as conta:
        assert await reader.carregar_diretrizes_ativas(before) == new
    assert conta.round_trips == 0


@pytest.mark.parametrize(
    "mudanca",
    [
        "UPDATE diretriz SET conteudo = 'x'",
        "DELETE FROM diretriz",
        "TRUNCATE diretriz",
        "UPDATE diretriz SET ativa = false",
    ],
)
async def test_every_way_of_changing_directives_raises_their_version(db: Database, mudanca: str) -> None:
    await diretriz.create(db, nova())
    before = await versao(db)
    await consulta(db, mudanca)
    assert await versao(db) > before


async def test_what_expired_is_not_even_read_and_what_expires_while_cached_does_not_hold(db: Database) -> None:
    now = datetime.now(UTC)
    await diretriz.create(db, nova("velha", expira_em=now - timedelta(seconds=1)))
    await diretriz.create(db, nova("breve", expira_em=now + timedelta(hours=1)))
    todas = await Diretrizes(db, Cache.open(None)).carregar_diretrizes_ativas(await versao(db))
    assert [d.conteudo for d in todas] == ["breve"]
    assert len(da_conversa(todas, um_contexto(), now)) == 1
    assert da_conversa(todas, um_contexto(), now + timedelta(hours=1)) == ()


def test_a_conversation_gets_its_doctors_its_specialtys_and_its_shown_shifts_directives() -> None:
    def uma(id_: int, escopo: EscopoDiretriz, alvo: int | None) -> DiretrizLida:
        return DiretrizLida(id_, TipoDiretriz.EVITAR, "x", escopo, alvo, 0, None)

    E = EscopoDiretriz  # noqa: N806 - an alias that keeps the table readable
    todas = (
        uma(1, E.MEDICO, 9), uma(2, E.MEDICO, 10), uma(3, E.ESPECIALIDADE, 2), uma(4, E.ESPECIALIDADE, 3),
        uma(5, E.VAGA, 41), uma(6, E.VAGA, 42), uma(7, E.HOSPITAL, 3), uma(8, E.HOSPITAL, 4), uma(9, E.GERAL, None),
    )  # fmt: skip
    held = da_conversa(todas, um_contexto(vagas_mostradas=(VAGA,)), datetime.now(UTC))
    assert [d.id for d in held] == [5, 1, 7, 3, 9]
