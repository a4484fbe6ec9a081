"""The last look at a reply before the outbox: what may not leave is blocked, never sent anyway."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from lib.domain.dinheiro import valores_centavos, valores_de_fatos
from lib.domain.identidade import nega_automacao
from lib.domain.texto import palavras

LIMITE = 1000
FRAGMENTO = 400

NEGA_AUTOMACAO = "nega_automacao"
VAZAMENTO = "vazamento_interno"
CONFIRMA_RESERVA = "confirma_reserva"
VALOR_SEM_FONTE = "valor_sem_fonte"
VAZIA = "vazia"
LONGA = "longa"
_BLOQUEIAM = frozenset({NEGA_AUTOMACAO, VAZAMENTO, CONFIRMA_RESERVA, VALOR_SEM_FONTE, VAZIA})


@dataclass(frozen=True, slots=True)
class Revisao:
    """The text as it may leave, empty when blocked; violacoes name what was found."""

    texto: str
    violacoes: tuple[str, ...]
    bloqueada: bool


_MARCADORES = (
    (re.compile(r"```[a-z]*\n?"), ""),
    (re.compile(r"(?m)^\s{0,3}#{1,6}\s+"), ""),
    (re.compile(r"(?m)^\s{0,3}>\s?"), ""),
    (re.compile(r"(?m)^\s*[-*•]\s+"), ""),
    (re.compile(r"\[([^\]\n]+)\]\((https?://[^)\s]+)\)"), r"\1 \2"),
    (re.compile(r"[*`]|~~"), ""),
    (re.compile(r"(?<!\w)_{1,3}(?=\S)([^_\n]*\S)_{1,3}(?!\w)"), r"\1"),
)
_INTERNO = re.compile(
    r"(?<![\w@/.\-])[a-z]{2,}(?:_[a-z0-9]{2,})+(?![\w@])"  # tool and column names; no mail address, no URL
    r"|\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"
    r"|\{\s*\"|\[\s*\{|</?[a-z][\w:.-]*(?:\s[^<>]*)?/?>|\bsk-[a-z]+-"
    r"|\bsystem prompt\b|\bprompt (?:do|de) sistema\b|\b(?:minhas|meu) (?:instru[cç](?:õ|o)es|prompt)\b"
    r"|\btool[ _](?:use|result|call)\b|\bfunction[ _]calls?\b|\bassistant:|\bsystem:",
    re.IGNORECASE,
)
_NAO = r"(?<!nao )(?<!nao foi )(?<!nunca )(?<!nem )"
_COISA = r"(?:plant\w+|vagas?|horario|lugar|reserva|presenca|escala|data)"
_RESERVA = re.compile(
    rf"{_NAO}\b(?:esta|ta|estao|ficou|fica|foi|ja e) (?:\w+ )?(?:reservad|confirmad|garantid"
    r"|agendad|escalad)[oa]s?\b"
    rf"|{_NAO}\b(?:reservei|confirmei|garanti|agendei|escalei|fechei|bloqueei)\b(?! (?:que|se|com o"
    r"|os dados|seus dados)\b)"
    rf"|{_NAO}\bacabei de (?:reservar|confirmar|garantir|agendar|fechar)\b"
    rf"|\b{_COISA} (?:ja )?(?:e|eh) (?:sua|seu|todo seu)\b"
    rf"|\b{_COISA} (?:reservad|confirmad|garantid)[oa]s?\b(?! por outr)"
    r"|\b(?:reserva|confirmacao) (?:feita|efetuada|realizada|concluida)\b"
    r"|\b(?:deixei|deixo) (?:\w+ ){0,3}(?:reservad|garantid|separad|confirmad)[oa]s?\b"
    r"|^(?:(?:pronto|ok|certo|perfeito|otimo|oba|show) )*(?:reservad|confirmad|agendad|garantid)[oa]s?\b"
    r"|\b(?:pode contar|conta) com (?:o|esse) plantao\b"
)


def _limpar(texto: str) -> str:
    """Drop control, invisible and direction characters; keep line ends."""
    composto = unicodedata.normalize("NFC", texto.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    return "".join(c for c in composto if c == "\n" or not unicodedata.category(c).startswith("C"))


def _sem_marcadores(texto: str) -> str:
    for padrao, troca in _MARCADORES:
        texto = padrao.sub(troca, texto)
    linhas = [re.sub(r" {2,}", " ", linha).strip() for linha in texto.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(linhas)).strip()


def _cortar(texto: str) -> str:
    """Shorten to the limit, at the end of a sentence where there is one in the second half, else at a blank."""
    if len(texto) <= LIMITE:
        return texto
    inicio = texto[: LIMITE + 1]
    fins = [fim.start() + 1 for fim in re.finditer(r"[.!?](?=\s)", inicio) if fim.start() + 1 <= LIMITE]
    if fins and fins[-1] > LIMITE // 2:
        return inicio[: fins[-1]]
    return inicio[:LIMITE].rsplit(maxsplit=1)[0]


def _violacoes(limpo: str, final: str, fatos: Iterable[str]) -> tuple[str, ...]:
    dito = palavras(final)
    achadas = {
        VAZIA: not dito,
        NEGA_AUTOMACAO: nega_automacao(final),
        VAZAMENTO: _INTERNO.search(limpo) is not None or _INTERNO.search(final) is not None,
        CONFIRMA_RESERVA: _RESERVA.search(dito) is not None,
        VALOR_SEM_FONTE: not valores_centavos(final) <= valores_de_fatos(fatos),
        LONGA: len(final) > LIMITE,
    }
    return tuple(nome for nome, achada in achadas.items() if achada)


def revisar(texto: str, fatos: Iterable[str]) -> Revisao:
    """Clean a reply and decide whether it may leave.

    `fatos` are the tool results of this turn: an amount of money must occur in one of them, as `R$ 1.800,00` or as an
    integer under a name ending in `centavos`. Booking is confirmed by a person, so no reply may claim it (decision D5);
    none may deny being automated (D1). A blocked reply has an empty text.
    """
    limpo = _limpar(texto)
    final = _sem_marcadores(limpo)
    violacoes = _violacoes(limpo, final, fatos)
    bloqueada = not _BLOQUEIAM.isdisjoint(violacoes)
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
