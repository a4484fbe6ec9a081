"""Hand-offs after the fact: people take conversations, give them back, or fall silent."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from lib.db import Database
from lib.errors import AgenteError
from lib.log import get_logger
from lib.queries import conversa, transferencia
from lib.queries.transferencia import Pessoa

NOTAS_MAX: Final = 1_000

log = get_logger(__name__)


class NoSuchConversationError(AgenteError):
    """There is no conversation with this id."""


class WrongStateError(AgenteError):
    """The conversation is not in a state in which this can be done; the text is for people, in Portuguese."""


async def assumir(db: Database, conversation_id: int, por: str, agora: datetime) -> int:
    """Put a conversation into a person's hands; what Júlia was about to say is discarded. Returns the hand-off's id.

    Raises:
        NoSuchConversationError: there is none.
        WrongStateError: it is closed.
    """
    taken = await transferencia.take(db, conversation_id, Pessoa(por, agora))
    if taken is None:
        raise await _refusal(db, conversation_id, "a conversa está encerrada")
    log.info("transferencia.assumida", conversation_id=conversation_id, transferencia_id=taken)
    return taken


async def devolver(db: Database, conversation_id: int, por: str, notas: str | None, agora: datetime) -> int:
    """Give a conversation back to Júlia, with notes that she reads. Returns the hand-off's id.

    Raises:
        NoSuchConversationError: there is none.
        WrongStateError: it is closed, or hers already.
    """
    returned = await transferencia.give_back(db, conversation_id, Pessoa(por, agora, (notas or "")[:NOTAS_MAX] or None))
    if returned is None:
        raise await _refusal(db, conversation_id, "a conversa já está com a Júlia, ou encerrada")
    log.info("transferencia.resolvida", conversation_id=conversation_id, transferencia_id=returned)
    return returned


async def liberar_silenciosas(db: Database, agora: datetime) -> int:
    """Give Júlia back what people took and left silent for too long; return how many conversations."""
    released = await transferencia.release_silent(db, agora)
    for conversation_id in released:
        log.info("transferencia.liberada", conversation_id=conversation_id)
    return len(released)


async def _refusal(db: Database, conversation_id: int, motivo: str) -> AgenteError:
    known = await conversa.exists(db, conversation_id)
    return WrongStateError(motivo) if known else NoSuchConversationError()
