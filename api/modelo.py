"""The models in the settings exist: looked up at the start, and again later where nobody answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Final

from fastapi import FastAPI

from lib import log
from lib.errors import SettingsError
from lib.providers.llm import verificar_modelos
from lib.resources import Resources
from lib.settings import Settings, variable

PRAZO_S: Final = 3.0
DE_NOVO_S: Final = 60.0

logger = log.get_logger(__name__)


class EstadoModelo(StrEnum):
    """What is known of the configured models; not knowing is a state of its own and stops nothing."""

    VERIFICADO = "verificado"
    NAO_VERIFICADO = "não verificado"
    INEXISTENTE = "inexistente"


async def conferir(resources: Resources) -> EstadoModelo:
    """Ask the provider for every configured model, within 3 s.

    Raises:
        SettingsError: one does not exist (retired, misspelt), so that no doctor would ever be answered.
    """
    if resources.catalogo is None:
        return EstadoModelo.NAO_VERIFICADO
    found = await verificar_modelos(resources.catalogo, resources.settings.modelos, PRAZO_S)
    if found.inexistentes:
        raise SettingsError(tuple(_line(resources.settings, modelo) for modelo in found.inexistentes))
    for modelo, motivo in found.sem_resposta.items():
        logger.warning("modelo.nao_verificado", modelo=modelo, motivo=motivo)
    return EstadoModelo.VERIFICADO if found.completa else EstadoModelo.NAO_VERIFICADO


@asynccontextmanager
async def conferido(app: FastAPI, resources: Resources, de_novo_s: float = DE_NOVO_S) -> AsyncIterator[None]:
    """Check before anything else runs, and every `de_novo_s` until somebody answered; the state is `app.state.modelo`.

    Raises:
        SettingsError: as `conferir`, at the start only: a running API keeps storing messages.
    """
    app.state.modelo = await conferir(resources)
    again = asyncio.create_task(_until_known(app, resources, de_novo_s), name="modelo")
    try:
        yield
    finally:
        again.cancel()
        await asyncio.gather(again, return_exceptions=True)


async def _until_known(app: FastAPI, resources: Resources, de_novo_s: float) -> None:
    while resources.catalogo is not None and app.state.modelo is EstadoModelo.NAO_VERIFICADO:
        await asyncio.sleep(de_novo_s)
        try:
            app.state.modelo = await conferir(resources)
        except SettingsError as missing:
            app.state.modelo = EstadoModelo.INEXISTENTE
            logger.error("modelo.inexistente", motivo=str(missing))  # noqa: TRY400 - the trace says nothing more


def _line(settings: Settings, modelo: str) -> str:
    name = variable("llm_modelo" if modelo == settings.llm_modelo else "llm_modelo_reserva")
    return f"{name}: the provider has no model {modelo} (retired or misspelt); choose another one"
