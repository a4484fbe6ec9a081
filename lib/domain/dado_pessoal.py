"""Personal data in free text that is neither kept in a note nor repeated: documents, numbers, addresses, accounts."""

import re

from lib.domain.texto import dobrar

_DATA_OU_VALOR = re.compile(
    r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}:\d\d\b|r\$ ?[\d.,]+|\b\d{1,3}(?:\.\d{3})+(?:,\d\d)?(?= ?reais)", re.ASCII
)
_TIPOS = (
    ("e-mail", re.compile(r"[\w.+-]+ ?@ ?[\w-]+\.\w", re.ASCII)),
    (
        "documento",
        re.compile(r"\b\d{3}\.?\d{3}\.?\d{3} ?- ?\d\d\b|\b\d{2}\.\d{3}\.\d{3}/\d{4}|\bcpf\b|\bcnpj\b|\brg \d"),
    ),
    (
        "dado bancário",
        re.compile(
            r"\bpix\b|\bconta (?:corrente|poupanca|bancaria|salario|\d)|\bagencia \d"
            r"|\bcartao de (?:credito|debito)\b|\bcvv\b|\biban\b"
        ),
    ),
    ("senha", re.compile(r"\bsenha\b|\btoken\b")),
    ("telefone", re.compile(r"(?:\d[ ().-]{0,2}){8,}", re.ASCII)),
)


def dado_pessoal(texto: str) -> str | None:
    """Name in Portuguese the first kind of personal data found; None when there is none.

    Eight digits or more in a row, blanks and dashes aside, count as a telephone; dates, hours and amounts do not.
    """
    plano = _DATA_OU_VALOR.sub(" ", dobrar(texto))
    return next((tipo for tipo, padrao in _TIPOS if padrao.search(plano)), None)
