"""Mirroring: every message of ours and of the doctor's is copied to Chatwoot once, in the conversation's order."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from time import monotonic
from typing import Final

from lib import ledger
from lib.aio import gather_limited
from lib.db import Row
from lib.domain.espelho import RESOLVIDA, eco_de, texto_do_espelho
from lib.log import get_logger
from lib.providers.chamada import Falha, ProviderError
from lib.providers.chatwoot import Contato, DuplicateContactError
from lib.queries import espelho
from lib.usecases.chatwoot_ponte import Ponte, espera_s

LOTE: Final = 8
LOTES_MAX: Final = 25
LEASE_S: Final = 120.0
POSTAR_ATE_S: Final = 90.0  # a post that begins later might land after the lease, beside another process's
PARADA: Final = timedelta(minutes=30)
GRACA_S: Final = 5.0  # a post whose answer was lost may still land

log = get_logger(__name__)


async def espelhar(ponte: Ponte) -> int:
    """Copy what is due, eight conversations at once; return how many copies were made. To be called each second."""
    done = 0
    for _ in range(LOTES_MAX):
        with ledger.measure("espelhar"):
            rows = await espelho.enqueue_and_claim(ponte.db, LOTE, LEASE_S)
            results = await gather_limited(rows, lambda row: _copy(ponte, row), LOTE)
        for failure in results:
            if isinstance(failure, Exception):
                raise failure
        done += sum(result is True for result in results)
        if len(rows) < LOTE or not all(results):
            break
    return done


async def _copy(ponte: Ponte, row: Row) -> bool:
    """Make one copy, or find that it was made; record what became of it."""
    ate = monotonic() + POSTAR_ATE_S
    duvida = row["estado"] == "incerto"
    chatwoot_id: int | None = row["chatwoot_id"]
    eco_id = eco_de(row["interacao_id"])
    try:
        if chatwoot_id is None:
            chatwoot_id = await _thread(ponte, row)
        there = await ponte.find_echo(chatwoot_id, eco_id, row["depois_de"]) if duvida else None
        duvida = False
        if there is None and monotonic() > ate:
            await espelho.mark_later(ponte.db, row, estado="pendente", motivo="tarde", espera_s=0.0, conta=False)
            return False
        if there is None:
            words = texto_do_espelho(row["midia"], row["texto"], editada=row["editada"], apagada=row["apagada"])
            tipo = "incoming" if row["autor"] == "medico" else "outgoing"
            there = await ponte.api.post_message(chatwoot_id, words, tipo, eco_id)
    except ProviderError as failure:
        await _failed(ponte, row, failure, chatwoot_id, duvida=duvida or failure.falha is Falha.INCERTA)
        return False
    await espelho.mark_done(ponte.db, row["interacao_id"], chatwoot_id, there.id, row["claim"])
    return True


async def _failed(ponte: Ponte, row: Row, failure: ProviderError, chatwoot_id: int | None, *, duvida: bool) -> None:
    db, estado = ponte.db, "incerto" if duvida else "pendente"
    # A thread that somebody deleted is opened anew; without one in question it is the account that is not found.
    missing = failure.status == HTTPStatus.NOT_FOUND and failure.falha is Falha.PERMANENTE
    gone = missing and chatwoot_id is not None
    if chatwoot_id is not None and gone:
        await espelho.unbind(db, chatwoot_id)
    fora = failure.falha is Falha.CANAL_FORA or (missing and not gone)
    wait_s = max(GRACA_S if duvida else 0.0, failure.retry_after_s or 0.0, espera_s(row["em"], ponte.clock()))
    await espelho.mark_later(
        db,
        row,
        estado=estado,
        motivo=failure.motivo,
        espera_s=0.0 if gone else wait_s,
        conta=gone or failure.falha is Falha.INCERTA,
        morre=failure.falha is Falha.PERMANENTE and not missing,
    )
    if fora:
        await espelho.mark_outage(db, failure.motivo)
    elif failure.falha is Falha.REPETIR and ponte.clock() - row["em"] > PARADA:
        texto = f"Há mensagens que não chegam ao Chatwoot há mais de 30 minutos: {failure.motivo}"
        await espelho.notice(db, f"espelho_parado:{ponte.clock():%Y-%m-%d}", texto)
    log.warning("espelho.falhou", interacao_id=row["interacao_id"], falha=failure.falha.value, motivo=failure.motivo)


async def _thread(ponte: Ponte, row: Row) -> int:
    """Find or open the doctor's thread and record it; what was opened by a call whose answer was lost is found.

    Raises:
        ProviderError: it could not be found or opened.
    """
    api, agente_id = ponte.api, str(row["conversation_id"])
    contato = await _contact(ponte, row)
    source_id = contato.source_id or await api.link_inbox(contato.id)
    known = [one for one in await api.conversations_of(contato.id) if one.agente_conversa is not None]
    found = next((one for one in known if one.agente_conversa == agente_id), None) or next(
        (one for one in known if one.status != RESOLVIDA), None
    )
    if found is None:
        chatwoot_id, ultima = await api.create_conversation(contato.id, source_id, agente_id), 0
    else:  # what people wrote there before was not written to this conversation
        chatwoot_id = found.id
        ultima = max((one.id for one in await api.list_messages(found.id)), default=0)
    await espelho.bind(
        ponte.db,
        row["conversation_id"],
        contato_id=contato.id,
        source_id=source_id,
        chatwoot_id=chatwoot_id,
        ultima_msg_id=ultima,
    )
    return chatwoot_id


async def _contact(ponte: Ponte, row: Row) -> Contato:
    """Find the doctor's contact, or make it; one known by its LID alone has no phone there either."""
    lid, telefone = row["lid"], row["telefone"]
    identificador = f"lid:{lid.lower()}" if lid else f"medico:{row['medico_id']}"
    found = await ponte.api.find_contact(telefone, identificador)
    if found is not None:
        return found
    try:
        return await ponte.api.create_contact(row["nome"] or "Médico sem nome", telefone, identificador)
    except DuplicateContactError:  # made meanwhile
        found = await ponte.api.find_contact(telefone, identificador)
        if found is None:
            raise
        return found
