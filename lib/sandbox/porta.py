"""Who may use the controls and the page: programs of this machine, and the page itself."""

from typing import Final
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from pydantic import BaseModel, ConfigDict

CABECALHO: Final = "x-sandbox"
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_LEITURA: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Pedido(BaseModel):
    """A control request: unknown fields are refused, so that a misspelt fault is not silently no fault."""

    model_config = ConfigDict(extra="forbid")


def only_loopback(request: Request) -> None:
    """Refuse callers from other machines, and other names for this one, with 403: these endpoints have no key.

    The name matters because a page elsewhere may have its own name point here and would then be of this origin.
    """
    if request.client is None or request.client.host not in LOOPBACK:
        raise HTTPException(403, "só desta máquina")
    if request.url.hostname not in LOOPBACK:
        raise HTTPException(403, "use 127.0.0.1 ou localhost no endereço")


def only_own_page(request: Request) -> None:
    """Refuse with 403 what another page in the same browser would change.

    Browsers name the origin of every change. Ours sends a header besides, which no other page may send without asking
    first; programs send no origin and need no header.
    """
    origin = request.headers.get("origin")
    if request.method in _LEITURA or origin is None:
        return
    if request.headers.get(CABECALHO) != "1" or urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, "só a página do sandbox muda isto pelo navegador")
