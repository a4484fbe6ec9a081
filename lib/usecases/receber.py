"""Receiving: an authentic webhook becomes a durable row before its sender hears 2xx."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from lib.db import Database
from lib.domain.optout import Parada, classificar_parada
from lib.errors import UnauthorizedError, UnknownInstanceError
from lib.log import get_logger
from lib.providers.evolution_webhook import Conexao, Eco, Mensagem, Outro, Recibo, instance_of, parse, read
from lib.queries import entrada
from lib.queries.entrada import NewEvent, NewMessage, Stored

SOURCE = "evolution"
TARDIA = timedelta(minutes=10)
SEM_RESPOSTA_TARDIA = "sem_resposta: chegou com mais de 10 minutos"
SEM_TEXTO = "sem_resposta: mensagem sem texto"

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Debounce:
    """A turn is due after `quieto_s` of quiet, `quieto_max_s` after the burst's first message at the latest."""

    quieto_s: float
    quieto_max_s: float


async def receber(db: Database, instancia: str, raw: bytes, agora: datetime, debounce: Debounce) -> Stored:
    """Store one authentic Evolution webhook in one round trip; a repeated one changes nothing.

    Whatever its bytes are, it is stored: what cannot be understood is kept as dead with its reason.

    Raises:
        UnauthorizedError: the body names another instance than its key is for.
        UnknownInstanceError: no chip has this instance (yet).
        DatabaseUnavailableError: nothing is known to be stored.
    """
    body = parse(raw)
    named = instance_of(body)
    if named is not None and named != instancia:
        raise UnauthorizedError("the body names another instance")
    match read(body):
        case Mensagem() as mensagem:
            stored = await entrada.ingest_message(
                db, _new_message(instancia, raw, mensagem, agora), debounce.quieto_s, debounce.quieto_max_s
            )
        case Recibo(msg_id, status, entrega):
            stored = await entrada.store_receipt(db, instancia, msg_id, status, entrega)
        case Conexao(conectado):
            stored = await entrada.store_connection(db, instancia, conectado=conectado, em=agora)
        case Eco() as eco:
            stored = await entrada.store_event(db, _echo(instancia, raw, eco))
        case Outro(motivo, morta):
            # Without a message id of its own, its bytes are its identity.
            key = f"sha256:{hashlib.sha256(raw).hexdigest()}"
            tipo = "morta" if morta else "evento"
            stored = await entrada.store_event(db, NewEvent(instancia, SOURCE, key, tipo, raw, desfecho=motivo))
    if stored is None:
        raise UnknownInstanceError(instancia)
    if stored.desfecho and stored.inbox_id is not None:
        log.warning("mensagem.sem_resposta", inbox_id=stored.inbox_id, motivo=stored.desfecho)
    return stored


def _new_message(instancia: str, raw: bytes, mensagem: Mensagem, agora: datetime) -> NewMessage:
    late = mensagem.enviada_em is not None and agora - mensagem.enviada_em > TARDIA
    if late and classificar_parada(mensagem.texto or "") is Parada.EXPLICITA:
        late = False  # however late it comes, a stop is a stop
    desfecho = SEM_RESPOSTA_TARDIA if late else None
    if mensagem.texto is None:
        desfecho = SEM_TEXTO
    return NewMessage(
        instancia=instancia,
        source=SOURCE,
        msg_id=mensagem.msg_id,
        telefone=mensagem.telefone,
        lid=mensagem.lid,
        nome=mensagem.nome,
        midia=mensagem.midia,
        texto=mensagem.texto,
        raw=raw,
        enviada_em=mensagem.enviada_em,
        desfecho=desfecho,
    )


def _echo(instancia: str, raw: bytes, eco: Eco) -> NewEvent:
    return NewEvent(
        instancia=instancia,
        source=SOURCE,
        msg_id=eco.msg_id,
        tipo="eco",
        raw=raw,
        texto=eco.texto,
        body_hash=hashlib.sha256((eco.texto or "").encode()).digest(),
        endereco=eco.telefone,
        enviada_em=eco.enviada_em,
    )
