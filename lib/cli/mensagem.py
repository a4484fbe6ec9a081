"""`agente mensagem`: one message by its waterfall, and what went no further with its way back."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from lib.cli.demo_tela import Terminal
from lib.cli.palavras import em_palavras
from lib.cli.token import with_database
from lib.clock import utc_now
from lib.domain.horario import SAO_PAULO
from lib.domain.morta import O_QUE_FAZER, ClasseMorta
from lib.domain.referencia import Referencia, ler_referencia
from lib.domain.telefone import mascarar
from lib.errors import DatabaseUnavailableError
from lib.models.fila import TipoInbox
from lib.queries import morta
from lib.queries.morta import Marca
from lib.resources import open_resources
from lib.settings import load_settings
from lib.usecases.ler_mensagem import MensagemVista, TurnoVisto, ver_mensagem
from lib.usecases.reprocessar import Reprocessada, reprocessar, reprocessar_todas

app = typer.Typer(help="Mensagens: uma por dentro, e as que pararam.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")]
DIA_S = 86_400
HORA_S = 3_600
MINUTO_S = 60


def referencia(escrita: str) -> Referencia:
    """Return what was named; exit code 2 when it names nothing."""
    found = ler_referencia(escrita)
    if found is None:
        raise typer.BadParameter(
            "use `e` e o número (recebida), `s` e o número (enviada) ou `c` e o número (conversa)", param_hint="ID"
        )
    return found


@app.command("ver", epilog="Exemplos: agente mensagem ver e12 | agente mensagem ver s7 --json")
def ver(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Recebida: e12 ou 12. Enviada: s12.")],
    *,
    em_json: Json = False,
) -> None:
    """Mostra uma mensagem por dentro: desfecho e motivo, etapas com tempo, modelo, custo, chip e entregas."""
    wanted, settings = referencia(id_), load_settings()
    found = with_database(lambda db: ver_mensagem(db, wanted, settings))
    if found is None:
        typer.echo(f"erro: não há mensagem {wanted}.", err=True)
        raise typer.Exit(1)
    if em_json:
        typer.echo(json.dumps(asdict(found), ensure_ascii=False, default=str))
    else:
        show(found)


def show(found: MensagemVista) -> None:
    """Print the message, its turn, its waterfall and its deliveries."""
    tela = Terminal()
    who = f"{found.medico or 'médico sem nome'} {found.telefone or ''}".strip()
    who = f"{who}, conversa c{found.conversation_id}" if found.conversation_id else "ninguém que conheçamos"
    if found.resultado == TipoInbox.ECO:
        who = "nós mesmos"
    rows = [
        ("quando", _instant(found.em)),
        ("quem", f"{who}, chip {found.chip or '-'}"),
        ("mensagem", _words(found)),
        ("desfecho", f"{em_palavras(found.resultado)}{f': {found.motivo}' if found.motivo else ''}"),
        *(("editada em", _instant(em)) for em in [found.editada_em] if em),
        *(("apagada em", _instant(em)) for em in [found.apagada_em] if em),
        *(
            (em_palavras(r.midia), f"{_instant(r.em)} ({r.id}{f', {r.desfecho}' if r.desfecho else ''})")
            for r in found.revisoes
        ),
    ]
    tela.tabela(f"Mensagem {found.id}", ("", ""), rows)
    if found.turno:
        _show_turn(tela, found.turno)
    if found.etapas:
        tela.secao("Para onde foi o tempo")
        tela.cascata(found.etapas)
    for sent in found.envios:
        when = _instant(sent.enviada_em) if sent.enviada_em else "-"
        told = [
            ("mensagem", sent.texto),
            ("estado", f"{em_palavras(sent.estado)}{f': {sent.motivo}' if sent.motivo else ''}"),
            ("enviada em", f"{when}, tentativas: {sent.tentativas}"),
            ("chip", f"{sent.chip or '-'}{f': {sent.escolha}' if sent.escolha else ''}"),
            ("entrega", ", ".join(_receipts(sent.recibos)) or "sem recibo ainda"),
        ]
        tela.secao(f"Envio {sent.id} ({sent.tipo})")
        tela.tabela("", ("", ""), told)


def _show_turn(tela: Terminal, turno: TurnoVisto) -> None:
    tela.secao(f"Turno {turno.id}")
    custo = "preço desconhecido" if turno.custo_micro_usd is None else f"{turno.custo_micro_usd} µUSD"
    rows = [
        ("mensagens", ", ".join(turno.mensagens)),
        ("regra", f"{turno.regra or '-'} (policy {turno.versao_policy or '-'}, modo {turno.modo or '-'})"),
        ("prompts", ", ".join(f"{name} {digest[:12]}" for name, digest in turno.prompts.items()) or "-"),
        ("custo", f"{custo}, tentativa {turno.tentativa}"),
        ("até o commit", ", ".join(f"{em_palavras(name)}: {n}" for name, n in turno.custos.items() if n) or "nada"),
    ]
    tela.tabela("", ("", ""), rows)
    if turno.chamadas:
        calls = [
            (
                f"{c.finalidade} ({c.modelo})",
                f"{c.ms:.0f} ms",
                f"{c.tokens_entrada} + {c.tokens_cache_leitura} do cache + {c.tokens_cache_escrita} ao cache",
                str(c.tokens_saida),
                "-" if c.custo_micro_usd is None else f"{c.custo_micro_usd} µUSD",
            )
            for c in turno.chamadas
        ]
        tela.tabela("", ("chamada ao modelo", "tempo", "tokens de entrada", "de saída", "custo"), calls)
    if turno.ferramentas:
        tools = [(f.nome, f"{f.ms:.1f} ms", "erro" if f.erro else "ok") for f in turno.ferramentas]
        tela.tabela("", ("ferramenta", "tempo", "fim"), tools)


@app.command("mortas", epilog="Exemplos: agente mensagem mortas | agente mensagem mortas --classe envio_morto --json")
def mortas(
    *,
    classe: Annotated[ClasseMorta | None, typer.Option(help="Só desta classe.")] = None,
    limite: Annotated[int, typer.Option(min=1, max=1_000, help="Quantas por página.")] = 50,
    depois_de: Annotated[str | None, typer.Option(help="Continua a lista: o que a página anterior disse.")] = None,
    em_json: Json = False,
) -> None:
    """Lista o que parou e espera por uma pessoa: por quê, há quanto tempo, e o que fazer."""
    marca = _mark(depois_de)
    rows = with_database(lambda db: morta.page(db, limite, depois_de=marca, classe=classe and classe.value))
    proxima = f"{rows[-1]['em'].isoformat()}|{rows[-1]['id']}" if len(rows) == limite else None
    if em_json:
        itens = [_entry(row) for row in rows]
        typer.echo(json.dumps({"itens": itens, "proxima": proxima}, ensure_ascii=False, default=str))
        return
    if not rows:
        typer.echo("Nada parado.")
        return
    table = Table("Id", "Há", "O que", "Conversa", "Médico", "Motivo")
    for row in rows:
        who = f"{row['medico'] or '-'} {mascarar(row['endereco']) if row['endereco'] else ''}".strip()
        conversa = f"c{row['conversation_id']}" if row["conversation_id"] else "-"
        table.add_row(row["id"], age(row["em"]), row["classe"], conversa, who, row["motivo"])
    Console().print(table)
    for kind in sorted({ClasseMorta(row["classe"]) for row in rows}):
        typer.echo(f"{kind}: {O_QUE_FAZER[kind]}.")
    if proxima:
        typer.echo(f"Há mais: agente mensagem mortas --depois-de '{proxima}'")


@app.command(
    "reprocessar", epilog="Exemplos: agente mensagem reprocessar s7 | agente mensagem reprocessar --todas --seco"
)
def reprocessar_(
    id_: Annotated[str | None, typer.Argument(metavar="ID", help="Um da lista `mortas`: e12, s12 ou c12.")] = None,
    *,
    todas: Annotated[bool, typer.Option("--todas", help="Todas as da lista.")] = False,
    classe: Annotated[ClasseMorta | None, typer.Option(help="Com --todas: só desta classe.")] = None,
    seco: Annotated[bool, typer.Option("--seco", help="Só diz o que faria.")] = False,
    em_json: Json = False,
) -> None:
    """Dá outra chance ao que parou, com a mesma causa: nada é dito duas vezes. Sai com 1 se algo não voltou."""
    if todas == (id_ is not None):
        raise typer.BadParameter("diga um ID ou --todas", param_hint="ID")
    wanted = referencia(id_) if id_ is not None else None

    async def run() -> list[Reprocessada]:
        async with open_resources(load_settings(), nome="cli-mensagem") as resources:
            if wanted is None:
                return [one async for one in reprocessar_todas(resources, classe=classe, seco=seco)]
            done = await reprocessar(resources, wanted, seco=seco)
            return [done] if done else []

    try:
        done = asyncio.run(run())
    except DatabaseUnavailableError:
        typer.echo("erro: o banco de dados não responde. Veja `agente doctor`.", err=True)
        raise typer.Exit(1) from None
    if wanted is not None and not done:
        typer.echo(f"erro: {wanted} não está na lista do que parou (`agente mensagem mortas`).", err=True)
        raise typer.Exit(1)
    if em_json:
        typer.echo(json.dumps([asdict(one) for one in done], ensure_ascii=False))
    else:
        for one in done:
            typer.echo(f"{one.id} ({one.classe}): {one.texto}.")
        if todas:
            typer.echo(_summary(done, seco=seco))
    raise typer.Exit(0 if seco or all(one.feita for one in done) else 1)


def age(em: datetime) -> str:
    """Return how long ago, in the largest whole unit."""
    seconds = max(0, int((utc_now() - em).total_seconds()))
    for size, unit in ((DIA_S, "d"), (HORA_S, "h"), (MINUTO_S, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _summary(done: list[Reprocessada], *, seco: bool) -> str:
    if not done:
        return "Nada parado."
    counts = ", ".join(f"{count} {kind}" for kind, count in Counter(one.classe.value for one in done).items())
    went = sum(one.feita for one in done)
    return f"{counts}: nada foi mudado." if seco else f"{counts}: {went} de {len(done)} reprocessadas."


def _mark(depois_de: str | None) -> Marca | None:
    if depois_de is None:
        return None
    em, _, key = depois_de.partition("|")
    try:
        marca = Marca(datetime.fromisoformat(em), key)
    except ValueError:
        marca = None
    if marca is None or marca.em.tzinfo is None or ler_referencia(key) is None:
        raise typer.BadParameter("use o que a página anterior disse", param_hint="--depois-de")
    return marca


def _entry(row: dict[str, Any]) -> dict[str, Any]:
    masked = row["endereco"] and mascarar(row["endereco"])
    kept = {name: value for name, value in row.items() if name != "endereco"}
    return {**kept, "telefone": masked, "o_que_fazer": O_QUE_FAZER[ClasseMorta(row["classe"])]}


def _words(found: MensagemVista) -> str:
    """Return the message's words, after a mark for what else it is."""
    if found.apagada_em and found.texto is None:
        return "[apagada]"
    mark = "" if found.midia == "texto" else f"[{em_palavras(found.midia)}]"
    return f"{mark} {found.texto or ''}".strip() or "[sem texto]"


def _receipts(recibos: dict[str, datetime]) -> list[str]:
    """Return the receipts in the order in which they came."""
    return [f"{em_palavras(name)} {_instant(em)}" for name, em in sorted(recibos.items(), key=lambda one: one[1])]


def _instant(em: datetime) -> str:
    return f"{em.astimezone(SAO_PAULO):%d/%m/%Y %H:%M:%S}"
