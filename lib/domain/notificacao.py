"""What people are told of, how loudly and in which words. Noise is routed by severity, never answered with silence.

A text names ids and a first name: no telephone number and nothing that a doctor wrote leaves for the chat.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from lib.domain.transferencia import TipoAviso


class Severidade(StrEnum):
    """`critico` at once and until somebody answers, `alerta` at once, `info` gathered."""

    CRITICO = "critico"
    ALERTA = "alerta"
    INFO = "info"


class EstadoNotificacao(StrEnum):
    """`incerta` is looked up before it is posted again; `resumida` went out in a digest."""

    PENDENTE = "pendente"
    ENVIANDO = "enviando"
    INCERTA = "incerta"
    ENVIADA = "enviada"
    RESUMIDA = "resumida"
    MORTA = "morta"


class Forma(StrEnum):
    """How what was claimed is to be posted: alone, many in one, or first looked for."""

    UNICA = "unica"
    RESUMO = "resumo"
    PROCURA = "procura"


CRITICOS_MAX: Final = 10  # due at once, one message each; more are told together
ALERTAS_MAX: Final = 10  # one message each in JANELA_ALERTA; those beyond it are gathered
JANELA_ALERTA: Final = timedelta(minutes=5)
RESUMO_ESPERA: Final = timedelta(minutes=30)
RESUMO_ITENS: Final = 20
RESUMO_MAX: Final = 200  # notices in one digest
LINHAS_MAX: Final = 20  # of a digest
PRIMEIRO_LEMBRETE: Final = timedelta(minutes=10)
LEMBRETE: Final = timedelta(hours=1)
LEMBRETES_MAX: Final = 6
LEMBRETE_DEPOIS: Final = timedelta(days=1)
PROCURA_ESPERA: Final = timedelta(seconds=5)  # Slack's history lags
PROCURAS_MAX: Final = 5
ESPERA_MIN: Final = timedelta(seconds=2)
ESPERA_MAX: Final = timedelta(minutes=5)

SEVERIDADES: Final[Mapping[TipoAviso, Severidade]] = MappingProxyType(
    {
        TipoAviso.MENSAGEM_MORTA: Severidade.CRITICO,
        TipoAviso.CHIP_PERDIDO: Severidade.CRITICO,
        TipoAviso.TRANSFERENCIA: Severidade.ALERTA,
        TipoAviso.RESPOSTA_BLOQUEADA: Severidade.ALERTA,
        TipoAviso.SEM_RESPOSTA: Severidade.ALERTA,
        TipoAviso.INTEGRACAO: Severidade.ALERTA,
        TipoAviso.CHIP: Severidade.ALERTA,
        TipoAviso.POOL: Severidade.ALERTA,
        TipoAviso.INTERESSE: Severidade.INFO,
        TipoAviso.ENTREGA: Severidade.INFO,
    }
)
TITULOS: Final[Mapping[TipoAviso, str]] = MappingProxyType(
    {
        TipoAviso.MENSAGEM_MORTA: "Mensagem parada depois de todas as tentativas",
        TipoAviso.TRANSFERENCIA: "Conversa à espera de uma pessoa",
        TipoAviso.RESPOSTA_BLOQUEADA: "Resposta da Júlia bloqueada antes do envio",
        TipoAviso.SEM_RESPOSTA: "Mensagem que ninguém respondeu",
        TipoAviso.INTEGRACAO: "Um sistema de fora pede atenção",
        TipoAviso.CHIP: "Um chip pede atenção",
        TipoAviso.CHIP_PERDIDO: "Chip banido ou restrito pelo WhatsApp",
        TipoAviso.POOL: "O pool de chips pede atenção",
        TipoAviso.INTERESSE: "Médico interessado em um plantão",
        TipoAviso.ENTREGA: "Mensagem não entregue",
    }
)
OUTRO_TITULO: Final = "Aviso"
SEM_TIPO: Final = Severidade.ALERTA  # a kind that is newer than this program

_MARCA: Final[Mapping[Severidade, str]] = MappingProxyType(
    {Severidade.CRITICO: "🔴 Crítico", Severidade.ALERTA: "🟠 Alerta", Severidade.INFO: "🔵 Aviso"}
)
_TRATAMENTO: Final = re.compile(r"^(?:dr|dra|doutor|doutora|prof|profa)\.?$", re.IGNORECASE)
_LIGAS: Final = str.maketrans("", "", "-'\u2019")
NOME_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to tell. `nome` is whatever the doctor is called; only a first name is taken from it."""

    severidade: Severidade
    titulo: str
    aviso_id: int | None = None
    conversation_id: int | None = None
    nome: str | None = None
    detalhe: str | None = None


def proximo_lembrete(lembretes: int) -> timedelta:
    """Return how long a critical one waits for an answer after `lembretes` reminders of it were posted."""
    if lembretes == 0:
        return PRIMEIRO_LEMBRETE
    return LEMBRETE if lembretes < LEMBRETES_MAX else LEMBRETE_DEPOIS


def espera(tentativas: int, pedida_s: float | None = None) -> timedelta:
    """Return the pause after the n-th failed try: doubling from 2 s to 5 min, never less than the vendor asked for."""
    pause = min(ESPERA_MAX, ESPERA_MIN * 2.0 ** min(max(tentativas - 1, 0), 10))
    return max(pause, timedelta(seconds=pedida_s or 0.0))


def primeiro_nome(nome: str | None) -> str | None:
    """Return the first name in what a person is called; None where that is no name, as a number or a sentence."""
    words = [word for word in (nome or "").split()[:6] if not _TRATAMENTO.match(word)]
    letters = words[0].translate(_LIGAS) if words else ""
    return words[0] if letters.isalpha() and words[0][0].isalpha() and 1 < len(words[0]) <= NOME_MAX else None


def titulo(item: Item, lembrete: int = 0) -> str:
    """Return the first line: severity, what it is and, when nobody answered, the how-manieth reminder this is."""
    return f"{_MARCA[item.severidade]}: {item.titulo}{_de_novo(lembrete)}"


def _de_novo(lembrete: int) -> str:
    return f" — lembrete {lembrete}: ninguém reconheceu ainda" if lembrete else ""


def contexto(item: Item) -> str:
    """Return what says where to look: ids and a first name."""
    nome = primeiro_nome(item.nome)
    parts = (
        f"conversa {item.conversation_id}" if item.conversation_id is not None else None,
        nome,
        f"aviso {item.aviso_id}" if item.aviso_id is not None else None,
    )
    return " · ".join(part for part in parts if part) or "sem conversa"


def linha(item: Item) -> str:
    """Return one thing in one line."""
    return f"{titulo(item)} ({contexto(item)})"


def titulo_resumo(itens: Sequence[Item], lembrete: int = 0) -> str:
    """Return a digest's first line; with the how-manieth reminder this is when nobody answered."""
    return f"Resumo: {len(itens)} avisos{_de_novo(lembrete)}"


def linhas_resumo(itens: Sequence[Item]) -> tuple[str, ...]:
    """Return a digest's lines: how many of each kind, the most severe first, then the first 20 one by one."""
    order = list(Severidade)
    ranked = sorted(itens, key=lambda item: order.index(item.severidade))
    counted = Counter((item.severidade, item.titulo) for item in ranked)
    kinds = tuple(f"{_MARCA[severidade]}: {name} — {n}" for (severidade, name), n in counted.items())
    single = tuple(f"{item.titulo} ({contexto(item)})" for item in ranked[:LINHAS_MAX])
    rest = len(ranked) - len(single)
    return (*kinds, *single, *((f"… e mais {rest}",) if rest else ()))
