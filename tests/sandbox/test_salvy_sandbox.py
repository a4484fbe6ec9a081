"""The client of Salvy against its stand-in: rent, message, webhook, give back; and what goes wrong on demand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from lib import ledger
from lib.assinatura import svix_valida
from lib.providers.chamada import Falha, ProviderError
from lib.providers.salvy_forma import Motivo, Situacao
from lib.providers.salvy_webhook import ContaMudou, SmsRecebido, read
from lib.sandbox.faults import Falha as Defeito
from lib.sandbox.salvy_world import POR_MINUTO
from tests.sandbox.numeros import SEGREDO, Numeros, numeros, until

pytestmark = pytest.mark.anyio

CODIGO = "Seu código do WhatsApp: 123-456"


@pytest.fixture
async def tudo() -> AsyncIterator[Numeros]:
    async with numeros() as running:
        yield running


@pytest.mark.parametrize("dois", [False, True])
async def test_a_number_lives_from_its_rent_to_its_end_in_both_versions(tudo: Numeros, dois: bool) -> None:
    if dois:
        tudo.world.faults.put([Defeito(alvo="salvy.v3.*", status=410)])
    salvy = tudo.salvy
    assert [one.ddd for one in await salvy.area_codes() if one.disponivel] == [41]
    criado = await (salvy.create_unkeyed(41, "chip-01") if dois else salvy.create(41, "chip-01", "pedido-1"))
    assert salvy.versao.dois is dois
    assert await salvy.get(criado.id) == criado
    assert await salvy.find_by_name("chip-01") == criado
    await salvy.simulate_sms(criado.id, CODIGO, "WhatsApp")
    (message,) = await salvy.list_sms(criado.id)
    assert (message.codigo_whatsapp, message.conta_id) == ("123456", criado.id)
    await salvy.cancel(criado.id, Motivo.BANIDO)
    await salvy.cancel(criado.id, Motivo.BANIDO)
    assert (await salvy.get(criado.id)).situacao is Situacao.CANCELADA
    assert await salvy.find_by_name("chip-01") is None


async def test_warm_calls_open_no_connection(tudo: Numeros) -> None:
    await tudo.salvy.page()
    await tudo.ativador.queue()
    await tudo.busca.search("plantão")
    await tudo.lotes.models()
    with ledger.measure("warm") as cost:
        for _ in range(5):
            await tudo.salvy.page()
            await tudo.ativador.queue()
            await tudo.busca.search("plantão")
            await tudo.lotes.models()
    assert (cost.http_requests, cost.tcp_connections) == (20, 0)
    assert {name: one.conexoes for name, one in tudo.pool.medidas().items()} == dict.fromkeys(tudo.pool.medidas(), 1)


async def test_the_same_key_rents_once_and_another_request_under_it_is_refused(tudo: Numeros) -> None:
    tudo.world.faults.put([Defeito(alvo="salvy.v3.create", status=500, depois_de_aceitar=True, vezes=1)])
    with pytest.raises(ProviderError) as unknown:
        await tudo.salvy.create(41, "chip-01", "pedido-1")
    assert unknown.value.falha is Falha.REPETIR
    assert await tudo.salvy.create(41, "chip-01", "pedido-1") == await tudo.salvy.create(41, "chip-01", "pedido-1")
    assert len(tudo.salvy_world.numeros) == 1
    with pytest.raises(ProviderError) as mismatch:
        await tudo.salvy.create(41, "chip-02", "pedido-1")
    assert mismatch.value.codigo == "idempotency-parameters-mismatch-error"


async def test_a_purchase_in_doubt_over_version_2_is_found_by_its_name(tudo: Numeros) -> None:
    tudo.world.faults.put([Defeito(alvo="salvy.v2.create", cortar=True, depois_de_aceitar=True, vezes=1)])
    with pytest.raises(ProviderError) as unknown:
        await tudo.salvy.create_unkeyed(41, "chip-01")
    assert unknown.value.falha is Falha.INCERTA
    found = await tudo.salvy.find_by_name("chip-01")
    assert found is not None
    assert found.id in tudo.salvy_world.numeros


async def test_refusals_have_their_codes(tudo: Numeros) -> None:
    for ddd, code in ((11, "did-area-code-out-of-stock"), (99, "phone-account-area-code-invalid")):
        with pytest.raises(ProviderError) as refused:
            await tudo.salvy.create(ddd, "chip-01", f"pedido-{ddd}")
        assert (refused.value.codigo, refused.value.falha) == (code, Falha.PERMANENTE)
    with pytest.raises(ProviderError) as nobody:
        await replace(tudo.salvy, api_key="salvy_test_outra").page()
    assert nobody.value.falha is Falha.CANAL_FORA


async def test_other_area_codes_are_put_in_stock_and_bought_from(tudo: Numeros) -> None:
    tudo.salvy_world.estoque = {11, 85}
    assert [one.ddd for one in await tudo.salvy.area_codes() if one.disponivel] == [11, 85]
    assert str((await tudo.salvy.create(85, "chip-01", "pedido-1")).telefone).startswith("+5585")
    with pytest.raises(ProviderError) as refused:
        await tudo.salvy.create(41, "chip-02", "pedido-2")
    assert refused.value.codigo == "did-area-code-out-of-stock"


async def test_three_hundred_requests_a_minute_and_no_more(tudo: Numeros) -> None:
    while tudo.salvy_world.spend(datetime.now(UTC).timestamp()) >= 0:
        pass
    with pytest.raises(ProviderError) as limited:
        await tudo.salvy.page()
    assert (limited.value.falha, limited.value.codigo) == (Falha.REPETIR, "too-many-attempts")
    assert limited.value.retry_after_s is not None
    assert 0 < limited.value.retry_after_s <= 60
    assert tudo.salvy_world.spend(0.0) == POR_MINUTO - 1


async def test_a_message_comes_signed_until_it_is_taken(tudo: Numeros) -> None:
    criado = await tudo.salvy.create(41, "chip-01", "pedido-1")
    tudo.chegadas.respostas[:] = [503, 500]
    await tudo.salvy.simulate_sms(criado.id, CODIGO, "WhatsApp")
    await until(lambda: len(tudo.chegadas.vieram) == 3)
    pauses = [later[0] - earlier[0] for earlier, later in pairwise(tudo.chegadas.vieram)]
    assert pauses[0] >= 0.005
    assert pauses[1] >= 0.3, "Svix waits sixty times longer before the third attempt than before the second"
    (_, raw, _), *_ = tudo.chegadas.vieram
    assert len({headers["svix-id"] for _, _, headers in tudo.chegadas.vieram}) == 1
    assert {body for _, body, _ in tudo.chegadas.vieram} == {raw}
    evento = read(raw)
    assert isinstance(evento, SmsRecebido)
    assert (evento.sms.codigo_whatsapp, evento.sms.conta_id) == ("123456", criado.id)
    for _, body, headers in tudo.chegadas.vieram:
        parts = headers["svix-id"], headers["svix-timestamp"], headers["svix-signature"]
        assert svix_valida(body, *parts, (SEGREDO,), datetime.now(UTC))
        assert not svix_valida(body + b" ", *parts, (SEGREDO,), datetime.now(UTC))


async def test_a_registered_address_gets_its_kinds_under_its_own_secret(tudo: Numeros) -> None:
    url = tudo.salvy_world._proprio.url  # noqa: SLF001 - the door of this test
    secret = await tudo.salvy.create_webhook(url, ("phone-account.canceled",), "Júlia", "chave-1")
    assert secret is not None
    criado = await tudo.salvy.create(41, "chip-01", "pedido-1")
    await tudo.salvy.simulate_sms(criado.id, CODIGO, "WhatsApp")
    await tudo.salvy.cancel(criado.id, Motivo.DESNECESSARIO)
    await until(lambda: tudo.chegadas.vieram)
    ((_, raw, headers),) = tudo.chegadas.vieram
    assert read(raw) == ContaMudou(criado.id, "phone-account.canceled")
    parts = headers["svix-id"], headers["svix-timestamp"], headers["svix-signature"]
    assert svix_valida(raw, *parts, (SEGREDO, secret), datetime.now(UTC))
    assert not svix_valida(raw, *parts, (SEGREDO,), datetime.now(UTC))


async def test_all_numbers_are_listed_page_by_page(tudo: Numeros) -> None:
    for number in range(150):
        tudo.salvy_world.rent(41, f"chip-{number:03d}", "active")
    first = await tudo.salvy.page()
    assert (len(first.numeros), first.paginas) == (100, 2)
    found = await tudo.salvy.find_by_name("chip-003")
    assert found is not None
    assert found.nome == "chip-003"
