"""Telling people in Chatwoot, by private notes, what became of what they wrote when it did not reach the doctor."""

from __future__ import annotations

from typing import Final

from lib import ledger
from lib.aio import gather_limited
from lib.db import Row
from lib.domain.espelho import eco_de, texto_da_falha
from lib.log import get_logger
from lib.providers.chamada import Falha, ProviderError
from lib.queries import chatwoot_nota, espelho
from lib.usecases.chatwoot_ponte import Ponte, espera_s

LOTE: Final = 8
LEASE_S: Final = 120.0

log = get_logger(__name__)


async def avisar_falhas(ponte: Ponte) -> int:
    """Post the private notes that are due; return how many. To be called every few seconds."""
    with ledger.measure("chatwoot_notas"):
        rows = await chatwoot_nota.settle_and_claim(ponte.db, LOTE, LEASE_S)
        results = await gather_limited(rows, lambda row: _tell(ponte, row), LOTE)
    for failure in results:
        if isinstance(failure, Exception):
            raise failure
    return sum(result is True for result in results)


async def _tell(ponte: Ponte, row: Row) -> bool:
    duvida = row["estado"] == "incerto"
    eco_id = eco_de(row["chave"])
    words = row["texto"] or texto_da_falha(row["state"], row["motivo"])
    try:
        told = duvida and await ponte.find_echo(row["chatwoot_id"], eco_id, row["msg_id"]) is not None
        duvida = False
        if not told:
            await ponte.api.post_message(row["chatwoot_id"], words, "outgoing", eco_id, privada=True)
    except ProviderError as failure:
        incerta = failure.falha is Falha.INCERTA
        await chatwoot_nota.mark_later(
            ponte.db,
            row,
            estado="incerto" if duvida or incerta else "pendente",
            motivo=failure.motivo,
            espera_s=max(failure.retry_after_s or 0.0, espera_s(row["criada_em"], ponte.clock())),
            conta=incerta,
            morre=failure.falha is Falha.PERMANENTE,
        )
        if failure.falha is Falha.CANAL_FORA:
            await espelho.mark_outage(ponte.db, failure.motivo)
        log.warning("chatwoot.nota_falhou", falha=failure.falha.value, motivo=failure.motivo)
        return False
    await chatwoot_nota.mark_done(ponte.db, row)
    return True
