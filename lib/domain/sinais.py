"""What the rules before the model see in a burst, and which of them settles the turn (domain facts 1.3, hot path 5).

The signals are stored with the turn and hold no word of the doctor's: the rule and its reason follow from them alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from lib.domain.gatilhos import Classe, disparo
from lib.domain.mensagem_longa import CORTADA_MAX
from lib.domain.midia import nomes_midia
from lib.domain.optout import Parada


class Regra(StrEnum):
    """The rules, in the order in which they are asked; the first that fits settles the turn."""

    OPTED_OUT = "opted_out"
    OPTOUT = "optout"
    CONTROLE_HUMANO = "controle_humano"
    GATILHO = "gatilho"
    PARADA_INCERTA = "parada_incerta"
    MIDIA_PESSOA = "midia_pessoa"
    MENSAGEM_LONGA = "mensagem_longa"
    MIDIA = "midia"
    PERGUNTA_ROBO = "pergunta_robo"
    ESQUECIMENTO = "esquecimento"
    SEM_PALAVRAS = "sem_palavras"


@dataclass(frozen=True, slots=True)
class Sinais:
    """What was seen.

    `paradas` is one per message; `parada_perguntada` when we asked back before, `parada_confirmada` when this answers
    it with yes; `esquecer` asks to forget; `resto` says that words remain which no rule answers; `midias` are files
    without words, `legendas` files with; `tamanho` in characters.
    """

    opted_out: bool = False
    humano: bool = False
    paradas: tuple[Parada, ...] = ()
    parada_perguntada: bool = False
    parada_confirmada: bool = False
    gatilho: Classe | None = None
    esquecer: bool = False
    robo: bool = False
    resto: bool = False
    midias: tuple[str, ...] = ()
    legendas: tuple[str, ...] = ()
    midia_para_pessoa: bool = False
    tamanho: int = 0


@dataclass(frozen=True, slots=True)
class Veredito:
    """The rule that settles the turn and its reason, shown to staff."""

    regra: Regra
    motivo: str


_MOTIVOS = {
    Regra.OPTED_OUT: "o médico pediu para não receber mensagens",
    Regra.OPTOUT: "pedido explícito de parada",
    Regra.CONTROLE_HUMANO: "a conversa está com uma pessoa da equipe",
    Regra.PARADA_INCERTA: "parada incerta: perguntada uma vez",
    Regra.MIDIA_PESSOA: "arquivo sem palavras ({midias}): a diretriz manda para uma pessoa",
    Regra.MENSAGEM_LONGA: "mensagem de {tamanho} caracteres: pedido um resumo",
    Regra.MIDIA: "arquivo sem palavras ({midias}): pedido em texto",
    Regra.PERGUNTA_ROBO: "perguntou se é um robô",
    Regra.ESQUECIMENTO: "pediu para esquecer o que anotamos",
    Regra.SEM_PALAVRAS: "nada a responder: mensagem sem palavras",
}


def veredito(sinais: Sinais) -> Veredito | None:
    """Return the rule that settles the turn, or None when the model answers what remains."""
    regra = _regra(sinais)
    return Veredito(regra, _motivo(regra, sinais)) if regra else None


def como_json(sinais: Sinais) -> dict[str, Any]:
    """Return what differs from nothing seen, as JSON values."""
    seen = {campo.name: getattr(sinais, campo.name) for campo in fields(sinais)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in seen.items() if value}


def de_json(stored: Mapping[str, Any]) -> Sinais:
    """Return the signals that `como_json` stored."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }
    values["paradas"] = tuple(Parada(parada) for parada in stored.get("paradas", ()))
    values["gatilho"] = Classe(stored["gatilho"]) if "gatilho" in stored else None
    return Sinais(**values)


def _regra(sinais: Sinais) -> Regra | None:
    incerta = Parada.INCERTA in sinais.paradas and not sinais.parada_perguntada
    longa = sinais.tamanho > CORTADA_MAX
    cabe = {
        Regra.OPTED_OUT: sinais.opted_out,
        Regra.OPTOUT: Parada.EXPLICITA in sinais.paradas or sinais.parada_confirmada,
        Regra.CONTROLE_HUMANO: sinais.humano,
        Regra.GATILHO: sinais.gatilho is not None,
        Regra.PARADA_INCERTA: incerta,
        Regra.MIDIA_PESSOA: bool(sinais.midias) and sinais.midia_para_pessoa,
        Regra.MENSAGEM_LONGA: longa,
        Regra.MIDIA: bool(sinais.midias) and not sinais.resto,
        Regra.PERGUNTA_ROBO: sinais.robo and not sinais.resto,
        Regra.ESQUECIMENTO: sinais.esquecer and not sinais.resto,
        Regra.SEM_PALAVRAS: not sinais.resto,
    }
    return next((regra for regra in Regra if cabe[regra]), None)


def _motivo(regra: Regra, sinais: Sinais) -> str:
    if regra is Regra.GATILHO and sinais.gatilho is not None:
        return disparo(sinais.gatilho).motivo
    if regra is Regra.OPTOUT and Parada.EXPLICITA not in sinais.paradas:
        return "confirmou que quer parar, quando perguntado"
    return _MOTIVOS[regra].format(midias=nomes_midia(sinais.midias), tamanho=sinais.tamanho)
