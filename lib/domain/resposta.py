"""The last look at a reply before the outbox: what may not leave is blocked, never sent anyway."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from lib.domain.identidade import nega_automacao
from lib.domain.saida_dados import LINKS_PERMITIDOS, copia_segredo, dado_pessoal, interno, link_proibido
from lib.domain.saida_lugares import lugar_sem_fonte, pessoa_sem_fonte
from lib.domain.saida_promessas import nega_parada, negocia, promete_reserva, valor_sem_fonte
from lib.domain.saida_tempo import tempo_sem_fonte
from lib.domain.texto import palavras

LIMITE = 1000
ESTRANHAS = 0.2  # share of letters of other alphabets from which on nobody here can read a text
FRAGMENTO = 400

NEGA_AUTOMACAO = "nega_automacao"
VAZAMENTO = "vazamento_interno"
CONFIRMA_RESERVA = "confirma_reserva"
NEGOCIA = "negocia_valor"
NEGA_PARADA = "nega_parada"
VALOR_SEM_FONTE = "valor_sem_fonte"
DATA_SEM_FONTE = "data_sem_fonte"
LUGAR_SEM_FONTE = "lugar_sem_fonte"
DADO_PESSOAL = "dado_pessoal"
LINK_PROIBIDO = "link_proibido"
ILEGIVEL = "ilegivel"
VAZIA = "vazia"
LONGA = "longa"


@dataclass(frozen=True, slots=True)
class Revisao:
    """The text as it may leave, empty when blocked; violacoes name what was found."""

    texto: str
    violacoes: tuple[str, ...]
    bloqueada: bool


_MARCADORES = (
    (re.compile(r"```[a-z]*\n?"), ""),
    (re.compile(r"(?m)^[ \t]*(?:(?:#{1,6}|[-*•]|\d{1,2}[.)])[ \t]+|>[ \t]?)+"), ""),
    (re.compile(r"(?m)^[ \t]*(?:-{3,}|={3,}|\|[ \t|:-]*\|)[ \t]*$"), ""),
    (re.compile(r"(?m)^[ \t]*\|(.*)\|[ \t]*$"), r"\1"),
    (re.compile(r"\[([^\]\n]+)\]\((https?://[^)\s]+)\)"), r"\1 \2"),
    (re.compile(r"[*`]|~~"), ""),
    (re.compile(r"(?<!\w)_{1,3}(?=\S)([^_\n]*\S)_{1,3}(?!\w)"), r"\1"),
)


def _limpar(texto: str) -> str:
    """Drop control, invisible and direction characters; keep line ends."""
    composto = unicodedata.normalize("NFC", texto.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    return "".join(c for c in composto if c == "\n" or not unicodedata.category(c).startswith("C"))


def _sem_marcadores(texto: str) -> str:
    """Drop markdown; what one mark hid may be another, so it is repeated until nothing changes."""
    antes = None
    while antes != texto:
        antes = texto
        for padrao, troca in _MARCADORES:
            texto = padrao.sub(troca, texto)
        linhas = [re.sub(r" {2,}", " ", linha).strip() for linha in texto.split("\n")]
        texto = re.sub(r"\n{3,}", "\n\n", "\n".join(linhas)).strip()
    return texto


def _ilegivel(texto: str) -> bool:
    """Tell whether too many letters are of another alphabet; signs and emoji do not count."""
    letras = [letra for letra in texto if not letra.isascii() and unicodedata.category(letra)[0] == "L"]
    outras = sum(not unicodedata.name(letra, "").startswith("LATIN") for letra in letras)
    return outras > ESTRANHAS * sum(map(str.isalpha, texto))


def _cortar(texto: str) -> str:
    """Shorten to the limit, at the end of a sentence where there is one in the second half, else at a blank."""
    if len(texto) <= LIMITE:
        return texto
    inicio = texto[: LIMITE + 1]
    fins = [fim.start() + 1 for fim in re.finditer(r"[.!?](?=\s)", inicio) if fim.start() + 1 <= LIMITE]
    if fins and fins[-1] > LIMITE // 2:
        return inicio[: fins[-1]]
    return inicio[:LIMITE].rsplit(maxsplit=1)[0]


def revisar(
    texto: str,
    fatos: Sequence[str],
    *,
    ditos: Sequence[str] = (),
    nossos: Sequence[str] = (),
    segredos: Sequence[str] = (),
    margem_pct: int | None = None,
    hoje: date | None = None,
    links: Collection[str] = LINKS_PERMITIDOS,
) -> Revisao:
    """Clean a reply and decide whether it may leave; a blocked one has an empty text.

    `fatos` are this turn's tool results and the shifts shown before: amounts (`R$ 1.800,00`, or an integer under a name
    ending in `centavos`), dates, hours and places must occur there. `nossos`, the company's own texts (notes,
    directives, knowledge, the doctor's first name), may be quoted too, except for amounts. `ditos` are the doctor's own
    words: he may hear them again, but no shift or pay may be stated from them. Of `segredos` no run of words may leave.
    `margem_pct` is the margin directive in force, `hoje` the day in São Paulo, `links` the allowed hosts.

    Nobody is told that a shift is booked (decision D5), promised a better price (D6) or denied a machine (D1).
    """
    limpo = _limpar(texto)
    final = _sem_marcadores(limpo)
    afirmaveis, todas = (*fatos, *nossos), (*fatos, *nossos, *ditos)
    achadas = {
        VAZIA: not palavras(final),
        ILEGIVEL: _ilegivel(final),
        NEGA_AUTOMACAO: nega_automacao(final),
        VAZAMENTO: interno(limpo) or interno(final) or copia_segredo(final, segredos),
        CONFIRMA_RESERVA: promete_reserva(final),
        NEGOCIA: negocia(final, margem_pct),
        NEGA_PARADA: nega_parada(final),
        VALOR_SEM_FONTE: valor_sem_fonte(final, fatos, ditos, margem_pct),
        DATA_SEM_FONTE: tempo_sem_fonte(final, afirmaveis, ditos, hoje),
        LUGAR_SEM_FONTE: lugar_sem_fonte(final, afirmaveis, ditos),
        DADO_PESSOAL: dado_pessoal(final, (*nossos, *ditos)) or pessoa_sem_fonte(final, todas),
        LINK_PROIBIDO: link_proibido(limpo, links) or link_proibido(final, links),
        LONGA: len(final) > LIMITE,
    }
    violacoes = tuple(nome for nome, achada in achadas.items() if achada)
    bloqueada = bool(set(violacoes) - {LONGA})
    return Revisao(texto="" if bloqueada else _cortar(final), violacoes=violacoes, bloqueada=bloqueada)


def fragmentar(texto: str, limite: int = FRAGMENTO) -> tuple[str, ...]:
    """Split into messages of at most `limite` characters: after a sentence, else after a comma, else at a blank.

    No word is lost or cut: a single word longer than the limit stays whole.
    """
    resto = texto.strip()
    partes: list[str] = []
    while len(resto) > limite:
        janela = resto[: limite + 1]
        cortes = ([m.end() for m in re.finditer(rf"{fim}(?=\s)", janela)] for fim in (r"[.!?]", r",", r"(?<=\S)"))
        corte = next((c[-1] for c in cortes if c), None)
        if corte is None:
            palavra = re.match(r"\S+", resto)
            corte = palavra.end() if palavra else len(resto)
        partes.append(resto[:corte])
        resto = resto[corte:].strip()
    return (*partes, resto) if resto else tuple(partes)
