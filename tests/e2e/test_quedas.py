"""Real processes killed at every step of a message's way: nothing lost, nothing said twice, nothing out of order."""

from __future__ import annotations

import os
import signal

import pytest

from lib.crash import EXIT_CODE
from tests.e2e.palco import MAIS_RAPIDO, Palco, wait_for

pytestmark = pytest.mark.processo

PONTOS = ("S3", "S4", "S5", "S6", "S7", "S8", "S9", "S10", "S11", "S12", "S13", "S14")
RODADAS = int(os.environ.get("AGENTE_RODADAS", "1"))
MEDICOS = 12
FALAS = (
    ("Oi, bom dia!", "vocês têm plantão essa semana?"),
    ("Boa tarde", "tem vaga de clínica médica?", "prefiro à noite"),
    ("Quanto paga o plantão de sábado?", "e onde fica o hospital?"),
)


@pytest.fixture
def pronto(palco: Palco) -> Palco:
    palco.api_env = dict(MAIS_RAPIDO)
    palco.chips(3)
    palco.sandbox("PUT", "/_sandbox/webhooks", {"duplicar": 0.2})
    return palco


def carga(palco: Palco, rodada: int, medicos: int = MEDICOS) -> None:
    """Let many doctors write at once, their messages mixed."""
    bursts = [(f"55119000{rodada:02d}{n:03d}", FALAS[n % len(FALAS)]) for n in range(medicos)]
    for part in range(max(map(len, FALAS))):
        for telefone, falas in bursts:
            if part < len(falas):
                palco.escreve(telefone, falas[part], instancia=f"julia-0{int(telefone[-1]) % 3 + 1}")


def curar(palco: Palco) -> None:
    """Start the process again and wait until nothing is under way."""
    palco.start_api()
    wait_for(palco.assentado, 30, "everything is answered")


@pytest.mark.parametrize("ponto", PONTOS)
def test_a_process_that_dies_at_this_step_loses_and_repeats_nothing(pronto: Palco, ponto: str) -> None:
    for rodada in range(RODADAS):
        pronto.start_api(f"{ponto}:{1 + (rodada * 5 + int(ponto[1:])) % 7}")
        assert pronto.api
        carga(pronto, rodada)
        wait_for(lambda: not pronto.alive, 20, f"the process dies at {ponto}")
        assert pronto.api.poll() == EXIT_CODE
        curar(pronto)
        assert pronto.violacoes() == []
        assert pronto.stop_api(signal.SIGKILL) == -signal.SIGKILL
    answered = {aceita["numero"] for aceita in pronto.aceitas()}
    assert len(answered) == RODADAS * MEDICOS
