"""Receiving: an authentic webhook becomes a durable row before its sender hears 2xx."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from lib.aio import Together
from lib.db import Database
from lib.domain.chip import Gateway
from lib.domain.evento import Conexao, Eco, Evento, Outro, Preferencia, Recibo
from lib.domain.mensagem import REVISOES, TARDIA, MensagemRecebida, Midia, Tratamento, tratamento
from lib.errors import UnauthorizedError, UnknownInstanceError
from lib.log import get_logger
from lib.providers.evolution_webhook import instance_of, links, parse, read
from lib.queries import eco as ecos
from lib.queries import entrada, fusao, optout, revisao
from lib.queries.conexao import Dito
from lib.queries.eco import NewEcho
from lib.queries.entrada import NewEffect, NewEvent, NewMessage, NewReceipt, Stored
from lib.queries.revisao import NewRevision

EVOLUTION = "evolution"
RECIBOS_JUNTOS = 200
Recibos = Together[NewReceipt, Stored | None]
Vinculos = Sequence[tuple[str, str]]

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Debounce:
    """A turn is due after `quieto_s` of quiet, `quieto_max_s` after the burst's first message at the latest."""

    quieto_s: float
    quieto_max_s: float


@dataclass(frozen=True, slots=True)
class Chegada:
    """The bytes of something authentic on arrival, and whose they are. `parte` tells the events of one body apart."""

    source: str
    instancia: str
    raw: bytes
    agora: datetime
    parte: int = 0


class Peca(Protocol):
    """One event out of a body that speaks of several numbers."""

    @property
    def instancia(self) -> str:
        """The number it is of."""

    @property
    def evento(self) -> Evento:
        """What happened."""

    @property
    def raw(self) -> bytes:
        """Its own bytes."""

    @property
    def links(self) -> Vinculos:
        """Pairs of opaque address and phone that it names."""


async def receber(
    db: Database, instancia: str, raw: bytes, agora: datetime, debounce: Debounce, recibos: Recibos | None = None
) -> Stored:
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
    chegada = Chegada(EVOLUTION, instancia, raw, agora)
    [stored] = await receber_eventos(db, chegada, (read(body),), debounce, recibos, lambda: links(body))
    return stored


async def receber_eventos(
    db: Database,
    chegada: Chegada,
    eventos: Sequence[Evento],
    debounce: Debounce,
    recibos: Recibos | None = None,
    vinculos: Callable[[], Vinculos] = tuple,
) -> list[Stored]:
    """Store what one body says of one number, an event a round trip, in order; repeating it changes nothing.

    A second round trip joins two rows found to be one doctor, and brings home what landed in a conversation just
    closed. Receipts share a write with those that come at the same moment when `recibos` gathers them. `vinculos` is
    asked only for what is no message: messages bring their own.

    Raises:
        UnknownInstanceError: no chip has this instance (yet); what came before is stored.
        DatabaseUnavailableError: what is not yet stored is not known to be.
    """
    gathered = recibos or juntar_recibos(db)

    async def one(parte: int, evento: Evento) -> Stored | None:
        stored = await _store(db, evento, replace(chegada, parte=parte), debounce, gathered, vinculos)
        return None if stored is None else await _settled(db, stored)

    await _effects(db, [(evento, chegada) for evento in eventos], chegada.agora)
    found = await _in_order(eventos, one)
    done = [stored for stored in found if stored is not None]
    if len(done) < len(found):
        raise UnknownInstanceError(chegada.instancia)
    return done


async def receber_lote(
    db: Database,
    source: str,
    pecas: Sequence[Peca],
    agora: datetime,
    debounce: Debounce,
    recibos: Recibos | None = None,
) -> list[Stored | None]:
    """Store the events of a body that speaks of several numbers; None for those of a number nobody has.

    Raises:
        DatabaseUnavailableError: what is not yet stored is not known to be; its sender must ask again.
    """
    gathered = recibos or juntar_recibos(db)

    chegadas = [Chegada(source, peca.instancia, peca.raw, agora) for peca in pecas]

    async def one(n: int, evento: Evento) -> Stored | None:
        stored = await _store(db, evento, chegadas[n], debounce, gathered, lambda: pecas[n].links)
        return None if stored is None else await _settled(db, stored)

    eventos = [peca.evento for peca in pecas]
    await _effects(db, list(zip(eventos, chegadas, strict=True)), agora)
    return await _in_order(eventos, one)


async def _in_order(
    eventos: Sequence[Evento], one: Callable[[int, Evento], Awaitable[Stored | None]]
) -> list[Stored | None]:
    """Store messages one after another, in their order; then the receipts at once, gathered into few writes."""
    done: dict[int, Stored | None] = {}
    for n, evento in enumerate(eventos):
        if not isinstance(evento, Recibo):
            done[n] = await one(n, evento)
    receipts = [n for n, evento in enumerate(eventos) if isinstance(evento, Recibo)]
    answers = await asyncio.gather(*(one(n, eventos[n]) for n in receipts))
    done.update(zip(receipts, answers, strict=True))
    return [done[n] for n in range(len(eventos))]


async def _effects(db: Database, eventos: Sequence[tuple[Evento, Chegada]], agora: datetime) -> None:
    """Do what failed receipts say of doctors and numbers before the receipts are stored, and again until they are."""
    found = [
        NewEffect(chegada.source, chegada.instancia, evento.efeito, evento.msg_id, evento.status, evento.outbox_id)
        for evento, chegada in eventos
        if isinstance(evento, Recibo) and evento.efeito is not None
    ]
    if found:
        await entrada.apply_effects(db, found, agora)
        log.warning("recibo.falhou", efeitos=sorted({effect.efeito.value for effect in found}), quantos=len(found))


async def _settled(db: Database, stored: Stored) -> Stored:
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


async def _store(
    db: Database,
    evento: Evento,
    chegada: Chegada,
    debounce: Debounce,
    recibos: Recibos,
    vinculos: Callable[[], Vinculos],
) -> Stored | None:
    match evento:
        case MensagemRecebida() as mensagem:
            return await _message(db, mensagem, chegada, debounce)
        case Recibo() as recibo:
            return await _receipt(recibo, chegada, recibos)
        case Conexao() as mudou:
            return await _connection(db, mudou, chegada)
        case Eco() as eco:
            return await _echo(db, eco, chegada)
        case Preferencia() as preferencia:
            return await _preference(db, preferencia, chegada, vinculos())
        case Outro(motivo, morta):
            kept = _event(chegada, "morta" if morta else "evento", motivo)
            return await entrada.store_event(db, kept, vinculos())


async def _connection(db: Database, mudou: Conexao, chegada: Chegada) -> Stored | None:
    dito = Dito(
        Gateway(chegada.source),
        chegada.instancia,
        mudou.conectado,
        perda=mudou.perda,
        codigo=mudou.codigo,
        motivo=mudou.motivo,
    )
    if mudou.perda is not None:
        log.warning("chip.perda", instancia=chegada.instancia, perda=mudou.perda.value, codigo=mudou.codigo)
    kept = _event(chegada, "evento", mudou.motivo) if mudou.motivo else None
    return await entrada.store_connection(db, dito, chegada.agora, kept)


async def _receipt(recibo: Recibo, chegada: Chegada, recibos: Recibos) -> Stored | None:
    return await recibos.ask(
        NewReceipt(
            chegada.instancia,
            recibo.msg_id,
            recibo.status,
            recibo.entrega,
            recibo.outbox_id,
            recibo.erro,
            chegada.source,
        )
    )


async def _preference(db: Database, preferencia: Preferencia, chegada: Chegada, vinculos: Vinculos) -> Stored | None:
    """A stop told to the gateway is a stop (decision D3); that they allow us again is for a person to weigh."""
    if preferencia.parar:
        await optout.opt_out(db, telefone=preferencia.telefone, lid=preferencia.lid)
    motivo = "pediu ao WhatsApp para parar" if preferencia.parar else "voltou a permitir mensagens no WhatsApp"
    return await entrada.store_event(db, _event(chegada, "evento", motivo), vinculos)


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
        source=chegada.source,
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
        source=chegada.source,
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
            source=chegada.source,
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
        source=chegada.source,
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
    """Keep what has no message id of its own: its bytes, and its place among them, are its identity."""
    part = f":{chegada.parte}" if chegada.parte else ""
    key = f"sha256:{hashlib.sha256(chegada.raw).hexdigest()}{part}"
    return NewEvent(chegada.instancia, chegada.source, key, tipo, chegada.raw, desfecho=motivo)
