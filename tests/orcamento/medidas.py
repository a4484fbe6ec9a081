"""Measures each operation of the table at the driver, after proving that it did its work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from lib import ledger
from lib.db import Database
from lib.domain.chip import FaseWarmup, StatusChip
from lib.models import Chip
from tests.builders import gravar, id_of, um_hospital, uma_especialidade, uma_vaga
from tests.e2e.palco import Palco
from tests.e2e.processo import Processo
from tests.orcamento import tabela

Contagem = Mapping[str, int]
ROTEIRO = {
    tabela.MENSAGEM: "Quero falar sobre o cadastro, obrigada pela atenção",
    tabela.MENSAGEM_COM_FERRAMENTA: "Tem plantão de cardiologia essa semana?",
    tabela.MENSAGEM_INCERTA: (
        "Hoje foi corrido aqui no pronto-socorro, a equipe inteira ficou até mais tarde por causa do temporal que caiu "
        "na cidade inteira durante a tarde e ainda estamos arrumando a sala de medicação"
    ),
}


@dataclass
class Bancada:
    """A warm process, its sandbox, and doctors nobody has heard of yet."""

    palco: Palco
    dentro: Processo
    numeros: count[int] = field(default_factory=lambda: count(1))

    def medico(self) -> str:
        return f"5511988{next(self.numeros):06d}"

    @property
    def db(self) -> Database:
        return self.dentro.resources.db


async def montar(palco: Palco, dentro: Processo) -> Bancada:
    """Connect a chip, store a shift, and send some messages so that every pool and cache is warm."""
    palco.chips(1)
    bancada = Bancada(palco, dentro)
    [hospital] = await gravar(bancada.db, um_hospital())
    [especialidade] = await gravar(bancada.db, uma_especialidade("Cardiologia"))
    amanha = datetime.now(UTC) + timedelta(days=1)
    await gravar(bancada.db, uma_vaga(id_of(hospital), id_of(especialidade), amanha, amanha + timedelta(hours=12)))
    for texto in (*ROTEIRO.values(), "oi", "bom dia"):
        await dentro.chega(bancada.medico(), texto)
        await dentro.ate_acabar()
    await dentro.passos.reconcilia()
    return bancada


async def _xids(db: Database) -> int:
    """How many transactions have written so far, by the server's own count."""
    async with db.connection() as connection:
        cursor = await connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")
        row = await cursor.fetchone()
        return int(row[0]) if row else 0


async def medir(bancada: Bancada, operacao: Callable[[], Awaitable[None]]) -> dict[str, int]:
    """Run it once and return all counters."""
    calls = len(bancada.palco.sandbox("GET", "/_sandbox/llm")["registro"])
    before = await _xids(bancada.db)
    with ledger.measure("orçamento") as conta:
        await operacao()
    xids = await _xids(bancada.db) - before
    said = bancada.palco.sandbox("GET", "/_sandbox/llm")["registro"][calls:]
    assert len(said) == conta.llm_calls, "the ledger and the model's log agree"
    return conta.counts() | {"xids": xids}


async def _de_ponta_a_ponta(bancada: Bancada, *textos: str) -> dict[str, int]:
    phone = bancada.medico()
    done: list[int] = []

    async def operacao() -> None:
        for texto in textos:
            await bancada.dentro.chega(phone, texto)
        done.append(await bancada.dentro.passos.turnos())
        done.append(await bancada.dentro.passos.envios())

    counted = await medir(bancada, operacao)
    assert done == [1, 1]
    [sent] = bancada.palco.aceitas(phone)
    assert sent["texto"]
    rows = bancada.palco.sql(
        "SELECT t.situacao FROM turno t JOIN medico d ON d.id = t.medico_id WHERE d.telefone = %s", f"+{phone}"
    )
    assert len(rows) == 1
    return counted | {"analises": sum(row["situacao"] is not None for row in rows)}


async def webhook(bancada: Bancada) -> Contagem:
    """One webhook of an unknown doctor."""

    async def operacao() -> None:
        stored = await bancada.dentro.chega(bancada.medico(), "oi, tudo bem?")
        assert stored.inbox_id

    counted = await medir(bancada, operacao)
    await bancada.dentro.ate_acabar()
    return counted


async def ocioso(bancada: Bancada) -> Contagem:
    """Nothing is due anywhere."""

    async def operacao() -> None:
        assert await bancada.dentro.passos.turnos() == 0
        assert await bancada.dentro.passos.envios() == 0
        assert await bancada.dentro.passos.reconcilia() == 0

    return await medir(bancada, operacao)


def com_chips(quantos: int) -> Callable[[Bancada], Awaitable[Contagem]]:
    """A claim that chooses among this many chips."""

    async def claim(bancada: Bancada) -> Contagem:
        have = bancada.palco.sql("SELECT count(*) AS n FROM chip")[0]["n"]
        await gravar(
            bancada.db,
            *(
                Chip(
                    telefone=f"+551177{n:07d}", instancia=f"frota-{n}", status=StatusChip.ACTIVE,
                    fase=FaseWarmup.OPERACAO, conectado=True, trust_score=60, pode_responder=True, limite_hora=50,
                    limite_dia=500,
                )
                for n in range(have, quantos)
            ),
        )  # fmt: skip
        await bancada.dentro.chega(bancada.medico(), "oi")
        await bancada.dentro.passos.turnos()
        claimed: list[int] = []

        async def operacao() -> None:
            rows = await bancada.dentro.passos.reivindica()
            claimed.extend(row["id"] for row in rows)
            rows_left.extend(rows)

        rows_left: list[dict[str, object]] = []
        counted = await medir(bancada, operacao)
        assert len(claimed) == 1
        for row in rows_left:
            await bancada.dentro.passos.entrega(row)
        assert bancada.palco.sql("SELECT count(*) AS n FROM chip")[0]["n"] == quantos
        return counted

    return claim


def fala(*textos: str) -> Callable[[Bancada], Awaitable[Contagem]]:
    """A doctor's words, from the webhook to what was sent."""

    async def measure(bancada: Bancada) -> Contagem:
        return await _de_ponta_a_ponta(bancada, *textos)

    return measure


MEDIDAS: Mapping[str, Callable[[Bancada], Awaitable[Contagem]]] = {
    tabela.WEBHOOK: webhook,
    tabela.MENSAGEM: fala(ROTEIRO[tabela.MENSAGEM]),
    tabela.MENSAGEM_COM_FERRAMENTA: fala(ROTEIRO[tabela.MENSAGEM_COM_FERRAMENTA]),
    tabela.MENSAGEM_INCERTA: fala(ROTEIRO[tabela.MENSAGEM_INCERTA]),
    tabela.RAJADA: fala("Bom dia", "aqui é a Ana", "tem plantão de cardiologia?"),
    tabela.PARADA: fala("SAIR"),
    tabela.OCIOSO: ocioso,
    tabela.CHIPS_20: com_chips(20),
    tabela.CHIPS_500: com_chips(500),
}
