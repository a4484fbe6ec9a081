"""What a chip (WhatsApp number) may be and do."""

from collections.abc import Mapping
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
