"""What a chip (WhatsApp number) may be and do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class StatusChip(StrEnum):
    """Life of a chip. Whether it is connected is another fact: a short disconnect changes no status.

    `provisioned` has a number and no session yet, `pending` waits for a person's approval, `warming` raises its limits,
    `ready` is in reserve, `active` in production, `degraded` rests. WhatsApp told `restricted` to write to nobody first
    and threw `banned` out; a person stopped `paused`; `cancelled` is given back.
    """

    PROVISIONED = "provisioned"
    PENDING = "pending"
    WARMING = "warming"
    READY = "ready"
    ACTIVE = "active"
    DEGRADED = "degraded"
    RESTRICTED = "restricted"
    PAUSED = "paused"
    BANNED = "banned"
    CANCELLED = "cancelled"


class FaseWarmup(StrEnum):
    """Phases of warm-up, in order: each raises the limits of real traffic (decision D15)."""

    REPOUSO = "repouso"
    SETUP = "setup"
    PRIMEIROS_CONTATOS = "primeiros_contatos"
    EXPANSAO = "expansao"
    PRE_OPERACAO = "pre_operacao"
    TESTE_GRADUACAO = "teste_graduacao"
    OPERACAO = "operacao"


class TipoChip(StrEnum):
    """`julia` talks to doctors; `listener` reads groups and never sends (decision D16)."""

    JULIA = "julia"
    LISTENER = "listener"


class Gateway(StrEnum):
    """Who carries the chip's messages."""

    EVOLUTION = "evolution"
    ZAPI = "zapi"
    META = "meta"


class NivelTrust(StrEnum):
    """Bands of the trust score: 80, 60, 40, 20 and below."""

    VERDE = "verde"
    AMARELO = "amarelo"
    LARANJA = "laranja"
    VERMELHO = "vermelho"
    CRITICO = "critico"


class TipoEnvio(StrEnum):
    """What a send is, as far as the choice of a chip is concerned."""

    RESPOSTA = "resposta"
    LEMBRETE = "lembrete"
    FOLLOWUP = "followup"
    PROSPECCAO = "prospeccao"


REPLIES: frozenset[TipoEnvio] = frozenset({TipoEnvio.RESPOSTA, TipoEnvio.LEMBRETE})
# What a chip of each status may send at all; one that is not here sends nothing.
ENVIA: Mapping[StatusChip, frozenset[TipoEnvio]] = MappingProxyType(
    {
        StatusChip.ACTIVE: frozenset(TipoEnvio),
        StatusChip.WARMING: frozenset(TipoEnvio),
        StatusChip.READY: REPLIES,
        StatusChip.DEGRADED: REPLIES,
        StatusChip.RESTRICTED: REPLIES,
    }
)
# Statuses in which a chip is at work, to which it returns from a restriction or a pause.
EM_USO: frozenset[StatusChip] = frozenset(
    {StatusChip.WARMING, StatusChip.READY, StatusChip.ACTIVE, StatusChip.DEGRADED}
)


TRUST_MINIMO: Mapping[TipoEnvio, int] = MappingProxyType(
    {TipoEnvio.PROSPECCAO: 80, TipoEnvio.FOLLOWUP: 60, TipoEnvio.RESPOSTA: 40, TipoEnvio.LEMBRETE: 40}
)
# Second try when no chip reaches the first minimum; prospecting never gets one (decision D25).
TRUST_MINIMO_RESERVA: Mapping[TipoEnvio, int] = MappingProxyType(
    {TipoEnvio.PROSPECCAO: 80, TipoEnvio.FOLLOWUP: 40, TipoEnvio.RESPOSTA: 20, TipoEnvio.LEMBRETE: 20}
)


@dataclass(frozen=True, slots=True)
class Escolha:
    """Why a send went through its chip, as the claim stored it (`outbox.escolha`).

    `afim` is the conversation's chip. `candidatos` may send this and have room, `no_minimo` of them reach `minimo`.
    `folga` is the room before this send, `uso_hora` its sends of the last hour. The `chips` in use are taken in the
    order of their use, `vez` from 0; a batch's n-th send (`lugar`) begins at the n-th of them.
    """

    chip_id: int
    afim: int | None
    tipo: TipoEnvio
    trust: int
    minimo: int
    reserva: int
    folga: int
    uso_hora: int
    candidatos: int
    no_minimo: int
    chips: int
    vez: int
    lugar: int


def explicar_escolha(escolha: Escolha) -> str:
    """Say in Portuguese why it was this chip; the reason follows from the stored inputs alone."""
    partes = [f"trust {escolha.trust}, mínimo {escolha.minimo} para {escolha.tipo}"]
    if escolha.trust < escolha.minimo:
        partes[0] += f": nenhum chip livre chegava lá, valeu a reserva de {escolha.reserva}"
    if escolha.chip_id == escolha.afim:
        partes.append("é o chip da conversa")
    else:
        partes.append(_outro(escolha))
    usos = "1 envio" if escolha.uso_hora == 1 else f"{escolha.uso_hora} envios"
    partes.append(f"{usos} na última hora, folga de {escolha.folga}")
    return "; ".join(partes)


def _outro(escolha: Escolha) -> str:
    quantos = escolha.no_minimo if escolha.trust >= escolha.minimo else escolha.candidatos
    entre = "o único que podia" if quantos == 1 else f"o da vez entre {quantos} que podiam, do menos ao mais usado"
    return f"a conversa ainda não tinha chip: {entre}" if escolha.afim is None else f"o da conversa não podia: {entre}"
