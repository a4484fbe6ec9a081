"""What Chatwoot answers to each call."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar

from lib.sandbox.chatwoot_central import Central
from lib.sandbox.chatwoot_wire import (
    agent,
    inbox_row,
    rest_contact,
    rest_conversation,
    rest_message,
    webhook_row,
)
from lib.sandbox.chatwoot_world import ABERTA, ENTRA, EVENTOS, RESOLVIDA, SAI, STATUS, ContatoCw, ConversaCw, Pessoa

PAGINA: Final = 15
MENSAGENS: Final = 20
MENSAGENS_DEPOIS: Final = 100
TEXTO_MAX: Final = 150_000
E164: Final = re.compile(r"\+[1-9]\d{1,14}")
TIPOS: Final[Mapping[str, int]] = MappingProxyType({"incoming": ENTRA, "outgoing": SAI})
FILTROS: Final[Mapping[str, Callable[[ContatoCw], str | None]]] = MappingProxyType(
    {
        "phone_number": lambda contato: contato.telefone,
        "identifier": lambda contato: contato.identificador,
        "name": lambda contato: contato.nome,
        "email": lambda contato: contato.email,
    }
)
V = TypeVar("V")


class RecusaError(Exception):
    """A request that Chatwoot answers with an error; a text body is plain text."""

    def __init__(self, status: int, corpo: object) -> None:
        super().__init__(status, corpo)
        self.status, self.corpo = status, corpo


@dataclass(frozen=True, slots=True)
class Pedido:
    """One request of a known user."""

    central: Central
    pessoa: Pessoa
    corpo: dict[str, Any]
    caminho: Mapping[str, Any]
    busca: Mapping[str, str]

    def contato(self) -> ContatoCw:
        """The contact of the path, else 404."""
        return or_404(self.central.mundo.contatos, self.caminho["contato"])

    def conversa(self) -> ConversaCw:
        """The conversation of the path, else 404."""
        return or_404(self.central.mundo.conversas, self.caminho["conversa"])


def or_404(found: Mapping[int, V], key: object) -> V:
    """The row of this id.

    Raises:
        RecusaError: 404.
    """
    text = str(key)
    value = found.get(int(text)) if text.isascii() and text.isdigit() else None
    if value is None:
        raise RecusaError(404, {"error": "Resource could not be found"})
    return value


def profile(pedido: Pedido) -> object:
    """The token's own user."""
    mundo = pedido.central.mundo
    account = {"id": mundo.conta, "role": pedido.pessoa.papel, "status": "active"}
    return {**agent(mundo, pedido.pessoa), "accounts": [account], "type": pedido.pessoa.papel}


def search(pedido: Pedido) -> object:
    """Contacts that contain a text anywhere; 100 a minute."""
    _limited(pedido, limited=True)
    text = pedido.busca.get("q", "").strip().lower()
    if not text:
        raise RecusaError(422, {"error": "Specify search string with parameter q"})
    found = [one for one in pedido.central.mundo.contatos.values() if _contains(one, text)]
    return _page(pedido, found, str)


def filtered(pedido: Pedido) -> object:
    """Contacts by conditions, joined from left to right."""
    mundo = pedido.central.mundo
    _limited(pedido, limited=mundo.limite_filtro)
    conditions = pedido.corpo.get("payload")
    if not isinstance(conditions, list) or not conditions:
        raise RecusaError(422, {"error": "Invalid query"})
    return _page(pedido, [one for one in mundo.contatos.values() if _matches(one, conditions)], int)


def create_contact(pedido: Pedido) -> object:
    """A contact with an address in the inbox."""
    mundo, body = pedido.central.mundo, pedido.corpo
    _inbox(pedido)
    telefone, identificador = _text(body, "phone_number"), _text(body, "identifier")
    if telefone and not E164.fullmatch(telefone):
        raise _invalid("Phone number should be in e164 format", "phone_number")
    if telefone and mundo.contato_com(telefone=telefone):
        raise _invalid("Phone number has already been taken", "phone_number")
    if identificador and mundo.contato_com(identificador=identificador):
        raise _invalid("Identifier has already been taken", "identifier")
    contato = pedido.central.novo_contato(_text(body, "name") or "", telefone, identificador)
    source_id = mundo.enderecar(contato, _text(body, "source_id"))
    link = {"inbox": inbox_row(mundo), "source_id": source_id}
    return {"payload": {"contact": rest_contact(mundo, contato), "contact_inbox": link}}


def show_contact(pedido: Pedido) -> object:
    """One contact."""
    return {"payload": rest_contact(pedido.central.mundo, pedido.contato())}


def link_inbox(pedido: Pedido) -> object:
    """An address of a contact: the one asked for, or a new one."""
    mundo, contato = pedido.central.mundo, pedido.contato()
    _inbox(pedido)
    wanted = _text(pedido.corpo, "source_id")
    owner = mundo.endereco(mundo.caixa, wanted) if wanted else None
    if owner is not None and owner is not contato:
        raise _invalid("Source has already been taken", "source_id")
    return {"source_id": mundo.enderecar(contato, wanted), "inbox": inbox_row(mundo)}


def conversations_of(pedido: Pedido) -> object:
    """A contact's conversations, the latest first."""
    mundo, contato = pedido.central.mundo, pedido.contato()
    found = [one for one in mundo.conversas.values() if one.contato_id == contato.id]
    found.sort(key=lambda one: one.mudou_s, reverse=True)
    return {"payload": [rest_conversation(mundo, one) for one in found[:MENSAGENS]]}


def create_conversation(pedido: Pedido) -> object:
    """A new conversation with each call."""
    mundo, body = pedido.central.mundo, pedido.corpo
    source_id = _text(body, "source_id") or ""
    owner = mundo.endereco(mundo.caixa, source_id)
    contato = or_404(mundo.contatos, body["contact_id"]) if body.get("contact_id") else owner
    if contato is None:
        raise RecusaError(404, {"error": "Resource could not be found"})
    if owner is not None and owner is not contato:
        raise RecusaError(422, {"error": "source_id should be unique"})
    source_id = mundo.enderecar(contato, source_id or None)
    attributes = body.get("custom_attributes")
    made = pedido.central.nova_conversa(
        contato, source_id, _status(body, ABERTA), attributes if isinstance(attributes, dict) else None
    )
    first = body.get("message")
    if isinstance(first, dict) and first.get("content"):
        pedido.central.escrever(made.id, str(first["content"]), autor_id=pedido.pessoa.id)
    return {"id": made.id, "account_id": mundo.conta, "inbox_id": mundo.caixa}


def show_conversation(pedido: Pedido) -> object:
    """One conversation."""
    return rest_conversation(pedido.central.mundo, pedido.conversa())


def list_messages(pedido: Pedido) -> object:
    """The latest 20, 20 before an id, or 100 after one; oldest first."""
    mundo, conversa = pedido.central.mundo, pedido.conversa()
    found = mundo.da_conversa(conversa.id)
    if (before := pedido.busca.get("before", "")).isdigit():
        found = [one for one in found if one.id < int(before)]
    if (after := pedido.busca.get("after", "")).isdigit():
        found = [one for one in found if one.id > int(after)][:MENSAGENS_DEPOIS]
    else:
        found = found[-MENSAGENS:]
    meta = {"labels": list(conversa.labels), "additional_attributes": {}}
    return {"meta": meta, "payload": [rest_message(mundo, one) for one in found]}


def post_message(pedido: Pedido) -> object:
    """A message of the token's user, or of the contact."""
    body, conversa = pedido.corpo, pedido.conversa()
    kind = str(body.get("message_type") or "outgoing")
    if kind not in TIPOS:
        raise RecusaError(422, {"error": f"'{kind}' is not a valid message_type"})
    text = _text(body, "content")
    if text is not None and len(text) > TEXTO_MAX:
        raise RecusaError(422, {"error": "Content is too long (maximum is 150000 characters)"})
    attributes = body.get("content_attributes")
    made = pedido.central.escrever(
        conversa.id,
        text,
        tipo=TIPOS[kind],
        privada=body.get("private") is True,
        autor_id=pedido.pessoa.id,
        atributos=dict(attributes) if isinstance(attributes, dict) else None,
        source_id=_text(body, "source_id"),
        echo_id=_text(body, "echo_id"),
    )
    return rest_message(pedido.central.mundo, made)


def get_labels(pedido: Pedido) -> object:
    """A conversation's labels."""
    return {"payload": list(pedido.conversa().labels)}


def set_labels(pedido: Pedido) -> object:
    """The whole list, replaced."""
    conversa, wanted = pedido.conversa(), pedido.corpo.get("labels")
    names = [str(name) for name in wanted] if isinstance(wanted, list) else []
    pedido.central.trocar_labels(conversa.id, names, pedido.pessoa.id)
    return {"payload": list(conversa.labels)}


def set_status(pedido: Pedido) -> object:
    """The status asked for; without one it toggles. `open` by an agent assigns the conversation to that agent."""
    central, conversa = pedido.central, pedido.conversa()
    toggled = RESOLVIDA if conversa.status == ABERTA else ABERTA
    central.mudar_status(conversa.id, _status(pedido.corpo, toggled), pedido.pessoa.id)
    if conversa.status == ABERTA and pedido.pessoa.papel == "agent":
        central.atribuir(conversa.id, pedido.pessoa.id, pedido.pessoa.id)
    payload = {"success": True, "current_status": conversa.status, "conversation_id": conversa.id}
    return {"meta": {}, "payload": payload}


def assign(pedido: Pedido) -> object:
    """Somebody, or nobody for 0, null and an unknown id."""
    mundo, conversa = pedido.central.mundo, pedido.conversa()
    if "assignee_id" not in pedido.corpo:
        return None
    wanted = pedido.corpo["assignee_id"]
    pedido.central.atribuir(conversa.id, wanted if isinstance(wanted, int) else None, pedido.pessoa.id)
    pessoa = mundo.pessoas.get(conversa.responsavel_id or 0)
    return agent(mundo, pessoa) if pessoa else None


def list_inboxes(pedido: Pedido) -> object:
    """The one inbox."""
    return {"payload": [inbox_row(pedido.central.mundo)]}


def list_agents(pedido: Pedido) -> object:
    """All people."""
    mundo = pedido.central.mundo
    return [agent(mundo, pessoa) for pessoa in mundo.pessoas.values()]


def list_labels(pedido: Pedido) -> object:
    """The labels the account defines."""
    rows = enumerate(pedido.central.mundo.labels, start=1)
    return {"payload": [{"id": key, "title": name, "color": "#1f93ff", "show_on_sidebar": True} for key, name in rows]}


def list_webhooks(pedido: Pedido) -> object:
    """The account's webhooks."""
    mundo = pedido.central.mundo
    return {"payload": {"webhooks": [webhook_row(mundo, one) for one in mundo.webhooks.values()]}}


def create_webhook(pedido: Pedido) -> object:
    """A webhook; an address is taken once."""
    mundo, body = pedido.central.mundo, pedido.corpo
    url, events = _text(body, "url") or "", body.get("subscriptions") or list(EVENTOS)
    if not url.startswith(("http://", "https://")):
        raise _invalid("Url is invalid", "url")
    if any(one.url == url for one in mundo.webhooks.values()):
        raise _invalid("Url has already been taken", "url")
    if not isinstance(events, list) or any(event not in EVENTOS for event in events):
        raise _invalid("Subscriptions Invalid events", "subscriptions")
    made = mundo.inscrever(url, [str(event) for event in events], _text(body, "name"))
    return {"payload": {"webhook": webhook_row(mundo, made)}}


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    return str(value) if isinstance(value, str | int) and str(value) else None


def _invalid(message: str, attribute: str) -> RecusaError:
    return RecusaError(422, {"message": message, "attributes": [attribute]})


def _inbox(pedido: Pedido) -> None:
    if str(pedido.corpo.get("inbox_id")) != str(pedido.central.mundo.caixa):
        raise RecusaError(404, {"error": "Resource could not be found"})


def _status(body: Mapping[str, Any], default: str) -> str:
    wanted = body.get("status") or default
    if wanted not in STATUS:
        raise RecusaError(422, {"error": f"'{wanted}' is not a valid status"})
    return str(wanted)


def _limited(pedido: Pedido, *, limited: bool) -> None:
    if limited and not pedido.central.mundo.busca_cabe():
        raise RecusaError(429, "Retry later\n")


def _contains(contato: ContatoCw, text: str) -> bool:
    return any(text in (value or "").lower() for value in (read(contato) for read in FILTROS.values()))


def _matches(contato: ContatoCw, conditions: list[Any]) -> bool:
    """Each condition's operator joins it to the next one; the first of its values counts."""
    result, join = False, "OR"
    for condition in conditions:
        rule = condition if isinstance(condition, dict) else {}
        truth = _holds(contato, rule)
        result = result or truth if join == "OR" else result and truth
        join = str(rule.get("query_operator") or "AND").upper()
    return result


def _holds(contato: ContatoCw, rule: Mapping[str, Any]) -> bool:
    key, values = str(rule.get("attribute_key")), rule.get("values")
    if key not in FILTROS:
        raise RecusaError(422, {"error": f"Invalid attribute key - [{key}]"})
    if str(rule.get("filter_operator")) not in {"equal_to", "contains"} or not isinstance(values, list) or not values:
        raise RecusaError(422, {"error": "Invalid operator"})
    wanted = str(values[0]).lower()
    if key == "phone_number":
        wanted = "+" + wanted.replace("+", "")
    has = (FILTROS[key](contato) or "").lower()
    return wanted in has if rule["filter_operator"] == "contains" else wanted == has


def _page(pedido: Pedido, found: list[ContatoCw], current: Callable[[int], object]) -> object:
    """A page of 15; `current_page` is a number or a text, by route."""
    text = pedido.busca.get("page", "1")
    page = max(1, int(text)) if text.isdigit() else 1
    mundo = pedido.central.mundo
    rows = [rest_contact(mundo, one) for one in found[(page - 1) * PAGINA : page * PAGINA]]
    return {"meta": {"count": len(found), "current_page": current(page)}, "payload": rows}
