"""Pieces of knowledge for Júlia's answers, and which of the found ones fit a situation (decision D29)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from lib.domain.objecao import TipoObjecao
from lib.domain.situacao import Objetivo, Perfil, Situacao
from lib.domain.texto import dobrar

CANDIDATAS = 8  # what the search returns
ESCOLHIDAS = 3  # what a turn uses
TRECHO_MAX = 500
TEXTO_MAX = 2_000
_FIM_DE_FRASE = ".!?…"
_PALAVRA_FRACA = 3  # letters: shorter words without accents are mostly "não", "já", "só", which call for nothing


class TipoConhecimento(StrEnum):
    """What a piece helps with."""

    OBJECAO = "objecao"
    PERFIL = "perfil"
    OBJETIVO = "objetivo"
    GERAL = "geral"


SUBTIPOS: dict[TipoConhecimento, frozenset[str]] = {
    TipoConhecimento.OBJECAO: frozenset(tipo.value for tipo in TipoObjecao) - {TipoObjecao.NENHUMA.value},
    TipoConhecimento.PERFIL: frozenset(perfil.value for perfil in Perfil) - {Perfil.DESCONHECIDO.value},
    TipoConhecimento.OBJETIVO: frozenset(objetivo.value for objetivo in Objetivo),
}


@dataclass(frozen=True, slots=True)
class Peca:
    """A stored piece as the search found it; `relevancia` ranks it within that search and means nothing outside."""

    id: int
    tipo: TipoConhecimento
    subtipo: str | None
    titulo: str
    texto: str
    relevancia: float


@dataclass(frozen=True, slots=True)
class PecaLida:
    """A piece as a file holds it; `gatilhos` also in the spelling without accents in which doctors type."""

    tipo: TipoConhecimento
    subtipo: str | None
    titulo: str
    gatilhos: str
    texto: str
    origem: str


def escolher(candidatas: Iterable[Peca], situacao: Situacao) -> tuple[Peca, ...]:
    """Return up to three pieces: for the objection, then the profile, then the objective, then general ones.

    Pieces for another profile, objective or objection are left out; for an objection that nobody recognised the words
    may still call, after all others. The texts are cut at 500 characters, on a sentence end.
    """
    ranked = [(order, piece) for piece in candidatas if (order := _order(piece, situacao)) is not None]
    ranked.sort(key=lambda both: (both[0], -both[1].relevancia, both[1].id))
    return tuple(
        Peca(p.id, p.tipo, p.subtipo, p.titulo, cortar(p.texto, TRECHO_MAX), p.relevancia)
        for _, p in ranked[:ESCOLHIDAS]
    )


def _order(piece: Peca, situacao: Situacao) -> int | None:
    objecao = situacao.objecao
    match piece.tipo:
        case TipoConhecimento.OBJECAO if objecao is None:
            return 4
        case TipoConhecimento.OBJECAO:
            return 0 if objecao is not None and piece.subtipo == objecao.tipo else None
        case TipoConhecimento.PERFIL:
            return 1 if piece.subtipo == situacao.perfil else None
        case TipoConhecimento.OBJETIVO:
            return 2 if piece.subtipo == situacao.objetivo else None
        case TipoConhecimento.GERAL:
            return 3


def resumir(pecas: Iterable[Peca]) -> str:
    """Name the pieces by id and title, so that a stored situation says what was known without repeating it."""
    return "; ".join(f"{peca.id}: {peca.titulo}" for peca in pecas)


def cortar(texto: str, limite: int) -> str:
    """Return at most `limite` characters, ending with a sentence where one ends, else with a word."""
    if len(texto) <= limite:
        return texto
    head = texto[:limite]
    ends = [n + 1 for n, c in enumerate(head[:-1]) if c in _FIM_DE_FRASE and head[n + 1].isspace()]
    if texto[limite].isspace() and head[-1] in _FIM_DE_FRASE:
        return head
    if ends:
        return head[: ends[-1]]
    kept = texto[: limite - 1]
    return (kept if texto[limite - 1].isspace() else kept.rsplit(maxsplit=1)[0]).rstrip(",;: ") + "…"


def ler_arquivo(origem: str, conteudo: str) -> tuple[PecaLida, ...]:
    """Split a Markdown file into its pieces: front matter with `tipo`, `subtipo` and `gatilhos`, then `## ` headings.

    A paragraph that begins with `gatilhos:` right under a heading adds words for that piece alone. What stands before
    the first heading is for people and is not read.

    Raises:
        ValueError: with the reason in Portuguese, the place in the file, and what to write instead.
    """
    lines = conteudo.replace("\r\n", "\n").replace("\x00", "").split("\n")
    head, body = _front_matter(lines)
    tipo, subtipo = _kind(head)
    pieces: list[PecaLida] = []
    for titulo, own, texto in _sections(body):
        if any(piece.titulo == titulo for piece in pieces):
            raise ValueError(f"o título '{titulo}' aparece duas vezes; cada peça precisa do seu")
        if not texto:
            raise ValueError(f"a peça '{titulo}' não tem texto")
        if len(texto) > TEXTO_MAX:
            raise ValueError(f"a peça '{titulo}' tem {len(texto)} caracteres; divida-a (limite: {TEXTO_MAX})")
        words = ", ".join(part for part in (head.get("gatilhos", ""), own) if part)
        pieces.append(PecaLida(tipo, subtipo, titulo, _spelled(words), texto, origem))
    if not pieces:
        raise ValueError("nenhuma peça: escreva um título com '## ' antes de cada uma")
    return tuple(pieces)


def _front_matter(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    if not lines or lines[0].strip() != "---" or "---" not in (line.strip() for line in lines[1:]):
        raise ValueError("falta o cabeçalho: comece com '---', 'tipo: …' e feche com '---'")
    end = next(n for n, line in enumerate(lines[1:], 1) if line.strip() == "---")
    head: dict[str, str] = {}
    for n, line in enumerate(lines[1:end], 2):
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or name.strip() not in {"tipo", "subtipo", "gatilhos"}:
            raise ValueError(f"linha {n}: no cabeçalho só cabem tipo, subtipo e gatilhos, na forma 'nome: valor'")
        head[name.strip()] = value.strip()
    return head, lines[end + 1 :]


def _kind(head: dict[str, str]) -> tuple[TipoConhecimento, str | None]:
    try:
        tipo = TipoConhecimento(head.get("tipo", ""))
    except ValueError:
        raise ValueError(f"tipo: escreva um destes: {', '.join(TipoConhecimento)}") from None
    subtipo = head.get("subtipo") or None
    known = SUBTIPOS.get(tipo)
    if known is not None and subtipo not in known:
        raise ValueError(f"subtipo: para tipo {tipo}, escreva um destes: {', '.join(sorted(known))}")
    return tipo, subtipo


def _sections(lines: list[str]) -> Iterable[tuple[str, str, str]]:
    """Give title, own trigger words and text of each section."""
    starts = [n for n, line in enumerate(lines) if line.startswith("## ")]
    for start, end in zip(starts, [*starts, len(lines)][1:], strict=True):
        paragraphs = "\n".join(lines[start + 1 : end]).strip()
        own, rest = "", paragraphs
        if paragraphs.lower().startswith("gatilhos:"):
            own, _, rest = paragraphs.partition("\n")
            own = own.partition(":")[2].strip()
        yield lines[start].removeprefix("## ").strip(), own, " ".join(rest.split())


def _spelled(gatilhos: str) -> str:
    """Return the trigger words, and once more without accents those that have any."""
    words = gatilhos.replace(",", " ").split()
    bare = [dobrar(word) for word in words if dobrar(word) != word.lower() and len(word) > _PALAVRA_FRACA]
    return " ".join(dict.fromkeys([gatilhos, *bare])).strip()
