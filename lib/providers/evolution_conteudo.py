"""What a WhatsApp message holds, read out of Evolution's JSON: its kind, its words, what it points at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import orjson

from lib.domain.mensagem import Anuncio, Detalhes, Midia
from lib.domain.telefone import normalizar
from lib.providers.evolution_json import clean, items, number, tree, whole, words

FUNDO_MAX = 8  # wrappers in wrappers; real ones nest three deep
CURTO = 200
# Each holds the real message under `message`.
INVOLUCROS = frozenset(
    {
        "ephemeralMessage",
        "viewOnceMessage",
        "viewOnceMessageV2",
        "viewOnceMessageV2Extension",
        "documentWithCaptionMessage",
        "editedMessage",
        "deviceSentMessage",
        "groupMentionedMessage",
        "botInvokeMessage",
        "botForwardedMessage",
        "lottieStickerMessage",
        "associatedChildMessage",
        "limitSharingMessage",
        "pollCreationMessageV4",
        "statusMentionMessage",
        "questionMessage",
    }
)
# Carried beside a message, or written by the apps themselves: nobody said anything.
SEM_FALA = {
    "albumMessage": "álbum: as fotos vêm a seguir",
    "keepInChatMessage": "mensagem guardada na conversa",
    "pinInChatMessage": "mensagem fixada na conversa",
    "messageHistoryBundle": "histórico de mensagens",
    "messageHistoryNotice": "histórico de mensagens",
    "stickerSyncRmrMessage": "sincronização de figurinhas",
    "senderKeyDistributionMessage": "troca de chaves",
    "fastRatchetKeySenderKeyDistributionMessage": "troca de chaves",
    "requestPhoneNumberMessage": "pedido de número do aplicativo",
    "pollResultSnapshotMessage": "resultado parcial de enquete",
}
AO_LADO = frozenset({"messageContextInfo", "contextInfo", "base64", "mediaUrl", "speechToText", "messageSecret"})
REVOKE = {0, "0", "REVOKE"}
EDIT = {14, "14", "MESSAGE_EDIT"}


@dataclass(frozen=True, slots=True)
class Lido:
    """The content of one message. `ajuste` is set when nobody said anything: it then says what it was."""

    midia: Midia
    texto: str | None = None
    alvo_msg_id: str | None = None
    citada_msg_id: str | None = None
    detalhes: Detalhes = field(default_factory=Detalhes)
    ajuste: str | None = None


Leitor = Callable[[dict[str, Any], dict[str, Any]], Lido]


def read_content(data: dict[str, Any]) -> Lido:
    """Read the content of an upserted message: `data` is the whole of the event's data, any version."""
    message, wrappers = unwrap(data.get("message"))
    lido = _read(message, data)
    outer, inner = tree(data.get("contextInfo")), _context(message)
    context = outer | inner
    detalhes = replace(
        lido.detalhes,
        visualizacao_unica=any(name.startswith("viewOnce") for name in wrappers) or _flag(message, "viewOnce"),
        temporaria="ephemeralMessage" in wrappers or bool(whole(context.get("expiration"))),
        encaminhada=context.get("isForwarded") is True,
        anuncio=_ad(context.get("externalAdReply")),
    )
    return replace(lido, citada_msg_id=words(context.get("stanzaId"), CURTO), detalhes=detalhes)


def read_protocol(protocol: dict[str, Any]) -> Lido:
    """Read an edit, a deletion or a setting; its key is written from the author's side, so only the id counts."""
    kind, target = protocol.get("type"), words(tree(protocol.get("key")).get("id"), CURTO)
    if isinstance(kind, str | int) and not isinstance(kind, bool):
        if kind in REVOKE and target:
            return Lido(Midia.APAGAMENTO, alvo_msg_id=target)
        if kind in EDIT and target:
            message, _ = unwrap(protocol.get("editedMessage"))
            return Lido(Midia.EDICAO, _read(message, {}).texto, alvo_msg_id=target)
    return Lido(Midia.DESCONHECIDA, ajuste=f"ajuste da conversa: {clean(str(kind))[:40]}")


def unwrap(message: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the message inside its wrappers, and the wrappers' names from the outside in."""
    names: list[str] = []
    for _ in range(FUNDO_MAX):
        name = next((name for name in tree(message) if name in INVOLUCROS and isinstance(message[name], dict)), None)
        if name is None or "message" not in message[name]:
            break
        names.append(name)
        message = message[name]["message"]
    return tree(message), tuple(names)


def _read(message: dict[str, Any], data: dict[str, Any]) -> Lido:
    if lido := _text(message):
        return lido
    for name, part in message.items():
        if name in LEITORES and part is not None:
            return LEITORES[name](tree(part), data)
    for name in message:
        if name in SEM_FALA:
            return Lido(Midia.DESCONHECIDA, ajuste=SEM_FALA[name])
    if {"conversation", "extendedTextMessage"} & message.keys():
        return Lido(Midia.TEXTO)
    unknown = next((name for name, part in message.items() if name not in AO_LADO and part is not None), None)
    stub = data.get("messageStubType")
    kind = unknown or words(data.get("messageType")) or (f"stub {stub}" if stub is not None else None)
    return Lido(Midia.DESCONHECIDA, detalhes=Detalhes(tipo_original=clean(kind)[:60] if kind else None))


def _text(message: dict[str, Any]) -> Lido | None:
    said = words(message.get("conversation")) or words(tree(message.get("extendedTextMessage")).get("text"))
    return Lido(Midia.TEXTO, said) if said else None


def _context(message: dict[str, Any]) -> dict[str, Any]:
    """Return the `contextInfo` that stands in the message's own part."""
    return next((tree(part["contextInfo"]) for part in message.values() if "contextInfo" in tree(part)), {})


def _flag(message: dict[str, Any], name: str) -> bool:
    return any(tree(part).get(name) is True for part in message.values())


def _ad(reply: Any) -> Anuncio | None:
    """Return where an ad led from; of its address the host alone, the rest may identify a person."""
    ad = tree(reply)
    titulo, address = words(ad.get("title"), CURTO), words(ad.get("sourceUrl"), 2_000)
    try:
        site = urlsplit(address).hostname if address else None
    except ValueError:
        site = None
    return Anuncio(titulo, site[:CURTO] if site else None) if titulo or site else None


def _media(midia: Midia) -> Leitor:
    def leitor(part: dict[str, Any], _data: dict[str, Any]) -> Lido:
        detalhes = Detalhes(
            segundos=whole(part.get("seconds")),
            bytes=whole(part.get("fileLength")),
            mimetype=words(part.get("mimetype"), 100),
            arquivo=words(part.get("fileName"), CURTO),
        )
        return Lido(midia, words(part.get("caption")), detalhes=detalhes)

    return leitor


def _bare(midia: Midia) -> Leitor:
    return lambda _part, _data: Lido(midia)


def _location(part: dict[str, Any], _data: dict[str, Any]) -> Lido:
    latitude, longitude = number(part.get("degreesLatitude")), number(part.get("degreesLongitude"))
    named = [said for name in ("name", "address", "caption", "comment") if (said := words(part.get(name), CURTO))]
    if not named and latitude is not None and longitude is not None:
        named = [f"{latitude:.5f}, {longitude:.5f}"]
    texto = f"[localização enviada: {', '.join(named)}]" if named else "[localização enviada]"
    return Lido(Midia.LOCALIZACAO, texto, detalhes=Detalhes(latitude=latitude, longitude=longitude))


def _contacts(part: dict[str, Any], _data: dict[str, Any]) -> Lido:
    """Keep how the contacts are called; a number in the place of a name is somebody's phone and is left out."""
    cards = items(part.get("contacts")) or [part]
    found = (words(tree(card).get("displayName"), 100) for card in cards[:20])
    names = tuple(name for name in found if name and normalizar(name) is None)
    what = "contato enviado" if len(cards) == 1 else "contatos enviados"
    texto = f"[{what}: {', '.join(names)}]" if names else f"[{what}]"
    return Lido(Midia.CONTATO, texto, detalhes=Detalhes(contatos=names))


def _poll(part: dict[str, Any], _data: dict[str, Any]) -> Lido:
    pergunta = words(part.get("name"), CURTO)
    listed = (words(tree(option).get("optionName"), CURTO) for option in items(part.get("options"))[:20])
    opcoes = tuple(option for option in listed if option)
    texto = f"[enquete: {pergunta or 'sem pergunta'} — opções: {', '.join(opcoes) or 'nenhuma'}]"
    return Lido(Midia.ENQUETE, texto, detalhes=Detalhes(pergunta=pergunta, opcoes=opcoes))


def _vote(part: dict[str, Any], data: dict[str, Any]) -> Lido:
    """Read a vote where the gateway deciphered it; an empty list is a vote taken back."""
    chosen = tree(part.get("vote")).get("selectedOptions")
    counted = [tree(update) for update in items(data.get("pollUpdates"))]
    if isinstance(chosen, list):
        votes = [words(option, CURTO) for option in chosen]
    else:
        votes = [words(update.get("name"), CURTO) for update in counted if items(update.get("voters"))]
    votos = tuple(vote for vote in votes if vote)
    readable = chosen == [] or any("voters" in update for update in counted)
    unread = None if readable else "[votou numa enquete; a opção não veio legível]"
    alvo = words(tree(part.get("pollCreationMessageKey")).get("id"), CURTO)
    return Lido(Midia.VOTO, ", ".join(votos) or unread, alvo_msg_id=alvo, detalhes=Detalhes(votos=votos))


def _choice(midia: Midia, titles: tuple[str, ...], ids: tuple[str, ...]) -> Leitor:
    def leitor(part: dict[str, Any], _data: dict[str, Any]) -> Lido:
        named = part | tree(part.get("singleSelectReply"))
        escolha = next((said for name in ids if (said := words(named.get(name), CURTO))), None)
        title = next((said for name in titles if (said := words(named.get(name)))), None)
        return Lido(midia, title or escolha, detalhes=Detalhes(escolha_id=escolha))

    return leitor


def _interactive_answer(part: dict[str, Any], _data: dict[str, Any]) -> Lido:
    try:
        params = tree(orjson.loads(words(tree(part.get("nativeFlowResponseMessage")).get("paramsJson")) or "{}"))
    except orjson.JSONDecodeError:
        params = {}
    escolha = words(params.get("id"), CURTO)
    said = words(tree(part.get("body")).get("text")) or words(params.get("display_text")) or words(params.get("title"))
    return Lido(Midia.INTERATIVA, said or escolha, detalhes=Detalhes(escolha_id=escolha))


def _reaction(part: dict[str, Any], _data: dict[str, Any]) -> Lido:
    return Lido(Midia.REACAO, words(part.get("text"), 20), alvo_msg_id=words(tree(part.get("key")).get("id"), CURTO))


def _group_invite(part: dict[str, Any], _data: dict[str, Any]) -> Lido:
    grupo, said = words(part.get("groupName"), CURTO), words(part.get("caption"))
    texto = f"[convite para o grupo {grupo}]" if grupo else "[convite para um grupo]"
    return Lido(Midia.CONVITE_GRUPO, f"{texto} {said}" if said else texto, detalhes=Detalhes(grupo=grupo))


def _event(part: dict[str, Any], _data: dict[str, Any]) -> Lido:
    named = [said for name in ("name", "description") if (said := words(part.get(name), CURTO))]
    return Lido(Midia.EVENTO, f"[evento: {', '.join(named)}]" if named else "[evento]")


def _said(*paths: tuple[str, ...]) -> Leitor:
    """Read the words of what a business account sends: they stand at one of these places."""

    def leitor(part: dict[str, Any], _data: dict[str, Any]) -> Lido:
        for path in paths:
            place: Any = part
            for name in path:
                place = tree(place).get(name)
            if said := words(place):
                return Lido(Midia.TEXTO, said)
        return Lido(Midia.TEXTO)

    return leitor


def _protocol(part: dict[str, Any], _data: dict[str, Any]) -> Lido:
    return read_protocol(part)


LEITORES: dict[str, Leitor] = {
    "imageMessage": _media(Midia.IMAGEM),
    "videoMessage": _media(Midia.VIDEO),
    "ptvMessage": _media(Midia.VIDEO),
    "audioMessage": _media(Midia.AUDIO),
    "documentMessage": _media(Midia.DOCUMENTO),
    "stickerMessage": _media(Midia.FIGURINHA),
    "stickerPackMessage": _bare(Midia.FIGURINHA),
    "locationMessage": _location,
    "liveLocationMessage": _location,
    "contactMessage": _contacts,
    "contactsArrayMessage": _contacts,
    "pollCreationMessage": _poll,
    "pollCreationMessageV2": _poll,
    "pollCreationMessageV3": _poll,
    "pollCreationMessageV5": _poll,
    "pollUpdateMessage": _vote,
    "buttonsResponseMessage": _choice(Midia.BOTAO, ("selectedDisplayText",), ("selectedButtonId",)),
    "templateButtonReplyMessage": _choice(Midia.BOTAO, ("selectedDisplayText",), ("selectedId",)),
    "listResponseMessage": _choice(Midia.LISTA, ("title", "description"), ("selectedRowId",)),
    "interactiveResponseMessage": _interactive_answer,
    "reactionMessage": _reaction,
    "groupInviteMessage": _group_invite,
    "eventMessage": _event,
    "protocolMessage": _protocol,
    "callLogMesssage": _bare(Midia.LIGACAO),  # spelt so by WhatsApp
    "call": _bare(Midia.LIGACAO),
    "bcallMessage": _bare(Midia.LIGACAO),
    "scheduledCallCreationMessage": _bare(Midia.LIGACAO),
    "buttonsMessage": _said(("contentText",), ("text",)),
    "listMessage": _said(("description",), ("title",)),
    "interactiveMessage": _said(("body", "text"), ("header", "title")),
    "templateMessage": _said(
        ("hydratedTemplate", "hydratedContentText"),
        ("hydratedFourRowTemplate", "hydratedContentText"),
        ("interactiveMessageTemplate", "body", "text"),
    ),
    "highlyStructuredMessage": _said(("hydratedHsm", "hydratedTemplate", "hydratedContentText")),
}
