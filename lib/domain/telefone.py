"""Phone numbers at the boundary: E.164 with a plus, and WhatsApp addresses."""

import re
from dataclasses import dataclass
from enum import StrEnum

import phonenumbers

_DDD = re.compile(r"[14689][1-9]|2[12478]|3[1-578]|5[1345]|7[134579]")
_ESCRITO = re.compile(r"(?:tel:|whatsapp:)?\s*(\+?)((?:[0-9]|[\s().\-/\u2010-\u2015])*)", re.IGNORECASE)
_ASSINANTE = re.compile(r"9[0-9]{8}|[2-5][0-9]{7}")
_SEM_NONO_DIGITO = re.compile(r"[6-9][0-9]{7}")
_TAMANHO_MAXIMO = 64  # longer than any written number: not worth reading


class _Servidor(StrEnum):
    TELEFONE = "telefone"
    LID = "lid"
    GRUPO = "grupo"
    MUDO = "mudo"


_SERVIDOR = {
    "s.whatsapp.net": _Servidor.TELEFONE,
    "c.us": _Servidor.TELEFONE,
    "hosted": _Servidor.TELEFONE,
    "lid": _Servidor.LID,
    "hosted.lid": _Servidor.LID,
    "g.us": _Servidor.GRUPO,
}


@dataclass(frozen=True, slots=True)
class Endereco:
    """Who a WhatsApp address names: a phone in E.164, the digits of a LID, both, or a group."""

    telefone: str | None
    lid: str | None
    grupo: bool


def _brasileiro(nacional: str) -> str | None:
    """Read DDD and subscriber, with the ninth digit of mobiles put back where it is missing."""
    ddd, assinante = nacional[:2], nacional[2:]
    if _SEM_NONO_DIGITO.fullmatch(assinante):
        assinante = "9" + assinante
    if not _DDD.fullmatch(ddd) or not _ASSINANTE.fullmatch(assinante):
        return None
    return f"+55{ddd}{assinante}"


def _internacional(digitos_: str) -> str | None:
    if digitos_.startswith("55"):
        return _brasileiro(digitos_[2:])
    try:
        numero = phonenumbers.parse("+" + digitos_)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(numero):
        return None
    return phonenumbers.format_number(numero, phonenumbers.PhoneNumberFormat.E164)


def normalizar(texto: str) -> str | None:
    """Read a phone number however it was typed, or a WhatsApp JID, as E.164 with a plus.

    Without a plus, 10 or 11 digits are Brazilian; the missing ninth digit is repaired. None when it is no phone number.
    """
    if "@" in texto:
        endereco = ler_jid(texto)
        return endereco.telefone if endereco else None
    escrito = _ESCRITO.fullmatch(texto.strip()) if len(texto) <= _TAMANHO_MAXIMO else None
    if escrito is None:
        return None
    mais, numero = escrito[1], re.sub(r"[^0-9]", "", escrito[2])
    if mais:
        return _internacional(numero)
    if numero.startswith("00"):
        return _internacional(numero[2:])
    numero = numero.removeprefix("0")
    return _brasileiro(numero) or _internacional(numero)


def _partes(jid: str) -> tuple[_Servidor, str]:
    usuario, arroba, servidor = jid.strip().lower().partition("@")
    usuario = re.split(r"[:_]", usuario, maxsplit=1)[0]
    return (_SERVIDOR.get(servidor, _Servidor.MUDO) if arroba else _Servidor.TELEFONE), usuario


def ler_jid(jid: str, alternativo: str | None = None) -> Endereco | None:
    """Read a WhatsApp address and the alternative one that gateways send beside it.

    A phone found in either argument is preferred and the LID is kept as well. None for broadcasts, newsletters and
    what names nobody. A bare number counts as a phone with its country code.
    """
    telefone = lid = None
    for posicao, texto in enumerate((jid, alternativo or "")):
        servidor, usuario = _partes(texto)
        if posicao == 0 and servidor is _Servidor.MUDO:
            return None
        if posicao == 0 and servidor is _Servidor.GRUPO:
            return Endereco(telefone=None, lid=None, grupo=True)
        if not re.fullmatch(r"[0-9]+", usuario):
            continue
        if servidor is _Servidor.TELEFONE:
            telefone = telefone or _internacional(usuario)
        elif servidor is _Servidor.LID:
            lid = lid or usuario
    if telefone is None and lid is None:
        return None
    return Endereco(telefone=telefone, lid=lid, grupo=False)


def digitos(telefone: str) -> str:
    """Give the number as gateways want it: digits only."""
    return re.sub(r"[^0-9]", "", telefone)


def mascarar(telefone: str) -> str:
    """Hide the middle for screens and logs: `+55 11 9****-0001`."""
    numero = digitos(telefone)
    if brasileiro := re.fullmatch(r"55([0-9]{2})(9?)[0-9]{4}([0-9]{4})", numero):
        return f"+55 {brasileiro[1]} {brasileiro[2]}****-{brasileiro[3]}"
    return f"****{numero[-4:]}" if len(numero) > 8 else "****"  # noqa: PLR2004 - four shown of at least nine
