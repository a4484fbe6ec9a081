"""Who says what, in which order and after how long; and the ways in which a doctor's last conversation stands now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from lib.domain.cadencia import CADENCIA, Estagio, Passo
from lib.domain.chip import TipoEnvio
from lib.domain.estado import Ciclo
from lib.domain.identidade import RESPOSTA_ROBO
from lib.domain.optout import CONFIRMACAO_OPTOUT, PERGUNTA_PARADA
from lib.models.conversa import Autor, Controle, StatusConversa
from lib.seed import textos

_HORA_S = 3_600
_MEDICO_COMECA = 0.2
_JULIA_S = (8, 12, 20, 35)
_MEDICO_S = (40, 90, 200, 600, 2_400, 9_000)
_EQUIPE_S = (300, 900, 1_800)
_FOLGA_S = (0, 3 * _HORA_S, 20 * _HORA_S)


class Fala(NamedTuple):
    """One line of a script; `textos` are its variants, or a step of the cadence; `esperas_s` since the line before."""

    autor: Autor
    textos: tuple[str, ...] | Passo
    esperas_s: tuple[int, ...]
    tipo: TipoEnvio | None = None
    estagio_apos: Estagio | None = None

    @property
    def proativa(self) -> bool:
        """We wrote first."""
        return self.tipo in {TipoEnvio.PROSPECCAO, TipoEnvio.FOLLOWUP}


Roteiro = Callable[[Random, bool], list[Fala]]


def medico(variantes: tuple[str, ...]) -> Fala:
    """Make a line of the doctor's."""
    return Fala(Autor.MEDICO, variantes, _MEDICO_S)


def julia(variantes: tuple[str, ...]) -> Fala:
    """Make a reply of Júlia's."""
    return Fala(Autor.JULIA, variantes, _JULIA_S, TipoEnvio.RESPOSTA)


def abertura(*, reabre: bool) -> Fala:
    """Make our first line; who was introduced before is not introduced again."""
    variantes = textos.REABERTURA if reabre else textos.ABERTURA
    return Fala(Autor.JULIA, variantes, (0,), TipoEnvio.PROSPECCAO, Estagio.MSG_ENVIADA)


def sem_resposta(lembretes: int) -> Roteiro:
    """Make a script in which the doctor never answers and the cadence took this many steps."""

    def roteiro(_: Random, reabre: bool) -> list[Fala]:
        falas = [abertura(reabre=reabre)]
        for passo in CADENCIA[:lembretes]:
            espera = int(passo.espera.total_seconds())
            esperas = tuple(espera + folga for folga in _FOLGA_S)
            falas.append(Fala(Autor.JULIA, passo, esperas, TipoEnvio.FOLLOWUP, passo.para))
        return falas

    return roteiro


def recontato(rng: Random, reabre: bool) -> list[Fala]:
    """After the pause we wrote once more."""
    falas = sem_resposta(len(CADENCIA))(rng, reabre)
    pausa = tuple(62 * 24 * _HORA_S + folga for folga in _FOLGA_S)
    return [*falas, Fala(Autor.JULIA, textos.REABERTURA, pausa, TipoEnvio.FOLLOWUP, Estagio.RECONTATO)]


def dialogo(*fim: Fala, perguntas: tuple[int, ...] = (0, 1, 1, 2, 2, 3)) -> Roteiro:
    """Make a script of a doctor who answers; it ends with the given lines."""

    def roteiro(rng: Random, reabre: bool) -> list[Fala]:
        nossa = [abertura(reabre=reabre), medico(textos.INTERESSE)]
        falas = [medico(textos.CHAMADA)] if rng.random() < _MEDICO_COMECA else nossa
        falas.append(julia(textos.DETALHES))
        for _ in range(rng.choice(perguntas)):
            falas += (medico(textos.PERGUNTA), julia(textos.RESPOSTA))
        return [*falas, *fim]

    return roteiro


ACEITO = (medico(textos.ACEITE), julia(textos.CONFIRMACAO))
RECUSADO = (medico(textos.RECUSA), julia(textos.COMPREENSAO))
CORTESIA = (medico(textos.OBRIGADO), julia(textos.DESPEDIDA))
PEDIDO = (medico(textos.PEDE_PESSOA), julia(textos.TRANSFERENCIA))
EQUIPE = Fala(Autor.HUMANO, textos.PESSOA, _EQUIPE_S)
ROBO = (medico(("Você é um robô?",)), julia((RESPOSTA_ROBO,)))


@dataclass(frozen=True, slots=True)
class Cenario:
    """How a conversation stands now. Its last message is between `de_h` and `ate_h` hours old.

    `ciclo` is where the relationship got to beyond what messages alone say; `volta_dias` the date the doctor named.
    """

    nome: str
    status: StatusConversa
    estagio: Estagio
    roteiro: Roteiro
    de_h: float
    ate_h: float
    controle: Controle = Controle.AI
    ciclo: Ciclo | None = None
    volta_dias: int = 0

    @property
    def aberta(self) -> bool:
        """The conversation still runs."""
        return self.status in {StatusConversa.ACTIVE, StatusConversa.PAUSED, StatusConversa.ESCALATED}


_A, _D, _E = StatusConversa.ACTIVE, StatusConversa.COMPLETED, Estagio
# How many of every 48 doctors with a conversation stand like this.
_PESOS: tuple[tuple[int, Cenario], ...] = (
    (4, Cenario("devida_1", _A, _E.MSG_ENVIADA, sem_resposta(0), 49, 110)),
    (4, Cenario("devida_2", _A, _E.FOLLOWUP_1_ENVIADO, sem_resposta(1), 121, 340)),
    (4, Cenario("devida_3", _A, _E.FOLLOWUP_2_ENVIADO, sem_resposta(2), 361, 700)),
    (2, Cenario("espera_1", _A, _E.MSG_ENVIADA, sem_resposta(0), 3, 40)),
    (1, Cenario("espera_2", _A, _E.FOLLOWUP_1_ENVIADO, sem_resposta(1), 10, 90)),
    (1, Cenario("espera_3", _A, _E.FOLLOWUP_2_ENVIADO, sem_resposta(2), 24, 260)),
    (2, Cenario("pausa", _A, _E.NAO_RESPONDEU, sem_resposta(3), 24, 1_000)),
    (1, Cenario("pausa_vencida", _A, _E.NAO_RESPONDEU, sem_resposta(3), 1_450, 1_900)),
    (1, Cenario("recontato", _A, _E.RECONTATO, recontato, 5, 60)),
    (4, Cenario("conversando", _A, _E.RESPONDEU, dialogo(), 0.2, 30)),
    (2, Cenario("conversando_dias", _A, _E.RESPONDEU, dialogo(*RECUSADO), 30, 220)),
    (1, Cenario("robo", _A, _E.RESPONDEU, dialogo(*ROBO), 1, 90)),
    (2, Cenario("qualificado", _A, _E.QUALIFICADO, dialogo(perguntas=(2, 3)), 4, 120, ciclo=Ciclo.QUALIFIED)),
    (2, Cenario("negociando", _A, _E.NEGOCIANDO, dialogo(perguntas=(3, 4)), 2, 72, ciclo=Ciclo.QUALIFIED)),
    (1, Cenario("fechou", _A, _E.FECHOU, dialogo(*ACEITO), 2, 48, ciclo=Ciclo.ACTIVE)),
    (
        2,
        Cenario(
            *("humano", StatusConversa.ESCALATED, _E.RESPONDEU, dialogo(*PEDIDO, EQUIPE), 1, 100),
            controle=Controle.HUMANO,
        ),
    ),
    (1, Cenario("pausada", StatusConversa.PAUSED, _E.RESPONDEU, dialogo(), 20, 200)),
    (
        1,
        Cenario(
            *("mais_tarde", _A, _E.RESPONDEU, dialogo(medico(textos.MAIS_TARDE), julia(textos.COMBINADO)), 10, 300),
            volta_dias=25,
        ),
    ),
    (
        1,
        Cenario(
            *("parada_incerta", _A, _E.RESPONDEU, dialogo(medico(textos.INCERTA), julia((PERGUNTA_PARADA,))), 3, 50)
        ),
    ),
    (
        2,
        Cenario("optout", _D, _E.OPTOUT, dialogo(medico(textos.SAIR), julia((CONFIRMACAO_OPTOUT,))), 20, 700),
    ),
    (1, Cenario("grave", _D, _E.RESPONDEU, dialogo(medico(textos.GRAVE), julia(textos.PEDIDO_DESCULPA)), 5, 150)),
    (
        1,
        Cenario(
            "grave_antiga", _D, _E.RESPONDEU, dialogo(medico(textos.GRAVE), julia(textos.PEDIDO_DESCULPA)), 175, 480
        ),
    ),
    (2, Cenario("encerrada_hoje", _D, _E.RESPONDEU, dialogo(*RECUSADO), 1, 20)),
    (3, Cenario("calado", _D, _E.RESPONDEU, dialogo(*RECUSADO), 2_300, 3_800)),
    (2, Cenario("encerrada", _D, _E.FECHOU, dialogo(*ACEITO, *CORTESIA), 30, 240, ciclo=Ciclo.ACTIVE)),
)
# Dealt out so that few doctors already show every kind.
CENARIOS: tuple[Cenario, ...] = tuple(
    cenario for volta in range(max(peso for peso, _ in _PESOS)) for peso, cenario in _PESOS if peso > volta
)

# What earlier conversations came to, and how many of ten; their ages follow from the conversation after them.
_ANTERIORES: tuple[tuple[int, Cenario], ...] = (
    (3, Cenario("antiga_aceita", _D, _E.FECHOU, dialogo(*ACEITO, *CORTESIA), 0, 0, ciclo=Ciclo.ACTIVE)),
    (2, Cenario("antiga_recusada", _D, _E.RESPONDEU, dialogo(*RECUSADO, *CORTESIA), 0, 0)),
    (2, Cenario("antiga_curta", _D, _E.RESPONDEU, dialogo(*RECUSADO), 0, 0)),
    (1, Cenario("antiga_longa", _D, _E.QUALIFICADO, dialogo(*ROBO, *ACEITO, *CORTESIA, perguntas=(3, 4)), 0, 0)),
    (1, Cenario("antiga_muda", StatusConversa.ABANDONED, _E.FOLLOWUP_1_ENVIADO, sem_resposta(1), 0, 0)),
    (1, Cenario("antiga_esgotada", StatusConversa.ABANDONED, _E.NAO_RESPONDEU, sem_resposta(3), 0, 0)),
)
ANTERIORES: tuple[Cenario, ...] = tuple(cenario for peso, cenario in _ANTERIORES for _ in range(peso))
