"""Reading what Z-API reports, tolerantly: an unseen shape becomes `Outro`, never an exception.

One address gets every kind of event and `type` alone tells them apart. A time is `momment` (spelt so), in milliseconds
or, of some events, in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

from lib.auth import webhook_key, webhook_key_valid
from lib.domain.evento import Conexao, Eco, EfeitoRecibo, Evento, Outro, Recibo
from lib.domain.mensagem import REVISOES, MensagemRecebida, Midia
from lib.domain.telefone import Endereco, ler_jid, normalizar
from lib.log import mask
from lib.providers.evolution_json import clean, instant, items, words
from lib.providers.evolution_webhook import parse
from lib.providers.zapi_conteudo import Lido, read_content
from lib.providers.zapi_forma import loss

__all__ = ["instance_of", "instance_of_path", "links", "parse", "path_key", "read"]

STATUS_ENTREGA: Final = {"SENT": "enviada", "RECEIVED": "entregue", "READ": "lida", "PLAYED": "lida"}
ENVIO: Final = "DELIVERY"
ENVIO_FALHOU: Final = "DELIVERY_ERROR"
ID_MAX: Final = 200
IDS_MAX: Final = 1_000
ERRO_MAX: Final = 200
COLETIVOS: Final = ("-group", "@g.us", "-broadcast", "@broadcast", "@newsletter")
LIGACAO_PERDIDA: Final = "CALL_MISSED"
# How a queued message that was not sent is explained, in lower case.
EFEITOS: Final = (
    ("does not exist", EfeitoRecibo.SEM_WHATSAPP),
    ("not registered", EfeitoRecibo.SEM_WHATSAPP),
    ("not connected", EfeitoRecibo.CHIP_FORA),
    ("disconnected", EfeitoRecibo.CHIP_FORA),
)


def path_key(segredo: str, instancia: str) -> str:
    """Return the last part of an instance's webhook address: its id, a dot, and 256 bits of its own."""
    return f"{instancia}.{webhook_key(segredo, f'zapi:{instancia}')}"


def instance_of_path(chave: str, segredos: Sequence[str]) -> str | None:
    """Return the instance that a path's last part proves itself for, by any of the secrets in use; else None."""
    instancia, _, given = chave.rpartition(".")
    return instancia if webhook_key_valid(given, f"zapi:{instancia}", segredos) else None


def instance_of(body: Any) -> str | None:
    """Return the instance that a parsed body names."""
    name = body.get("instanceId") if isinstance(body, dict) else None
    return name if isinstance(name, str) else None


def read(body: Any) -> Sequence[Evento]:
    """Say what a parsed webhook is to us: one event, or one for each message that a status is about."""
    if not isinstance(body, dict):
        return (Outro("não é um objeto JSON" if body is not None else "JSON inválido", morta=True),)
    kind = body.get("type")
    name = kind.lower() if isinstance(kind, str) else ""  # ReceivedCallback is spelt in two ways by the vendor
    return _statuses(body) if name == "messagestatuscallback" else (_single(name, body),)


def links(body: Any) -> tuple[tuple[str, str], ...]:
    """Return the pairs of LID and phone that an event names: of the chat, and of a group's author."""
    if not isinstance(body, dict):
        return ()
    found: dict[str, str] = {}
    for one, other in ((body.get("phone"), _lid(body)), (body.get("participantPhone"), body.get("participantLid"))):
        both = _address(one, other)
        if both and both.lid and both.telefone:
            found[both.lid] = both.telefone
    return tuple(found.items())


def _single(kind: str, body: dict[str, Any]) -> Evento:
    match kind:
        case "receivedcallback":
            return _received(body)
        case "deliverycallback":
            return _delivery(body)
        case "connectedcallback":
            return Conexao(conectado=body.get("connected") is not False)
        case "disconnectedcallback":
            error = words(body.get("error"), ERRO_MAX)
            said = f"desconectado: {mask(error) if error else 'sem explicação'}"
            return Conexao(conectado=False, motivo=said, perda=loss(error))
        case "presencechatcallback":
            return Outro("presença")
    named = clean(str(body.get("type")))[:60]
    return Outro(f"evento sem tratamento: {named}") if kind else Outro("evento sem tipo", morta=True)


def _lid(body: dict[str, Any]) -> Any:
    """Return the chat's LID, under whichever name; of a message of ours the sender's is our own."""
    return body.get("chatLid") or (None if body.get("fromMe") is True else body.get("senderLid"))


def _address(phone: Any, lid: Any) -> Endereco | None:
    if not isinstance(phone, str) or not phone:
        return ler_jid(clean(lid)[:ID_MAX]) if isinstance(lid, str) and lid.endswith("@lid") else None
    return ler_jid(clean(phone)[:ID_MAX], clean(lid)[:ID_MAX] if isinstance(lid, str) else None)


def _id(value: Any) -> str | None:
    """Return a message id, or None when it is none that anybody could have given."""
    return clean(value) if isinstance(value, str) and len(value) <= ID_MAX and clean(value).strip() else None


def _statuses(body: dict[str, Any]) -> Sequence[Evento]:
    status = words(body.get("status"), 40)
    if body.get("isGroup") is True:
        return (Outro("recibo de grupo"),)
    if status == "READ_BY_ME":
        return (Outro("lida por nós no celular"),)
    known = STATUS_ENTREGA.get(status) if status else None
    if status is None or known is None:
        return (Outro(f"recibo desconhecido: {status}"),)
    named = items(body.get("ids")) or [body.get("messageId")]
    ids = dict.fromkeys(found for value in named[:IDS_MAX] if (found := _id(value)))
    return tuple(Recibo(one, status, known) for one in ids) or (Outro("recibo sem mensagem", morta=True),)


def _delivery(body: dict[str, Any]) -> Evento:
    """Read what became of a queued send: only here does Z-API say that it failed."""
    msg_id = _id(body.get("messageId"))
    if msg_id is None:
        return Outro("envio sem mensagem", morta=True)
    error = body.get("error")
    if error is None or error is False or error == "":
        return Recibo(msg_id, ENVIO, "enviada")
    said = mask(clean(str(error)))[:ERRO_MAX]
    effect = next((effect for start, effect in EFEITOS if start in said.lower()), None)
    return Recibo(msg_id, ENVIO_FALHOU, "falhou", erro=said, efeito=effect)


def _received(body: dict[str, Any]) -> Evento:
    phone = body.get("phone")
    everybody = any(body.get(name) is True for name in ("isGroup", "isNewsletter", "broadcast"))
    if everybody or (isinstance(phone, str) and phone.endswith(COLETIVOS)):
        return Outro("mensagem de grupo, lista ou canal")
    notification = words(body.get("notification"), 60)
    if notification is not None and notification != "REVOKE" and not notification.startswith(LIGACAO_PERDIDA):
        calling = notification.startswith("CALL")
        return Outro("ligação recebida: ninguém atende por voz" if calling else f"aviso do WhatsApp: {notification}")
    msg_id, who = _id(body.get("messageId")), _address(phone, _lid(body))
    if msg_id is None or who is None:
        return Outro("mensagem sem identificação legível", morta=True)
    lido = _content(body, notification, msg_id)
    if lido.ajuste:
        return Outro(lido.ajuste)
    if body.get("fromMe") is True:
        return _own(body, msg_id, who, lido)
    name = words(body.get("senderName"), 100)
    return MensagemRecebida(
        msg_id=_own_id(msg_id, lido, body),
        midia=lido.midia,
        telefone=who.telefone,
        lid=who.lid,
        nome=name if name and normalizar(name) is None else None,
        texto=lido.texto,
        enviada_em=instant(body.get("momment")),
        alvo_msg_id=lido.alvo_msg_id,
        citada_msg_id=None if lido.midia in REVISOES else words(body.get("referenceMessageId"), ID_MAX),
        detalhes=lido.detalhes,
    )


def _content(body: dict[str, Any], notification: str | None, msg_id: str) -> Lido:
    """Read what was said, and whether it takes the place of what was said before."""
    if notification == "REVOKE":
        target = _id(body.get("referenceMessageId")) or msg_id
        return Lido(Midia.APAGAMENTO, alvo_msg_id=target)
    if notification is not None:
        return Lido(Midia.LIGACAO)
    lido = read_content(body)
    blank = lido.vazio or (lido.midia is Midia.TEXTO and not lido.texto)
    if blank and body.get("waitingMessage") is True:
        return Lido(Midia.DESCONHECIDA, ajuste="à espera do conteúdo, que vem com o mesmo identificador")
    if body.get("isEdit") is True and not lido.ajuste:
        return Lido(Midia.EDICAO, lido.texto, alvo_msg_id=msg_id, detalhes=lido.detalhes)
    return lido


def _own_id(msg_id: str, lido: Lido, body: dict[str, Any]) -> str:
    """Return the id to be known by: an edit and a deletion come under the id of the message they are about."""
    if lido.midia is Midia.APAGAMENTO:
        return f"apagamento:{lido.alvo_msg_id}"
    if lido.midia is not Midia.EDICAO:
        return msg_id
    said = sha256(f"{body.get('momment')}:{lido.texto}".encode(errors="replace")).hexdigest()[:16]
    return f"edicao:{msg_id}:{said}"


def _own(body: dict[str, Any], msg_id: str, who: Endereco, lido: Lido) -> Evento:
    """Read a message of our number: the echo of a send of ours, or a person on the phone."""
    to_self = who.telefone is not None and who.telefone == normalizar(f"+{body.get('connectedPhone')}")
    if lido.midia in REVISOES or lido.midia is Midia.LIGACAO or to_self:
        return Outro(f"do próprio chip: {lido.midia}")
    em = instant(body.get("momment"))
    # A reaction from the phone answers nobody.
    typed = body.get("fromApi") is not True and lido.midia is not Midia.REACAO
    return Eco(msg_id, who.telefone, who.lid, lido.midia, lido.texto, em, typed, lido.detalhes)
