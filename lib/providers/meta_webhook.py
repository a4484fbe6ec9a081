"""Reading what Meta reports of its numbers, tolerantly: a batch falls into pieces, each one thing that happened.

A piece keeps its own bytes, a whole webhook with nothing else in it: read again, it gives itself. Meta re-sends for up
to seven days, out of order, so a piece is also the unit that is stored once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import orjson

from lib.domain.evento import Eco, Evento, Outro, Preferencia, Recibo
from lib.domain.mensagem import MensagemRecebida, Midia
from lib.domain.telefone import normalizar
from lib.providers.evolution_conteudo import Lido
from lib.providers.evolution_json import clean, instant, items, tree, whole, words
from lib.providers.meta_conteudo import read_contacts, read_content
from lib.providers.meta_erros import effect, first_error
from lib.providers.meta_forma import USER_ID

ENTREGAS: Final = {"sent": "enviada", "delivered": "entregue", "read": "lida", "played": "lida", "failed": "falhou"}
ID_MAX: Final = 200
OUTBOX_DIGITOS_MAX: Final = 18
# Lists of a change's value, and the fields that carry them.
LISTAS: Final = ("messages", "statuses", "message_echoes", "user_preferences", "user_id_update", "errors")
DO_CHIP: Final = frozenset(
    {"messages", "smb_message_echoes", "user_preferences", "user_id_update", "history", "smb_app_state_sync"}
)
AO_REDOR: Final[tuple[str, ...]] = ("messaging_product", "metadata")
IDENTIFICADORES: Final = ("from_user_id", "to_user_id", "recipient_user_id", "user_id")
TELEFONES: Final = ("from", "to", "recipient_id", "wa_id")
SEM_TRATAMENTO: Final = {
    "history": "histórico sincronizado: nada dele é respondido",
    "smb_app_state_sync": "contatos do aplicativo sincronizados",
}


@dataclass(frozen=True, slots=True)
class Peca:
    """One thing that happened at one number. `instancia` is its phone number id, empty when the piece names none.

    `links` are the pairs of user id and E.164 phone that it shows to be one person.
    """

    instancia: str
    evento: Evento
    raw: bytes = field(repr=False)
    links: tuple[tuple[str, str], ...] = ()


class Mudanca(NamedTuple):
    """One change of one entry; `time` is when the entry was made, in seconds since 1970."""

    conta: str
    field: str
    value: dict[str, Any]
    time: int | None = None


class _Contatos(NamedTuple):
    """The contacts of one change by what names them: a batch has as many of them as messages."""

    por_id: dict[str, dict[str, Any]]
    por_telefone: dict[str, dict[str, Any]]
    unico: dict[str, Any]

    @classmethod
    def of(cls, value: dict[str, Any]) -> _Contatos:
        """Sort them."""
        found = [tree(contact) for contact in items(value.get("contacts"))]
        ids = {named: contact for contact in found if (named := user(contact.get("user_id")))}
        phones = {named: contact for contact in found if (named := phone(contact.get("wa_id")))}
        return cls(ids, phones, found[0] if len(found) == 1 else {})

    def find(self, item: dict[str, Any]) -> dict[str, Any]:
        """Return the contact that an item is about; the only one where the item names nobody."""
        named = [user(item.get(name)) for name in IDENTIFICADORES]
        numbered = [phone(item.get(name)) for name in TELEFONES]
        if not any((*named, *numbered)):
            return self.unico
        by_id = (self.por_id[one] for one in named if one in self.por_id)
        by_phone = (self.por_telefone[one] for one in numbered if one in self.por_telefone)
        return next(by_id, None) or next(by_phone, None) or {}


def parse(raw: bytes) -> Any | None:
    """Return the JSON value, or None when the bytes are no JSON."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def changes(body: Any) -> Iterator[Mudanca]:
    """Go through all changes of all entries."""
    for entry in items(tree(body).get("entry")):
        conta, time = words(tree(entry).get("id"), 60) or "", whole(tree(entry).get("time"))
        for change in items(tree(entry).get("changes")):
            named = words(tree(change).get("field"), 80) or ""
            yield Mudanca(conta, named, tree(tree(change).get("value")), time)


def read(body: Any) -> Sequence[Peca]:
    """Say what a parsed webhook is to the numbers it speaks of; what is the account's own is left out."""
    return [peca for change in changes(body) if change.field in DO_CHIP for peca in _pieces(change)]


def _pieces(change: Mudanca) -> Iterator[Peca]:
    instancia = words(tree(change.value.get("metadata")).get("phone_number_id"), 60) or ""
    contatos = _Contatos.of(change.value)
    empty = True
    for name in LISTAS:
        for item in map(tree, items(change.value.get(name))):
            empty = False
            contact = contatos.find(item)
            evento = _event(name, item, contact)
            yield Peca(instancia, evento, _raw(change, {name: [item]}, contact), _links(item, contact))
    if empty:
        reason = SEM_TRATAMENTO.get(change.field)
        evento = Outro(reason) if reason else Outro(f"{change.field} sem a forma esperada", morta=True)
        yield Peca(instancia, evento, _raw(change, change.value, {}))


def _raw(change: Mudanca, content: dict[str, Any], contact: dict[str, Any]) -> bytes:
    """Write one piece as a webhook of its own, with what is needed to read it again."""
    around: dict[str, Any] = {name: change.value[name] for name in AO_REDOR if name in change.value}
    beside: dict[str, Any] = {"contacts": [contact]} if contact else {}
    value = around | beside | content
    entry = {"id": change.conta, "changes": [{"value": value, "field": change.field}]}
    return orjson.dumps({"object": "whatsapp_business_account", "entry": [entry]})


def _event(name: str, item: dict[str, Any], contact: dict[str, Any]) -> Evento:
    match name:
        case "messages":
            return _message(item, contact)
        case "statuses":
            return _receipt(item)
        case "message_echoes":
            return _echo(item)
        case "user_preferences":
            return _preference(item)
        case "user_id_update":
            return Outro("o médico tem outro identificador na Meta")
        case _:
            erro = first_error([item])
            return Outro(f"erro da conta: {erro.codigo} {erro.texto}" if erro else "erro da conta sem explicação")


def _message(message: dict[str, Any], contact: dict[str, Any]) -> Evento:
    msg_id = _id(message.get("id"))
    if msg_id is None:
        return Outro("mensagem sem identificador", morta=True)
    if message.get("type") == "system":
        return _system(tree(message.get("system")))
    if message.get("group_id") is not None:
        return Outro("mensagem de grupo")
    telefone = phone(message.get("from")) or phone(contact.get("wa_id")) or _shared(message)
    user_id = user(message.get("from_user_id")) or user(contact.get("user_id"))
    if telefone is None and user_id is None:
        return Outro("mensagem sem remetente", morta=True)
    lido, profile = _read(message), tree(contact.get("profile"))
    return MensagemRecebida(
        msg_id=msg_id,
        midia=lido.midia,
        telefone=telefone,
        lid=user_id,
        nome=words(profile.get("name"), 100) or words(profile.get("username"), 100),
        texto=lido.texto,
        enviada_em=instant(message.get("timestamp")),
        alvo_msg_id=lido.alvo_msg_id,
        citada_msg_id=lido.citada_msg_id,
        detalhes=lido.detalhes,
    )


def _shared(message: dict[str, Any]) -> str | None:
    """Return the phone that a user with a username gave on being asked; a card sent unasked is somebody else's."""
    if message.get("origin") != "contact_request":
        return None
    cards = [tree(card) for card in items(message.get("contacts"))]
    phones = [tree(given) for card in cards[:1] for given in items(card.get("phones"))]
    return next((found for one in phones if (found := phone(one.get("wa_id")) or phone(one.get("phone")))), None)


def _read(message: dict[str, Any]) -> Lido:
    if message.get("type") == "contacts":
        return read_contacts(items(message.get("contacts")))
    return read_content(message)


def _system(system: dict[str, Any]) -> Evento:
    kind = words(system.get("type"), 60) or "sem tipo"
    known = {
        "user_changed_number": "o médico trocou de número",
        "user_changed_user_id": "o médico tem outro identificador na Meta",
        "customer_changed_number": "o médico trocou de número",
        "customer_identity_changed": "a chave de segurança do médico mudou",
    }
    return Outro(known.get(kind) or f"aviso do sistema: {kind}")


def _receipt(status: dict[str, Any]) -> Evento:
    msg_id, word = _id(status.get("id")), status.get("status")
    entrega = ENTREGAS.get(word) if isinstance(word, str) else None
    if msg_id is None or entrega is None:
        return Outro(f"recibo desconhecido: {clean(str(word))[:40]}")
    erro = first_error(status.get("errors")) if entrega == "falhou" else None
    return Recibo(
        msg_id,
        str(word),
        entrega,
        outbox_id=_outbox_id(status.get("biz_opaque_callback_data")),
        erro=f"{erro.codigo} {erro.texto}" if erro else None,
        efeito=effect(erro.codigo) if erro else None,
    )


def _echo(echo: dict[str, Any]) -> Evento:
    """Read what a person wrote in the WhatsApp Business app on the same number."""
    msg_id = _id(echo.get("id"))
    telefone, user_id = phone(echo.get("to")), user(echo.get("to_user_id"))
    if msg_id is None or (telefone is None and user_id is None):
        return Outro("eco sem destinatário ou identificador", morta=True)
    lido = _read(echo)
    if lido.midia is Midia.DESCONHECIDA:
        return Outro(f"do próprio chip: {lido.detalhes.tipo_original}")
    # A reaction answers nobody.
    spoken = lido.midia is not Midia.REACAO
    em = instant(echo.get("timestamp"))
    return Eco(msg_id, telefone, user_id, lido.midia, lido.texto, em, spoken, lido.detalhes)


def _preference(item: dict[str, Any]) -> Evento:
    telefone, user_id = phone(item.get("wa_id")), user(item.get("user_id"))
    parar = {"stop": True, "resume": False}.get(str(item.get("value")).lower())
    if parar is None or (telefone is None and user_id is None):
        return Outro("preferência sem a forma esperada", morta=True)
    return Preferencia(telefone, user_id, parar)


def _links(item: dict[str, Any], contact: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the pairs of user id and phone that one item and its contact name."""
    system = tree(item.get("system"))
    places = (
        # The sender of a system message is the old number, its user id may already be the new one.
        (item.get("from_user_id"), None if system else item.get("from")),
        (item.get("to_user_id"), item.get("to")),
        (item.get("recipient_user_id"), item.get("recipient_id")),
        (item.get("user_id"), item.get("wa_id")),
        (system.get("user_id"), system.get("wa_id")),
        (contact.get("user_id"), contact.get("wa_id")),
    )
    found = ((user(one), phone(other)) for one, other in places)
    pairs: dict[str, str] = {one: other for one, other in found if one and other}
    return tuple(pairs.items())


def phone(value: Any) -> str | None:
    """Read digits with the country code as E.164, with the ninth digit that Meta leaves out put back."""
    said = words(value, 20)
    return normalizar(f"+{said.removeprefix('+')}") if said else None


def user(value: Any) -> str | None:
    """Read a user id of Meta (`BR.…`)."""
    said = words(value, ID_MAX)
    return said if said and USER_ID.fullmatch(said) else None


def _id(value: Any) -> str | None:
    """Read a message id; one that is longer than any is none."""
    said = words(value, ID_MAX + 1)
    return said if said and len(said) <= ID_MAX else None


def _outbox_id(value: Any) -> int | None:
    digits = value if isinstance(value, str) and len(value) <= OUTBOX_DIGITOS_MAX else ""
    return int(digits) if digits.isascii() and digits.isdigit() else None
