"""Which numbers of the pool a forecast counts with, and how they go into it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lib.domain.chip import EM_USO, ENVIA, TRUST_MINIMO, Gateway, StatusChip, TipoEnvio
from lib.domain.limites import Limite
from lib.domain.previsao import ChipPrevisto
from lib.domain.rampup import INTEIRA
from lib.domain.selecao import Regra


@dataclass(frozen=True, slots=True)
class Inscrito:
    """One of Júlia's numbers as it stands; the limits are whole, `envios` those of the last 24 hours, oldest first."""

    chip_id: int
    nome: str
    status: StatusChip
    status_anterior: StatusChip | None
    gateway: Gateway
    conta: str | None
    trust: int
    pode_prospectar: bool
    conectado: bool
    qualidade: str | None
    limite_hora: int
    limite_dia: int
    intervalo_s: int
    rampup_parte: int
    rampup_desde: datetime | None
    reply_only_until: datetime | None
    cooldown_ate: datetime | None
    aberto_ate: datetime | None
    envios: tuple[datetime, ...]


def fora(chip: Inscrito) -> Regra | None:
    """Return what keeps a number out of a forecast; a restriction that ends by itself does not, a RED one does."""
    status = chip.status
    if status is StatusChip.RESTRICTED:
        status = chip.status_anterior if chip.status_anterior in EM_USO else StatusChip.WARMING
    rules = (
        (Regra.STATUS, TipoEnvio.PROSPECCAO not in ENVIA.get(status, frozenset())),
        (Regra.PERMISSAO, not chip.pode_prospectar),
        (Regra.TRUST, chip.trust < TRUST_MINIMO[TipoEnvio.PROSPECCAO]),
        (Regra.DESCONECTADO, not chip.conectado),
        (Regra.RESTRITO, chip.gateway is Gateway.META and chip.qualidade == "RED"),
        (Regra.LIMITE_DIA, chip.limite_dia <= 0),
        (Regra.LIMITE_HORA, chip.limite_hora <= 0),
    )
    return next((regra for regra, out in rules if out), None)


def previsto(chip: Inscrito, agora: datetime) -> ChipPrevisto:
    """Return a number as a forecast wants it: a share that is not whole grows from the restriction's end on."""
    waits = [until for until in (chip.reply_only_until, chip.cooldown_ate, chip.aberto_ate) if until and until > agora]
    subindo = None
    if chip.rampup_parte < INTEIRA:
        subindo = chip.rampup_desde or max(agora, chip.reply_only_until or agora)
    return ChipPrevisto(
        nome=chip.nome,
        limite=Limite(chip.limite_hora, chip.limite_dia),
        intervalo=timedelta(seconds=chip.intervalo_s),
        envios=chip.envios,
        livre_em=max(waits, default=None),
        rampup_desde=subindo,
        conta=chip.conta if chip.gateway is Gateway.META else None,
    )
