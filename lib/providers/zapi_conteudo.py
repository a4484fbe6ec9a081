"""What a message holds, read out of Z-API's JSON: its kind is the key that is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlsplit

from lib.domain.mensagem import Anuncio, Detalhes, Midia
from lib.domain.telefone import normalizar
from lib.providers.evolution_json import clean, items, number, tree, whole, words

CURTO: Final = 200
LISTADOS_MAX: Final = 20
# Nobody said anything.
SEM_FALA: Final = {
    "pinMessage": "mensagem fixada na conversa",
    "newsletterAdminInvite": "convite para administrar um canal",
}
AO_LADO: Final = frozenset({"externalAdReply", "notificationParameters", "photo", "senderPhoto"})


@dataclass(frozen=True, slots=True)
class Lido:
    """The content of one message. `ajuste` is set when nobody said anything: it then says what it was."""

    midia: Midia
    texto: str | None = None
    alvo_msg_id: str | None = None
    detalhes: Detalhes = field(default_factory=Detalhes)
    ajuste: str | None = None
    vazio: bool = False


Leitor = Callable[[dict[str, Any]], Lido]


def read_content(body: dict[str, Any]) -> Lido:
    """Read the content of a received message; `vazio` when there is none at all."""
    name = next((name for name in LEITORES if isinstance(body.get(name), dict | list)), None)
    if name is None:
        return _unknown(body)
    part = body[name]
    lido = LEITORES[name](tree(part) if not isinstance(part, list) else {"lista": part})
    return replace(
        lido,
        detalhes=replace(
            lido.detalhes,
            visualizacao_unica=tree(part).get("viewOnce") is True or body.get("viewOnce") is True,
            temporaria=bool(whole(body.get("messageExpirationSeconds"))),
            encaminhada=body.get("forwarded") is True,
            anuncio=_ad(body.get("externalAdReply")),
        ),
    )


def _unknown(body: dict[str, Any]) -> Lido:
    for name, what in SEM_FALA.items():
        if name in body:
            return Lido(Midia.DESCONHECIDA, ajuste=what)
    kind = next((key for key, part in body.items() if isinstance(part, dict) and key not in AO_LADO), None)
    return Lido(Midia.DESCONHECIDA, detalhes=Detalhes(tipo_original=clean(kind)[:60] if kind else None), vazio=not kind)


def _ad(reply: Any) -> Anuncio | None:
    """Return where an ad led from; of its address the host alone, the rest may identify a person."""
    ad = tree(reply)
    titulo, address = words(ad.get("title"), CURTO), words(ad.get("sourceUrl"), 2_000)
    try:
        site = urlsplit(address).hostname if address else None
    except ValueError:
        site = None
    return Anuncio(titulo, site[:CURTO] if site else None) if titulo or site else None


def _text(part: dict[str, Any]) -> Lido:
    """Read a text; a card without words of its own still has a title or a description, misspelt by the vendor."""
    about = part.get("description") or part.get("descritpion")
    card = [said for value in (part.get("title"), about) if (said := words(value))]
    return Lido(Midia.TEXTO, words(part.get("message")) or "\n".join(card) or None)


def _media(midia: Midia) -> Leitor:
    def leitor(part: dict[str, Any]) -> Lido:
        detalhes = Detalhes(
            segundos=whole(part.get("seconds")),
            mimetype=words(part.get("mimeType"), 100),
            arquivo=words(part.get("fileName"), CURTO),
        )
        return Lido(midia, words(part.get("caption")), detalhes=detalhes)

    return leitor


def _location(part: dict[str, Any]) -> Lido:
    latitude, longitude = number(part.get("latitude")), number(part.get("longitude"))
    named = [said for name in ("name", "address") if (said := words(part.get(name), CURTO))]
    if not named and latitude is not None and longitude is not None:
        named = [f"{latitude:.5f}, {longitude:.5f}"]
    texto = f"[localização enviada: {', '.join(named)}]" if named else "[localização enviada]"
    return Lido(Midia.LOCALIZACAO, texto, detalhes=Detalhes(latitude=latitude, longitude=longitude))


def _contacts(part: dict[str, Any]) -> Lido:
    """Keep how the contacts are called; a number in the place of a name is somebody's phone and is left out."""
    cards = items(part.get("lista")) or [part]
    found = (words(tree(card).get("displayName"), 100) for card in cards[:LISTADOS_MAX])
    names = tuple(name for name in found if name and normalizar(name) is None)
    what = "contato enviado" if len(cards) == 1 else "contatos enviados"
    texto = f"[{what}: {', '.join(names)}]" if names else f"[{what}]"
    return Lido(Midia.CONTATO, texto, detalhes=Detalhes(contatos=names))


def _names(options: Any) -> tuple[str, ...]:
    listed = (words(tree(option).get("name"), CURTO) for option in items(options)[:LISTADOS_MAX])
    return tuple(option for option in listed if option)


def _poll(part: dict[str, Any]) -> Lido:
    pergunta, opcoes = words(part.get("question"), CURTO), _names(part.get("options"))
    texto = f"[enquete: {pergunta or 'sem pergunta'} — opções: {', '.join(opcoes) or 'nenhuma'}]"
    return Lido(Midia.ENQUETE, texto, detalhes=Detalhes(pergunta=pergunta, opcoes=opcoes))


def _vote(part: dict[str, Any]) -> Lido:
    """Read a vote; an empty list is a vote taken back."""
    votos = _names(part.get("options"))
    unread = None if part.get("options") == [] else "[votou numa enquete; a opção não veio legível]"
    alvo = words(part.get("pollMessageId"), CURTO)
    return Lido(Midia.VOTO, ", ".join(votos) or unread, alvo_msg_id=alvo, detalhes=Detalhes(votos=votos))


def _choice(midia: Midia, titles: tuple[str, ...], escolha: str) -> Leitor:
    def leitor(part: dict[str, Any]) -> Lido:
        chosen = words(part.get(escolha), CURTO)
        title = next((said for name in titles if (said := words(part.get(name)))), None)
        return Lido(midia, title or chosen, detalhes=Detalhes(escolha_id=chosen))

    return leitor


def _reaction(part: dict[str, Any]) -> Lido:
    alvo = words(tree(part.get("referencedMessage")).get("messageId"), CURTO)
    return Lido(Midia.REACAO, words(part.get("value"), 20), alvo_msg_id=alvo)


def _event(part: dict[str, Any]) -> Lido:
    named = [said for name in ("name", "description") if (said := words(part.get(name), CURTO))]
    return Lido(Midia.EVENTO, f"[evento: {', '.join(named)}]" if named else "[evento]")


def _event_answer(part: dict[str, Any]) -> Lido:
    alvo = words(tree(part.get("referencedMessage")).get("messageId"), CURTO)
    said = words(part.get("response"), 40)
    return Lido(Midia.EVENTO, f"[resposta a um evento: {said}]" if said else "[resposta a um evento]", alvo_msg_id=alvo)


def _said(name: str) -> Leitor:
    """Read the words of what a business account sends."""
    return lambda part: Lido(Midia.TEXTO, words(part.get(name)) or words(part.get("title")))


def _bare(midia: Midia) -> Leitor:
    return lambda part: Lido(midia, detalhes=Detalhes(mimetype=words(part.get("mimeType"), 100)))


# In this order: what is more than words comes before them.
LEITORES: Final[dict[str, Leitor]] = {
    "reaction": _reaction,
    "buttonsResponseMessage": _choice(Midia.BOTAO, ("message",), "buttonId"),
    "listResponseMessage": _choice(Midia.LISTA, ("title", "message"), "selectedRowId"),
    "pollVote": _vote,
    "poll": _poll,
    "image": _media(Midia.IMAGEM),
    "video": _media(Midia.VIDEO),
    "ptv": _media(Midia.VIDEO),
    "audio": _media(Midia.AUDIO),
    "document": _media(Midia.DOCUMENTO),
    "sticker": _bare(Midia.FIGURINHA),
    "location": _location,
    "contact": _contacts,
    "contacts": _contacts,
    "event": _event,
    "eventResponse": _event_answer,
    "text": _text,
    "hydratedTemplate": _said("message"),
    "buttonsMessage": _said("message"),
    "carouselMessage": _said("text"),
}
