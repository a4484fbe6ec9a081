"""Giving what went no further another chance, with the same cause, so that nothing is said twice."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from lib.db import Database, Row
from lib.domain.cadencia import PAUSA
from lib.domain.chip import Gateway
from lib.domain.evento import Evento, Outro
from lib.domain.morta import ClasseMorta
from lib.domain.referencia import Lado, Referencia
from lib.log import get_logger
from lib.providers import evolution_webhook, meta_webhook, zapi_webhook
from lib.providers.evolution_webhook import parse
from lib.providers.whatsapp import GatewayError, GatewayMissingError
from lib.queries import envio_desfecho, mensagem, morta
from lib.queries.morta import Marca
from lib.resources import Resources
from lib.usecases.digitando import numero
from lib.usecases.receber import Chegada, Debounce, receber_eventos

PAGINA: Final = 200
FOLGA_RELOGIO: Final = timedelta(seconds=5)
JA: Final = Debounce(0.0, 0.0)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reprocessada:
    """What became of one entry of the list; `texto` is for people, in Portuguese."""

    id: str
    classe: ClasseMorta
    feita: bool
    texto: str


PLANO: Final = {
    ClasseMorta.CONVERSA_MORTA: "a conversa voltaria à fila",
    ClasseMorta.ILEGIVEL: "os bytes seriam lidos de novo",
    ClasseMorta.SEM_RESPOSTA: "a Júlia responderia",
    ClasseMorta.ENVIO_MORTO: "a mesma mensagem voltaria à fila",
    ClasseMorta.ENVIO_INCERTO: "voltaria à fila, se o histórico do gateway não a tiver",
}


async def reprocessar(resources: Resources, referencia: Referencia, *, seco: bool = False) -> Reprocessada | None:
    """Give one entry of the list another chance; None when it is not on the list. `seco` only says what would be done.

    An unread message of a dead conversation stands for its conversation.
    """
    found = await morta.page(resources.db, 1, so=str(referencia))
    if not found and referencia.lado is Lado.ENTRADA:
        row = await mensagem.inbound(resources.db, referencia.id)
        if row and row["morta"] and row["turn_id"] is None and row["desfecho"] is None:
            found = await morta.page(resources.db, 1, so=f"c{row['conversation_id']}")
    return await _one(resources, found[0], seco=seco, sem_prova=True) if found else None


async def reprocessar_todas(
    resources: Resources, *, classe: ClasseMorta | None = None, seco: bool = False
) -> AsyncIterator[Reprocessada]:
    """Give every entry of the list one chance, newest first; an unclear send that nothing disproves stays there."""
    marca: Marca | None = None
    while rows := await morta.page(resources.db, PAGINA, depois_de=marca, classe=classe):
        for row in rows:
            yield await _one(resources, row, seco=seco)
        marca = Marca(rows[-1]["em"], rows[-1]["id"])


async def _one(resources: Resources, row: Row, *, seco: bool, sem_prova: bool = False) -> Reprocessada:
    classe, key = ClasseMorta(row["classe"]), int(row["id"][1:])
    if seco:
        return Reprocessada(row["id"], classe, feita=False, texto=PLANO[classe])
    match classe:
        case ClasseMorta.CONVERSA_MORTA:
            done = await morta.revive(resources.db, key), "a conversa voltou à fila", "já não estava morta"
        case ClasseMorta.SEM_RESPOSTA:
            done = await morta.wake(resources.db, key), "a mensagem voltou à fila", "não há nela nada que se possa ler"
        case ClasseMorta.ENVIO_MORTO:
            done = await morta.requeue(resources.db, key, "dead"), "a mensagem voltou à fila", "já não estava morta"
        case ClasseMorta.ILEGIVEL:
            done = await _read_again(resources.db, key)
        case ClasseMorta.ENVIO_INCERTO:
            done = await _look_again(resources, key, sem_prova=sem_prova)
    feita, sim, nao = done
    log.info("morta.reprocessada", referencia=row["id"], classe=classe, feita=feita)
    return Reprocessada(row["id"], classe, feita, sim if feita else nao)


async def _read_again(db: Database, inbox_id: int) -> tuple[bool, str, str]:
    """Read stored bytes as if they had just come, at the time at which they came."""
    row = await morta.raw(db, inbox_id)
    if row is None:
        return False, "", "já não está na lista"
    raw = bytes(row["raw"])
    eventos = _events(row["source"], row["instancia"], raw)
    if not eventos:
        return False, "", "é de outra instância"
    outros = [evento for evento in eventos if isinstance(evento, Outro)]
    if len(outros) == len(eventos):
        motivo = outros[0].motivo
        if any(evento.morta for evento in outros):
            return False, "", f"continua ilegível: {motivo}"
        await morta.mark_read(db, inbox_id, motivo)
        return True, f"entendida, sem resposta a dar: {motivo}", ""
    chegada = Chegada(row["source"], row["instancia"], raw, row["received_at"])
    [stored, *_] = await receber_eventos(db, chegada, eventos, JA)
    became = f"e{stored.inbox_id}" if stored.conversation_id and stored.inbox_id else "um evento já conhecido"
    await morta.mark_read(db, inbox_id, f"reprocessada: {became}")
    return True, f"entendida: {became}", ""


def _events(source: str, instancia: str, raw: bytes) -> Sequence[Evento]:
    """Read stored bytes with their gateway's reader; what names another number is not for this one."""
    body = parse(raw)
    match Gateway(source):
        case Gateway.EVOLUTION:
            return (evolution_webhook.read(body),) if evolution_webhook.instance_of(body) in {None, instancia} else ()
        case Gateway.ZAPI:
            return zapi_webhook.read(body) if zapi_webhook.instance_of(body) in {None, instancia} else ()
        case Gateway.META:
            return [peca.evento for peca in meta_webhook.read(body) if peca.instancia == instancia]


async def _look_again(resources: Resources, outbox_id: int, *, sem_prova: bool) -> tuple[bool, str, str]:
    """Ask the gateway's history once more; only an answer that holds nothing lets the message go again.

    `sem_prova`: also where the gateway keeps no whole history, as whoever asked for this one message has decided.
    """
    db, said = resources.db, "o histórico não a tem; a mensagem voltou à fila"
    row = await morta.parked(db, outbox_id)
    if row is None:
        return False, "", "já não está incerta"
    if row["instancia"] is not None and row["enviando_em"] is not None:
        try:
            since = row["enviando_em"] - FOLGA_RELOGIO
            gateway = resources.gateways.de(row["gateway"])
            history = await gateway.find_sent(row["instancia"], numero(row["destino"]), since)
        except (GatewayError, GatewayMissingError) as failure:
            return False, "", f"o histórico do gateway não pôde ser lido, nada foi reenviado ({failure.reason[:100]})"
        wanted = hashlib.sha256(row["body"].encode()).digest()
        same = [m.id for m in history.enviadas if hashlib.sha256(m.texto.encode()).digest() == wanted]
        for msg_id in await envio_desfecho.unclaimed(db, same):
            await envio_desfecho.mark_sent(db, [(outbox_id, None, msg_id)], PAUSA.total_seconds())
            return True, "o histórico mostra que já tinha sido enviada; nada foi reenviado", ""
        if not history.completo:
            if not sem_prova:
                return False, "", "o gateway não guarda histórico que prove que não saiu; confira e reprocesse só esta"
            said = "o gateway não guarda histórico; a mensagem voltou à fila e pode sair pela segunda vez"
    done = await morta.requeue(db, outbox_id, "parked")
    return done, said, "já não está incerta"
