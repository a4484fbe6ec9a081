"""The activator's stand-in: one number at a time, its known faults, and what the client makes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

import pytest

from lib.providers.ativador import Etapa, Procura
from lib.providers.chamada import Falha, ProviderError
from lib.providers.salvy_webhook import SmsRecebido, read
from lib.sandbox.faults import Falha as Defeito
from tests.sandbox.numeros import Numeros, numeros, until

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


def code_of(tudo: Numeros, id_: str) -> str:
    """What WhatsApp sends to that phone."""
    return tudo.ativador_world.ativacoes[id_].esperado


async def test_a_number_waits_for_its_code_and_the_next_one_for_its_end(tudo: Numeros) -> None:
    first = await tudo.ativador.enqueue(TELEFONES[0])
    second = await tudo.ativador.enqueue(TELEFONES[1])
    await reach(tudo, first.id, Etapa.ESPERA_SMS)
    assert (await tudo.ativador.status(second.id)).etapa is Etapa.NA_FILA
    await tudo.ativador.send_sms_code(first.id, code_of(tudo, first.id))
    await reach(tudo, first.id, Etapa.SUCESSO)
    await reach(tudo, second.id, Etapa.ESPERA_SMS)
    await tudo.ativador.send_sms_code(second.id, "000000")
    await reach(tudo, second.id, Etapa.FALHA)
    assert (await tudo.ativador.status(second.id)).erro == "Código incorreto"
    assert (await tudo.ativador.health()).fila == 0


async def test_a_number_of_salvys_gets_its_code_by_text_message_and_no_other_code_activates_it(tudo: Numeros) -> None:
    ours, other = (tudo.salvy_world.rent(41, f"chip-{n}", "available") for n in (1, 2))
    queued = await tudo.ativador.enqueue(ours.telefone)
    await until(lambda: tudo.chegadas.vieram)  # nobody asked the activator for anything meanwhile
    (_, raw, _), *more = tudo.chegadas.vieram
    evento = read(raw)
    assert isinstance(evento, SmsRecebido)
    assert (evento.sms.conta_id, evento.sms.codigo_whatsapp, more) == (ours.id, code_of(tudo, queued.id), [])
    assert [len(numero.sms) for numero in (ours, other)] == [1, 0]
    await tudo.ativador.send_sms_code(queued.id, evento.sms.codigo_whatsapp or "")
    await reach(tudo, queued.id, Etapa.SUCESSO)
    wrong = await tudo.ativador.enqueue(other.telefone)
    await reach(tudo, wrong.id, Etapa.ESPERA_SMS)
    await tudo.ativador.send_sms_code(wrong.id, code_of(tudo, queued.id))
    await reach(tudo, wrong.id, Etapa.FALHA)


async def test_a_number_that_salvy_does_not_have_any_more_waits_until_its_time_is_over(tudo: Numeros) -> None:
    tudo.ativador_world.pace(espera_s=0.2)
    given_back = tudo.salvy_world.rent(41, "chip-01", "available")
    given_back.status = "canceled"
    queued = await tudo.ativador.enqueue(given_back.telefone)
    await reach(tudo, queued.id, Etapa.ESPERA_SMS)
    await reach(tudo, queued.id, Etapa.ESGOTADA)
    assert list(given_back.sms) == []


async def test_while_it_works_nothing_is_answered_and_what_was_asked_is_done_all_the_same(tudo: Numeros) -> None:
    tudo.ativador_world.pace(0.8, ocupa=True)
    first = await tudo.ativador.enqueue(TELEFONES[0])
    impatient = replace(tudo.ativador, prazo_s=0.1)
    for ask, falha in (
        (impatient.health, Falha.REPETIR),
        (impatient.queue, Falha.REPETIR),
        (partial(impatient.enqueue, TELEFONES[1]), Falha.INCERTA),
    ):
        with pytest.raises(ProviderError) as silence:
            await ask()
        assert silence.value.falha is falha
    await reach(tudo, first.id, Etapa.ESPERA_SMS)
    assert (await tudo.ativador.find_in_queue(TELEFONES[1])).item is not None
    await tudo.ativador.send_sms_code(first.id, code_of(tudo, first.id))
    with pytest.raises(ProviderError):
        await impatient.status(first.id)
    await reach(tudo, first.id, Etapa.SUCESSO)


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
    tudo.ativador_world.restart()
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
