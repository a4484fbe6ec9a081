"""Codes to be scanned, drawn for a terminal and as a picture."""

from __future__ import annotations

from io import BytesIO, StringIO

import segno

BORDA = 2
ESCALA = 8


def terminal(conteudo: str) -> str:
    """Return the code in half blocks, two rows of it a line."""
    out = StringIO()
    segno.make_qr(conteudo, error="l").terminal(out, border=BORDA, compact=True)
    return out.getvalue()


def png(conteudo: str) -> bytes:
    """Return the code as a PNG of 8 pixels a module."""
    out = BytesIO()
    segno.make_qr(conteudo, error="m").save(out, kind="png", scale=ESCALA)
    return out.getvalue()
