"""The activator's stand-in: one number at a time, its known faults, and what the client makes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from lib.providers.ativador import Etapa, Procura
from lib.providers.chamada import Falha, ProviderError
from lib.sandbox.faults import Falha as Defeito
from tests.sandbox.numeros import Numeros, numeros

pytestmark = pytest.mark.anyio

TELEFONES = [f"+55119000010{n:02d}" for n in range(12)]


@pytest.fixture
async def tudo() -> AsyncIterator[Numeros]:
    async with numeros() as running:
        yield running


async def reach(tudo: Numeros, id_: str, etapa: Etapa) -> None:
    async with asyncio.timeout(5):
        while (await tudo.ativador.status(id_)).etapa is not etapa:  # noqa: ASYNC110 - it is another program
            await asyncio.sleep(0.01)


async def test_a_number_waits_for_its_code_and_the_next_one_for_its_end(tudo: Numeros) -> None:
    first = await tudo.ativador.enqueue(TELEFONES[0])
    second = await tudo.ativador.enqueue(TELEFONES[1])
    await reach(tudo, first.id, Etapa.ESPERA_SMS)
    assert (await tudo.ativador.status(second.id)).etapa is Etapa.NA_FILA
    await tudo.ativador.send_sms_code(first.id, "123456")
    await reach(tudo, first.id, Etapa.SUCESSO)
    await reach(tudo, second.id, Etapa.ESPERA_SMS)
    await tudo.ativador.send_sms_code(second.id, "000000")
    await reach(tudo, second.id, Etapa.FALHA)
    assert (await tudo.ativador.status(second.id)).erro == "Código incorreto"
    assert (await tudo.ativador.health()).fila == 0


async def test_a_post_that_failed_after_it_queued_is_found_and_not_repeated(tudo: Numeros) -> None:
    tudo.world.faults.put([Defeito(alvo="ativador.enqueue", status=500, depois_de_aceitar=True, vezes=1)])
    with pytest.raises(ProviderError) as unknown:
        await tudo.ativador.enqueue(TELEFONES[0])
    assert unknown.value.falha is Falha.INCERTA
    found = await tudo.ativador.find_in_queue(TELEFONES[0])
    assert found.item is not None
    assert (await tudo.ativador.status(found.item.id)).etapa is not Etapa.ESQUECIDA
    assert await tudo.ativador.find_in_queue(TELEFONES[1]) == Procura(None, conclusiva=True)


async def test_a_restart_forgets_and_that_is_no_failure(tudo: Numeros) -> None:
    queued = await tudo.ativador.enqueue(TELEFONES[0])
    tudo.ativador_world.clear()
    found = await tudo.ativador.status(queued.id)
    assert (found.etapa, found.etapa.terminou) == (Etapa.ESQUECIDA, False)
    with pytest.raises(ProviderError) as unknown:
        await tudo.ativador.send_sms_code(queued.id, "123456")
    assert (unknown.value.falha, unknown.value.status) == (Falha.PERMANENTE, 404)


async def test_eleven_numbers_fill_it(tudo: Numeros) -> None:
    for telefone in TELEFONES[:11]:
        await tudo.ativador.enqueue(telefone)
    with pytest.raises(ProviderError) as full:
        await tudo.ativador.enqueue(TELEFONES[11])
    assert (full.value.falha, full.value.status, full.value.motivo) == (Falha.REPETIR, 503, "Fila cheia")


async def test_keys_bodies_and_hanging(tudo: Numeros) -> None:
    with pytest.raises(ProviderError) as wrong:
        await replace(tudo.ativador, api_key="outra").queue()
    assert (wrong.value.falha, wrong.value.status) == (Falha.CANAL_FORA, 401)
    bare = await tudo.pool.get_http_client("ativador").get("/queue")
    assert (bare.status_code, bare.json()) == (403, {"detail": "API Key ausente. Use header X-API-Key."})
    headers = {"x-api-key": "chave-ativador"}
    refused = await tudo.pool.get_http_client("ativador").post("/activate", json={}, headers=headers)
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "phone_number"])
    tudo.world.faults.put([Defeito(alvo="ativador.*", latencia_ms=2_000)])
    with pytest.raises(ProviderError) as hung:
        await replace(tudo.ativador, prazo_s=0.1).health()
    assert hung.value.falha is Falha.REPETIR
