"""What we know of a doctor's willingness to hear from us, and the one function that changes it (decision D12)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from lib.domain.objecao import Objecao, Severidade, TipoObjecao

__all__ = [
    "CHURN_DIAS",
    "COOLING_OFF",
    "GANHO_ENTRADA",
    "TAXA_DIARIA",
    "Ator",
    "Churn",
    "Ciclo",
    "Decaimento",
    "DoctorState",
    "Entrada",
    "Evento",
    "FimCoolingOff",
    "ObjecaoResolvida",
    "OptOut",
    "Permissao",
    "Saida",
    "Severidade",
    "Tendencia",
    "TransferenciaResolvida",
    "apply",
]

TAXA_DIARIA = 0.05
GANHO_ENTRADA = 0.10
CHURN_DIAS = 90
COOLING_OFF = timedelta(days=7)


class Permissao(StrEnum):
    """How far we may go; `opted_out` is terminal and the one fact of an opt-out (decision D3)."""

    NONE = "none"
    INITIAL = "initial"
    ACTIVE = "active"
    COOLING_OFF = "cooling_off"
    OPTED_OUT = "opted_out"


class Tendencia(StrEnum):
    """Where the temperature last went."""

    WARMING = "warming"
    COOLING = "cooling"
    STABLE = "stable"


class Ciclo(StrEnum):
    """Stage of the relationship."""

    NOVO = "novo"
    PROSPECTING = "prospecting"
    ENGAGED = "engaged"
    QUALIFIED = "qualified"
    ACTIVE = "active"
    CHURNED = "churned"


class Ator(StrEnum):
    """Who spoke on our side."""

    JULIA = "julia"
    HUMANO = "humano"


@dataclass(frozen=True, slots=True)
class DoctorState:
    """State of one doctor; datetimes aware, temperatura in [0, 1] with two decimals, objecao a `TipoObjecao` value."""

    permissao: Permissao = Permissao.NONE
    cooling_off_ate: datetime | None = None
    temperatura: float = 0.5
    tendencia: Tendencia = Tendencia.STABLE
    ultima_entrada_em: datetime | None = None
    ultima_saida_em: datetime | None = None
    ultima_saida_ator: Ator | None = None
    proximo_contato_em: datetime | None = None
    objecao: str | None = None
    objecao_severidade: Severidade | None = None
    objecao_em: datetime | None = None
    objecao_resolvida_em: datetime | None = None
    ciclo: Ciclo = Ciclo.NOVO
    ultimo_decaimento_em: datetime | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperatura <= 1:
            raise ValueError(f"temperatura must be in [0, 1], got {self.temperatura}")

    @property
    def objecao_aberta(self) -> bool:
        """An objection that nobody has resolved."""
        return self.objecao is not None and self.objecao_resolvida_em is None

    def contatavel(self, agora: datetime) -> bool:
        """Tell whether we may write first: no opt-out, no running cool-off, no later date agreed."""
        if self.permissao is Permissao.OPTED_OUT:
            return False
        if (
            self.permissao is Permissao.COOLING_OFF
            and self.cooling_off_ate is not None
            and self.cooling_off_ate > agora
        ):
            return False
        return self.proximo_contato_em is None or self.proximo_contato_em <= agora


@dataclass(frozen=True, slots=True)
class Entrada:
    """The doctor wrote.

    `segue_em_frente`: the message leaves the open objection behind, as `lib.domain.situacao.entrada_de` decides.
    """

    em: datetime
    objecao: Objecao | None = None
    segue_em_frente: bool = False


@dataclass(frozen=True, slots=True)
class Saida:
    """We wrote, and the gateway took it."""

    em: datetime
    ator: Ator = Ator.JULIA


@dataclass(frozen=True, slots=True)
class OptOut:
    """The doctor told us to stop."""

    em: datetime


@dataclass(frozen=True, slots=True)
class Decaimento:
    """The daily cooling looked at this doctor."""

    em: datetime


@dataclass(frozen=True, slots=True)
class FimCoolingOff:
    """The daily check of cool-offs looked at this doctor."""

    em: datetime


@dataclass(frozen=True, slots=True)
class Churn:
    """The daily check of long silence looked at this doctor."""

    em: datetime


@dataclass(frozen=True, slots=True)
class ObjecaoResolvida:
    """A person of the team settled what the doctor objected to, whatever its severity."""

    em: datetime


@dataclass(frozen=True, slots=True)
class TransferenciaResolvida:
    """A person of the team finished with the doctor and gave the conversation back."""

    em: datetime


Evento = Entrada | Saida | OptOut | Decaimento | FimCoolingOff | Churn | ObjecaoResolvida | TransferenciaResolvida


def apply(state: DoctorState, event: Evento) -> DoctorState:
    """Give the state after the event; the same object when nothing changes.

    Nothing undoes an opt-out. A hand-off's end resolves the objection and ends the cool-off; what the doctor objected
    to after that instant stays open. An open grave objection is not replaced by a lesser one. Source: domain facts 2.2
    to 2.7, decisions D3, D10 and D12.

    Raises:
        ValueError: the event's instant is naive.
    """
    if event.em.tzinfo is None:
        raise ValueError("an event's instant must be aware")
    match event:
        case Entrada():
            novo = _entrada(state, event)
        case Saida():
            novo = _saida(state, event)
        case OptOut():
            novo = replace(state, permissao=Permissao.OPTED_OUT, cooling_off_ate=None)
        case Decaimento():
            novo = _decaimento(state, event.em)
        case FimCoolingOff():
            novo = _fim_cooling_off(state, event.em)
        case Churn():
            novo = _churn(state, event.em)
        case ObjecaoResolvida():
            novo = _resolvida(state, event.em)
        case TransferenciaResolvida():
            novo = _transferencia_resolvida(state, event.em)
    return state if novo == state else novo


def _mais_recente(conhecido: datetime | None, em: datetime) -> datetime:
    return em if conhecido is None else max(conhecido, em)


def _entrada(state: DoctorState, event: Entrada) -> DoctorState:
    ouvido = replace(state, ultima_entrada_em=_mais_recente(state.ultima_entrada_em, event.em))
    if state.permissao is Permissao.OPTED_OUT:
        return ouvido
    temperatura = round(min(1.0, state.temperatura + GANHO_ENTRADA), 2)
    ouvido = replace(
        ouvido,
        permissao=Permissao.ACTIVE,
        cooling_off_ate=None,
        temperatura=temperatura,
        tendencia=Tendencia.WARMING if temperatura != state.temperatura else state.tendencia,
        # A doctor who writes is not lost: churn means a long silence.
        ciclo=Ciclo.ENGAGED if state.ciclo in {Ciclo.NOVO, Ciclo.PROSPECTING, Ciclo.CHURNED} else state.ciclo,
    )
    if event.objecao is None or event.objecao.tipo is TipoObjecao.NENHUMA:
        return _sem_objecao(ouvido, event)
    return _com_objecao(ouvido, event.objecao, event.em)


def _sem_objecao(ouvido: DoctorState, event: Entrada) -> DoctorState:
    # A grave objection is a person's to settle: friendly words do not make up for a threat.
    if event.segue_em_frente and ouvido.objecao_severidade is not Severidade.GRAVE:
        ouvido = _resolvida(ouvido, event.em)
    return replace(ouvido, tendencia=Tendencia.STABLE) if ouvido.objecao_aberta else ouvido


def _com_objecao(ouvido: DoctorState, objecao: Objecao, em: datetime) -> DoctorState:
    grave = objecao.severidade is Severidade.GRAVE
    if ouvido.objecao_aberta and ouvido.objecao_severidade is Severidade.GRAVE and not grave:
        return replace(ouvido, tendencia=Tendencia.STABLE)
    return replace(
        ouvido,
        permissao=Permissao.COOLING_OFF if grave else ouvido.permissao,
        cooling_off_ate=em + COOLING_OFF if grave else None,
        objecao=objecao.tipo.value,
        objecao_severidade=objecao.severidade,
        objecao_em=em,
        objecao_resolvida_em=None,
    )


def _resolvida(state: DoctorState, em: datetime) -> DoctorState:
    posterior = state.objecao_em is not None and state.objecao_em > em
    return replace(state, objecao_resolvida_em=em) if state.objecao_aberta and not posterior else state


def _transferencia_resolvida(state: DoctorState, em: datetime) -> DoctorState:
    if state.permissao is Permissao.OPTED_OUT:
        return state
    resolvida = _resolvida(state, em)
    if resolvida.objecao_aberta or resolvida.permissao is not Permissao.COOLING_OFF:
        return resolvida
    return replace(resolvida, permissao=Permissao.ACTIVE, cooling_off_ate=None)


def _saida(state: DoctorState, event: Saida) -> DoctorState:
    if state.ultima_saida_em is not None and event.em < state.ultima_saida_em:
        return state
    return replace(
        state,
        ultima_saida_em=event.em,
        ultima_saida_ator=event.ator,
        permissao=Permissao.INITIAL if state.permissao is Permissao.NONE else state.permissao,
        ciclo=Ciclo.PROSPECTING if state.ciclo is Ciclo.NOVO else state.ciclo,
    )


def _decaimento(state: DoctorState, em: datetime) -> DoctorState:
    referencias = [r for r in (state.ultimo_decaimento_em, state.ultima_entrada_em) if r is not None]
    if state.permissao is Permissao.OPTED_OUT or state.temperatura <= 0 or not referencias:
        return state
    referencia = max(referencias)
    dias = (em - referencia) // timedelta(days=1)
    if dias < 1:
        return state
    return replace(
        state,
        temperatura=max(0.0, round(state.temperatura - TAXA_DIARIA * dias, 2)),
        tendencia=Tendencia.COOLING,
        # Whole days only: the rest of a day stays owed, else a run some seconds early would lose a day each time.
        ultimo_decaimento_em=referencia + timedelta(days=dias),
    )


def _fim_cooling_off(state: DoctorState, em: datetime) -> DoctorState:
    corre = state.cooling_off_ate is not None and state.cooling_off_ate > em
    if state.permissao is not Permissao.COOLING_OFF or corre:
        return state
    return replace(state, permissao=Permissao.ACTIVE, cooling_off_ate=None)


def _churn(state: DoctorState, em: datetime) -> DoctorState:
    if state.permissao is Permissao.OPTED_OUT or state.ultima_entrada_em is None:
        return state
    calado = em - state.ultima_entrada_em > timedelta(days=CHURN_DIAS)
    return replace(state, ciclo=Ciclo.CHURNED) if calado else state
