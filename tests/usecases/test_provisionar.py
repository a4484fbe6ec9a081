"""Where an order stops, what a person is told, and what is never done twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from lib.domain.chip import StatusChip
from lib.domain.provisao import ATIVACAO_MAX, PRAZO, EtapaProvisao
from lib.providers.ativador import Ativacao, Ativador, Etapa, Fila
from lib.providers.chamada import Chamada, Falha, ProviderError
from lib.providers.salvy import Salvy
from lib.providers.salvy_forma import Numero
from lib.queries import provisao, provisao_chip
from lib.settings import Ambiente, Settings
from lib.usecases import pedidos
from lib.usecases.pedidos import PedidoRecusadoError
from lib.usecases.provisao_passo import FORA_DE_PRODUCAO
from lib.usecases.provisionar import Fim
from tests.builders import gravar, um_chip
from tests.usecases.guiche import API, POR, Guiche, guiche

pytestmark = pytest.mark.anyio


ACEITA_E_CAI = {"cortar": True, "depois_de_aceitar": True, "vezes": 1}


@pytest.fixture
async def balcao(settings: Settings) -> AsyncIterator[Guiche]:
    async with guiche(settings) as opened:
        yield opened


@pytest.fixture
async def sem_par(settings: Settings) -> AsyncIterator[Guiche]:
    """Nobody pairs anything here."""
    async with guiche(settings, pair_ms=-1) as opened:
        yield opened


async def motivo(balcao: Guiche, pedido: int) -> str:
    return (await pedidos.ver(balcao.resources, pedido)).motivo or ""


async def test_an_order_is_a_row_that_holds_no_number_and_no_secret_until_it_is_bought(balcao: Guiche) -> None:
    pedido = await balcao.pedir()
    row = await pedidos.ver(balcao.resources, pedido)
    assert (row.etapa, row.ddd, row.telefone, row.pedida_por) == (EtapaProvisao.PEDIDA, 41, None, POR)
    assert row.prazo_em - row.criada_em == PRAZO
    assert (await balcao.numeros(), await balcao.ativacoes(), await balcao.instancias()) == ([], [], {})


async def test_an_area_code_without_numbers_is_refused_with_those_that_have_some(balcao: Guiche) -> None:
    with pytest.raises(PedidoRecusadoError, match="não há número do DDD 11; em estoque: 41"):
        await pedidos.pedir(balcao.resources, 11, POR)
    assert await balcao.sql("SELECT id FROM provisao") == []


async def test_what_runs_out_between_the_order_and_the_purchase_stops_it(balcao: Guiche) -> None:
    pedido = await balcao.pedir()
    await balcao.sandbox.control("PUT", "/salvy/ddds", {"ddds": [21, 31]})
    done = await balcao.rodar(pedido)
    assert (done.fim, done.etapa) == (Fim.PESSOA, EtapaProvisao.PEDIDA)
    assert "em estoque: 21, 31" in await motivo(balcao, pedido)
    await balcao.sandbox.control("PUT", "/salvy/ddds", {"ddds": [41]})
    assert await pedidos.retomar(balcao.resources, pedido, ativada=False) is EtapaProvisao.PEDIDA
    assert (await balcao.rodar(pedido)).fim is Fim.PRONTA


@pytest.mark.parametrize("onde", ["chave", "ativador", "gateway"])
async def test_outside_production_nothing_that_is_not_the_sandbox_is_used(balcao: Guiche, onde: str) -> None:
    pedido = await balcao.pedir()
    resources = balcao.resources
    assert resources.salvy is not None
    match onde:
        case "chave":
            object.__setattr__(resources.salvy, "api_key", "salvy_prod_de_verdade")
        case "ativador":
            balcao = balcao.com(ativador_url="https://ativador.example")
        case _:
            await balcao.falha("evolution.*", status=500)
            object.__setattr__(resources.evolution.client, "base_url", API)
            balcao = balcao.com(ativador_url=f"{API}/ativador", evolution_url=API)
    if onde != "gateway":
        with pytest.raises(PedidoRecusadoError, match="sandbox"):
            await balcao.pedir()
        done = await balcao.rodar(pedido)
        assert (done.fim, await motivo(balcao, pedido)) == (Fim.PESSOA, FORA_DE_PRODUCAO)
    else:
        with pytest.raises(PedidoRecusadoError, match="não respondeu se é o sandbox"):
            await balcao.pedir()
    assert await balcao.numeros() == []


async def test_in_production_nobody_asks_whether_it_is_the_sandbox(balcao: Guiche) -> None:
    there = balcao.com(ambiente=Ambiente.PRODUCAO, salvy_api_key=SecretStr("salvy_prod_x"))
    assert (await there.rodar(await there.pedir())).fim is Fim.PRONTA


async def test_the_instance_reports_to_us_with_its_own_key_and_the_history_says_who_did_it(balcao: Guiche) -> None:
    pedido = await balcao.pedir()
    await balcao.rodar(pedido)
    assert (await balcao.instancias())["julia-0001"]["webhook"] == f"{API}/webhooks/evolution/julia-0001"
    [row] = await balcao.sql("SELECT de, para, ator, motivo FROM chip_transicao")
    assert row == {
        "de": "provisioned",
        "para": "warming",
        "ator": "fluxo:provisionar-chip",
        "motivo": "conectou ao WhatsApp",
    }
    [chip] = await balcao.sql("SELECT aquecimento_desde, limite_dia, pode_prospectar, tipo FROM chip")
    assert chip["aquecimento_desde"] is not None
    assert (chip["limite_dia"], chip["pode_prospectar"], chip["tipo"]) == (0, False, "julia")


async def test_a_gateway_that_told_of_the_connection_first_is_no_trouble(sem_par: Guiche) -> None:
    pedido = await sem_par.pedir()
    await sem_par.ate(pedido, "instanciada")
    await sem_par.sql(
        """UPDATE chip SET status = 'warming', status_motivo = 'conectou', status_ator = 'gateway:evolution',
           aquecimento_desde = now()"""
    )
    await sem_par.sandbox.control("PUT", "/evolution", {"parear_ms": 5})
    await sem_par.sandbox.control("PUT", "/instancias/julia-0001", {"estado": "open"})
    assert (await sem_par.rodar(pedido)).fim is Fim.PRONTA
    assert len(await sem_par.sql("SELECT id FROM chip_transicao")) == 1


async def test_past_its_deadline_an_order_is_left_to_a_person_who_is_told_once(sem_par: Guiche) -> None:
    pedido = await sem_par.pedir()
    await sem_par.ate(pedido, "instanciada")
    sem_par.adiante[0] = PRAZO + timedelta(minutes=1)
    for _ in range(2):
        done = await sem_par.rodar(pedido)
        assert (done.fim, done.etapa, done.passos) == (Fim.PESSOA, EtapaProvisao.INSTANCIADA, 0)
    [aviso] = await sem_par.sql("SELECT tipo, texto FROM aviso WHERE starts_with(chave, 'pedido:')")
    assert aviso["tipo"] == "chip"
    assert "passou do prazo sem parear" in aviso["texto"]
    assert "`agente chip qr julia-0001`" in aviso["texto"]
    [numero] = await sem_par.numeros()
    assert numero["telefone"][-8:] not in aviso["texto"]
    assert await provisao.open_ids(sem_par.resources.db) == []


async def test_a_number_that_is_paired_after_its_order_stopped_takes_it_up_again(sem_par: Guiche) -> None:
    pedido, db = await sem_par.pedir(), sem_par.resources.db
    await sem_par.ate(pedido, "instanciada")
    sem_par.adiante[0] = PRAZO + timedelta(minutes=1)
    await sem_par.rodar(pedido)
    assert await provisao.reopen_paired(db, sem_par.agora() + PRAZO) == 0
    sem_par.adiante[0] += timedelta(hours=3)
    await sem_par.sandbox.control("PUT", "/instancias/julia-0001", {"estado": "open"})
    await sem_par.sql(
        """UPDATE chip SET status = 'warming', status_motivo = 'conectou', status_ator = 'gateway:evolution',
           status_desde = %s""",
        sem_par.agora(),
    )
    assert await provisao.reopen_paired(db, sem_par.agora() + PRAZO) == 1
    assert (await sem_par.rodar(pedido)).fim is Fim.PRONTA


async def test_people_are_told_that_an_instance_waits_to_be_paired_once(sem_par: Guiche) -> None:
    pedido = await sem_par.pedir()
    run = asyncio.create_task(sem_par.rodar(pedido))
    await sem_par.quando(lambda: sem_par.sql("SELECT texto FROM aviso WHERE chave = 'parear:1'"), "texto")
    [told] = await sem_par.sql("SELECT texto FROM aviso")
    assert "`agente chip qr julia-0001`" in told["texto"]
    await asyncio.sleep(0.2)
    await sem_par.sandbox.control("PUT", "/instancias/julia-0001", {"estado": "open"})
    assert (await run).fim is Fim.PRONTA
    assert len(await sem_par.sql("SELECT id FROM aviso")) == 1


async def test_a_phone_of_another_number_that_reads_the_code_does_not_pass_for_ours(sem_par: Guiche) -> None:
    pedido = await sem_par.pedir()
    await sem_par.ate(pedido, "instanciada")
    body = {"estado": "open", "numero": "5511900000777"}
    await sem_par.sandbox.control("DELETE", "/instancias/julia-0001")
    await sem_par.sandbox.control("PUT", "/instancias/julia-0001", body)
    done = await sem_par.rodar(pedido)
    assert (done.fim, done.etapa) == (Fim.PESSOA, EtapaProvisao.INSTANCIADA)
    assert "pareada com outro número" in await motivo(sem_par, pedido)
    assert (await sem_par.sql("SELECT status FROM chip"))[0]["status"] == "provisioned"


async def test_an_instance_of_the_same_name_that_is_not_of_this_number_is_not_touched(balcao: Guiche) -> None:
    body = {"estado": "open", "numero": "5511900000777", "webhook_url": "http://outro.test/x"}
    await balcao.sandbox.control("PUT", "/instancias/julia-0001", body)
    pedido = await balcao.pedir()
    done = await balcao.rodar(pedido)
    assert (done.fim, done.etapa) == (Fim.PESSOA, EtapaProvisao.ATIVADA)
    assert (await balcao.instancias())["julia-0001"]["webhook"] == "http://outro.test/x"


async def test_an_instance_that_vanished_is_made_again(sem_par: Guiche) -> None:
    pedido = await sem_par.pedir()
    await sem_par.ate(pedido, "instanciada")
    await sem_par.sandbox.control("DELETE", "/instancias/julia-0001")
    await sem_par.sandbox.control("PUT", "/evolution", {"parear_ms": 5})
    assert (await sem_par.rodar(pedido)).fim is Fim.PRONTA
    assert list(await sem_par.instancias()) == ["julia-0001"]
    assert len(await sem_par.numeros()) == 1


async def test_a_number_given_back_and_bought_again_takes_up_its_cancelled_row(balcao: Guiche) -> None:
    [old] = await gravar(
        balcao.resources.db,
        um_chip(
            telefone="+5541900000001", instancia="julia-velha", status=StatusChip.CANCELLED, trust_score=91,
            limite_dia=100, pode_prospectar=True, conta="9", qualidade="RED", rampup_parte=25,
        ),
    )  # fmt: skip
    pedido = await balcao.pedir()
    assert (await balcao.rodar(pedido)).fim is Fim.PRONTA
    [row] = await balcao.sql("SELECT * FROM chip")
    assert (row["id"], row["status"], row["fase"], row["instancia"]) == (old.id, "warming", "repouso", "julia-0001")
    fresh = (row["trust_score"], row["limite_dia"], row["pode_prospectar"], row["conta"], row["qualidade"])
    assert fresh == (0, 0, False, None, None)
    assert row["rampup_parte"] == 100
    moves = [(m["de"], m["para"]) for m in await balcao.sql("SELECT de, para FROM chip_transicao ORDER BY id")]
    assert moves == [("cancelled", "provisioned"), ("provisioned", "warming")]


async def test_a_number_that_is_a_chip_of_ours_already_stops_the_order(balcao: Guiche) -> None:
    await gravar(balcao.resources.db, um_chip(telefone="+5541900000001", instancia="julia-velha"))
    done = await balcao.rodar(await balcao.pedir())
    assert (done.fim, done.etapa) == (Fim.PESSOA, EtapaProvisao.ATIVADA)
    assert list(await balcao.instancias()) == []


async def test_a_forgotten_activation_has_not_failed_and_costs_no_second_code(balcao: Guiche) -> None:
    await balcao.sandbox.control("PUT", "/ativador", {"passo_ms": 60_000})
    pedido = await balcao.pedir()
    await balcao.ate(pedido, "na_fila")
    await balcao.sandbox.control("DELETE", "/ativador")
    run = asyncio.create_task(balcao.rodar(pedido))
    await balcao.quando(lambda: motivo(balcao, pedido), "não conhece mais a ativação")
    assert (await balcao.ativacoes(), run.done()) == ([], False)
    balcao.adiante[0] = ATIVACAO_MAX + timedelta(seconds=1)
    done = await run
    assert (done.fim, done.etapa) == (Fim.PESSOA, EtapaProvisao.COMPRADA)
    assert await balcao.ativacoes() == []
    # A person saw in the emulator that it had gone through.
    await pedidos.retomar(balcao.resources, pedido, ativada=True)
    assert (await balcao.rodar(pedido)).fim is Fim.PRONTA
    assert (await balcao.ativacoes(), len(await balcao.numeros())) == ([], 1)


class Estranho(Ativador):
    """An activator whose status is a word of tomorrow for as long as its number waits, and whose lists name nobody."""

    __slots__ = ()
    vistas: ClassVar[list[Etapa]] = []

    async def status(self, id_: str) -> Ativacao:
        found = await Ativador.status(self, id_)
        self.vistas.append(found.etapa)
        return found if found.etapa.terminou else Ativacao(id_, Etapa.DESCONHECIDA)

    async def queue(self) -> Fila:
        return Fila((), nomeia=False, atual_id=None)


def estranho(balcao: Guiche) -> Guiche:
    ativador = balcao.resources.ativador
    assert ativador is not None
    Estranho.vistas.clear()
    return balcao.de(replace(balcao.resources, ativador=Estranho(ativador.client, ativador.api_key)))


async def test_a_status_that_nobody_knows_ends_nothing(balcao: Guiche) -> None:
    there = estranho(balcao)
    assert (await there.rodar(await there.pedir())).fim is Fim.PRONTA
    assert any(not etapa.terminou for etapa in Estranho.vistas)


async def test_lists_that_name_nobody_settle_nothing_and_no_second_code_is_asked_for(balcao: Guiche) -> None:
    there = estranho(balcao)
    pedido = await there.pedir()
    await there.falha("ativador.enqueue", cortar=True, depois_de_aceitar=True, vezes=1)
    run = asyncio.create_task(there.rodar(pedido))
    await there.quando(lambda: motivo(there, pedido), "não se sabe se o ativador aceitou")
    await asyncio.sleep(0.5)  # longer than what settles it where the lists do name somebody
    assert (len(await there.ativacoes()), run.done()) == (1, False)
    there.adiante[0] = ATIVACAO_MAX + timedelta(seconds=1)
    done = await run
    assert (done.fim, done.etapa, len(await there.ativacoes())) == (Fim.PESSOA, EtapaProvisao.COMPRADA, 1)


class Presa(Ativador):
    """An activator whose server holds a request back: its caller gives up, and it is carried out a moment later."""

    __slots__ = ()
    presas: ClassVar[list[asyncio.Task[Ativacao]]] = []

    async def enqueue(self, telefone: str) -> Ativacao:
        if self.presas:
            return await Ativador.enqueue(self, telefone)

        async def later() -> Ativacao:
            await asyncio.sleep(0.1)
            return await Ativador.enqueue(self, telefone)

        self.presas.append(asyncio.create_task(later()))
        raise ProviderError(Chamada("ativador", "enqueue", segura=False, prazo_s=0.0), Falha.INCERTA, "no answer")


async def test_a_request_that_its_server_holds_back_is_not_made_twice(balcao: Guiche) -> None:
    ativador = balcao.resources.ativador
    assert ativador is not None
    Presa.presas.clear()
    there = balcao.de(replace(balcao.resources, ativador=Presa(ativador.client, ativador.api_key)))
    assert (await there.rodar(await there.pedir())).fim is Fim.PRONTA
    assert len(Presa.presas) == 1
    assert len(await there.ativacoes()) == 1


async def test_a_pause_starts_nothing_new_but_lets_an_activation_have_its_code(balcao: Guiche) -> None:
    first, second = await balcao.pedir(), await balcao.pedir()
    await balcao.ate(first, "na_fila")
    await balcao.sql("INSERT INTO flag (chave, valor) VALUES ('pausa', 'true')")
    done = await balcao.rodar(first)
    assert (done.fim, done.etapa) == (Fim.PAUSA, EtapaProvisao.ATIVADA)
    assert (await balcao.rodar(second)).fim is Fim.PAUSA
    assert len(await balcao.numeros()) == 1
    await balcao.sql("DELETE FROM flag")
    assert [(await balcao.rodar(one)).fim for one in (first, second)] == [Fim.PRONTA] * 2


async def test_a_key_that_is_refused_stops_the_order_at_once(balcao: Guiche) -> None:
    pedido = await balcao.pedir()
    await balcao.falha("salvy.v3.create", status=401)
    done = await balcao.rodar(pedido)
    assert (done.fim, done.passos) == (Fim.PESSOA, 0)
    assert await motivo(balcao, pedido) == "recusa de salvy create (unauthorized)"


class Atrasada(Salvy):
    """A vendor whose list of numbers is behind: what was bought less than 100 ms ago is not in it."""

    __slots__ = ()
    perguntas: ClassVar[list[float]] = []

    async def find_by_name(self, nome: str) -> Numero | None:
        self.perguntas.append(monotonic())
        return await Salvy.find_by_name(self, nome) if monotonic() - self.perguntas[0] > 0.1 else None


@pytest.mark.parametrize(
    "falhas",
    [
        [{"alvo": "salvy.v3.create", "status": 410}, {"alvo": "salvy.v2.create", **ACEITA_E_CAI}],
        [{"alvo": "salvy.v3.create", **ACEITA_E_CAI}, {"alvo": "salvy.v3.*", "status": 410}],
    ],
    ids=["without a key", "the version with keys goes in the middle"],
)
async def test_a_purchase_without_a_key_is_not_repeated_while_the_list_may_be_behind(
    balcao: Guiche, falhas: list[dict[str, Any]]
) -> None:
    salvy = balcao.resources.salvy
    assert salvy is not None
    Atrasada.perguntas.clear()
    there = balcao.de(replace(balcao.resources, salvy=Atrasada(salvy.client, salvy.api_key)))
    pedido = await there.pedir()
    for falha in falhas:
        await there.falha(**falha)
    assert (await there.rodar(pedido)).fim is Fim.PRONTA
    assert len(Atrasada.perguntas) > 1
    assert len(await there.numeros()) == 1


async def test_only_one_of_two_who_read_the_same_order_may_ask_the_vendor(balcao: Guiche) -> None:
    pedido, db, agora = await balcao.pedir(), balcao.resources.db, balcao.agora()
    seen = await pedidos.ver(balcao.resources, pedido)
    won = await asyncio.gather(*(provisao.buying(db, seen, agora, sem_chave=False) for _ in range(8)))
    assert won.count(True) == 1


async def test_a_number_has_one_chip_however_many_make_it(balcao: Guiche) -> None:
    pedido, db, agora = await balcao.pedir(), balcao.resources.db, balcao.agora()
    await provisao.bought(db, pedido, "s1", "+5541900000001", agora)
    await balcao.sql("UPDATE provisao SET etapa = 'ativada'")
    made = await asyncio.gather(*(provisao_chip.make(db, pedido, "julia-0001", agora) for _ in range(8)))
    assert len([one for one in made if one is not None]) == 1
    assert len(await balcao.sql("SELECT id FROM chip")) == 1
