"""What a conversation is for at the moment, and when that may change (domain facts 1.13)."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from lib.domain.objecao import Severidade
from lib.domain.policy import Acao, Decisao
from lib.domain.situacao import CONFIANCA_MINIMA, Intencao, Objetivo, Situacao
from lib.domain.texto import palavras

INTERVALO = timedelta(minutes=5)
VALIDADE_PERGUNTA = timedelta(minutes=30)
PERGUNTA_DE_NOVO = timedelta(days=1)
SILENCIO = timedelta(days=7)
PERGUNTA_OFERTA = "Posso te mostrar os plantões que estão abertos agora?"


class Modo(StrEnum):
    """Conversation modes."""

    DISCOVERY = "discovery"
    OFERTA = "oferta"
    FOLLOWUP = "followup"
    REATIVACAO = "reativacao"


@dataclass(frozen=True, slots=True)
class EstadoModo:
    """A conversation's mode; `em`: when it was last changed or a question about it ended without a yes.

    `pendente` is the mode that Júlia asked about at `pendente_em` and that nobody has confirmed.
    """

    modo: Modo = Modo.DISCOVERY
    em: datetime | None = None
    pendente: Modo | None = None
    pendente_em: datetime | None = None


@dataclass(frozen=True, slots=True)
class Transicao:
    """The mode after a message and why; `pergunta` is to be asked in this turn, and only in this turn."""

    estado: EstadoModo
    motivo: str
    pergunta: str | None = None


PERMITIDAS = {
    Modo.DISCOVERY: frozenset({Modo.OFERTA, Modo.REATIVACAO}),
    Modo.OFERTA: frozenset({Modo.FOLLOWUP, Modo.DISCOVERY, Modo.REATIVACAO}),
    Modo.FOLLOWUP: frozenset({Modo.OFERTA, Modo.REATIVACAO, Modo.DISCOVERY}),
    Modo.REATIVACAO: frozenset({Modo.DISCOVERY, Modo.OFERTA, Modo.FOLLOWUP}),
}
_SOBRE_VAGA = re.compile(
    r"\b(?:vagas?|plant\w+|escalas?|quanto|valor\w*|pag\w+|horarios?|que horas|onde|endereco|hospita\w+|cidade|bairro"
    r"|que dia|quais dias|datas?|segunda|terca|quarta|quinta|sexta|sabado|domingo|diurno|noturno|noite)\b"
)
_SOBRE_NOS = re.compile(
    r"\bquem (?:e|eh|sao) (?:voces?|vcs?|a julia|essa empresa)\b"
    r"|\b(?:que|qual)(?: e)?(?: a| o)? (?:empresa|cnpj|site)\b"
    r"|\b(?:como|de onde) (?:e que )?(?:voces?|vcs?|a empresa) (?:trabalh\w+|funcion\w+|fal\w+|sao|e)\b"
)
_NEGA = re.compile(r"\b(?:nao|n|naum|num|nem|nunca|jamais|nada|negativo|depois|talvez|ainda)\b")
_SIM = re.compile(
    r"(?:(?:oi|ola|opa|bom dia|boa tarde|boa noite|julia|ah|entao|obrigad[oa]) )*"
    r"(?:sim|claro|com certeza|certamente|pode (?:sim|ser|mandar|mostrar|enviar|me mandar|me mostrar)"
    r"|quero(?: ver)? sim|bora|manda ai|aceito|por favor)\b"
)
_SO_SIM = re.compile(
    r"(?:(?:ok|okay|blz|beleza|certo|perfeito|otimo|isso|isso mesmo|pode|podem|tenho|quero|manda|mande|mostra"
    r"|mostre|uhum|aham|ss|s|sim|vamos|vamo|topo|fechou|ta|ta bom|tudo bem|joia|show|positivo|obrigad[oa]|julia|dra|por"
    r"|favor|ai|la|me|ver|mandar|mostrar|interesse|agora)(?: |$))+"
)


def confirma(texto: str) -> bool:
    """Tell whether the doctor says yes, in whole words and without any negation.

    A clear yes may be followed by more; words that can also mean something else ("isso", "pode", "tenho") count only
    when nothing else is said: "isso é longe" confirms nothing.
    """
    dito = palavras(texto)
    if not dito or _NEGA.search(dito):
        return False
    return _SIM.match(dito) is not None or _SO_SIM.fullmatch(dito) is not None


def transitar(
    atual: EstadoModo,
    texto: str,
    situacao: Situacao,
    ultima_entrada_em: datetime | None,
    ponte_feita: bool,
    agora: datetime,
    acao: Acao | None = None,
) -> Transicao:
    """Give the conversation's mode after a message of the doctor's.

    texto is the burst; ultima_entrada_em the doctor's last message before it; ponte_feita: an interest was recorded and
    passed on since the mode began; acao what the policy decided.

    A pending question is settled first, by a yes within 30 minutes or not at all. A doctor who asks for shifts, or
    about one, gets them in this very turn: that move is the doctor's own and needs neither question nor interval.
    Silence of 7 days moves to `reativacao`, which the next message ends. Moves that nobody asked for wait 5 minutes
    after the last one, and the question that Júlia asks before offering is asked at most once a day.
    """
    livre, antes = _settle(atual, texto, situacao, agora)
    if livre.modo is not atual.modo:
        return Transicao(livre, antes)
    if _asks_for_shifts(texto, situacao):
        return _move(livre, Modo.OFERTA, f"{antes}o médico pediu: {situacao.intencao}", agora)
    if livre.em is not None and agora - livre.em < INTERVALO:
        return Transicao(livre, f"{antes}menos de 5 minutos desde a última mudança")
    if ultima_entrada_em is not None and agora - ultima_entrada_em >= SILENCIO:
        dias = (agora - ultima_entrada_em).days
        return _move(livre, Modo.REATIVACAO, f"{antes}{dias} dias de silêncio", agora)
    return _unasked(livre, antes, _proposed(livre.modo, texto, situacao, ponte_feita), situacao, acao, agora)


def _settle(atual: EstadoModo, texto: str, situacao: Situacao, agora: datetime) -> tuple[EstadoModo, str]:
    """End a pending question: confirmed, refused or out of date, it is never left open by a message."""
    if atual.pendente is None:
        return replace(atual, pendente_em=None), ""
    asked = atual.pendente_em
    livre = replace(atual, em=asked or atual.em, pendente=None, pendente_em=None)
    if asked is None or agora - asked >= VALIDADE_PERGUNTA:
        return livre, "pergunta vencida; "
    objecting = situacao.objecao is not None or situacao.intencao in {Intencao.RECUSA, Intencao.OBJECAO}
    if confirma(texto) and not objecting and atual.pendente in PERMITIDAS[atual.modo]:
        return EstadoModo(atual.pendente, agora), f"o médico confirmou {atual.pendente}"
    return livre, f"{atual.pendente} não confirmado; "


def _asks_for_shifts(texto: str, situacao: Situacao) -> bool:
    if situacao.objecao is not None and situacao.objecao.severidade in {Severidade.HIGH, Severidade.GRAVE}:
        return False
    question = situacao.intencao is Intencao.DUVIDA and situacao.confianca >= CONFIANCA_MINIMA
    return situacao.pede or (question and _SOBRE_VAGA.search(palavras(texto)) is not None)


def _proposed(modo: Modo, texto: str, situacao: Situacao, ponte_feita: bool) -> tuple[Modo | None, str]:
    """Say where the message itself leads, if anywhere.

    An objection of low or medium weight is about the shift at hand and leads nowhere: an alternative may answer it.
    """
    objecao, intencao = situacao.objecao, situacao.intencao
    alvo: Modo | None = None
    motivo = f"intenção {intencao}"
    if objecao is not None and objecao.severidade in {Severidade.HIGH, Severidade.GRAVE}:
        alvo, motivo = Modo.DISCOVERY, f"objeção {objecao.tipo}, severidade {objecao.severidade}"
    elif intencao is Intencao.DUVIDA and _SOBRE_NOS.search(palavras(texto)):
        alvo, motivo = Modo.DISCOVERY, "dúvida sobre a empresa"
    elif intencao is Intencao.VOLTANDO:
        alvo = Modo.FOLLOWUP
    elif modo is Modo.OFERTA and ponte_feita:
        alvo, motivo = Modo.FOLLOWUP, "interesse registrado e passado à equipe"
    if alvo is None and modo is Modo.REATIVACAO:
        alvo, motivo = Modo.FOLLOWUP, "o médico voltou a responder"
    return (alvo if alvo is not None and alvo in PERMITIDAS[modo] else None), motivo


def _unasked(
    atual: EstadoModo,
    antes: str,
    proposta: tuple[Modo | None, str],
    situacao: Situacao,
    acao: Acao | None,
    agora: datetime,
) -> Transicao:
    """Move where the message leads; else let Júlia propose to offer, which takes a question and a yes."""
    alvo, motivo = proposta
    if alvo is not None:
        return _move(atual, alvo, f"{antes}{motivo}", agora)
    wants = acao is Acao.OFFER or situacao.objetivo is Objetivo.OFERTAR
    if not wants or situacao.intencao is Intencao.RECUSA or atual.modo is Modo.OFERTA:
        return Transicao(atual, f"{antes}sem mudança: {situacao.intencao}")
    if antes or (atual.em is not None and agora - atual.em < PERGUNTA_DE_NOVO):
        return Transicao(atual, f"{antes}oferta não perguntada de novo")
    return Transicao(replace(atual, pendente=Modo.OFERTA, pendente_em=agora), "perguntado: oferta", PERGUNTA_OFERTA)


def _move(atual: EstadoModo, alvo: Modo, motivo: str, agora: datetime) -> Transicao:
    if alvo is atual.modo:
        return Transicao(atual, f"{motivo}; já em {alvo}")
    return Transicao(EstadoModo(alvo, agora), f"{motivo}: {atual.modo} para {alvo}")


FERRAMENTAS = frozenset({
    "buscar_vagas", "buscar_info_hospital", "agendar_lembrete", "salvar_memoria", "pedir_humano", "registrar_interesse",
    "enviar_opcoes",
})  # fmt: skip
_SEM_DESCOBERTA = frozenset({"buscar_vagas", "registrar_interesse"})
_DE_OFERTA = frozenset({"registrar_interesse", "enviar_opcoes"})


def ferramentas_proibidas(modo: Modo, decisao: Decisao) -> frozenset[str]:
    """Name the tools that this turn may not use; `pedir_humano` is never among them.

    modo is the one after the message: asking for shifts has left `discovery` already. The alternative that may answer a
    medium objection is looked up in any mode.
    """
    if decisao.proibe_tudo or decisao.requer_humano:
        return FERRAMENTAS - {"pedir_humano"}
    fechado = modo is Modo.DISCOVERY and decisao.regra != "rule_medium_objection"
    por_modo = _SEM_DESCOBERTA if fechado else frozenset[str]()
    return por_modo if decisao.pode_ofertar else por_modo | _DE_OFERTA
