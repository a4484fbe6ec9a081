"""Reconciling who is in charge of a conversation, here and in Chatwoot, by looking at both sides.

Three facts are compared: what both sides last agreed on, what theirs says and what ours says. Nothing is concluded from
an event, so that none can be stale, double, out of order or lost. One process at a time has a thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from typing import Final

from lib import ledger
from lib.aio import gather_limited
from lib.db import Row
from lib.domain.espelho import RESOLVIDA, ROTULO, Decisao, base_vista, decide, pessoa_no_comando
from lib.errors import AgenteError
from lib.log import get_logger
from lib.providers.chamada import Falha, ProviderError
from lib.providers.chatwoot import ConversaChatwoot
from lib.queries import chatwoot, espelho
from lib.usecases.chatwoot_ponte import ESPERA_MAX_S, Ponte
from lib.usecases.encaminhar import encaminhar
from lib.usecases.transferir import NoSuchConversationError, WrongStateError, assumir, devolver

LOTE: Final = 8
LEASE_S: Final = 120.0
COMECAR_ATE_S: Final = 60.0  # a write that begins later might end after the lease
VOLTAS: Final = 3
ABERTA: Final = "open"

log = get_logger(__name__)


class _LateError(AgenteError):
    """Held up for so long that another process may have the thread by now: nothing may be changed any more."""


class _NoLabelError(AgenteError):
    """The account does not define our label: a hand-off cannot be shown."""


@dataclass(frozen=True, slots=True)
class Visita:
    """One look at one thread, `conversa` as fetched; nothing is changed after `ate`."""

    ponte: Ponte
    row: Row
    conversa: ConversaChatwoot
    proprio_id: int
    ate: float

    @property
    def rotulada(self) -> bool:
        """Whether our label is on it."""
        return ROTULO in self.conversa.labels

    @property
    def responsavel(self) -> int | None:
        """Return the person it is assigned to, us excepted."""
        found = self.conversa.responsavel_id
        return None if found == self.proprio_id else found

    @property
    def deles(self) -> bool:
        """Whether theirs says that a person is in charge."""
        conversa = self.conversa
        return pessoa_no_comando(conversa.labels, conversa.responsavel_id, conversa.status, self.proprio_id)

    def check(self) -> None:
        """Raise when it is too late to change anything."""
        if monotonic() > self.ate:
            raise _LateError


async def conciliar(ponte: Ponte, so: int | None = None) -> int:
    """Look at the threads that are due, or at the one `so`; return how many. To be called each second.

    What people wrote there is forwarded on the way, whether or not its webhook came.
    """
    with ledger.measure("conciliar"):
        rows = await chatwoot.claim_due(ponte.db, LOTE, LEASE_S, so)
        results = await gather_limited(rows, lambda row: _visit(ponte, row), LOTE)
    for failure in results:
        if isinstance(failure, Exception):
            raise failure
    return len(rows)


async def _visit(ponte: Ponte, row: Row) -> None:
    ate = monotonic() + COMECAR_ATE_S
    wait_s = min(ESPERA_MAX_S, 2.0 ** min(row["tentativas"], 6))
    try:
        proprio_id = await ponte.eu()
        conversa, ultima = await _read(ponte, row)
        outra = conversa is None
        if conversa is not None:
            outra = await _settle(Visita(ponte, row, conversa, proprio_id, ate))
    except ProviderError as failure:
        await _failed(ponte, row, failure, wait_s)
    except _NoLabelError:
        await espelho.notice(
            ponte.db,
            "chatwoot_rotulo",
            f'A conta do Chatwoot não tem a etiqueta "{ROTULO}": crie-a, ou as transferências não aparecem lá.',
        )
        await chatwoot.retry(ponte.db, row, ESPERA_MAX_S)
    except _LateError:
        await chatwoot.retry(ponte.db, row, 0.0)
    else:
        await chatwoot.rest(ponte.db, row, ultima_msg_id=ultima, outra=outra)


async def _failed(ponte: Ponte, row: Row, failure: ProviderError, wait_s: float) -> None:
    log.warning("conciliar.falhou", falha=failure.falha.value, motivo=failure.motivo)
    if failure.status == HTTPStatus.NOT_FOUND and failure.falha is Falha.PERMANENTE:
        await espelho.unbind(ponte.db, row["chatwoot_id"])
        return
    if failure.falha is Falha.CANAL_FORA:
        await espelho.mark_outage(ponte.db, failure.motivo)
    await chatwoot.retry(ponte.db, row, max(wait_s, failure.retry_after_s or 0.0))


async def _read(ponte: Ponte, row: Row) -> tuple[ConversaChatwoot | None, int]:
    """Fetch a thread that is not older than any message which was forwarded; None while people keep writing.

    A message takes the conversation over. A state fetched before one was written would undo that.
    """
    ultima: int = row["ultima_msg_id"] or 0
    for _ in range(VOLTAS):
        conversa = await ponte.api.get_conversation(row["chatwoot_id"])
        written = await ponte.messages_after(row["chatwoot_id"], ultima)
        ultima = max((one.id for one in written), default=ultima)
        if not written or not await encaminhar(ponte, row["chatwoot_id"], written):
            return conversa, ultima
    return None, ultima


async def _settle(visita: Visita) -> bool:
    """Compare and act; tell whether to look again at once."""
    db, row = visita.ponte.db, visita.row
    ours = await chatwoot.look(db, row)
    if ours is None:
        return False
    nosso, deles = bool(ours["nosso"]), visita.deles
    base = base_vista(row["base_pessoa"], row["escrita_pessoa"], deles)
    decisao = decide(base, deles, nosso)
    resolvida = visita.conversa.status == RESOLVIDA
    if decisao is Decisao.ESCREVER and nosso and resolvida and ours["daqui"]:
        decisao = Decisao.APLICAR  # who wrote there resolved it too, or wrote into it resolved: they are done
    match decisao:
        case Decisao.APLICAR:
            await _apply(visita, ours["aberta_id"])
            await chatwoot.agree(db, row, pessoa=deles)
            return resolvida
        case Decisao.ESCREVER:
            return not await _write(visita, base=base, pessoa=nosso)
        case Decisao.ACERTAR:
            await chatwoot.agree(db, row, pessoa=deles)
        case Decisao.NADA if row["escrita_pessoa"] is not None:
            await chatwoot.agree(db, row, pessoa=deles)
    if deles and ours["pendente"] and visita.responsavel is not None:
        await _apply(visita, ours["aberta_id"])  # somebody took what waited for a person
    if resolvida and not nosso:
        await _tidy(visita)
    return False


async def _apply(visita: Visita, conversation_id: int) -> None:
    """Do here what a person did there."""
    visita.check()
    db, agora = visita.ponte.db, visita.ponte.clock()
    por = f"chatwoot:{visita.responsavel}" if visita.responsavel is not None else "chatwoot"
    try:
        if visita.deles:
            await assumir(db, conversation_id, por, agora)
        else:
            await devolver(db, conversation_id, por, None, agora)
    except (WrongStateError, NoSuchConversationError):
        log.info("conciliar.ja_estava", conversation_id=conversation_id)


async def _write(visita: Visita, *, base: bool, pessoa: bool) -> bool:
    """Do there what happened here; False when ours has changed again meanwhile."""
    visita.check()
    api, db, row, chatwoot_id = visita.ponte.api, visita.ponte.db, visita.row, visita.conversa.id
    if not await chatwoot.intend(db, row, base=base, pessoa=pessoa):
        return False
    if pessoa:
        if not visita.rotulada and ROTULO not in await api.set_label(chatwoot_id, ROTULO, presente=True):
            raise _NoLabelError
        if visita.conversa.status != ABERTA:
            await api.set_status(chatwoot_id, ABERTA)
    else:
        if visita.rotulada:
            await api.set_label(chatwoot_id, ROTULO, presente=False)
        if visita.responsavel is not None:
            await _unassign(visita)
    await chatwoot.agree(db, row, pessoa=pessoa)
    return True


async def _unassign(visita: Visita) -> None:
    """Take it from the person it was assigned to, unless people changed it since we looked: that stands."""
    api, chatwoot_id = visita.ponte.api, visita.conversa.id
    now = await api.get_conversation(chatwoot_id)
    if now.responsavel_id == visita.conversa.responsavel_id and ROTULO not in now.labels:
        await api.assign(chatwoot_id, None)


async def _tidy(visita: Visita) -> None:
    """Clear a resolved thread, or the doctor's next message, which reopens it, would hand it over again.

    What a person reopened meanwhile is put back as it was.
    """
    visita.check()
    api, chatwoot_id = visita.ponte.api, visita.conversa.id
    if not visita.rotulada and visita.responsavel is None:
        return
    if visita.rotulada:
        await api.set_label(chatwoot_id, ROTULO, presente=False)
    if visita.responsavel is not None:
        await api.assign(chatwoot_id, None)
    now = await api.get_conversation(chatwoot_id)
    if now.status == RESOLVIDA:
        return
    if visita.rotulada:
        await api.set_label(chatwoot_id, ROTULO, presente=True)
    if visita.responsavel is not None and now.responsavel_id is None:
        await api.assign(chatwoot_id, visita.responsavel)
