"""What Meta's account events mean for its numbers: quality, restriction, ban, and the tier that they share."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from lib.db import Database
from lib.domain.chip import Gateway
from lib.domain.chip_ciclo import Perda
from lib.domain.telefone import normalizar
from lib.domain.tier_meta import limite_do_tier
from lib.log import get_logger, mask
from lib.providers.meta_alerta import ContaAlerta
from lib.queries import conexao, conta_meta
from lib.queries.conexao import Dito

TARDE: Final = timedelta(minutes=15)
"""Meta repeats an event for a week. By now the list of numbers, which is read every five minutes, knows better."""

log = get_logger(__name__)


async def ouvir(db: Database, alerta: ContaAlerta, recebido_em: datetime, agora: datetime) -> None:
    """Take in what an event of the account says of its numbers; what is late changes nothing. Safe to repeat."""
    ainda_vale = alerta.ate is not None and alerta.ate > agora
    # Meta's clock counts whole seconds.
    em = min(recebido_em, alerta.em + timedelta(seconds=1)) if alerta.em and not ainda_vale else recebido_em
    if agora - em > TARDE and not ainda_vale:
        return
    limite = limite_do_tier(alerta.tier)
    if alerta.tier is not None and limite is not None:
        await conta_meta.put_tier(db, alerta.conta, alerta.tier, limite, em)
    if alerta.perda is None and alerta.qualidade is None:
        return
    telefone = normalizar(f"+{alerta.telefone.removeprefix('+')}") if alerta.telefone else None
    if alerta.telefone and telefone is None:
        return
    said = ", ".join(part for part in (alerta.evento, alerta.motivo) if part) or alerta.campo
    ditos = [
        Dito(
            Gateway.META,
            instancia,
            conectado=False if alerta.perda is Perda.BANIDO else None,
            perda=alerta.perda,
            ate=alerta.ate,
            qualidade=alerta.qualidade if telefone else None,
            motivo=f"Meta: {mask(said)}",
        )
        for instancia in await conta_meta.numbers(db, alerta.conta, telefone)
    ]
    if ditos:
        changed = [row["instancia"] for row in await conexao.say(db, ditos, em) if row["para"]]
        log.info("meta.numeros", numeros=len(ditos), mudaram=len(changed))
