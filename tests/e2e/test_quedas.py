"""Real processes killed at every step of a message's way: nothing lost, nothing said twice, nothing out of order."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.crash import EXIT_CODE
from lib.db import Row
from lib.errors import SendRefusedError, SendUnknownError
from lib.providers.whatsapp import Envio
from lib.queries import envio_desfecho
from tests.e2e.criadouro import Criadouro
from tests.e2e.palco import MAIS_RAPIDO, Palco, free_port, ready, wait_for
from tests.e2e.processo import Passos, Processo, ajustes, processo
from tests.e2e.verificador import Aceita, Escrita, ler_banco, verificar
from tests.rodadas import RODADAS

pytestmark = pytest.mark.processo

PONTOS = ("S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S12", "S13", "S14")
POR_LOTE = ("S5", "S10")  # reached once per claim, not once per conversation
MEDICOS = 12
MORTES = 3
FALAS = (
    ("Oi, bom dia!", "vocês têm plantão essa semana?"),
    ("Boa tarde", "tem vaga de clínica médica?", "prefiro à noite"),
    ("Quanto paga o plantão de sábado?", "e onde fica o hospital?"),
)


@pytest.fixture
def pronto(palco: Palco, criadouro: Criadouro) -> Palco:
    palco.criadouro = criadouro
    palco.api_env = dict(MAIS_RAPIDO)
    palco.chips(3)
    palco.sandbox("PUT", "/_sandbox/webhooks", {"duplicar": 0.2, "retry_base_s": 0.05})
    return palco


def carga(palco: Palco, rodada: int, medicos: int = MEDICOS) -> None:
    """Let many doctors write at once, their messages mixed."""
    bursts = [(f"55119{rodada:05d}{n:03d}", FALAS[n % len(FALAS)]) for n in range(medicos)]
    for part in range(max(map(len, FALAS))):
        for telefone, falas in bursts:
            if part < len(falas):
                palco.escreve(telefone, falas[part], instancia=f"julia-0{int(telefone[-1]) % 3 + 1}")


def curar(palco: Palco) -> None:
    """Start the process again and wait until nothing is under way."""
    palco.start_api()
    wait_for(palco.assentado, 30, "everything is answered")


def medicos_atendidos(palco: Palco) -> int:
    return len({aceita["numero"] for aceita in palco.aceitas()})


@pytest.mark.parametrize("ponto", PONTOS)
def test_a_process_that_dies_at_this_step_loses_and_repeats_nothing(pronto: Palco, ponto: str) -> None:
    for rodada in range(RODADAS):
        pronto.start_api(f"{ponto}:{1 + (rodada * 5 + int(ponto[1:])) % (2 if ponto in POR_LOTE else 7)}")
        assert pronto.api
        carga(pronto, rodada)
        wait_for(lambda: not pronto.alive, 20, f"the process dies at {ponto}")
        assert pronto.api.poll() == EXIT_CODE
        curar(pronto)
        assert pronto.violacoes() == []
        assert pronto.stop_api(signal.SIGKILL) == -signal.SIGKILL
    assert medicos_atendidos(pronto) == RODADAS * MEDICOS


def test_kills_at_random_under_load_lose_and_repeat_nothing(pronto: Palco) -> None:
    chance = random.Random(RODADAS)
    falha = {"alvo": "evolution.sendText", "status": 500, "depois_de_aceitar": True, "probabilidade": 0.12}
    for rodada in range(RODADAS):
        pronto.sandbox("PUT", "/_sandbox/falhas", [falha])
        for morte in range(MORTES):
            pronto.start_api()
            carga(pronto, rodada * MORTES + morte)
            time.sleep(chance.uniform(0.0, 0.8))
            assert pronto.stop_api(signal.SIGKILL) == -signal.SIGKILL
        pronto.sandbox("DELETE", "/_sandbox/falhas")
        curar(pronto)
        assert pronto.violacoes() == []
        assert pronto.stop_api(signal.SIGKILL) == -signal.SIGKILL
    assert medicos_atendidos(pronto) == RODADAS * MORTES * MEDICOS


def test_two_hundred_doctors_five_messages_each_and_thirty_kills_break_no_invariant(pronto: Palco) -> None:
    """Full size in `make prova`, a tenth of it in `make test`; what holds is printed."""
    medicos, mortes, chance = 20 * RODADAS, 3 * RODADAS, random.Random(30)
    faults = [
        {"alvo": "evolution.sendText", "status": 500, "depois_de_aceitar": True, "probabilidade": 0.06},
        {"alvo": "evolution.sendText", "status": 500, "probabilidade": 0.06},
    ]
    pronto.sandbox("PUT", "/_sandbox/falhas", faults)
    falas = ("Oi!", "tem plantão essa semana?", "prefiro à noite", "quanto paga?", "e onde fica?")
    writing = [(f"55119{n:08d}", fala) for fala in falas for n in range(medicos)]
    for morte in range(mortes):
        pronto.start_api()
        for telefone, fala in writing[morte * len(writing) // mortes : (morte + 1) * len(writing) // mortes]:
            pronto.escreve(telefone, fala, instancia=f"julia-0{int(telefone[-1]) % 3 + 1}")
        time.sleep(chance.uniform(0.0, 0.5))
        assert pronto.stop_api(signal.SIGKILL) == -signal.SIGKILL
    pronto.sandbox("DELETE", "/_sandbox/falhas")
    pronto.start_api()
    wait_for(pronto.assentado, 60, "everything is answered")
    found = pronto.violacoes()
    sys.stdout.write(
        f"{medicos} doctors x {len(falas)} messages, {mortes} kills: {len(pronto.aceitas())} sends accepted,"
        f" violations of I1-I7: {len(found)}\n"
    )
    assert found == []
    assert medicos_atendidos(pronto) == medicos


def test_f11_sigterm_takes_no_more_work_and_finishes_what_was_claimed(pronto: Palco) -> None:
    pronto.sandbox("PUT", "/_sandbox/falhas", {"alvo": "anthropic.messages", "latencia_ms": 300})
    for rodada in range(RODADAS):
        pronto.start_api()
        carga(pronto, rodada)
        wait_for(lambda: pronto.sql("SELECT 1 FROM mailbox WHERE lease_until > now()"), 10, "turns are being thought")
        assert pronto.api
        pronto.api.send_signal(signal.SIGTERM)
        wait_for(lambda: not ready(f"{pronto.api_url}/readyz"), 1, "it takes no more work")
        # uvicorn ends itself by the signal it was asked with, after everything is closed.
        assert pronto.stop_api() in {0, -signal.SIGTERM}
        # What was claimed was finished, not left to the lease.
        assert pronto.sql("SELECT 1 FROM mailbox WHERE lease_until > now()") == []
        assert pronto.sql("SELECT 1 FROM outbox WHERE state = 'sending'") == []
    curar(pronto)
    assert pronto.violacoes() == []
    assert medicos_atendidos(pronto) == RODADAS * MEDICOS


@pytest.fixture
def outra(pronto: Palco, tmp_path: Path) -> Iterator[Palco]:
    """A second process on the same database."""
    stage = Palco(pronto.pg_url, pronto.sandbox_url, tmp_path / "outra.log", dict(MAIS_RAPIDO))
    stage.criadouro = pronto.criadouro
    stage.api_port = free_port()
    yield stage
    stage.stop_api()
    stage.http.close()


def congelar(palco: Palco) -> None:
    """Stop the process between two of its transactions: what it holds locked would be held for as long as it sleeps."""
    assert palco.api
    for _ in range(100):
        palco.api.send_signal(signal.SIGSTOP)
        time.sleep(0.02)
        if not palco.sql(
            "SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'api'"
            " AND a.datname = current_database() AND l.granted AND l.locktype IN ('advisory', 'transactionid')"
        ):
            return
        palco.api.send_signal(signal.SIGCONT)
        time.sleep(0.003)
    raise AssertionError("it is never between two transactions")


@pytest.mark.parametrize("parado_em", ["anthropic.messages", "evolution.sendText"])
def test_f12_a_process_that_sleeps_past_its_lease_changes_nothing_when_it_wakes(
    pronto: Palco, outra: Palco, parado_em: str
) -> None:
    pronto.start_api()
    pronto.sandbox("PUT", "/_sandbox/falhas", {"alvo": parado_em, "latencia_ms": 900, "vezes": 4})
    for n in range(4):
        pronto.escreve(f"551190000{n:04d}", "vocês têm plantão essa semana?")
    pensando = parado_em == "anthropic.messages"
    claimed = (
        "SELECT 1 FROM mailbox WHERE lease_until > now()"
        if pensando
        else "SELECT 1 FROM outbox WHERE state = 'sending'"
    )
    wait_for(lambda: pronto.sql(claimed), 10, "work is claimed")
    congelar(pronto)
    stopped = time.monotonic()
    outra.start_api()
    wait_for(
        lambda: not outra.sql("SELECT 1 FROM mailbox WHERE due_at IS NOT NULL")
        and not outra.sql("SELECT 1 FROM outbox WHERE state IN ('pending', 'sending', 'unknown')"),
        20, "the other process took over",
    )  # fmt: skip
    time.sleep(max(0.0, 2 * float(MAIS_RAPIDO["AGENTE_LEASE_S"]) - (time.monotonic() - stopped)))
    assert pronto.api
    pronto.api.send_signal(signal.SIGCONT)
    if pensando:
        # It commits under its lost fence, or finds its own deadline passed and gives back what it no longer has.
        wait_for(
            lambda: any(end in pronto.log.read_text() for end in ("turno.cerca_perdida", "turno.modelo_fora")),
            10,
            "the sleeper's turns end",
        )
    wait_for(pronto.assentado, 20, "everything is answered")
    assert pronto.violacoes() == []
    assert medicos_atendidos(pronto) == 4


class Teimoso(Passos):
    """The mutant: what it does not know to be sent, it sends again."""

    async def entrega(self, row: Row) -> None:
        whatsapp, db = self._resources.evolution, self._resources.db
        try:
            envio = Envio(row["instancia"], row["destino"].lstrip("+"), row["body"], row["id"])
            msg_id = await whatsapp.send_text(envio)
        except SendUnknownError:
            await envio_desfecho.mark_retry(db, row["id"], row["fence"], "teimosia", 0)
        except SendRefusedError as refused:
            raise AssertionError("the sandbox refuses nothing here") from refused
        else:
            await envio_desfecho.mark_sent(db, [(row["id"], row["fence"], msg_id)], 0)


async def com_falhas(dentro: Processo, palco: Palco) -> list[str]:
    """Twenty doctors, a third of the sends taken and then answered with 500."""
    fault = {"alvo": "evolution.sendText", "status": 500, "depois_de_aceitar": True, "probabilidade": 0.33}
    palco.sandbox("PUT", "/_sandbox/falhas", [fault])
    for n in range(20):
        await dentro.chega(f"55119000{n:05d}", "tem vaga?")
    await dentro.ate_acabar()
    taken = [Aceita(row["id"], row["numero"], row["texto"]) for row in palco.aceitas()]
    assert len({aceita.telefone for aceita in taken}) == 20
    return verificar([Escrita(*said) for said in dentro.escritas], taken, ler_banco(palco.pg_url))


async def test_unclear_sends_are_never_repeated(palco: Palco) -> None:
    palco.chips(1)
    async with processo(ajustes(palco.pg_url, palco.sandbox_url)) as dentro:
        assert await com_falhas(dentro, palco) == []


async def test_the_checker_finds_the_mutant_that_sends_unclear_messages_again(palco: Palco) -> None:
    palco.chips(1)
    async with processo(ajustes(palco.pg_url, palco.sandbox_url), passos=Teimoso) as dentro:
        found = await com_falhas(dentro, palco)
        assert found
        assert all(violation.startswith("I2") for violation in found)
