"""How the demonstration shows itself: on a terminal, as plain text in CI, or as JSON lines."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from textwrap import wrap
from typing import Protocol

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.status import Status
from rich.table import Table
from rich.text import Text

from lib.domain.cascata import Etapa
from lib.domain.horario import SAO_PAULO

LARGURA = 100
BOLHA = 66
BARRA = 40
RECUO = 11
AVISO_S = 10.0
TIQUES = {"enviada": "✓", "entregue": "✓✓", "lida": "✓✓"}


@dataclass(frozen=True, slots=True)
class Checagem:
    """One line of the verdict."""

    nome: str
    passou: bool
    detalhe: str = ""


class Tela(Protocol):
    """Where the demonstration is shown."""

    def secao(self, titulo: str) -> None:
        """Begin a part."""

    def linha(self, texto: str, *, feito: bool = True) -> None:
        """Tell one thing that happened; `feito` is False for what went wrong or needs a look."""

    def bolha(self, autor: str, texto: str, em: datetime, *, nossa: bool) -> None:
        """Show one message."""

    def recibo(self, entrega: str) -> None:
        """Show how far our message got."""

    def cascata(self, etapas: Sequence[Etapa]) -> None:
        """Show the steps as bars on one time axis."""

    def tabela(self, titulo: str, colunas: Sequence[str], linhas: Sequence[Sequence[str]]) -> None:
        """Show a table; numbers stand to the right."""

    def veredito(self, checagens: Sequence[Checagem]) -> None:
        """Show every check and whether all passed."""

    def esperando(self, o_que: str) -> contextlib.AbstractAsyncContextManager[None]:
        """Show for how long something is waited for, all the time."""


class Terminal:
    """Colours and a clock on a terminal; plain lines, with a sign of life every 10 s, elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        if not self._console.is_terminal or self._console.width > LARGURA:
            self._console = Console(highlight=False, width=LARGURA, file=self._console.file)
        self._began = time.monotonic()

    def secao(self, titulo: str) -> None:
        """Draw a rule with the title."""
        self._console.print()
        self._console.rule(Text(f" {titulo} ", style="bold"), align="left", style="dim")

    def linha(self, texto: str, *, feito: bool = True) -> None:
        """Print it with the time since the start."""
        mark, style = ("✔", "green") if feito else ("•", "yellow")
        elapsed = f"{time.monotonic() - self._began:6.1f} s "
        for n, part in enumerate(lines(texto, LARGURA - RECUO)):
            head = ((elapsed, "dim"), (f"{mark} ", style)) if n == 0 else (" " * RECUO, "")
            self._console.print(Text.assemble(*head, part), soft_wrap=True)

    def bolha(self, autor: str, texto: str, em: datetime, *, nossa: bool) -> None:
        """Print a bubble, ours on the right."""
        body = Text(texto)
        hora = f"{em.astimezone(SAO_PAULO):%H:%M:%S}"
        widest = max(cell_len(line) for line in (*texto.splitlines(), f"{autor} {hora}  "))
        width = min(BOLHA, widest + 4)
        panel = Panel(
            body,
            title=autor,
            subtitle=hora,
            title_align="left",
            subtitle_align="right",
            width=width,
            border_style="green" if nossa else "cyan",
        )
        self._console.print(Padding(panel, (0, 0, 0, LARGURA - width - 2 if nossa else 2), expand=False))

    def recibo(self, entrega: str) -> None:
        """Print the ticks under our bubble."""
        style = "blue" if entrega == "lida" else "red" if entrega == "falhou" else "dim"
        self._console.print(Text(f"{TIQUES.get(entrega, '✘')} {entrega}".rjust(LARGURA - 2), style=style))

    def cascata(self, etapas: Sequence[Etapa]) -> None:
        """Print one bar for each step."""
        end = max(etapa.inicio_ms + etapa.duracao_ms for etapa in etapas) or 1.0
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("etapa")
        table.add_column("início", justify="right")
        table.add_column("duração", justify="right")
        table.add_column("", no_wrap=True)
        for etapa in etapas:
            table.add_row(etapa.nome, _ms(etapa.inicio_ms), _ms(etapa.duracao_ms), _bar(etapa, end))
        self._console.print(Padding(table, (0, 0, 0, 2)))

    def tabela(self, titulo: str, colunas: Sequence[str], linhas: Sequence[Sequence[str]]) -> None:
        """Print the table."""
        table = Table(box=None, pad_edge=False, header_style="dim", title=titulo or None, title_justify="left")
        for n, coluna in enumerate(colunas):
            numbers = n > 0 and all(linha[n][:1].isdigit() or linha[n] == "-" for linha in linhas)
            table.add_column(coluna, justify="right" if numbers else "left", overflow="fold")
        for linha in linhas:
            table.add_row(*linha)
        self._console.print(Padding(table, (0, 0, 0, 2)))

    def veredito(self, checagens: Sequence[Checagem]) -> None:
        """Print each check and the end."""
        self.secao("Veredito")
        for one in checagens:
            mark, style = ("✔", "green") if one.passou else ("✘", "bold red")
            detalhe = f"  {one.detalhe}" if one.detalhe else ""
            self._console.print(Text.assemble((f"  {mark} ", style), one.nome, (detalhe, "dim")))
        good = all(one.passou for one in checagens)
        failed = sum(not one.passou for one in checagens)
        ending = "Tudo certo." if good else f"{failed} de {len(checagens)} verificações falharam."
        elapsed = time.monotonic() - self._began
        self._console.print(Text(f"\n{ending} {elapsed:.0f} s ao todo.", style="bold green" if good else "bold red"))

    @contextlib.asynccontextmanager
    async def esperando(self, o_que: str) -> AsyncIterator[None]:
        """Keep a clock running beside what is waited for."""
        began = time.monotonic()
        status = Status(o_que, console=self._console) if self._console.is_terminal else None

        async def tell() -> None:
            while True:
                await asyncio.sleep(0.25 if status else AVISO_S)
                seconds = time.monotonic() - began
                if status:
                    status.update(f"{o_que} ({seconds:.0f} s)")
                else:
                    self.linha(f"{o_que}: {seconds:.0f} s", feito=False)

        ticking = asyncio.create_task(tell())
        if status:
            status.start()
        try:
            yield
        finally:
            if status:
                status.stop()
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)


def lines(text: str, width: int) -> list[str]:
    """Break a text into lines of at most `width`; addresses stay whole, line breaks stay."""
    return [
        part
        for line in text.splitlines()
        for part in wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
    ]


class LinhasJson:
    """One JSON object per event, for programs."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def _say(self, evento: str, **dados: object) -> None:
        em_s = round(time.monotonic() - self._began, 2)
        print(json.dumps({"evento": evento, "em_s": em_s, **dados}, ensure_ascii=False, default=str), flush=True)

    def secao(self, titulo: str) -> None:
        """Say it."""
        self._say("secao", titulo=titulo)

    def linha(self, texto: str, *, feito: bool = True) -> None:
        """Say it."""
        self._say("linha", texto=texto, feito=feito)

    def bolha(self, autor: str, texto: str, em: datetime, *, nossa: bool) -> None:
        """Say it."""
        self._say("mensagem", autor=autor, texto=texto, em=em.isoformat(), nossa=nossa)

    def recibo(self, entrega: str) -> None:
        """Say it."""
        self._say("recibo", entrega=entrega)

    def cascata(self, etapas: Sequence[Etapa]) -> None:
        """Say it."""
        self._say("cascata", etapas=[asdict(etapa) for etapa in etapas])

    def tabela(self, titulo: str, colunas: Sequence[str], linhas: Sequence[Sequence[str]]) -> None:
        """Say it, a row as an object."""
        self._say("tabela", titulo=titulo, linhas=[dict(zip(colunas, linha, strict=True)) for linha in linhas])

    def veredito(self, checagens: Sequence[Checagem]) -> None:
        """Say it."""
        passou = all(one.passou for one in checagens)
        self._say("veredito", passou=passou, checagens=[asdict(one) for one in checagens])

    @contextlib.asynccontextmanager
    async def esperando(self, o_que: str) -> AsyncIterator[None]:
        """Say it once."""
        self._say("esperando", o_que=o_que)
        yield


def _ms(value: float) -> str:
    return f"{value:,.0f} ms".replace(",", ".") if value >= 10 else f"{value:.1f} ms".replace(".", ",")  # noqa: PLR2004 - two digits


def _bar(etapa: Etapa, end_ms: float) -> Text:
    start = min(BARRA - 1, int(etapa.inicio_ms / end_ms * BARRA))
    length = max(1, min(BARRA - start, round(etapa.duracao_ms / end_ms * BARRA)))
    return Text(" " * start + "█" * length, style="cyan")
