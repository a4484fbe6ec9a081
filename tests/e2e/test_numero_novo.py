"""A new number from its order to warm-up, with each step failing once and each instant a process may die at.

Sandbox and API are processes; a run is `trabalhar` beside the test, or in a process of its own that is to die.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from lib.domain.provisao import EtapaProvisao
from lib.stack.postgres import criar_banco
from lib.usecases.provisionar import Fim
from lib.usecases.salvy import GUARDA, esquecer_sms
from tests.e2e.criadouro import Criadouro
from tests.e2e.numero_novo import Balcao, pronta
from tests.e2e.palco import Palco

pytestmark = [pytest.mark.anyio, pytest.mark.processo]

MORREU: Final = 137
PONTOS: Final = tuple(f"P{n}" for n in range(1, 17))
DO_CODIGO: Final = ("P7", "P8")
HORAS: Final = re.compile(r"\d{2}:\d{2}:\d{2}[.,]\d+")


def defeito(alvo: str, **como: Any) -> dict[str, Any]:
    return {"alvo": alvo, **como}


ACEITA_E_CAI: Final = {"cortar": True, "depois_de_aceitar": True}
SEM_V3: Final = {"alvo": "salvy.v3.*", "status": 410, "vezes": None}
NA_HORA: Final = {"retry-after": "0"}
# What fails, and how many activations the activator knows in the end.
DEFEITOS: Final[dict[str, tuple[list[dict[str, Any]], int]]] = {
    "v3 buys and does not answer": ([defeito("salvy.v3.create", **ACEITA_E_CAI)], 1),
    "v3 buys and says 500": ([defeito("salvy.v3.create", status=500, depois_de_aceitar=True)], 1),
    "v3 does not answer and does not buy": ([defeito("salvy.v3.create", cortar=True)], 1),
    "v3 is asked too often": ([defeito("salvy.v3.create", status=429, cabecalhos=NA_HORA)], 1),
    "v2 buys and does not answer": ([SEM_V3, defeito("salvy.v2.create", **ACEITA_E_CAI)], 1),
    "v2 buys and says 500": ([SEM_V3, defeito("salvy.v2.create", status=500, depois_de_aceitar=True)], 1),
    "v2 does not answer and does not buy": ([SEM_V3, defeito("salvy.v2.create", cortar=True)], 1),
    "v2 is asked too often": ([SEM_V3, defeito("salvy.v2.create", status=429, cabecalhos=NA_HORA)], 1),
    "v3 goes in the middle of a purchase": (
        [defeito("salvy.v3.create", **ACEITA_E_CAI), defeito("salvy.v3.list", status=410)],
        1,
    ),
    "the list of numbers fails when it is needed": (
        [defeito("salvy.v3.create", **ACEITA_E_CAI), defeito("salvy.v3.list", status=503)],
        1,
    ),
    "the activator queues and says 500": ([defeito("ativador.enqueue", status=500, depois_de_aceitar=True)], 1),
    "the activator queues and does not answer": ([defeito("ativador.enqueue", **ACEITA_E_CAI)], 1),
    "the activator does not answer and does not queue": ([defeito("ativador.enqueue", cortar=True)], 1),
    "the activator is full": ([defeito("ativador.enqueue", status=503)], 1),
    "its lists fail when they are needed": (
        [defeito("ativador.enqueue", status=500, depois_de_aceitar=True), defeito("ativador.queue", cortar=True)],
        1,
    ),
    "it says nothing while it works": ([defeito("ativador.status", cortar=True, vezes=4)], 1),
    "it forgets what it is doing, and then remembers": ([defeito("ativador.status", status=404, vezes=2)], 1),
    "the code is taken and that is not said": ([defeito("ativador.send_sms_code", **ACEITA_E_CAI)], 1),
    "the code is not taken and that is not said": ([defeito("ativador.send_sms_code", cortar=True)], 1),
    "the code is refused for now": ([defeito("ativador.send_sms_code", status=503)], 1),
    "the instance is made and 500 is said": ([defeito("evolution.create", status=500, depois_de_aceitar=True)], 1),
    "the instance is not made": ([defeito("evolution.create", status=500)], 1),
    "the instance is refused and not kept": ([defeito("evolution.create", status=400)], 1),
    "the instance's creation is not answered": ([defeito("evolution.create", **ACEITA_E_CAI)], 1),
    "the webhook is not to be set on what is there": (
        [defeito("evolution.create", **ACEITA_E_CAI), defeito("evolution.webhookSet", status=500)],
        1,
    ),
    "the state is not to be read": ([defeito("evolution.connectionState", status=500)], 1),
    "the instance does not connect": ([defeito("evolution.connect", status=500)], 1),
    "whose instance it is, is not to be read": ([defeito("evolution.fetchInstances", status=500)], 1),
}
TODOS: Final = [
    defeito("salvy.v3.create", **ACEITA_E_CAI),
    defeito("salvy.v3.list", status=429, cabecalhos=NA_HORA),
    defeito("ativador.enqueue", status=500, depois_de_aceitar=True),
    defeito("ativador.queue", cortar=True),
    defeito("ativador.status", cortar=True, vezes=3),
    defeito("ativador.send_sms_code", cortar=True),
    defeito("salvy.v3.list_sms", status=500),
    defeito("evolution.create", **ACEITA_E_CAI),
    defeito("evolution.webhookSet", status=500),
    defeito("evolution.connectionState", status=500),
    defeito("evolution.connect", cortar=True),
    defeito("evolution.fetchInstances", status=500),
]


@pytest.fixture(scope="module")
def aberto(
    server_url: str, template: str, sandbox_url: str, criadouro: Criadouro, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Balcao]:
    """One API for all of these."""
    home = tmp_path_factory.mktemp("numeros")
    palco = Palco(criar_banco(server_url, f"numeros_{uuid4().hex}", template), sandbox_url, home / "api.log")
    palco.criadouro = criadouro
    balcao = Balcao(palco, home / "corridas.log")
    palco.start_api()
    yield balcao
    palco.stop_api()
    palco.http.close()


@pytest.fixture
def balcao(aberto: Balcao) -> Balcao:
    aberto.arrumar()
    return aberto


async def test_an_order_ends_in_warm_up_and_working_on_it_again_does_nothing(balcao: Balcao) -> None:
    pedido = await balcao.pedir()
    assert pronta(await balcao.rodar(pedido))
    balcao.conferir(pedido)
    again = await balcao.rodar(pedido)
    assert (again.fim, again.passos) == (Fim.PRONTA, 0)
    balcao.conferir(pedido)


@pytest.mark.parametrize("nome", DEFEITOS)
async def test_a_step_that_fails_once_is_done_once(balcao: Balcao, nome: str) -> None:
    defeitos, ativacoes = DEFEITOS[nome]
    pedido = await balcao.pedir()
    balcao.falhas(*defeitos)
    assert pronta(await balcao.rodar(pedido))
    left = [one for one in balcao.sandbox("GET", "/falhas") if one["vezes"] is not None]
    assert left == [], "it never happened"
    balcao.conferir(pedido, ativacoes=ativacoes)


async def test_all_of_it_failing_once_in_one_order(balcao: Balcao) -> None:
    pedido = await balcao.pedir()
    balcao.falhas(*TODOS)
    balcao.sandbox("PUT", "/webhooks", {"perder": 1})
    assert pronta(await balcao.rodar(pedido))
    assert balcao.sandbox("GET", "/falhas") == []
    balcao.conferir(pedido)


async def test_a_lost_webhook_is_made_up_for(balcao: Balcao) -> None:
    pedido = await balcao.pedir()
    balcao.sandbox("PUT", "/webhooks", {"perder": 1})
    assert pronta(await balcao.rodar(pedido))
    assert balcao.palco.sql("SELECT id FROM webhook") == []
    balcao.conferir(pedido)


async def test_an_activator_that_answers_nobody_while_it_works_is_waited_for(balcao: Balcao) -> None:
    pedido = await balcao.pedir()
    balcao.sandbox("PUT", "/ativador", {"passo_ms": 300, "ocupa": True})
    assert pronta(await balcao.rodar(pedido))
    balcao.conferir(pedido)


@pytest.mark.parametrize("ponto", PONTOS)
async def test_a_run_that_dies_at_any_instant_is_finished_by_another(balcao: Balcao, ponto: str) -> None:
    if ponto in DO_CODIGO:  # else it is the API that hands the code on
        balcao.sandbox("PUT", "/webhooks", {"perder": 1})
    pedido = await balcao.pedir()
    assert await asyncio.to_thread(balcao.morrer, pedido, ponto) == MORREU
    assert pronta(await balcao.rodar(pedido))
    balcao.conferir(pedido)


async def test_an_order_whose_every_run_dies_a_step_further_is_finished_all_the_same(balcao: Balcao) -> None:
    balcao.sandbox("PUT", "/webhooks", {"perder": 1})
    pedido = await balcao.pedir()
    for ponto in PONTOS:
        died = await asyncio.to_thread(balcao.morrer, pedido, ponto)
        assert died == MORREU, (ponto, balcao.log.read_text()[-2_000:])
    assert pronta(await balcao.rodar(pedido))
    balcao.conferir(pedido)


@pytest.mark.parametrize("ponto", ["P3", "P6", "P13"])
async def test_a_death_between_two_steps_over_version_2_buys_once_too(balcao: Balcao, ponto: str) -> None:
    balcao.falhas(SEM_V3)
    pedido = await balcao.pedir()
    assert await asyncio.to_thread(balcao.morrer, pedido, ponto) == MORREU
    assert pronta(await balcao.rodar(pedido))
    balcao.conferir(pedido)


@pytest.mark.parametrize("ponto", ["P1:2", "P2"])
async def test_a_death_around_a_purchase_that_has_no_key_buys_once(balcao: Balcao, ponto: str) -> None:
    balcao.falhas(SEM_V3)
    pedido = await balcao.pedir()
    assert await asyncio.to_thread(balcao.morrer, pedido, ponto) == MORREU
    assert pronta(await balcao.rodar(pedido))
    balcao.conferir(pedido)


async def test_two_runs_of_one_order_are_one(balcao: Balcao) -> None:
    pedido = await balcao.pedir()
    done = await asyncio.gather(*(balcao.rodar(pedido) for _ in range(4)))
    assert sorted(one.fim for one in done) == sorted([Fim.PRONTA, *[Fim.OUTRA] * 3])
    balcao.conferir(pedido)


async def test_the_worker_hands_the_code_on_within_a_second_of_its_webhook(balcao: Balcao) -> None:
    waits = []
    for _ in range(3):
        balcao.arrumar()
        pedido = await balcao.pedir()
        assert await asyncio.to_thread(balcao.morrer, pedido, "P6") == MORREU
        # Nobody works on the order now: only the worker can have done it.
        await balcao.ate(lambda: [one["status"] for one in balcao.ativacoes()] == ["success"])
        [row] = balcao.palco.sql(
            """SELECT extract(epoch FROM a.codigo_em - w.recebido_em) AS espera FROM provisao_ativacao a, webhook w
               WHERE w.tipo = 'sms.received'"""
        )
        waits.append(float(row["espera"]))
        assert pronta(await balcao.rodar(pedido))
        balcao.conferir(pedido)
    assert max(waits) < 1.0, waits


async def test_an_api_that_dies_with_the_code_in_its_hand_loses_none(
    balcao: Balcao, criadouro: Criadouro, tmp_path: Path
) -> None:
    palco = balcao.palco
    palco.stop_api()
    palco.start_api(crashpoint="P7")
    pedido = await balcao.pedir()
    assert await asyncio.to_thread(balcao.morrer, pedido, "P6") == MORREU
    await balcao.ate(lambda: not palco.alive)
    assert [one["status"] for one in balcao.ativacoes()] == ["waiting_sms"]
    assert pronta(await balcao.rodar(pedido))
    balcao.conferir(pedido)
    palco.start_api()


async def test_no_code_is_in_a_log_or_in_the_database(balcao: Balcao) -> None:
    palco, pedido = balcao.palco, await balcao.pedir()
    balcao.falhas(defeito("ativador.send_sms_code", status=503, corpo={"detail": "código 123456 recusado"}))
    assert await asyncio.to_thread(balcao.morrer, pedido, "P9") == MORREU
    assert pronta(await balcao.rodar(pedido))
    [codigo] = [one["esperado"] for one in balcao.ativacoes()]
    assert [one["codigo"] for one in balcao.ativacoes()] == [codigo], "it went through"
    secret = re.compile(f"{codigo}|{codigo[:3]}[- ]{codigo[3:]}|123456")
    logs = HORAS.sub("", palco.log.read_text() + balcao.log.read_text())
    assert "sms received" in logs
    assert "provisao.codigo_nao_aceito" in logs
    assert secret.search(logs) is None
    assert onde(palco, secret) == {"webhook"}, "the raw webhook alone, until it is forgotten"
    async with balcao.resources() as resources:
        assert await esquecer_sms(resources.db, resources.clock() + GUARDA) == 1
    assert onde(palco, secret) == set()


def onde(palco: Palco, secret: re.Pattern[str]) -> set[str]:
    """The tables in which a pattern is found, bytes read as text."""
    names = [
        row["n"]
        for row in palco.sql("SELECT table_name AS n FROM information_schema.tables WHERE table_schema = 'public'")
    ]
    found = set[str]()
    for name in names:
        for row in palco.sql(f'SELECT * FROM "{name}"'):  # noqa: S608 - a table's own name
            values = [
                bytes(v).decode(errors="replace") if isinstance(v, bytes | memoryview) else str(v) for v in row.values()
            ]
            if secret.search(HORAS.sub("", " ".join(values))):
                found.add(name)
    return found


async def test_a_code_of_before_the_activation_was_asked_for_is_never_handed_on(balcao: Balcao) -> None:
    pedido = await balcao.pedir()
    assert await asyncio.to_thread(balcao.morrer, pedido, "P3") == MORREU
    [numero] = balcao.sandbox("GET", "/salvy/numeros")
    await asyncio.sleep(1.1)  # vendors tell whole seconds
    balcao.sandbox("POST", "/salvy/sms", {"numero": numero["id"], "texto": "Seu código do WhatsApp: 999-111"})
    await balcao.ate(lambda: balcao.palco.sql("SELECT id FROM webhook WHERE estado = 'feito'"))
    await asyncio.sleep(1.1)
    assert pronta(await balcao.rodar(pedido))
    balcao.conferir(pedido)
    assert all(one["codigo"] != "999111" for one in balcao.ativacoes())


async def test_a_failed_activation_is_asked_for_once_more_and_then_left_to_a_person(balcao: Balcao) -> None:
    balcao.sandbox("PUT", "/ativador", {"espera_sms_ms": 50})
    balcao.falhas(defeito("ativador.send_sms_code", status=503, vezes=1_000))
    pedido = await balcao.pedir()
    left = await balcao.rodar(pedido)
    assert (left.fim, left.etapa) == (Fim.PESSOA, EtapaProvisao.COMPRADA)
    assert [one["status"] for one in balcao.ativacoes()] == ["timeout", "timeout"]
    [aviso] = balcao.palco.sql("SELECT tipo, texto FROM aviso")
    assert aviso["tipo"] == "chip"
    assert "2 códigos em 24 horas" in aviso["texto"]
    assert f"agente chip continuar {pedido} --ativado" in aviso["texto"]
    again = await balcao.rodar(pedido)
    assert (again.fim, again.passos, len(balcao.ativacoes())) == (Fim.PESSOA, 0, 2)
