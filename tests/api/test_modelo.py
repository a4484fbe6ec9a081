"""A model that does not exist stops the start; one that nobody could be asked about does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.modelo import EstadoModelo, conferido
from lib.errors import ModelUnavailableError, SettingsError
from lib.resources import Resources, open_resources
from lib.sandbox.app import create_app as create_sandbox
from lib.sandbox.config import SandboxConfig
from lib.settings import Settings
from tests.providers.caixa import serving

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sandbox_url() -> AsyncIterator[str]:
    async with serving(create_sandbox(SandboxConfig())) as url:
        yield url


def with_models(settings: Settings, url: str, modelo: str, reserva: str | None = None) -> Settings:
    changes = {"anthropic_url": url, "llm_modelo": modelo, "llm_modelo_reserva": reserva}
    return Settings.model_validate({**settings.model_dump(), **changes})


async def started(settings: Settings) -> EstadoModelo:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        return EstadoModelo(app.state.modelo)


async def test_models_that_exist_are_verified_and_readiness_says_so(settings: Settings, sandbox_url: str) -> None:
    app = create_app(with_models(settings, sandbox_url, "claude-haiku-5-5", "claude-sonnet-5-5"))
    async with serving(app) as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/readyz")).json() == {"situacao": "ok", "modelo": "verificado"}


@pytest.mark.parametrize(
    ("modelo", "reserva", "line"),
    [
        ("claude-3-5-haiku-20241022", None, "AGENTE_LLM_MODELO: the provider has no model claude-3-5-haiku-20241022"),
        ("claude-haiku-5-5", "claude-haiku-55", "AGENTE_LLM_MODELO_RESERVA: the provider has no model claude-haiku-55"),
    ],
)
async def test_a_model_that_does_not_exist_stops_the_start_and_is_named(
    settings: Settings, sandbox_url: str, modelo: str, reserva: str | None, line: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        await started(with_models(settings, sandbox_url, modelo, reserva))
    assert [found.split(" (")[0] for found in refused.value.lines] == [line]


@pytest.mark.parametrize("status", [401, 500, 529])
async def test_a_provider_that_does_not_answer_leaves_it_open(
    settings: Settings, sandbox_url: str, status: int
) -> None:
    async with httpx.AsyncClient(base_url=sandbox_url) as control:
        await control.put("/_sandbox/falhas", json={"alvo": "anthropic.models", "status": status})
    assert await started(with_models(settings, sandbox_url, "claude-haiku-5-5")) is EstadoModelo.NAO_VERIFICADO
    assert await started(settings) is EstadoModelo.NAO_VERIFICADO


class Later:
    """A catalogue that answers from the second question on."""

    def __init__(self, *, there: bool) -> None:
        self.there, self.asked = there, 0

    async def existe(self, modelo: str, prazo_s: float) -> bool:  # noqa: ARG002 - the protocol's arguments
        self.asked += 1
        if self.asked == 1:
            raise ModelUnavailableError("away")
        return self.there


@pytest.mark.parametrize(("there", "state"), [(True, EstadoModelo.VERIFICADO), (False, EstadoModelo.INEXISTENTE)])
async def test_what_was_left_open_is_asked_again_until_it_is_known(
    settings: Settings, there: bool, state: EstadoModelo
) -> None:
    catalogo, app = Later(there=there), FastAPI()
    async with open_resources(settings, nome="teste") as opened:
        resources: Resources = replace(opened, catalogo=catalogo)
        async with conferido(app, resources, de_novo_s=0.01):
            states = [app.state.modelo]
            await asyncio.sleep(0.3)
            states.append(app.state.modelo)
    assert (states, catalogo.asked) == ([EstadoModelo.NAO_VERIFICADO, state], 2)
