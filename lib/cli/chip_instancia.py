"""`agente chip criar`, `qr`, `reiniciar`, `sair`, `apagar`: one number at its gateway."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from lib import qr as desenho
from lib.cli.chip_acao import Chip, EmJson, GatewayReal, Motivo, Por, agir, quem
from lib.domain.chip import Gateway, TipoChip
from lib.domain.telefone import mascarar
from lib.providers.whatsapp import GatewayError
from lib.resources import Resources
from lib.usecases.instancia import Criado, Encerrado, Pedido, apagar_chip, criar_chip, reiniciar_chip, sair_chip
from lib.usecases.parear import Fim, Passo, parear

PARTES_DO_CODIGO: Final = 4
LIMPA: Final = "\033[2J\033[H"


def criar(
    chip: Annotated[str | None, typer.Argument(metavar="[CHIP]", help="O nome; sem ele, o próximo livre.")] = None,
    *,
    telefone: Annotated[str | None, typer.Option(help="O número, com DDD; só para um chip novo.")] = None,
    tipo: Annotated[TipoChip, typer.Option(help="julia conversa com médicos; listener só lê grupos.")] = TipoChip.JULIA,
    gateway: Annotated[Gateway, typer.Option(help="Quem carrega as mensagens dele.")] = Gateway.EVOLUTION,
    conta: Annotated[str | None, typer.Option(help="A conta (WABA) na Meta.")] = None,
    por: Por = None,
    gateway_real: GatewayReal = False,
    em_json: EmJson = False,
) -> None:
    """Cadastra um número e cria a instância dele, com o nosso webhook e a chave dele. Repetir não muda nada.

    Na Z-API e na Meta o número já existe: o nome é o id que o fornecedor deu.
    """
    pedido = Pedido(chip, telefone, tipo, gateway, conta)
    done = agir(lambda resources: criar_chip(resources, pedido, quem(por), gateway_real=gateway_real))
    if em_json:
        typer.echo(json.dumps(asdict(done), ensure_ascii=False))
        return
    typer.echo(_made(done))


def _made(done: Criado) -> str:
    what = "cadastrado" if done.cadastrado else "já estava cadastrado"
    if done.gateway is Gateway.META:
        return f"{done.instancia}: {what}; a conta nos avisa. O número se registra no WhatsApp Manager."
    where = "instância criada" if done.instanciado else "instância já existia, webhook em dia"
    return f"{done.instancia}: {what}; {where}. Agora pareie: agente chip qr {done.instancia}"


def qr(
    chip: Chip,
    *,
    codigo: Annotated[
        bool, typer.Option("--codigo", help="Um código para digitar no celular, em vez de uma imagem para ler.")
    ] = False,
    imagem: Annotated[
        Path | None, typer.Option(help="Grava também o QR code neste arquivo PNG, renovado a cada código.")
    ] = None,
    espera: Annotated[int, typer.Option(min=5, max=3_600, help="Por quantos segundos esperar a leitura.")] = 180,
    por: Por = None,
    gateway_real: GatewayReal = False,
    em_json: EmJson = False,
) -> None:
    """Mostra o código que liga o número e o renova até alguém lê-lo no celular: Aparelhos conectados, Conectar.

    Sai com 0 quando o número conectou, com 1 quando ninguém leu a tempo.
    """

    async def work(resources: Resources) -> Passo:
        last = Passo()
        try:
            async with asyncio.timeout(espera):
                steps = parear(resources, chip, quem(por), digitado=codigo, gateway_real=gateway_real)
                async with aclosing(steps):
                    async for last in steps:
                        if last.fim is None and not em_json:
                            _show(last)
                        if last.fim is None and imagem is not None and last.qr:
                            await asyncio.to_thread(_save, imagem, last.qr)
        except TimeoutError:
            return last
        return last

    end = agir(work)
    if em_json:
        said: dict[str, Any] = {"chip": chip, "fim": end.fim or "tempo", "codigos": end.n}
        said["outro_numero"] = mascarar(end.outro_numero) if end.outro_numero else None
        typer.echo(json.dumps(said, ensure_ascii=False))
    else:
        _told(chip, end, espera)
    raise typer.Exit(0 if end.fim is Fim.CONECTADO else 1)


def _show(step: Passo) -> None:
    """Draw a code; a later one takes the place of the one before on a terminal."""
    if step.n > 1 and sys.stdout.isatty():
        typer.echo(LIMPA, nl=False)
    if step.codigo:
        plain = step.codigo.replace("-", "")
        halves = [plain[n : n + PARTES_DO_CODIGO] for n in range(0, len(plain), PARTES_DO_CODIGO)]
        typer.echo(f"Código {step.n}, para digitar no celular: {'-'.join(halves)}")
    elif step.qr:
        typer.echo(desenho.terminal(step.qr), nl=False)
        typer.echo(f"Código {step.n}. No celular: WhatsApp, Aparelhos conectados, Conectar um aparelho.")


def _save(path: Path, conteudo: str) -> None:
    """Write the picture for its owner alone: whoever reads it may take the number."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(desenho.png(conteudo))


def _told(chip: str, end: Passo, espera: int) -> None:
    if end.fim is None and not end.n:
        typer.echo(f"erro: o gateway não deu nenhum código em {espera} segundos. Veja: agente chip estado", err=True)
    elif end.fim is None:
        typer.echo(f"erro: ninguém leu o código em {espera} segundos. Repita: agente chip qr {chip}", err=True)
    elif end.fim is Fim.LIMITE:
        typer.echo(
            f"erro: {end.n} códigos foram mostrados e ninguém leu nenhum; o gateway parou de gerar outros."
            f" Com o celular na mão, repita: agente chip qr {chip}",
            err=True,
        )
    else:
        typer.echo(f"{chip}: conectado." if end.n else f"{chip}: já estava conectado.")
        if end.outro_numero:
            typer.echo(
                f"atenção: o celular que leu é de outro número ({mascarar(end.outro_numero)}), e não o do chip."
                f" Se foi engano: agente chip sair {chip}",
                err=True,
            )


def reiniciar(chip: Chip, *, por: Por = None, gateway_real: GatewayReal = False, em_json: EmJson = False) -> None:
    """Reabre a sessão do número no gateway, sem pedir código."""

    async def work(resources: Resources) -> str:
        try:
            return (await reiniciar_chip(resources, chip, quem(por), gateway_real=gateway_real)).instancia
        except GatewayError as failure:
            if failure.status is None or failure.status >= 300:  # noqa: PLR2004 - an answer that was no yes
                raise
            reason = f"a sessão está fechada e só um código a reabre (agente chip qr {chip})"
            raise GatewayError(reason, status=failure.status) from None

    name = agir(work)
    typer.echo(json.dumps({"chip": name, "reiniciado": True}) if em_json else f"{name}: sessão reaberta.")


def sair(
    chip: Chip,
    *,
    motivo: Motivo = "sessão encerrada por nós",
    por: Por = None,
    gateway_real: GatewayReal = False,
    em_json: EmJson = False,
) -> None:
    """Encerra a sessão do número no WhatsApp; o chip fica pausado. Para voltar: `qr`, depois `retomar`."""
    done = agir(lambda resources: sair_chip(resources, chip, motivo, quem(por), gateway_real=gateway_real))
    if em_json:
        typer.echo(json.dumps(asdict(done), ensure_ascii=False))
        return
    ended = "sessão encerrada" if done.havia else "não havia sessão"
    typer.echo(f"{done.instancia}: {ended}{'; pausado antes' if done.pausado else ''}.")


def apagar(
    chip: Chip,
    *,
    sim: Annotated[bool, typer.Option("--sim", help="Confirma: a instância some e o chip é cancelado.")] = False,
    motivo: Motivo = "número devolvido",
    por: Por = None,
    gateway_real: GatewayReal = False,
    em_json: EmJson = False,
) -> None:
    """Encerra a sessão, espera que feche, apaga a instância e cancela o chip. Conversas e histórico ficam."""
    if not sim:
        typer.echo(f"Apagar {chip} encerra a sessão, apaga a instância e cancela o chip. Confirme com --sim.", err=True)
        raise typer.Exit(2)
    done = agir(lambda resources: apagar_chip(resources, chip, motivo, quem(por), gateway_real=gateway_real))
    if em_json:
        typer.echo(json.dumps(asdict(done), ensure_ascii=False))
        return
    typer.echo(_deleted(done))


def _deleted(done: Encerrado) -> str:
    if not done.havia:
        return f"{done.instancia}: já estava cancelado."
    if done.gateway is Gateway.EVOLUTION:
        return f"{done.instancia}: instância apagada, chip cancelado."
    vendor = "na Z-API" if done.gateway is Gateway.ZAPI else "na conta da Meta"
    return f"{done.instancia}: chip cancelado. O número continua {vendor}; tire-o de lá no painel."


COMMANDS: tuple[tuple[str, Callable[..., None], str], ...] = (
    ("criar", criar, "Exemplos: agente chip criar --telefone '11 90000-0101' | agente chip criar julia-07 --json"),
    (
        "qr",
        qr,
        "Exemplos: agente chip qr julia-07 | agente chip qr 12 --codigo | agente chip qr julia-07 --imagem qr.png",
    ),
    ("reiniciar", reiniciar, "Exemplo: agente chip reiniciar julia-07"),
    ("sair", sair, "Exemplo: agente chip sair julia-07 --motivo 'celular trocado'"),
    ("apagar", apagar, "Exemplo: agente chip apagar julia-07 --sim"),
)
