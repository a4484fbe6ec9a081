"""What Júlia may do with a message: deterministic rules, first match wins (domain facts 1.13, decision D12)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from lib.domain.estado import Ator, Ciclo, DoctorState, Permissao, Severidade
from lib.domain.situacao import Situacao, segue_em_frente
from lib.domain.temperatura import Banda, banda

VERSAO_POLICY = "2"
SILENCIO = timedelta(days=7)
TEMPERATURA_REATIVAVEL = 0.3
TOM_LEVE = 0.6
TOM_DIRETO = 0.3


class Acao(StrEnum):
    """The one thing this turn is for."""

    DISCOVERY = "discovery"
    OFFER = "offer"
    FOLLOWUP = "followup"
    REACTIVATION = "reactivation"
    HANDOFF = "handoff"
    WAIT = "wait"


class Tom(StrEnum):
    """How to speak."""

    LEVE = "leve"
    DIRETO = "direto"
    CAUTELOSO = "cauteloso"
    CRISE = "crise"


@dataclass(frozen=True, slots=True)
class Decisao:
    """What was decided, by which rule and why; restricoes go into the prompt as they are."""

    regra: str
    acao: Acao
    tom: Tom
    requer_humano: bool = False
    proibe_tudo: bool = False
    pode_ofertar: bool = False
    restricoes: tuple[str, ...] = ()
    motivo: str = ""


@dataclass(frozen=True, slots=True)
class EntradaPolicy:
    """All a decision depends on; `estado` is the one BEFORE the message, `situacao` is the message.

    `regras_desligadas` are rule ids that staff switched off; kept as a sorted tuple, so that equal inputs are
    stored alike. Ids outside `DESLIGAVEIS` change nothing.
    """

    estado: DoctorState
    situacao: Situacao
    agora: datetime
    primeira_mensagem: bool
    conversa_ativa: bool
    motor_ligado: bool = True
    modo_seguro: Literal["desligado", "wait", "handoff"] = "desligado"
    regras_desligadas: frozenset[str] | tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "regras_desligadas", tuple(sorted(set(self.regras_desligadas))))


_SEM_OFERTA = "Não ofereça plantões nesta resposta."
_SO_PERGUNTADO = "Responda ao que foi perguntado; não ofereça plantões por iniciativa própria."


def _severidade(entrada: EntradaPolicy) -> tuple[Severidade | None, str]:
    """Severity in force: a grave one that is open, else this message's, else the open one unless it is left behind."""
    estado, nova = entrada.estado, entrada.situacao.objecao
    aberta = (estado.objecao_severidade or Severidade.MEDIUM) if estado.objecao_aberta else None
    if nova is not None and not (aberta is Severidade.GRAVE and nova.severidade is not Severidade.GRAVE):
        return nova.severidade, f"objeção {nova.tipo} na mensagem"
    if aberta is None or segue_em_frente(estado, entrada.situacao, entrada.agora):
        return None, ""
    return aberta, f"objeção {estado.objecao} em aberto"


def _opted_out(entrada: EntradaPolicy) -> Decisao | None:
    if entrada.estado.permissao is not Permissao.OPTED_OUT:
        return None
    return Decisao("rule_opted_out", Acao.WAIT, Tom.CAUTELOSO, proibe_tudo=True, motivo="permissão opted_out")


def _kill_switch(entrada: EntradaPolicy) -> Decisao | None:
    if entrada.motor_ligado:
        return None
    motivo = "motor de policy desligado"
    return Decisao(
        "kill_switch_inbound", Acao.HANDOFF, Tom.CAUTELOSO, requer_humano=True, proibe_tudo=True, motivo=motivo
    )


def _modo_seguro(entrada: EntradaPolicy) -> Decisao | None:
    motivo = f"modo seguro: {entrada.modo_seguro}"
    match entrada.modo_seguro:
        case "wait":
            return Decisao("safe_mode_wait", Acao.WAIT, Tom.CAUTELOSO, proibe_tudo=True, motivo=motivo)
        case "handoff":
            return Decisao(
                "safe_mode_handoff", Acao.HANDOFF, Tom.CAUTELOSO, requer_humano=True, proibe_tudo=True, motivo=motivo
            )
        case "desligado":
            return None


def _transferir_grave(motivo: str) -> Decisao:
    return Decisao(
        "rule_grave_objection",
        Acao.HANDOFF,
        Tom.CRISE,
        requer_humano=True,
        restricoes=("Diga apenas que uma pessoa da equipe vai assumir a conversa.",),
        motivo=f"{motivo}, severidade grave",
    )


def _grave_agora(entrada: EntradaPolicy) -> Decisao | None:
    objecao = entrada.situacao.objecao
    if objecao is None or objecao.severidade is not Severidade.GRAVE:
        return None
    return _transferir_grave(f"objeção {objecao.tipo} na mensagem")


def _primeiro_contato(entrada: EntradaPolicy) -> Decisao | None:
    if not (entrada.estado.ciclo is Ciclo.NOVO and entrada.primeira_mensagem and entrada.conversa_ativa):
        return None
    pede = entrada.situacao.pede
    return Decisao(
        "rule_new_doctor_first_contact",
        Acao.DISCOVERY,
        Tom.LEVE,
        pode_ofertar=pede,
        restricoes=(
            _SO_PERGUNTADO if pede else _SEM_OFERTA,
            "Não negocie valores.",
            "Não peça documentos.",
            "Apresente-se como automatizada.",
        ),
        motivo=f"ciclo novo, primeira mensagem, conversa ativa, {'pede plantão' if pede else 'nada pedido'}",
    )


def _cooling_off(entrada: EntradaPolicy) -> Decisao | None:
    ate = entrada.estado.cooling_off_ate
    if entrada.estado.permissao is not Permissao.COOLING_OFF or ate is None or ate <= entrada.agora:
        return None
    return Decisao(
        "rule_cooling_off",
        Acao.FOLLOWUP,
        Tom.CAUTELOSO,
        restricoes=(_SEM_OFERTA, "Responda o mínimo necessário."),
        motivo=f"cooling_off até {ate.isoformat()}",
    )


def _objecao(entrada: EntradaPolicy) -> Decisao | None:
    severidade, motivo = _severidade(entrada)
    restricoes: tuple[str, ...]
    match severidade:
        case Severidade.GRAVE:
            return _transferir_grave(motivo)
        case Severidade.HIGH:
            restricoes = (_SEM_OFERTA, "Acolha a objeção antes de qualquer outra coisa.")
            motivo = f"{motivo}, severidade high"
            return Decisao("rule_high_objection", Acao.FOLLOWUP, Tom.CAUTELOSO, restricoes=restricoes, motivo=motivo)
        case Severidade.MEDIUM:
            restricoes = ("Responda à objeção; pode apresentar uma alternativa.",)
            motivo = f"{motivo}, severidade medium"
            return Decisao(
                "rule_medium_objection",
                Acao.FOLLOWUP,
                Tom.DIRETO,
                pode_ofertar=True,
                restricoes=restricoes,
                motivo=motivo,
            )
        case _:
            return None


def _silencio(entrada: EntradaPolicy) -> Decisao | None:
    estado = entrada.estado
    saida, ouvido = estado.ultima_saida_em, estado.ultima_entrada_em
    if not entrada.conversa_ativa or saida is None or estado.temperatura < TEMPERATURA_REATIVAVEL:
        return None
    julia_por_ultimo = estado.ultima_saida_ator is Ator.JULIA and (ouvido is None or ouvido < saida)
    if not julia_por_ultimo or entrada.agora - saida < SILENCIO:
        return None
    dias = (entrada.agora - saida).days
    return Decisao(
        "rule_silence_reactivation",
        Acao.REACTIVATION,
        Tom.LEVE,
        pode_ofertar=entrada.situacao.pede,
        restricoes=("Retome a conversa sem cobrar a resposta.",),
        motivo=f"{dias} dias desde a última saída da Júlia, temperatura {estado.temperatura:.2f}",
    )


def _frio(entrada: EntradaPolicy) -> Decisao | None:
    estado = entrada.estado
    if estado.permissao is not Permissao.ACTIVE or banda(estado.temperatura) is not Banda.FRIO:
        return None
    return Decisao(
        "rule_cold_temperature",
        Acao.FOLLOWUP,
        Tom.CAUTELOSO,
        pode_ofertar=True,
        restricoes=("No máximo uma oferta, sem insistir.",),
        motivo=f"temperatura {estado.temperatura:.2f}, banda frio, permissão active",
    )


def _quente(entrada: EntradaPolicy) -> Decisao | None:
    estado = entrada.estado
    if estado.permissao is not Permissao.ACTIVE or banda(estado.temperatura) is not Banda.QUENTE:
        return None
    if _severidade(entrada)[0] is not None:
        return None
    motivo = f"temperatura {estado.temperatura:.2f}, banda quente, permissão active, sem objeção"
    return Decisao("rule_hot_temperature", Acao.OFFER, Tom.LEVE, pode_ofertar=True, motivo=motivo)


def _padrao(entrada: EntradaPolicy) -> Decisao:
    estado = entrada.estado
    if estado.temperatura >= TOM_LEVE:
        tom = Tom.LEVE
    else:
        tom = Tom.DIRETO if estado.temperatura >= TOM_DIRETO else Tom.CAUTELOSO
    liberado = estado.permissao is Permissao.ACTIVE and estado.contatavel(entrada.agora)
    pode = liberado or entrada.situacao.pede
    motivo = f"permissão {estado.permissao}, temperatura {estado.temperatura:.2f}, intenção {entrada.situacao.intencao}"
    return Decisao(
        "rule_default",
        Acao.FOLLOWUP,
        tom,
        pode_ofertar=pode,
        restricoes=(_SO_PERGUNTADO if pode else _SEM_OFERTA,),
        motivo=motivo,
    )


# In the order in which they are asked; the default answers when no other does.
_REGRAS: tuple[Callable[[EntradaPolicy], Decisao | None], ...] = (
    _opted_out,
    _kill_switch,
    _modo_seguro,
    _grave_agora,
    _primeiro_contato,
    _cooling_off,
    _objecao,
    _silencio,
    _frio,
    _quente,
)
SEMPRE = ("rule_opted_out", "kill_switch_inbound", "safe_mode_wait", "safe_mode_handoff", "rule_default")
DESLIGAVEIS = (
    "rule_new_doctor_first_contact",
    "rule_cooling_off",
    "rule_grave_objection",
    "rule_high_objection",
    "rule_medium_objection",
    "rule_silence_reactivation",
    "rule_cold_temperature",
    "rule_hot_temperature",
)


def decidir(entrada: EntradaPolicy) -> Decisao:
    """Decide one turn. Every `motivo` follows from the stored input alone.

    Opt-out comes first, then the kill switch and the safe mode, then a grave objection in this very message, then the
    rules in the order of domain facts 1.13. A rule switched off is as if it were not there; the ids in `SEMPRE` cannot
    be switched off: an opt-out is a doctor's right, the switches have flags of their own, something must be decided.
    Being asked for shifts is answered even where offering first is not allowed: by `rule_default`, at first contact and
    after a silence. An objection that the message leaves behind counts no more; an open grave one outweighs a new one
    that is less.
    """
    for regra in _REGRAS:
        decisao = regra(entrada)
        if decisao is not None and (decisao.regra in SEMPRE or decisao.regra not in entrada.regras_desligadas):
            return decisao
    return _padrao(entrada)
