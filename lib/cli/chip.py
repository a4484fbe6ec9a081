"""`agente chip`: our WhatsApp numbers."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Annotated, Final

import typer

from lib.cli import (
    chip_backtest,
    chip_campanhas,
    chip_ciclo,
    chip_estado,
    chip_instancia,
    chip_pedido,
    chip_porque,
    chip_previsao,
    chip_score,
)
from lib.domain.chip import Gateway
from lib.errors import DatabaseUnavailableError
from lib.resources import open_resources
from lib.settings import load_settings
from lib.usecases.instancias import Ligados, RealGatewayError, ligar_chips

AGUARDA: Final = {
    Gateway.EVOLUTION: "aguarda a leitura do código QR no gateway",
    Gateway.ZAPI: "aguarda a leitura do código QR no painel da Z-API",
    Gateway.META: "não está conectado na Meta; veja o número no WhatsApp Manager",
}

app = typer.Typer(help="Chips: os números de WhatsApp da Júlia.", no_args_is_help=True)


async def connect(*, gateway_real: bool) -> Ligados:
    """Open resources for one call of `ligar_chips`."""
    async with open_resources(load_settings(), nome="cli-chip") as resources:
        return await ligar_chips(resources, gateway_real=gateway_real)


@app.command("ligar")
def ligar(
    *,
    sim: Annotated[
        bool, typer.Option("--sim", help="Permite mexer num gateway que não é o sandbox, fora de produção.")
    ] = False,
    em_json: Annotated[bool, typer.Option("--json", help="Saída em JSON, para programas.")] = False,
) -> None:
    """Liga os chips em uso, cada um no seu gateway, com o nosso webhook. Repetir não muda nada.

    Na Evolution cria a instância e a conecta. Na Z-API e na Meta o número já existe: liga os webhooks e lê o estado.

    Sai com 1 se alguma ficou de fora.
    """
    try:
        done = asyncio.run(connect(gateway_real=sim))
    except RealGatewayError:
        typer.echo("erro: o gateway não é o sandbox; confirme com --sim para mexer nele.", err=True)
        raise typer.Exit(1) from None
    except DatabaseUnavailableError:
        typer.echo("erro: o banco de dados não responde. Veja `agente doctor`.", err=True)
        raise typer.Exit(1) from None
    if em_json:
        typer.echo(json.dumps(asdict(done), ensure_ascii=False))
    else:
        typer.echo(
            f"{len(done.abertas)} de {done.total} chips conectados"
            f" ({done.criadas} instâncias criadas, {done.atualizadas} já existiam)."
        )
        for name, gateway in done.fechadas.items():
            typer.echo(f"  {name}: {AGUARDA[gateway]}")
        for name, reason in done.falhas.items():
            typer.echo(f"  {name}: {reason}")
    raise typer.Exit(0 if len(done.abertas) == done.total else 1)


app.command("porque", epilog=chip_porque.EXEMPLOS)(chip_porque.porque)
app.command("estado", epilog=chip_estado.EXEMPLOS)(chip_estado.estado)
for _nome, _comando, _exemplos in (*chip_instancia.COMMANDS, *chip_ciclo.COMMANDS):
    app.command(_nome, epilog=_exemplos)(_comando)
app.command("novo", epilog=chip_pedido.EXEMPLOS_NOVO)(chip_pedido.novo)
app.command("pedidos", epilog=chip_pedido.EXEMPLOS_PEDIDOS)(chip_pedido.pedidos_)
app.command("continuar", epilog=chip_pedido.EXEMPLOS_CONTINUAR)(chip_pedido.continuar)
app.command("desistir", epilog=chip_pedido.EXEMPLOS_DESISTIR)(chip_pedido.desistir)
app.command("score", epilog=chip_score.EXEMPLOS)(chip_score.score)
app.command("backtest", epilog=chip_backtest.EXEMPLOS)(chip_backtest.backtest)
app.command("previsao", epilog=chip_previsao.EXEMPLOS)(chip_previsao.previsao)
app.add_typer(chip_campanhas.app, name="campanhas")
