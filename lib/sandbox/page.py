"""The page a person works at: phones, Chatwoot, Slack, faults, systems. Its files are in `pagina/`."""

from pathlib import Path
from types import MappingProxyType
from typing import Final

from fastapi import APIRouter, Depends, HTTPException, Response

from lib.sandbox.porta import only_loopback

PASTA: Final = Path(__file__).parent / "pagina"
TIPOS: Final = MappingProxyType({".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"})
CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
CABECALHOS: Final = MappingProxyType(
    {
        "content-security-policy": CSP,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cache-control": "no-cache",
    }
)


def page_router() -> APIRouter:
    """The document and its files; whatever it shows it asks of `/_sandbox`."""
    router = APIRouter(include_in_schema=False, dependencies=[Depends(only_loopback)])

    @router.get("/")
    async def home() -> Response:
        return _file("index.html", "text/html; charset=utf-8")

    @router.get("/_pagina/{nome}")
    async def part(nome: str) -> Response:
        kind = TIPOS.get(Path(nome).suffix)
        if kind is None or not (PASTA / nome).is_file():
            raise HTTPException(404, "não existe")
        return _file(nome, f"{kind}; charset=utf-8")

    return router


def _file(nome: str, kind: str) -> Response:
    return Response((PASTA / nome).read_bytes(), headers=dict(CABECALHOS), media_type=kind)
