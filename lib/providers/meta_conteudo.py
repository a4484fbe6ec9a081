"""What a WhatsApp message holds, read out of Meta's JSON: its kind, its words, what it points at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import orjson

from lib.domain.mensagem import Anuncio, Detalhes, Midia
from lib.domain.telefone import normalizar
from lib.providers.evolution_conteudo import CURTO, Lido
from lib.providers.evolution_json import clean, items, number, tree, words

Leitor = Callable[[dict[str, Any]], Lido]
MOSTRADOS_MAX = 20


def read_content(message: dict[str, Any]) -> Lido:
    """Read one message, received or echoed; a kind that is not known is `DESCONHECIDA` under its own name."""
    kind = message.get("type")
    leitor = LEITORES.get(kind) if isinstance(kind, str) else None
    if leitor is None or not isinstance(kind, str):
        return Lido(Midia.DESCONHECIDA, detalhes=Detalhes(tipo_original=_kind(message)))
    lido = leitor(tree(message.get(kind)))
    context, ad = tree(message.get("context")), tree(message.get("referral"))
    detalhes = replace(
        lido.detalhes,
        encaminhada=context.get("forwarded") is True or context.get("frequently_forwarded") is True,
        anuncio=_ad(ad),
    )
    return replace(lido, citada_msg_id=words(context.get("id"), CURTO), detalhes=detalhes)


def _kind(message: dict[str, Any]) -> str:
    named = words(message.get("type"), 60) or "sem tipo"
    inner = words(tree(message.get("unsupported")).get("type"), 40)
    return f"{named} {inner}" if inner else named


def _ad(referral: dict[str, Any]) -> Anuncio | None:
    """Return where an ad led from; of its address the host alone, the rest may identify a person."""
    titulo, address = words(referral.get("headline"), CURTO), words(referral.get("source_url"), 2_000)
    try:
        site = urlsplit(address).hostname if address else None
    except ValueError:
        site = None
    return Anuncio(titulo, site[:CURTO] if site else None) if titulo or site else None


def _text(part: dict[str, Any]) -> Lido:
    return Lido(Midia.TEXTO, words(part.get("body")))


def _file(midia: Midia) -> Leitor:
    def leitor(part: dict[str, Any]) -> Lido:
        detalhes = Detalhes(mimetype=words(part.get("mime_type"), 100), arquivo=words(part.get("filename"), CURTO))
        return Lido(midia, words(part.get("caption")), detalhes=detalhes)

    return leitor


def _location(part: dict[str, Any]) -> Lido:
    latitude, longitude = number(part.get("latitude")), number(part.get("longitude"))
    named = [said for name in ("name", "address") if (said := words(part.get(name), CURTO))]
    if not named and latitude is not None and longitude is not None:
        named = [f"{latitude:.5f}, {longitude:.5f}"]
    texto = f"[localização enviada: {', '.join(named)}]" if named else "[localização enviada]"
    return Lido(Midia.LOCALIZACAO, texto, detalhes=Detalhes(latitude=latitude, longitude=longitude))


def read_contacts(cards: list[Any]) -> Lido:
    """Keep how the contacts are called; a number in the place of a name is somebody's phone and is left out."""
    found = (words(tree(tree(card).get("name")).get("formatted_name"), 100) for card in cards[:MOSTRADOS_MAX])
    names = tuple(name for name in found if name and normalizar(name) is None)
    what = "contato enviado" if len(cards) == 1 else "contatos enviados"
    texto = f"[{what}: {', '.join(names)}]" if names else f"[{what}]"
    return Lido(Midia.CONTATO, texto, detalhes=Detalhes(contatos=names))


def _reaction(part: dict[str, Any]) -> Lido:
    """Read a reaction; without an emoji it was taken back."""
    return Lido(Midia.REACAO, words(part.get("emoji"), 20), alvo_msg_id=words(part.get("message_id"), CURTO))


def _button(part: dict[str, Any]) -> Lido:
    """Read the press of a template's button."""
    escolha = words(part.get("payload"), CURTO)
    return Lido(Midia.BOTAO, words(part.get("text")) or escolha, detalhes=Detalhes(escolha_id=escolha))


def _interactive(part: dict[str, Any]) -> Lido:
    match part.get("type"):
        case "button_reply":
            return _choice(Midia.BOTAO, tree(part.get("button_reply")))
        case "list_reply":
            return _choice(Midia.LISTA, tree(part.get("list_reply")))
        case "nfm_reply":
            return _form(tree(part.get("nfm_reply")))
        case kind:
            return Lido(Midia.DESCONHECIDA, detalhes=Detalhes(tipo_original=f"interactive {clean(str(kind))[:40]}"))


def _choice(midia: Midia, reply: dict[str, Any]) -> Lido:
    escolha = words(reply.get("id"), CURTO)
    return Lido(midia, words(reply.get("title")) or escolha, detalhes=Detalhes(escolha_id=escolha))


def _form(reply: dict[str, Any]) -> Lido:
    """Read a filled-in form: its answers are JSON inside a string, and may be anything."""
    try:
        answers = tree(orjson.loads(words(reply.get("response_json")) or "{}"))
    except orjson.JSONDecodeError:
        answers = {}
    said = [
        f"{clean(name)[:60]}: {clean(str(value))[:CURTO]}"
        for name, value in list(answers.items())[:MOSTRADOS_MAX]
        if name != "flow_token" and isinstance(value, str | int | float | bool)
    ]
    form = words(reply.get("name"), 60)
    texto = "; ".join(said) or words(reply.get("body")) or "[formulário enviado]"
    return Lido(Midia.INTERATIVA, texto, detalhes=Detalhes(escolha_id=form))


def _order(part: dict[str, Any]) -> Lido:
    quantos = len(items(part.get("product_items")))
    said = words(part.get("text"))
    texto = f"[pedido do catálogo: {quantos} itens]"
    return Lido(Midia.INTERATIVA, f"{texto} {said}" if said else texto)


LEITORES: dict[str, Leitor] = {
    "text": _text,
    "image": _file(Midia.IMAGEM),
    "video": _file(Midia.VIDEO),
    "audio": _file(Midia.AUDIO),
    "voice": _file(Midia.AUDIO),
    "document": _file(Midia.DOCUMENTO),
    "sticker": _file(Midia.FIGURINHA),
    "location": _location,
    "reaction": _reaction,
    "button": _button,
    "interactive": _interactive,
    "order": _order,
}
