"""Reading what an Evolution gateway reports, tolerantly: an unseen shape becomes `Outro`, never an exception."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from lib.domain.evento import Conexao, Eco, EfeitoRecibo, Evento, Outro, Recibo
from lib.domain.mensagem import REVISOES, MensagemRecebida, Midia
from lib.domain.telefone import Endereco, ler_jid
from lib.providers.evolution_conteudo import Lido, read_content, read_protocol
from lib.providers.evolution_instancia import read_instance
from lib.providers.evolution_json import clean, instant, items, tree, whole, words

__all__ = ["Conexao", "Eco", "Evento", "Outro", "Recibo", "instance_of", "links", "parse", "read"]

FALHOU = "falhou"
# WhatsApp's reach-out lock: this number writes to nobody first for a while, and answers as before.
SO_RESPONDE = frozenset({"463"})
STATUS_ENTREGA = {
    "PENDING": "enviada",
    "SERVER_ACK": "enviada",
    "DELIVERY_ACK": "entregue",
    "READ": "lida",
    "PLAYED": "lida",
    "ERROR": FALHOU,
}
STATUS_POR_NUMERO = ("ERROR", "PENDING", "SERVER_ACK", "DELIVERY_ACK", "READ", "PLAYED")
ID_MAX = 200
# Where an event names a person twice, by LID and by phone.
PARES = (
    ("remoteJid", "remoteJidAlt"),
    ("remoteJid", "senderPn"),
    ("participant", "participantAlt"),
    ("participant", "participantPn"),
    ("jid", "phoneNumber"),
    ("id", "phoneNumber"),
    ("jid", "lid"),
)


def instance_of(body: Any) -> str | None:
    """Return the instance that a parsed body names."""
    name = body.get("instance") if isinstance(body, dict) else None
    return name if isinstance(name, str) else None


def parse(raw: bytes) -> Any | None:
    """Return the JSON value, or None when the bytes are no JSON."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def read(body: Any) -> Evento:
    """Say what a parsed webhook is to us."""
    if not isinstance(body, dict):
        return Outro("não é um objeto JSON" if body is not None else "JSON inválido", morta=True)
    data: Any = body.get("data")
    if isinstance(data, list) and len(data) == 1:
        data = data[0]  # the oldest gateways send a list of one
    event = clean(str(body.get("event", ""))).lower().replace("_", ".")
    if isinstance(data, dict) and any(len(str(value)) > ID_MAX for value in _ids(data)):
        return Outro(f"identificador longo demais em {event[:60]}", morta=True)
    return _event(event, data, _address(body.get("sender"), None))


def links(body: Any) -> tuple[tuple[str, str], ...]:
    """Return the pairs of LID and phone that an event names, wherever it names them."""
    data = tree(body).get("data")
    places = [tree(data), *map(tree, items(data)), *map(tree, items(tree(data).get("participantsData")))]
    found: dict[str, str] = {}
    for place in places[:1_100]:
        for holder in (tree(place.get("key")), place):
            for one, other in PARES:
                both = _address(holder.get(one), holder.get(other))
                if both and both.lid and both.telefone:
                    found[both.lid] = both.telefone
    return tuple(found.items())


def _event(event: str, data: Any, own: Endereco | None) -> Evento:
    match event, data:
        case "messages.upsert" | "send.message", {"key": {"id": str(msg_id), "remoteJid": str(_)}} if clean(msg_id):
            return _message(event, data, own)
        case "messages.update", (
            {"keyId": str(msg_id), "status": status}
            | {"id": str(msg_id), "status": status}
            | {"key": {"id": str(msg_id)}, "update": {"status": status}}
        ):
            return _receipt(msg_id, status, _refusal(data))
        case "messages.edited", {"key": {"id": str(_)}}:
            return _revision(data)
        case "messages.delete", {"key": {"id": str(msg_id)} as key} | ({"id": str(msg_id)} as key) if clean(msg_id):
            return _deletion(clean(msg_id), key)
        case "messages.upsert" | "send.message" | "messages.update" | "messages.edited" | "messages.delete", _:
            return Outro(f"{event} sem a forma esperada", morta=True)
        case _:
            return read_instance(event, tree(data))


def _ids(data: dict[str, Any]) -> list[Any]:
    """Return what names messages and people in an event."""
    inner = tree(data.get("key"))
    return [data.get("keyId"), data.get("id"), *(inner.get(name) for name in ("id", "remoteJid", "remoteJidAlt"))]


def _address(jid: Any, alternative: Any) -> Endereco | None:
    if not isinstance(jid, str):
        return None
    return ler_jid(clean(jid)[:ID_MAX], clean(alternative)[:ID_MAX] if isinstance(alternative, str) else None)


def _refusal(data: dict[str, Any]) -> str | None:
    """Return the code with which WhatsApp refused a message, where the gateway passes it on."""
    told = items(data.get("messageStubParameters")) or items(tree(data.get("update")).get("messageStubParameters"))
    return next((clean(one)[:20] for one in told if isinstance(one, str)), None)


def _receipt(msg_id: str, status: Any, recusa: str | None) -> Evento:
    number = whole(status)
    if number is not None and number < len(STATUS_POR_NUMERO):
        status = STATUS_POR_NUMERO[number]
    known = STATUS_ENTREGA.get(status) if isinstance(status, str) else None
    if known is None or not clean(msg_id):
        return Outro(f"recibo desconhecido: {clean(str(status))[:40]}")
    if known != FALHOU or recusa is None:
        return Recibo(clean(msg_id), str(status), known)
    efeito = EfeitoRecibo.CHIP_RESTRITO if recusa in SO_RESPONDE else None
    return Recibo(clean(msg_id), str(status), known, erro=f"recusada pelo WhatsApp ({recusa})", efeito=efeito)


def _message(event: str, data: dict[str, Any], own: Endereco | None) -> Evento:
    key = data["key"]
    who = _address(key["remoteJid"], key.get("remoteJidAlt") or key.get("senderPn"))
    if who is None:
        return Outro("transmissão, status ou canal")
    if who.grupo:
        return Outro("mensagem de grupo")
    lido = read_content(data)
    if lido.ajuste:
        return Outro(lido.ajuste)
    ours = event == "send.message" or key.get("fromMe") is True
    if ours and (lido.midia in REVISOES or (own and own.telefone and own.telefone == who.telefone)):
        return Outro(f"do próprio chip: {lido.midia}")
    if ours:
        return _echo(clean(key["id"]), who, lido, data, digitada=event == "messages.upsert")
    name = words(data.get("pushName"), 100)
    return MensagemRecebida(
        msg_id=clean(key["id"]),
        midia=lido.midia,
        telefone=who.telefone,
        lid=who.lid,
        nome=name,
        texto=lido.texto,
        enviada_em=instant(data.get("messageTimestamp")),
        alvo_msg_id=lido.alvo_msg_id,
        citada_msg_id=lido.citada_msg_id,
        detalhes=lido.detalhes,
    )


def _echo(msg_id: str, who: Endereco, lido: Lido, data: dict[str, Any], *, digitada: bool) -> Eco:
    em = instant(data.get("messageTimestamp"))
    # A reaction from the phone answers nobody.
    spoken = digitada and lido.midia is not Midia.REACAO
    return Eco(msg_id, who.telefone, who.lid, lido.midia, lido.texto, em, spoken, lido.detalhes)


def _revision(data: dict[str, Any]) -> Evento:
    """Read an edit or a deletion that came without the message around it; it has no id of its own."""
    lido, key = read_protocol(data), data["key"]
    # Written from the author's side where that is `fromMe`: the address is then of whoever received it.
    who = _address(key.get("remoteJid"), key.get("remoteJidAlt"))
    if key.get("fromMe") is True and who is not None and not who.grupo:
        who = None
    if lido.ajuste or lido.alvo_msg_id is None:
        return Outro(lido.ajuste or "ajuste da conversa")
    if who is not None and who.grupo:
        return Outro("mensagem de grupo")
    if lido.midia is Midia.APAGAMENTO:
        return _revised(lido, who, f"apagamento:{lido.alvo_msg_id}")
    stamp = whole(data.get("timestampMs")) or sha256((lido.texto or "").encode()).hexdigest()[:16]
    return _revised(lido, who, f"edicao:{lido.alvo_msg_id}:{stamp}", instant(data.get("timestampMs")))


def _deletion(msg_id: str, key: dict[str, Any]) -> Evento:
    who = _address(key.get("remoteJid"), key.get("remoteJidAlt"))
    if key.get("fromMe") is True:
        return Outro("do próprio chip: apagamento")
    if who is not None and who.grupo:
        return Outro("mensagem de grupo")
    return _revised(Lido(Midia.APAGAMENTO, alvo_msg_id=msg_id), who, f"apagamento:{msg_id}")


def _revised(lido: Lido, who: Endereco | None, own_id: str, em: datetime | None = None) -> MensagemRecebida:
    return MensagemRecebida(
        msg_id=own_id,
        midia=lido.midia,
        telefone=who.telefone if who else None,
        lid=who.lid if who else None,
        texto=lido.texto,
        enviada_em=em,
        alvo_msg_id=lido.alvo_msg_id,
        assinada=False,
    )
