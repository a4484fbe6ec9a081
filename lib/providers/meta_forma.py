"""Bodies for Meta's Cloud API and what its answers hold. Pure: what Meta would refuse is refused before it is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from lib.domain.chip_ciclo import Perda
from lib.domain.modelo_meta import SEM_COMO, canonico, contar, lacunas, valor
from lib.errors import SendRefusedError
from lib.providers.evolution_json import items, tree, whole, words
from lib.providers.whatsapp import EstadoConexao, ModeloEnviado

USER_ID: Final = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
TEXTO_MAX: Final = 4_096
CORPO_INTERATIVO_MAX: Final = 1_024
RODAPE_MAX: Final = 60
BOTOES_MAX: Final = 3
LINHAS_MAX: Final = 10
TITULO_BOTAO_MAX: Final = 20
TITULO_LINHA_MAX: Final = 24
DESCRICAO_MAX: Final = 72
ID_BOTAO_MAX: Final = 256
ID_LINHA_MAX: Final = 200
ENVIA: Final = frozenset({"CONNECTED", "FLAGGED", "RESTRICTED"})
BANIDO: Final = "BANNED"
RESTRITO: Final = "RESTRICTED"
QUALIDADE_RUIM: Final = "RED"
COM_VALOR: Final = frozenset({"COPY_CODE", "OTP", "MPM", "SPM", "CATALOG"})


class TipoMidia(StrEnum):
    """The kinds of files that may be sent."""

    IMAGEM = "image"
    AUDIO = "audio"
    VIDEO = "video"
    DOCUMENTO = "document"
    FIGURINHA = "sticker"


@dataclass(frozen=True, slots=True)
class Botao:
    """A reply button: `id` comes back when it is pressed. Title of 20 characters at most."""

    id: str
    titulo: str


@dataclass(frozen=True, slots=True)
class Botoes:
    """A text with one to three reply buttons."""

    texto: str
    botoes: tuple[Botao, ...]
    rodape: str | None = None


@dataclass(frozen=True, slots=True)
class Linha:
    """A row of a list: title of 24 characters, description of 72 at most."""

    id: str
    titulo: str
    descricao: str | None = None


@dataclass(frozen=True, slots=True)
class Lista:
    """A text with a button (20 characters) that opens at most ten rows, in sections by title."""

    texto: str
    rotulo: str
    secoes: tuple[tuple[str, tuple[Linha, ...]], ...]
    rodape: str | None = None


@dataclass(frozen=True, slots=True)
class MidiaEnviada:
    """A file by Meta's id for it or by an https link. `voz` makes an ogg/opus audio a voice note."""

    tipo: TipoMidia
    id: str | None = None
    link: str | None = None
    legenda: str | None = None
    nome: str | None = None
    voz: bool = False


@dataclass(frozen=True, slots=True)
class Aceita:
    """A send that Meta took, which is not delivered yet. `wa_id` may lack the ninth digit of the number asked for.

    `situacao` is Meta's word: accepted, held_for_quality_assessment, paused, or one not known yet.
    """

    wamid: str
    wa_id: str | None = field(repr=False)
    situacao: str = "accepted"


@dataclass(frozen=True, slots=True)
class EstadoNumero:
    """A number as Meta sees it; its words are kept as they are, None where it did not say."""

    telefone: str | None = field(repr=False)
    nome: str | None
    status: str | None
    qualidade: str | None
    nome_status: str | None
    limite: str | None
    vazao: str | None

    @property
    def conexao(self) -> EstadoConexao:
        """CONNECTED sends, and so do FLAGGED and RESTRICTED, which may at least answer; PENDING is on its way.

        Everything else (BANNED, unknown) does not send.
        """
        if self.status in ENVIA:
            return EstadoConexao.ABERTA
        return EstadoConexao.CONECTANDO if self.status == "PENDING" else EstadoConexao.FECHADA

    @property
    def perda(self) -> Perda | None:
        """What the number's status or its quality means for it."""
        if self.status == BANIDO:
            return Perda.BANIDO
        return Perda.RESTRITO if self.status == RESTRITO or self.qualidade == QUALIDADE_RUIM else None


@dataclass(frozen=True, slots=True)
class MidiaMeta:
    """Where a received file lies for about five minutes; the address wants our token."""

    url: str = field(repr=False)
    mimetype: str | None
    sha256: str | None
    bytes: int | None


@dataclass(frozen=True, slots=True)
class ModeloLido:
    """A template as Meta lists it. `corpo` has its values as {{1}}, {{2}}; `parametros` counts them.

    -1 stands for a template that wants what we never send: named values, or some in its header or buttons.
    """

    nome: str
    idioma: str
    categoria: str
    status: str
    corpo: str
    parametros: int


def recipient(numero: str) -> dict[str, str]:
    """Address digits by `to` and a Meta user id by `recipient`.

    Raises:
        SendRefusedError: neither; a LID of another gateway names nobody here.
    """
    bare = numero.removeprefix("+")
    if bare.isascii() and bare.isdigit():
        return {"to": bare}
    if USER_ID.fullmatch(numero):
        return {"recipient": numero}
    raise SendRefusedError("meta: neither a number nor a user id of Meta")


def text(texto: str) -> dict[str, Any]:
    """A plain text."""
    _within("text", texto, TEXTO_MAX)
    return {"type": "text", "text": {"body": texto, "preview_url": False}}


def template(modelo: ModeloEnviado) -> dict[str, Any]:
    """An approved template; its values go in one line each, as Meta wants them."""
    values = [valor(parametro) for parametro in modelo.parametros]
    if not all(values):
        raise SendRefusedError("meta: a template's value is empty")
    body: dict[str, Any] = {"name": modelo.nome, "language": {"code": modelo.idioma}}
    if values:
        body["components"] = [{"type": "body", "parameters": [{"type": "text", "text": value} for value in values]}]
    return {"type": "template", "template": body}


def buttons(pedido: Botoes) -> dict[str, Any]:
    """A text with reply buttons.

    Raises:
        SendRefusedError: Meta would refuse it.
    """
    if not 1 <= len(pedido.botoes) <= BOTOES_MAX:
        raise SendRefusedError(f"meta: {len(pedido.botoes)} buttons, 1 to {BOTOES_MAX} are allowed")
    for botao in pedido.botoes:
        _within("button id", botao.id, ID_BOTAO_MAX)
        _within("button title", botao.titulo, TITULO_BOTAO_MAX)
    _once("button", [botao.id for botao in pedido.botoes], [botao.titulo for botao in pedido.botoes])
    shown = [{"type": "reply", "reply": {"id": botao.id, "title": botao.titulo}} for botao in pedido.botoes]
    return _interactive("button", pedido.texto, pedido.rodape, {"buttons": shown})


def listing(pedido: Lista) -> dict[str, Any]:
    """A text with a list to choose from.

    Raises:
        SendRefusedError: Meta would refuse it.
    """
    rows = [linha for _, linhas in pedido.secoes for linha in linhas]
    if not 1 <= len(rows) <= LINHAS_MAX or not all(linhas for _, linhas in pedido.secoes):
        raise SendRefusedError(f"meta: {len(rows)} rows, 1 to {LINHAS_MAX} are allowed and none in an empty section")
    _within("list button", pedido.rotulo, TITULO_BOTAO_MAX)
    for linha in rows:
        _within("row id", linha.id, ID_LINHA_MAX)
        _within("row title", linha.titulo, TITULO_LINHA_MAX)
        if linha.descricao is not None:
            _within("row description", linha.descricao, DESCRICAO_MAX)
    for titulo, _ in pedido.secoes:
        if titulo or len(pedido.secoes) > 1:
            _within("section title", titulo, TITULO_LINHA_MAX)
    _once("row", [linha.id for linha in rows])
    sections = [
        ({"title": titulo} if titulo else {}) | {"rows": [_row(linha) for linha in linhas]}
        for titulo, linhas in pedido.secoes
    ]
    return _interactive("list", pedido.texto, pedido.rodape, {"button": pedido.rotulo, "sections": sections})


def media(pedido: MidiaEnviada) -> dict[str, Any]:
    """A file.

    Raises:
        SendRefusedError: Meta would refuse it.
    """
    if (pedido.id is None) == (pedido.link is None):
        raise SendRefusedError("meta: a file goes by id or by link")
    if pedido.link is not None and not pedido.link.startswith("https://"):
        raise SendRefusedError("meta: a link must be https")
    if pedido.legenda is not None and pedido.tipo in {TipoMidia.AUDIO, TipoMidia.FIGURINHA}:
        raise SendRefusedError(f"meta: {pedido.tipo} takes no caption")
    if pedido.voz and pedido.tipo is not TipoMidia.AUDIO:
        raise SendRefusedError("meta: only an audio is a voice note")
    part: dict[str, Any] = {"id": pedido.id} if pedido.id is not None else {"link": pedido.link}
    if pedido.legenda is not None:
        part["caption"] = pedido.legenda
    if pedido.nome is not None and pedido.tipo is TipoMidia.DOCUMENTO:
        part["filename"] = pedido.nome
    if pedido.voz:
        part["voice"] = True
    return {"type": pedido.tipo.value, pedido.tipo.value: part}


def read_sent(body: Mapping[str, Any]) -> Aceita | None:
    """Read the answer to a send; None when it names no message."""
    message, contact = _first(body.get("messages")), _first(body.get("contacts"))
    wamid = words(message.get("id"), 200)
    if wamid is None:
        return None
    return Aceita(wamid, words(contact.get("wa_id"), 40), words(message.get("message_status"), 60) or "accepted")


def read_number(body: Mapping[str, Any]) -> EstadoNumero:
    """Read the state of a number."""
    said = {name: words(body.get(name), 100) for name in body}
    return EstadoNumero(
        telefone=said.get("display_phone_number"),
        nome=said.get("verified_name"),
        status=said.get("status"),
        qualidade=said.get("quality_rating"),
        nome_status=said.get("name_status"),
        limite=said.get("messaging_limit_tier"),
        vazao=words(tree(body.get("throughput")).get("level"), 60),
    )


def read_media(body: Mapping[str, Any]) -> MidiaMeta | None:
    """Read where a file lies; None when no address came."""
    url = words(body.get("url"), 4_000)
    if url is None:
        return None
    return MidiaMeta(
        url, words(body.get("mime_type"), 100), words(body.get("sha256"), 200), whole(body.get("file_size"))
    )


def read_template(row: Any) -> ModeloLido | None:
    """Read one listed template; None when it has no name or language."""
    given = tree(row)
    nome, idioma = words(given.get("name"), 512), words(given.get("language"), 20)
    if nome is None or idioma is None:
        return None
    parts = [tree(part) for part in items(given.get("components"))]
    corpo = canonico(next((words(part.get("text")) for part in parts if _part(part) == "BODY"), None) or "")
    categoria, status = words(given.get("category"), 60), words(given.get("status"), 60)
    parametros = contar(corpo) if not any(_wants_more(part) for part in parts) else SEM_COMO
    return ModeloLido(nome, idioma, categoria or "UNKNOWN", status or "UNKNOWN", corpo, parametros)


def _part(part: Mapping[str, Any]) -> str:
    return str(part.get("type")).upper()


def _wants_more(part: Mapping[str, Any]) -> bool:
    """Tell whether a part other than the body wants a value: a file in the header, an address, a code to copy."""
    match _part(part):
        case "HEADER":
            return str(part.get("format", "TEXT")).upper() != "TEXT" or bool(lacunas(words(part.get("text")) or ""))
        case "BUTTONS":
            pressed = [tree(button) for button in items(part.get("buttons"))]
            kinds = {_part(button) for button in pressed}
            return bool(kinds & COM_VALOR) or any(lacunas(words(button.get("url")) or "") for button in pressed)
        case "CAROUSEL" | "LIMITED_TIME_OFFER":
            return True
        case _:
            return False


def _first(value: Any) -> dict[str, Any]:
    return next((tree(part) for part in items(value)), {})


def _row(linha: Linha) -> dict[str, str]:
    return {"id": linha.id, "title": linha.titulo} | ({"description": linha.descricao} if linha.descricao else {})


def _interactive(kind: str, texto: str, rodape: str | None, action: Mapping[str, Any]) -> dict[str, Any]:
    _within("text", texto, CORPO_INTERATIVO_MAX if kind == "button" else TEXTO_MAX)
    body: dict[str, Any] = {"type": kind, "body": {"text": texto}, "action": dict(action)}
    if rodape is not None:
        _within("footer", rodape, RODAPE_MAX)
        body["footer"] = {"text": rodape}
    return {"type": "interactive", "interactive": body}


def _within(what: str, said: str, limit: int) -> None:
    if not said.strip() or len(said) > limit:
        raise SendRefusedError(f"meta: {what} of {len(said)} characters, 1 to {limit} are allowed")


def _once(what: str, *columns: Sequence[str]) -> None:
    if any(len(set(column)) != len(column) for column in columns):
        raise SendRefusedError(f"meta: the same {what} twice")
