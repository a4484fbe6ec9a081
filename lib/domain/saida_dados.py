"""What a reply may not carry: links, other people's data, numbers and words from inside."""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from lib.domain.identidade import APRESENTACAO, RESPOSTA_ROBO
from lib.domain.texto import dobrar, palavras

# Hosts whose links may be sent; the company's own come with the settings.
LINKS_PERMITIDOS: frozenset[str] = frozenset()
TRECHO_PALAVRAS = 12

_LINK = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://|\bwww\.)(?P<a>[^\s/?#]+)[^\s]*"
    r"|(?<![\w@.-])(?P<b>(?:[a-z0-9-]+\.)+(?:com|br|net|org|io|gov|edu|me|ly|gl|app|dev|ai|link|info|site|online|xyz"
    r"|example|shop|store|top|click|co|to|tv|biz))(?![\w-])(?:/[^\s]*)?",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+-]+\s?@\s?[\w-]+(?:\.[\w-]+)+")
_TELEFONE = re.compile(r"(?<!\d)(?:\+?\d{2}[\s.-]?)?(?:\(?0?\d{2}\)?[\s.-]*)?9?[\s.-]?\d{4}[\s.-]?\d{4}(?!\d)")
_CPF = re.compile(r"(?<!\d)\d{3}[.\s]?\d{3}[.\s]?\d{3}[-\s]?\d{2}(?!\d)")
_CRM = re.compile(
    r"\bcrm\b(?:\W{0,3}\b(?:[a-zé]{1,2}|dele|dela|numero|número|seu|d[aeo] \w+(?: \w+)?)\b){0,4}\W{0,3}\d[\d.]{2,}"
    r"|\b[A-Z]{2}-?\d{4,6}\b",
    re.IGNORECASE,
)
_DINHEIRO = re.compile(r"R\s?\$\s*[\d.,]+|\d[\d.,]*\s*(?:reais|mil)\b", re.IGNORECASE)
_CORRIDO = re.compile(r"\d{7,}")
_DIGITOS = re.compile(r"\D+")
_INTERNO = re.compile(
    r"(?<![\w@/.\-])[a-z]{2,}(?:_[a-z0-9]{2,})+(?![\w@])"  # tool and column names; no mail address, no URL
    r"|\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{16,}\b"
    r"|\{\s*\"|\[\s*\{|</?[a-z][\w:.-]*(?:\s[^<>]*)?/?>|\bsk-[a-z]+-|\b(?:toolu|msg|req)_\w+"
    r"|\b(?:drop table|select \* from|insert into|delete from)\b",
    re.IGNORECASE,
)
_BASTIDORES = re.compile(
    r"\b(?:system prompt|prompt (?:do|de) sistema|(?:meu|esse|este|o) prompt|meu codigo fonte"
    r"|(?:minhas|as|essas|estas|seguintes) instruc(?:oes|ao)(?: (?:internas?|do sistema|que recebi|originais))"
    r"|minhas instruc(?:oes|ao)|mensagem de sistema|modo (?:desenvolvedor|debug|administrador|dan)"
    r"|tool (?:use|result|call)s?|function calls?|banco de dados|tabela (?:medico|vaga|outbox|conversa)s?"
    r"|(?:claude|anthropic|openai|chatgpt|gpt \d))\b|^(?:assistant|system) (?=\w)"
)
_PAPEL = re.compile(r"(?:^|\n)\s*(?:assistant|system|human|user)\s*:", re.IGNORECASE)
_ID = re.compile(
    r"\b(?:id|codigo|identificador|protocolo|cadastro) (?:d[aeo] \w+ )?(?:e |numero |n |no )?\d+\b"
    r"|\b(?:vaga|plantao|medico|conversa|hospital) (?:n|no|numero|id|codigo) ?\d+\b"
    r"|\b(?:vaga|medico|conversa) \d{3,}\b(?! h)"
)


def link_proibido(texto: str, permitidos: Collection[str]) -> bool:
    """Tell whether a link leads to a host that is neither allowed nor below an allowed one."""
    sem_email = _EMAIL.sub(" ", texto)
    for achado in _LINK.finditer(sem_email):
        host = (achado["a"] or achado["b"]).rsplit("@", 1)[-1].split(":", 1)[0].lower().rstrip(".,;)")
        if not any(host == um or host.endswith(f".{um}") for um in permitidos):
            return True
    return False


def dado_pessoal(texto: str, conhecidos: Iterable[str]) -> bool:
    """Tell whether a phone, CPF, CRM, mail address or long number is there that no known text holds."""
    sem_valores = _DINHEIRO.sub(" ", texto)
    fontes = list(conhecidos)
    digitos = [_DIGITOS.sub("", fonte) for fonte in fontes]
    for padrao in (_CPF, _TELEFONE, _CRM, _CORRIDO):
        for achado in padrao.finditer(sem_valores):
            numero = _DIGITOS.sub("", achado[0])
            if not any(numero in fonte for fonte in digitos):
                return True
    textos = [dobrar(fonte) for fonte in fontes]
    return any(not any(dobrar(achado[0]) in fonte for fonte in textos) for achado in _EMAIL.finditer(texto))


def interno(texto: str) -> bool:
    """Tell whether names or marks of the inside show: tools, columns, ids, JSON, roles, talk of the instructions."""
    if _INTERNO.search(texto) is not None or _PAPEL.search(texto) is not None:
        return True
    dito = palavras(texto)
    return _BASTIDORES.search(dito) is not None or _ID.search(dito) is not None


def copia_segredo(texto: str, segredos: Iterable[str]) -> bool:
    """Tell whether a run of words of a text that stays inside is repeated; what Júlia says of herself may be."""
    ditas = _trechos(texto)
    return any(not ditas.isdisjoint(_secretos(segredo)) for segredo in segredos)


@lru_cache(maxsize=16)
def _secretos(segredo: str) -> frozenset[tuple[str, ...]]:
    return _trechos(segredo) - _trechos(APRESENTACAO) - _trechos(RESPOSTA_ROBO)


def _trechos(texto: str) -> frozenset[tuple[str, ...]]:
    ditas = palavras(texto).split()
    return frozenset(tuple(ditas[n : n + TRECHO_PALAVRAS]) for n in range(len(ditas) - TRECHO_PALAVRAS + 1))
