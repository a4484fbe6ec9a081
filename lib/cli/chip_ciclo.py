"""`agente chip pausar`, `retomar`, `aprovar`, `rearmar`: a chip's status in people's hands."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

import typer

from lib.cli.chip_acao import SITUACAO, Chip, EmJson, GatewayReal, Motivo, Por, agir, quem
from lib.domain.chip import TipoChip
from lib.usecases.chip_vida import Movido, aprovar_chip, pausar_chip, rearmar_chip, retomar_chip


def _say(done: Movido, em_json: bool, hint: str = "") -> None:
    if em_json:
        typer.echo(json.dumps(asdict(done), ensure_ascii=False))
    elif done.mudou:
        typer.echo(f"{done.instancia}: {SITUACAO[done.de]} → {SITUACAO[done.para]}.{hint}")
    else:
        typer.echo(f"{done.instancia}: já estava {SITUACAO[done.para]}; nada mudou.")


def pausar(chip: Chip, *, motivo: Motivo, por: Por = None, em_json: EmJson = False) -> None:
    """Para um chip: nada sai por ele até `retomar`. As conversas dele respondem por outros."""
    _say(agir(lambda resources: pausar_chip(resources, chip, motivo, quem(por))), em_json)


def retomar(chip: Chip, *, motivo: Motivo = "retomado", por: Por = None, em_json: EmJson = False) -> None:
    """Devolve um chip pausado ao trabalho em que estava."""
    _say(agir(lambda resources: retomar_chip(resources, chip, motivo, quem(por))), em_json)


def aprovar(
    chip: Chip,
    *,
    como: Annotated[TipoChip | None, typer.Option(help="O que ele será; sem isso, o que já é.")] = None,
    motivo: Motivo = "aprovado",
    por: Por = None,
    gateway_real: GatewayReal = False,
    em_json: EmJson = False,
) -> None:
    """Põe a trabalhar um número que espera: um listener passa a ler grupos, um da Júlia começa a aquecer.

    A instância dele passa a avisar a nós. Um listener nunca envia.
    """
    done = agir(lambda resources: aprovar_chip(resources, chip, como, motivo, quem(por), gateway_real=gateway_real))
    _say(done, em_json)


def rearmar(chip: Chip, *, motivo: Motivo, por: Por = None, em_json: EmJson = False) -> None:
    """Aceita de volta um número banido: pareado e aquecido como se fosse novo."""
    done = agir(lambda resources: rearmar_chip(resources, chip, motivo, quem(por)))
    _say(done, em_json, f" Agora pareie: agente chip qr {done.instancia}")


COMMANDS: tuple[tuple[str, Callable[..., None], str], ...] = (
    ("pausar", pausar, "Exemplo: agente chip pausar julia-07 --motivo 'celular em manutenção'"),
    ("retomar", retomar, "Exemplo: agente chip retomar julia-07"),
    ("aprovar", aprovar, "Exemplos: agente chip aprovar escuta-02 | agente chip aprovar 41 --como julia"),
    ("rearmar", rearmar, "Exemplo: agente chip rearmar julia-07 --motivo 'recurso aceito pelo WhatsApp'"),
)
