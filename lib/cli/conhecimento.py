"""`agente conhecimento`: the Markdown files that Júlia answers from."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lib.cli.token import with_database
from lib.domain.conhecimento import PecaLida, TipoConhecimento, cortar, ler_arquivo
from lib.queries import conhecimento as queries

app = typer.Typer(help="Conhecimento: os arquivos com que a Júlia responde.", no_args_is_help=True)

BYTES_MAX = 1_000_000
EmJson = Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")]


@app.command(
    "importar", epilog="Exemplos: agente conhecimento importar ./base --seco | agente conhecimento importar ./base"
)
def importar(
    pasta: Annotated[Path, typer.Argument(help="Pasta com arquivos .md, também os das subpastas.")],
    *,
    seco: Annotated[bool, typer.Option("--seco", help="Só confere e conta; não grava.")] = False,
    em_json: EmJson = False,
) -> None:
    """Deixa no banco exatamente o que está na pasta. Repetir não muda nada; o que sumiu dos arquivos sai."""
    name, pieces = _read(pasta)
    done = with_database(lambda db: queries.import_pieces(db, name, pieces, grava=not seco))
    if em_json:
        typer.echo(json.dumps({"pasta": name, "seco": seco, **asdict(done)}, ensure_ascii=False))
        return
    said = "Seriam" if seco else "Importado:"
    typer.echo(
        f"{said} {done.novas} novas, {done.mudadas} mudadas, {done.iguais} iguais, {done.removidas} removidas"
        f" ({len(pieces)} peças em '{name}')."
    )


@app.command("listar", epilog="Exemplos: agente conhecimento listar | agente conhecimento listar --tipo geral")
def listar(
    *,
    tipo: Annotated[TipoConhecimento | None, typer.Option(help="Só as peças deste tipo.")] = None,
    em_json: EmJson = False,
) -> None:
    """Lista as peças, por arquivo."""
    found = with_database(lambda db: queries.list_all(db, tipo))
    if em_json:
        typer.echo(json.dumps(found, ensure_ascii=False, default=_iso))
        return
    if not found:
        typer.echo("Nenhuma peça. Importe uma pasta com `agente conhecimento importar PASTA`.")
        return
    table = Table("Id", "Tipo", "Subtipo", "Título", "Gatilhos", "Caracteres", "Origem")
    for row in found:
        table.add_row(
            str(row["id"]), row["tipo"], row["subtipo"] or "", row["titulo"], row["gatilhos"], str(row["caracteres"]),
            row["origem"],
        )  # fmt: skip
    Console().print(table)


@app.command("buscar", epilog="Exemplo: agente conhecimento buscar 'como recebo o pagamento?'")
def buscar(
    texto: Annotated[str, typer.Argument(help="O que um médico escreveria.")], *, em_json: EmJson = False
) -> None:
    """Mostra o que uma mensagem acharia, do mais para o menos relevante."""
    found = with_database(lambda db: queries.search(db, texto))
    if em_json:
        typer.echo(json.dumps(found, ensure_ascii=False, default=_iso))
        return
    if not found:
        typer.echo("Nada encontrado. Veja o que existe com `agente conhecimento listar`.")
    for row in found:
        kind = f"{row['tipo']}/{row['subtipo']}" if row["subtipo"] else row["tipo"]
        typer.echo(f"{row['relevancia']:.3f}  {row['id']}  {kind}  {row['titulo']}")
        typer.echo(f"       {cortar(row['texto'], 160)}")


def _read(pasta: Path) -> tuple[str, list[PecaLida]]:
    """Read every file of a folder; all faults are told at once, and any of them ends the command with 2."""
    if not pasta.is_dir():
        typer.echo(f"erro: {pasta} não é uma pasta.", err=True)
        raise typer.Exit(2)
    name = f"{pasta.resolve().name}/"
    pieces: list[PecaLida] = []
    faults: list[str] = []
    for path in sorted(pasta.rglob("*.md")):
        place = path.relative_to(pasta).as_posix()
        try:
            pieces += ler_arquivo(f"{name}{place}", _text(path))
        except UnicodeDecodeError:
            faults.append(f"{place}: não está em UTF-8")
        except ValueError as wrong:
            faults.append(f"{place}: {wrong}")
    if not pieces and not faults:
        faults.append(f"{pasta}: nenhum arquivo .md")
    if faults:
        typer.echo("".join(f"erro: {fault}\n" for fault in faults), err=True, nl=False)
        raise typer.Exit(2)
    return name, pieces


def _text(path: Path) -> str:
    """Read a file.

    Raises:
        ValueError: it is too long, or not UTF-8 (UnicodeDecodeError).
    """
    if path.stat().st_size > BYTES_MAX:
        raise ValueError(f"passa de {BYTES_MAX} bytes; divida o arquivo")
    return path.read_text(encoding="utf-8")


def _iso(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
