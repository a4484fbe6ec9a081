"""Receiving: an authentic webhook becomes a durable row before its sender hears 2xx."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lib.aio import Together
from lib.db import Database
from lib.domain.mensagem import REVISOES, TARDIA, MensagemRecebida, Midia, Tratamento, tratamento
from lib.errors import UnauthorizedError, UnknownInstanceError
from lib.log import get_logger
from lib.providers.evolution_webhook import Conexao, Eco, Evento, Outro, Recibo, instance_of, links, parse, read
from lib.queries import eco as ecos
from lib.queries import entrada, fusao, revisao
from lib.queries.eco import NewEcho
from lib.queries.entrada import NewEvent, NewMessage, NewReceipt, Stored
from lib.queries.revisao import NewRevision

SOURCE = "evolution"
RECIBOS_JUNTOS = 200
Recibos = Together[NewReceipt, Stored | None]

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Debounce:
    """A turn is due after `quieto_s` of quiet, `quieto_max_s` after the burst's first message at the latest."""

    quieto_s: float
    quieto_max_s: float


@dataclass(frozen=True, slots=True)
class Chegada:
    """One authentic webhook on arrival."""

    instancia: str
    raw: bytes
    body: Any
    agora: datetime


async def receber(
    db: Database, instancia: str, raw: bytes, agora: datetime, debounce: Debounce, recibos: Recibos | None = None
) -> Stored:
    """Store one authentic Evolution webhook in one round trip; a repeated one changes nothing.

    Whatever its bytes are, it is stored: what cannot be understood is kept as dead with its reason. A second round trip
    joins two rows found to be one doctor, and brings home what landed in a conversation just closed.

    Receipts, four of a message's five webhooks, share a write with those that come at the same moment when `recibos`
    gathers them.

    Raises:
        UnauthorizedError: the body names another instance than its key is for.
        UnknownInstanceError: no chip has this instance (yet).
        DatabaseUnavailableError: nothing is known to be stored.
    """
    body = parse(raw)
    named = instance_of(body)
    if named is not None and named != instancia:
        raise UnauthorizedError("the body names another instance")
    stored = await _store(db, read(body), Chegada(instancia, raw, body, agora), debounce, recibos or juntar_recibos(db))
    if stored is None:
        raise UnknownInstanceError(instancia)
    if stored.lid and stored.telefone:
        await fusao.fundir(db, stored.lid, stored.telefone)
        log.info("medico.fundido", conversation_id=stored.conversation_id)
    if stored.perdida and stored.conversation_id is not None:
        await fusao.recolher(db, stored.conversation_id)
    if stored.inbox_id is not None and (stored.desfecho or "").startswith("sem_resposta"):
        log.warning("mensagem.sem_resposta", inbox_id=stored.inbox_id, motivo=stored.desfecho)
    return stored


def juntar_recibos(db: Database) -> Recibos:
    """Return what gathers the receipts of one process."""

    async def store(receipts: Sequence[NewReceipt]) -> Sequence[Stored | None]:
        return await entrada.store_receipts(db, receipts)

    return Together(store, RECIBOS_JUNTOS)


async def _store(db: Database, evento: Evento, chegada: Chegada, debounce: Debounce, recibos: Recibos) -> Stored | None:
    match evento:
        case MensagemRecebida() as mensagem:
            return await _message(db, mensagem, chegada, debounce)
        case Recibo(msg_id, status, entrega):
            return await recibos.ask(NewReceipt(chegada.instancia, msg_id, status, entrega))
        case Conexao(conectado, motivo):
            kept = _event(chegada, "evento", motivo) if motivo else None
            return await entrada.store_connection(
                db, chegada.instancia, conectado=conectado, em=chegada.agora, evento=kept
            )
        case Eco() as eco:
            return await _echo(db, eco, chegada)
        case Outro(motivo, morta):
            kept = _event(chegada, "morta" if morta else "evento", motivo)
            return await entrada.store_event(db, kept, links(chegada.body))


async def _message(db: Database, mensagem: MensagemRecebida, chegada: Chegada, debounce: Debounce) -> Stored | None:
    idade = chegada.agora - mensagem.enviada_em if mensagem.enviada_em else None
    destino = tratamento(mensagem, idade)
    if mensagem.midia in REVISOES and mensagem.alvo_msg_id is not None:
        return await revisao.store_revision(
            db,
            _new_revision(chegada, mensagem, mensagem.alvo_msg_id, destino),
            debounce.quieto_s,
            debounce.quieto_max_s,
        )
    quieto_s = 0.0 if destino.imediato else debounce.quieto_s
    return await entrada.ingest_message(db, _new_message(chegada, mensagem, destino), quieto_s, debounce.quieto_max_s)


def _new_message(chegada: Chegada, mensagem: MensagemRecebida, destino: Tratamento) -> NewMessage:
    return NewMessage(
        instancia=chegada.instancia,
        source=SOURCE,
        msg_id=mensagem.msg_id,
        telefone=mensagem.telefone,
        lid=mensagem.lid,
        nome=mensagem.nome,
        midia=mensagem.midia,
        texto=mensagem.texto,
        raw=chegada.raw,
        enviada_em=mensagem.enviada_em,
        desfecho=destino.desfecho,
        alvo_msg_id=mensagem.alvo_msg_id,
        citada_msg_id=mensagem.citada_msg_id,
        conteudo=(mensagem.conteudo or {}) | {"parada": True} if destino.parada else mensagem.conteudo,
        parada=destino.parada,
    )


def _new_revision(chegada: Chegada, mensagem: MensagemRecebida, alvo: str, destino: Tratamento) -> NewRevision:
    return NewRevision(
        instancia=chegada.instancia,
        source=SOURCE,
        msg_id=mensagem.msg_id,
        alvo=alvo,
        assinada=mensagem.assinada,
        telefone=mensagem.telefone,
        lid=mensagem.lid,
        midia=mensagem.midia,
        nome_da_revisao="edição" if mensagem.midia is Midia.EDICAO else "apagamento",
        texto=mensagem.texto,
        raw=chegada.raw,
        enviada_em=mensagem.enviada_em,
        desfecho=destino.desfecho,
        # A stop whose author only its target can tell waits for it.
        ainda_nao=tratamento(replace(mensagem, texto="."), None).desfecho,
        parada=destino.parada,
    )


async def _echo(db: Database, eco: Eco, chegada: Chegada) -> Stored | None:
    body_hash = hashlib.sha256((eco.texto or "").encode()).digest()
    late = eco.enviada_em is not None and chegada.agora - eco.enviada_em > TARDIA
    if eco.digitada and not late:
        echo = NewEcho(
            instancia=chegada.instancia,
            source=SOURCE,
            msg_id=eco.msg_id,
            telefone=eco.telefone,
            lid=eco.lid,
            midia=eco.midia,
            texto=eco.texto,
            body_hash=body_hash,
            raw=chegada.raw,
            enviada_em=eco.enviada_em,
            conteudo=eco.conteudo,
        )
        return await ecos.take_over(db, echo, chegada.agora)
    event = NewEvent(
        instancia=chegada.instancia,
        source=SOURCE,
        msg_id=eco.msg_id,
        tipo="eco",
        raw=chegada.raw,
        midia=eco.midia,
        texto=eco.texto,
        body_hash=body_hash,
        endereco=eco.telefone or f"{eco.lid}@lid",
        enviada_em=eco.enviada_em,
    )
    vinculos = ((eco.lid, eco.telefone),) if eco.lid and eco.telefone else ()
    return await entrada.store_event(db, event, vinculos)


def _event(chegada: Chegada, tipo: str, motivo: str) -> NewEvent:
    """Keep what has no message id of its own: its bytes are its identity."""
    key = f"sha256:{hashlib.sha256(chegada.raw).hexdigest()}"
    return NewEvent(chegada.instancia, SOURCE, key, tipo, chegada.raw, desfecho=motivo)
