"""The codes that pair a number with an instance: QR codes as WhatsApp makes them, and the eight letters to type."""

import io
import secrets
from base64 import b64encode
from typing import Final

import segno

_LETTERS: Final = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"
_TYPED: Final = 8
_REFERENCE: Final = 90
_KEY: Final = 32


def new_qr() -> str:
    """A QR code's text: a reference of the server's and three keys of the device."""
    parts = (_REFERENCE, _KEY, _KEY, _KEY)
    return "2@" + ",".join(b64encode(secrets.token_bytes(size)).decode() for size in parts)


def new_pairing() -> str:
    """A code to type on the phone."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_TYPED))


def png(code: str) -> bytes:
    """A QR code's picture."""
    picture = io.BytesIO()
    segno.make_qr(code, error="m").save(picture, kind="png", scale=4, border=4)
    return picture.getvalue()


def data_uri(code: str) -> str:
    """The picture as Evolution sends it."""
    return f"data:image/png;base64,{b64encode(png(code)).decode()}"
