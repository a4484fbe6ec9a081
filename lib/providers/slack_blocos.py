"""Slack's Block Kit: what a message is made of. Texts are escaped and fitted to their limit, wrong structures raise.

Limits: Slack's own, as its SDK checks them. A text that is already Slack's markup is a `Markup`, and only this module
makes one: whatever else is given is foreign and cannot mention a channel or forge a link.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

Bloco = Mapping[str, Any]

BLOCOS_MAX: Final = 50
TEXTO_MAX: Final = 4_000  # of the message itself: what chat.update takes
SECAO_MAX: Final = 3_000
CAMPOS_MAX: Final = 10
CAMPO_MAX: Final = 2_000
TITULO_MAX: Final = 150
CONTEXTO_MAX: Final = 10
ACOES_MAX: Final = 25
BOTAO_MAX: Final = 75
VALOR_MAX: Final = 2_000
ID_MAX: Final = 255
CONFIRMA_TITULO_MAX: Final = 100
CONFIRMA_TEXTO_MAX: Final = 300
CONFIRMA_BOTAO_MAX: Final = 30
TELA_TITULO_MAX: Final = 24
TELA_BLOCOS_MAX: Final = 100
TELA_DADOS_MAX: Final = 3_000
ESTILOS: Final = frozenset({"primary", "danger"})

_ESCAPES: Final = MappingProxyType(str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"}))
_ID_USUARIO: Final = re.compile(r"[UW][A-Z0-9]{2,30}")
_INTEIRO: Final = re.compile(r"<[^<>]*>|&[a-z]+;|.", re.DOTALL)


class Markup(str):
    """Slack markup that is sent as it stands."""

    __slots__ = ()


def escape(texto: str) -> Markup:
    """Make a foreign text harmless: `&`, `<` and `>` become entities. A `Markup` stays what it is."""
    if isinstance(texto, Markup):
        return texto
    return Markup(texto.translate(_ESCAPES))


def fit(texto: str, limite: int) -> Markup:
    """Escape and cut to `limite` characters with `…`; no entity, mention or link is cut in two."""
    escaped = escape(texto)
    if len(escaped) <= limite:
        return escaped
    kept, length = [], 0
    for found in _INTEIRO.finditer(escaped):
        length += len(found[0])
        if length > limite - 1:
            break
        kept.append(found[0])
    return Markup("".join(kept) + "…")


def join(*partes: str, por: str = "") -> Markup:
    """Put texts and markup together; each part that is no markup is escaped."""
    return Markup(escape(por).join(escape(parte) for parte in partes))


def mention(usuario: str) -> Markup:
    """Name a Slack user so that they are told; what is no user id is only written."""
    return Markup(f"<@{usuario}>") if _ID_USUARIO.fullmatch(usuario) else escape(usuario)


@dataclass(frozen=True, slots=True)
class Confirma:
    """The question that Slack asks before a button counts."""

    titulo: str
    texto: str
    sim: str = "Confirmar"
    nao: str = "Cancelar"

    def to_dict(self) -> dict[str, Any]:
        """Return Slack's confirmation object."""
        return {
            "title": _plain(self.titulo, CONFIRMA_TITULO_MAX),
            "text": _plain(self.texto, CONFIRMA_TEXTO_MAX),
            "confirm": _plain(self.sim, CONFIRMA_BOTAO_MAX),
            "deny": _plain(self.nao, CONFIRMA_BOTAO_MAX),
        }


def header(texto: str) -> Bloco:
    """Return a title line; 150 characters."""
    return {"type": "header", "text": _plain(texto, TITULO_MAX)}


def divider() -> Bloco:
    """Return a line across."""
    return {"type": "divider"}


def section(texto: str, *, acessorio: Bloco | None = None) -> Bloco:
    """Return a paragraph; 3000 characters. `acessorio` is a button beside it."""
    block: dict[str, Any] = {"type": "section", "text": _mrkdwn(texto, SECAO_MAX)}
    if acessorio is not None:
        block["accessory"] = acessorio
    return block


def fields(campos: Sequence[tuple[str, str]]) -> Bloco:
    """Return up to 10 (label, value) pairs in two columns; 2000 characters each.

    Raises:
        ValueError: none, or more than 10.
    """
    _count("fields", campos, CAMPOS_MAX)
    pairs = [_mrkdwn(join(Markup("*"), label, Markup("*\n"), value or "—"), CAMPO_MAX) for label, value in campos]
    return {"type": "section", "fields": pairs}


def context(*textos: str) -> Bloco:
    """Return up to 10 small grey texts.

    Raises:
        ValueError: none, or more than 10.
    """
    _count("context", textos, CONTEXTO_MAX)
    return {"type": "context", "elements": [_mrkdwn(texto, CAMPO_MAX) for texto in textos]}


def button(
    texto: str, action_id: str, valor: str, *, estilo: str | None = None, confirma: Confirma | None = None
) -> Bloco:
    """Return a button. Its text is cut at 75 characters; what it carries is never cut.

    Raises:
        ValueError: `action_id` is empty or longer than 255, `valor` longer than 2000, or no such style.
    """
    if not 0 < len(action_id) <= ID_MAX:
        raise ValueError(f"action_id of {len(action_id)} characters")
    if len(valor) > VALOR_MAX:
        raise ValueError(f"button value of {len(valor)} characters")
    made: dict[str, Any] = {"type": "button", "text": _plain(texto, BOTAO_MAX), "action_id": action_id, "value": valor}
    if estilo is not None:
        if estilo not in ESTILOS:
            raise ValueError(f"no button style {estilo!r}")
        made["style"] = estilo
    if confirma is not None:
        made["confirm"] = confirma.to_dict()
    return made


def actions(*botoes: Bloco, block_id: str | None = None) -> Bloco:
    """Return a row of up to 25 buttons, each with an `action_id` of its own.

    Raises:
        ValueError: none, more than 25, an id twice, or `block_id` longer than 255.
    """
    _count("actions", botoes, ACOES_MAX)
    if len({botao["action_id"] for botao in botoes}) != len(botoes):
        raise ValueError("an action_id twice in one row")
    block: dict[str, Any] = {"type": "actions", "elements": list(botoes)}
    if block_id is not None:
        if not 0 < len(block_id) <= ID_MAX:
            raise ValueError(f"block_id of {len(block_id)} characters")
        block["block_id"] = block_id
    return block


def modal(titulo: str, blocos: Sequence[Bloco], callback_id: str, *, enviar: str = "Enviar", dados: str = "") -> Bloco:
    """Return a view for `open_view`. Its title is cut at 24 characters; `dados` come back with the answer.

    Raises:
        ValueError: more than 100 blocks, `callback_id` longer than 255 or `dados` than 3000.
    """
    _count("modal", blocos, TELA_BLOCOS_MAX)
    if not 0 < len(callback_id) <= ID_MAX or len(dados) > TELA_DADOS_MAX:
        raise ValueError("callback_id or private metadata of a wrong length")
    return {
        "type": "modal",
        "title": _plain(titulo, TELA_TITULO_MAX),
        "submit": _plain(enviar, TELA_TITULO_MAX),
        "close": _plain("Cancelar", TELA_TITULO_MAX),
        "callback_id": callback_id,
        "private_metadata": dados,
        "blocks": list(blocos),
    }


def checked(blocos: Iterable[Bloco]) -> list[Bloco]:
    """Return the blocks of one message as a list.

    Raises:
        ValueError: more than 50.
    """
    made = list(blocos)
    if len(made) > BLOCOS_MAX:
        raise ValueError(f"{len(made)} blocks in one message")
    return made


def _plain(texto: str, limite: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": fit(texto, limite) or "—", "emoji": True}


def _mrkdwn(texto: str, limite: int) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": fit(texto, limite) or "—"}


def _count(kind: str, parts: Sequence[object], limite: int) -> None:
    if not 0 < len(parts) <= limite:
        raise ValueError(f"{kind} of {len(parts)} parts, {limite} at most")
