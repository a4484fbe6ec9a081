"""What of a person's words a language model may read: no numbers that name somebody, nothing that acts as our marks."""

import re
import unicodedata

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}\s?@\s?[A-Za-z][\w-]{0,62}(?:\.[A-Za-z][\w-]{0,62}){1,8}")
_CRM = re.compile(
    r"\b(crm|rqe)\b((?:\W{0,3}\b(?:[a-z]{2}|n|nº|numero|número|é|e|meu)\b){0,3}\W{0,4})\d[\d.]{2,7}\d\b", re.IGNORECASE
)
_REGISTRO = re.compile(
    r"\b(?:AC|AL|AM|AP|BA|CE|DF|ES|GO|MA|MG|MS|MT|PA|PB|PE|PI|PR|RJ|RN|RO|RR|RS|SC|SE|SP|TO)-?\d{4,7}\b"
)
_RG = re.compile(
    r"\b(rg|identidade)\b(\W{0,3}(?:(?:n|nº|numero|número|é|e)\b\W{0,3})?)\d[\d.]{4,}(?:-?[\dxX])?", re.IGNORECASE
)
_BANCO = re.compile(
    r"\b(ag[êe]ncia|ag|conta(?: corrente| poupan[çc]a)?|c/?c|chave(?: pix)?|pix)\b"
    r"(\W{0,3}(?:(?:n|nº|numero|número|é|e|:)\W{0,3})?)\d[\d.\-]{2,}",
    re.IGNORECASE,
)
_CPF = re.compile(r"(?<!\d)\d{3}[.\s]?\d{3}[.\s]?\d{3}\s?[-/]\s?\d{2}(?!\d)|(?<!\d)\d{3}\.\d{3}\.\d{3}\.?\d{2}(?!\d)")
_CPF_DITO = re.compile(
    r"\b(cpf)\b(\W{0,3}(?:(?:n|nº|numero|número|é|e|meu)\b\W{0,3}){0,2})\d[\d.\s-]{8,}\d", re.IGNORECASE
)
_CNPJ = re.compile(r"(?<!\d)\d{2}\.?\d{3}\.?\d{3}/\d{4}-?\d{2}(?!\d)")
# A country code, an area code, or the ninth digit make a phone; a landline alone needs its hyphen. Amounts, hours and
# dates stay: "2000-3000" is a range of pay.
_TELEFONE = re.compile(
    r"(?<![\d.,/])(?:"
    r"\+?\d{2}[\s.-]?\(?\d{2}\)?[\s.-]{0,3}9?[\s.-]?\d{4}[\s.-]?\d{4}"
    r"|\(?0?\d{2}\)?[\s.-]{0,3}9[\s.-]?\d{4}[\s.-]?\d{4}"
    r"|\(0?\d{2}\)[\s.-]{0,3}\d{4}[\s.-]?\d{4}"
    r"|9[\s.-]?\d{4}[\s.-]?\d{4}"
    r"|[2-5]\d{3}-(?!\d{2}00(?!\d))\d{4}"
    r")(?![\d/])"
)
_CORRIDO = re.compile(r"(?<![\d.,])\d{8,}(?!\d)")
# What a text must hold for any of a group to apply: most hold none, and each is read many times.
_CITADO = re.compile(r"crm|rqe|rg|identidade|ag[êe]?|conta|c/?c|chave|pix|cpf", re.IGNORECASE)
_CITADOS = (
    (_CPF_DITO, r"\1\2[CPF]"),
    (_CRM, r"\1\2[registro]"),
    (_RG, r"\1\2[documento]"),
    (_BANCO, r"\1\2[dado bancário]"),
)
_COMPRIDO = 8  # digits, of the shortest phone
_COMPRIDOS = ((_CNPJ, "[CNPJ]"), (_CPF, "[CPF]"), (_TELEFONE, "[telefone]"), (_CORRIDO, "[número]"))
# Less-than and greater-than signs in every width, and the quotation marks that look like them.
_ABRE = "<\uff1c\ufe64\u3008\u2039\u27e8\u300a\u00ab"
_FECHA = ">\uff1e\ufe65\u3009\u203a\u27e9\u300b\u00bb"
_SINAL = re.compile(f"[{_ABRE}{_FECHA}]")
_PARENTESES = str.maketrans(dict.fromkeys(_ABRE, "(") | dict.fromkeys(_FECHA, ")"))
_DIGITO = re.compile(r"\d")
_INVISIVEIS = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
_FICAM = frozenset("\n\t\u200d")  # the last one joins emoji
_NOME_MAX = 30


def anonimo(texto: str) -> str:
    """Replace phones, CPF, CNPJ, CRM, RG, bank data and e-mails by what they are; amounts, dates and hours stay."""
    if "@" in texto:
        texto = _EMAIL.sub("[e-mail]", texto)
    digits = len(_DIGITO.findall(texto))
    if digits == 0:
        return texto
    texto = _REGISTRO.sub("[registro]", texto)
    for pattern, mark in (*(_CITADOS if _CITADO.search(texto) else ()), *(_COMPRIDOS if digits >= _COMPRIDO else ())):
        texto = pattern.sub(mark, texto)
    return texto


def como_dado(texto: str) -> str:
    """Return somebody's words as data for a model: anonymous, unable to close a fence, without invisible characters."""
    if not texto.replace("\n", "").isprintable():
        texto = "".join(c for c in texto if c in _FICAM or unicodedata.category(c) not in _INVISIVEIS)
    texto = anonimo(texto)
    return texto.translate(_PARENTESES) if _SINAL.search(texto) else texto


def nome_como_dado(nome: str | None) -> str | None:
    """Return a first name that is one, letters, hyphens and apostrophes only; None for anything else."""
    bare = unicodedata.normalize("NFC", nome or "").strip(".,")
    letters = bare.replace("-", "").replace("'", "").replace("\u2019", "")
    return bare if letters.isalpha() and len(bare) <= _NOME_MAX else None
