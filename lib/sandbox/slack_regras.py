"""Slack's rules for what a message or a view is made of, as it answers `invalid_blocks`."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

_BLOCOS: Final = 50
_TELA_BLOCOS: Final = 100
_TELA_TITULO: Final = 24
_TEXTOS: Final[Mapping[str, int]] = MappingProxyType({"header": 150, "section": 3000, "context": 2000})
_PARTES: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {"actions": ("elements", 25), "context": ("elements", 10)}
)
_BOTAO: Final[Mapping[str, int]] = MappingProxyType({"action_id": 255, "value": 2000, "url": 3000})
_CONFIRMA: Final[Mapping[str, int]] = MappingProxyType({"title": 100, "text": 300, "confirm": 30, "deny": 30})
_CAMPOS: Final = (10, 2000)
_BOTAO_TEXTO: Final = 75
_TIPOS: Final = frozenset({"header", "section", "context", "actions", "divider", "image", "input", "file", "rich_text"})


def wrong_blocks(blocks: object, limit: int = _BLOCOS) -> list[str]:
    """Return what Slack finds wrong; empty for good blocks."""
    if not isinstance(blocks, list):
        return ["[ERROR] must be an array [json-pointer:/blocks]"]
    if len(blocks) > limit:
        return [f"[ERROR] no more than {limit} items allowed [json-pointer:/blocks]"]
    found: list[str] = []
    for index, block in enumerate(blocks):
        found += [f"[ERROR] {what} [json-pointer:/blocks/{index}]" for what in _block(block)]
    return found


def wrong_view(view: object) -> list[str]:
    """Return what is wrong with a view."""
    if not isinstance(view, dict) or view.get("type") not in {"modal", "home"}:
        return ["[ERROR] missing or wrong type [json-pointer:/view/type]"]
    title = view.get("title")
    if not isinstance(title, dict) or not _fits(title.get("text"), _TELA_TITULO):
        return ["[ERROR] must be less than 25 characters [json-pointer:/view/title/text]"]
    return wrong_blocks(view.get("blocks"), _TELA_BLOCOS)


def _block(block: object) -> list[str]:
    if not isinstance(block, dict) or block.get("type") not in _TIPOS:
        return ["unsupported type"]
    kind = block["type"]
    found = _section(block) if kind == "section" else []
    if kind == "header":
        found += _text(block.get("text"), _TEXTOS[kind])
    if kind in _PARTES:
        name, limit = _PARTES[kind]
        parts = block.get(name)
        if not isinstance(parts, list) or not 0 < len(parts) <= limit:
            return [f"{name}: from 1 to {limit} items"]
        for part in parts:
            found += _button(part) if kind == "actions" else _text(part, _TEXTOS["context"])
        found += _twice(parts) if kind == "actions" else []
    return found


def _section(block: Mapping[str, Any]) -> list[str]:
    if "text" not in block and "fields" not in block:
        return ["missing required field: text"]
    found = _text(block["text"], _TEXTOS["section"]) if "text" in block else []
    fields = block.get("fields", [])
    if not isinstance(fields, list) or len(fields) > _CAMPOS[0]:
        return [*found, f"fields: no more than {_CAMPOS[0]} items"]
    for one in fields:
        found += _text(one, _CAMPOS[1])
    if "accessory" in block:
        found += _button(block["accessory"])
    return found


def _button(element: object) -> list[str]:
    if not isinstance(element, dict) or "type" not in element:
        return ["unsupported element"]
    if element["type"] != "button":
        return []
    found = _text(element.get("text"), _BOTAO_TEXTO)
    found += [f"{n}: too long" for n, most in _BOTAO.items() if n in element and not _fits(element[n], most, least=0)]
    if element.get("style") not in {None, "primary", "danger"}:
        found.append("style: not allowed")
    confirm = element.get("confirm")
    if confirm is not None:
        parts = confirm if isinstance(confirm, dict) else {}
        found += [what for name, most in _CONFIRMA.items() for what in _text(parts.get(name), most)]
    return found


def _twice(parts: Sequence[Any]) -> list[str]:
    ids = [part.get("action_id") for part in parts if isinstance(part, dict) and part.get("action_id")]
    return ["action_id already exists"] if len(set(ids)) != len(ids) else []


def _text(value: object, limit: int) -> list[str]:
    if not isinstance(value, dict) or value.get("type") not in {"plain_text", "mrkdwn"}:
        return ["text: must be plain_text or mrkdwn"]
    return [] if _fits(value.get("text"), limit) else [f"text: from 1 to {limit} characters"]


def _fits(value: object, most: int, least: int = 1) -> bool:
    return isinstance(value, str) and least <= len(value) <= most
