"""What a message is about, by rules; a model is asked only where they are unsure (decision D13)."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from lib.domain.estado import Ciclo, DoctorState, Entrada
from lib.domain.objecao import Objecao, Severidade, TipoObjecao, detectar
from lib.domain.texto import palavras

CONFIANCA_MINIMA = 0.5  # what rules or a model must reach for their answer to count
OBJECAO_ESQUECIDA = timedelta(days=30)
_CURTA = 12  # words: a longer text that matches nothing is not small talk


class Objetivo(StrEnum):
    """What the turn should achieve."""

    PROSPECTAR = "prospectar"
    QUALIFICAR = "qualificar"
    OFERTAR = "ofertar"
    NEGOCIAR = "negociar"
    FECHAR = "fechar"
    MANTER = "manter"
    REATIVAR = "reativar"
    RECUPERAR = "recuperar"


class Intencao(StrEnum):
    """What the doctor wants."""

    RECUSA = "recusa"
    PRONTO_FECHAR = "pronto_fechar"
    INTERESSE = "interesse"
    OBJECAO = "objecao"
    DUVIDA = "duvida"
    VOLTANDO = "voltando"
    NEUTRO = "neutro"


class Perfil(StrEnum):
    """Career stage by years of practice: up to 2, 7, 15, more."""

    RECEM_FORMADO = "recem_formado"
    EM_DESENVOLVIMENTO = "em_desenvolvimento"
    EXPERIENTE = "experiente"
    SENIOR = "senior"
    DESCONHECIDO = "desconhecido"


@dataclass(frozen=True, slots=True)
class Situacao:
    """One reading of a turn's messages; confianca in [0, 1] is that of the intention.

    `resumo` is what the company's knowledge says of it, for the model alone (decision D29).
    """

    objecao: Objecao | None
    perfil: Perfil
    objetivo: Objetivo
    intencao: Intencao
    confianca: float
    origem: Literal["regra", "llm"] = "regra"
    resumo: str = ""

    @property
    def pede(self) -> bool:
        """The doctor asks for shifts or accepts one: this is answered where offering unasked would be wrong."""
        return self.intencao in {Intencao.INTERESSE, Intencao.PRONTO_FECHAR} and self.confianca >= CONFIANCA_MINIMA


_VAGA = r"(?:vagas?|plant\w+|escalas?)"
# First match wins: a refusal contains the words of interest.
_INTENCOES: tuple[tuple[Intencao, float, str], ...] = (
    (
        Intencao.RECUSA,
        0.9,
        (
            r"(?:nao (?:tenho|ha) (?:\w+ )?interesse|sem interesse|nao (?:me )?interessa"
            r"|nao quero(?! perder| ficar sem)|nao vou (?:poder|querer|conseguir|pegar)"
            r"|(?:dessa|desta) vez nao|fica pra proxima|nao posso|nao da (?:pra mim|nao|mesmo)"
            r"|nao consigo (?:nesse|nessa|esse|essa|no|na|ir|pegar|assumir)|vou (?:recusar|passar essa))"
            r"|^(?:nao|nao obrigad[oa]|obrigad[oa] mas nao|passo)$"
        ),
    ),
    (
        Intencao.PRONTO_FECHAR,
        0.85,
        (
            r"(?:pode (?:fechar|reservar|confirmar|me (?:colocar|escalar|por))|(?:eu )?(?:aceito|topo|pego"
            r"|fico com)(?! pouco)|(?:to|estou|tamo) dentro"
            r"|reserva (?:pra|para) mim|me (?:coloca|escala|poe) (?:nesse|nessa|nele|nela|no|na)"
            r"|quero (?:esse|essa|este|esta|a vaga|o plantao|fechar)|vamos fechar)"
            r"|^(?:fechado|fechou|bora|combinado)$"
        ),
    ),
    (
        Intencao.INTERESSE,
        0.75,
        (
            r"(?:tenho (?:\w+ )?interesse|me interess\w+|interessad[oa]|(?:tem|teria|ha|existe|surgiu"
            rf"|apareceu)(?: \w+){{0,3}} {_VAGA}|(?:quais|quanto|qual|que horas?|onde)(?: \w+){{0,4}} {_VAGA}"
            r"|(?:tem|teria|surgiu|apareceu|abriu) (?:algo|alguma coisa|mais (?:algum\w*|opcoes)|outr[oa]s? opc\w+"
            r"|disponibilidade|opcoes)(?! (?:contra|a dizer|errad\w))"
            rf"|(?:manda|mande|envia|me passa|mostra)(?: \w+){{0,3}} {_VAGA}|(?:procurando|buscando|procuro"
            rf"|busco|preciso de)(?: \w+){{0,2}} {_VAGA}"
            rf"|quero saber|quero (?:\w+ )?{_VAGA}|saber (?:mais|das?|dos?|sobre)|me conta|pode mandar"
            rf"|manda ai|algum(?:a)? {_VAGA})"
            r"|^(?:sim|quero|claro|quero sim|pode ser|tenho sim)$"
        ),
    ),
)
_DUVIDA = re.compile(
    r"\b(?:qual|quais|quanto|quantos|quantas|onde|quando|como|que horas|que dia|quem|por ?que"
    r"|tem (?:estacionamento|alojamento|refeicao))\b"
)
_VOLTANDO = re.compile(
    r"\b(?:voltei|estou de volta|to de volta|desculp\w+ (?:a |pela )?(?:demora|o sumico)|sumi"
    r"|so (?:vi|li) agora|voltando ao assunto)\b"
)
_COMPILADAS = tuple((i, c, re.compile(rf"\b(?:{p})\b")) for i, c, p in _INTENCOES)


def perfil(anos_pratica: int | None) -> Perfil:
    """Career stage of a doctor; unknown for absent or negative years."""
    if anos_pratica is None or anos_pratica < 0:
        return Perfil.DESCONHECIDO
    faixas = ((2, Perfil.RECEM_FORMADO), (7, Perfil.EM_DESENVOLVIMENTO), (15, Perfil.EXPERIENTE))
    return next((nome for ate, nome in faixas if anos_pratica <= ate), Perfil.SENIOR)


def _intencao(texto: str, objecao: Objecao | None) -> tuple[Intencao, float] | None:
    dito = palavras(texto)
    if objecao is not None and objecao.severidade in {Severidade.GRAVE, Severidade.HIGH}:
        return Intencao.OBJECAO, 0.7
    for intencao, confianca, padrao in _COMPILADAS:
        if padrao.search(dito):
            return intencao, confianca
    if objecao is not None:
        return Intencao.OBJECAO, 0.7
    if "?" in texto or _DUVIDA.search(dito):
        return Intencao.DUVIDA, 0.7
    if _VOLTANDO.search(dito):
        return Intencao.VOLTANDO, 0.6
    return (Intencao.NEUTRO, 0.5) if len(dito.split()) <= _CURTA else None


def objetivo(estado: DoctorState, intencao: Intencao, objecao: Objecao | None) -> Objetivo:
    """What to achieve, from the stage before the message and what the message wants."""
    if objecao is not None and objecao.tipo is TipoObjecao.PRECO and objecao.severidade is Severidade.MEDIUM:
        return Objetivo.NEGOCIAR
    if objecao is not None:
        return Objetivo.RECUPERAR
    por_intencao = {
        Intencao.PRONTO_FECHAR: Objetivo.FECHAR,
        Intencao.INTERESSE: Objetivo.OFERTAR,
        Intencao.RECUSA: Objetivo.MANTER,
        Intencao.VOLTANDO: Objetivo.REATIVAR,
    }
    por_ciclo = {
        Ciclo.NOVO: Objetivo.PROSPECTAR,
        Ciclo.PROSPECTING: Objetivo.PROSPECTAR,
        Ciclo.ENGAGED: Objetivo.QUALIFICAR,
        Ciclo.QUALIFIED: Objetivo.OFERTAR,
        Ciclo.ACTIVE: Objetivo.MANTER,
        Ciclo.CHURNED: Objetivo.REATIVAR,
    }
    return por_intencao.get(intencao) or por_ciclo[estado.ciclo]


def por_regras(texto: str, estado: DoctorState, anos_pratica: int | None) -> Situacao | None:
    """Read a turn's text by rules; None when they are unsure: a long text in which nothing was recognised."""
    objecao = detectar(texto)
    lida = _intencao(texto, objecao)
    if lida is None:
        return None
    intencao, confianca = lida
    return Situacao(objecao, perfil(anos_pratica), objetivo(estado, intencao, objecao), intencao, confianca)


def segue_em_frente(estado: DoctorState, situacao: Situacao, em: datetime) -> bool:
    """Tell whether the message leaves the objection that is open in `estado` behind.

    It objects to nothing, the open objection is older and not grave (that one is a person's to settle), and one of:
    - it asks for shifts or accepts one;
    - it asks something else, and the objection weighs less than high: a question after "não confio" is still distrust;
    - the objection is `OBJECAO_ESQUECIDA` old and the message is no refusal.
    """
    desde = estado.objecao_em
    if not estado.objecao_aberta or situacao.objecao is not None or (desde is not None and desde > em):
        return False
    if estado.objecao_severidade is Severidade.GRAVE:
        return False
    if situacao.pede:
        return True
    pergunta = situacao.intencao is Intencao.DUVIDA and situacao.confianca >= CONFIANCA_MINIMA
    if pergunta and estado.objecao_severidade is not Severidade.HIGH:
        return True
    velha = desde is not None and em - desde >= OBJECAO_ESQUECIDA
    return velha and situacao.intencao not in {Intencao.RECUSA, Intencao.OBJECAO}


def entrada_de(estado: DoctorState, situacao: Situacao, em: datetime) -> Entrada:
    """Return the event that a message is to the state before it."""
    return Entrada(em, situacao.objecao, segue_em_frente(estado, situacao, em))
