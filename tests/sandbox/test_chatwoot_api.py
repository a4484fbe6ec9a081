"""The sandbox's Chatwoot, asked by the program's own client and heard by its own door and parser."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import httpx
import orjson
import pytest

from lib.assinatura import chatwoot_valida
from lib.providers.chamada import Falha, ProviderError
from lib.providers.chatwoot import Chatwoot, DuplicateContactError
from lib.providers.chatwoot_webhook import ContatoMudou, ConversaMudou, MensagemCriada, chave, read
from lib.sandbox.chatwoot_world import EVENTOS, GESTORA_ID, ROBO_ID
from lib.sandbox.faults import Falha as Defeito
from tests.fixtures.chatwoot_amostras import amostra
from tests.sandbox.chatwoot_vivo import SEGREDO, TOKEN, Vivo, vivo

pytestmark = pytest.mark.anyio

FONE = "+5511900001001"


@pytest.fixture
async def cw() -> AsyncIterator[Vivo]:
    async with vivo() as running:
        yield running


async def opened(cw: Vivo) -> int:
    """A contact's conversation, as the mirror opens it; returns its id."""
    contact = await cw.client.create_contact("Dra. Fictícia", FONE, "5511900001001")
    conversation = await cw.client.create_conversation(contact.id, contact.source_id or "", "7")
    await cw.quiet()
    cw.chegadas.came.clear()
    return conversation


async def test_a_contact_is_made_once_and_found_by_phone_and_identifier(cw: Vivo) -> None:
    assert await cw.client.find_contact(FONE, "5511900001001") is None
    made = await cw.client.create_contact("Dra. Fictícia", FONE, "5511900001001")
    assert made.source_id
    assert await cw.client.find_contact(FONE, "other") == made
    assert await cw.client.find_contact(None, "5511900001001") == made
    assert await cw.client.find_contact("+5511900001002", "other") is None
    for phone, name in ((FONE, "x"), ("+5511900001009", "5511900001001")):
        with pytest.raises(DuplicateContactError):
            await cw.client.create_contact("Dra.", phone, name)
    with pytest.raises(DuplicateContactError, match="phone_number"):
        await cw.client.create_contact("Dra.", "5511900001001", "not e164")
    assert len(cw.mundo.contatos) == 1


async def test_an_address_is_given_once(cw: Vivo) -> None:
    contact = cw.central.novo_contato("Dra.", FONE, "x")
    first = await cw.client.link_inbox(contact.id)
    assert await cw.client.link_inbox(contact.id) == first
    found = await cw.client.find_contact(FONE, "x")
    assert found is not None
    assert found.source_id == first


async def test_each_call_opens_one_more_conversation_unless_the_inbox_is_locked(cw: Vivo) -> None:
    contact = await cw.client.create_contact("Dra.", FONE, "x")
    assert contact.source_id
    first, second = [await cw.client.create_conversation(contact.id, contact.source_id, key) for key in "78"]
    assert first != second
    found = await cw.client.conversations_of(contact.id)
    assert {one.id: one.agente_conversa for one in found} == {first: "7", second: "8"}
    cw.mundo.trava_unica = True
    assert await cw.client.create_conversation(contact.id, contact.source_id, "9") == second


async def test_our_own_message_comes_back_marked(cw: Vivo) -> None:
    conversation = await opened(cw)
    posted = await cw.client.post_message(conversation, "Oi Dra!", "outgoing", "i:1")
    received = await cw.client.post_message(conversation, "Oi!", "incoming", "i:2")
    assert (posted.autor_tipo, received.autor_tipo) == ("user", "contact")
    await cw.until(lambda: len(cw.chegadas.bodies("message_created")) == 2)
    events = [read(raw) for raw, _ in cw.chegadas.came]
    echoes = {event.mensagem.eco_id: event.mensagem for event in events if isinstance(event, MensagemCriada)}
    assert {key: (one.id, one.tipo, one.conversa_id) for key, one in echoes.items()} == {
        "i:1": (posted.id, "outgoing", conversation),
        "i:2": (received.id, "incoming", conversation),
    }
    assert [one.eco_id for one in await cw.client.list_messages(conversation)] == ["i:1", "i:2"]


async def test_messages_are_paged_by_id(cw: Vivo) -> None:
    conversation = await opened(cw)
    cw.mundo.webhooks.clear()
    ids = [cw.central.escrever(conversation, str(n)).id for n in range(130)]
    assert [one.id for one in await cw.client.list_messages(conversation)] == ids[-20:]
    assert [one.id for one in await cw.client.list_messages(conversation, after=ids[4])] == ids[5:105]
    assert [one.id for one in await cw.client.list_messages(conversation, before=ids[50])] == ids[30:50]


async def test_a_persons_acts_are_heard_in_the_samples_shapes(cw: Vivo) -> None:
    conversation = await opened(cw)
    central = cw.central
    central.escrever(conversation, "Assumi a conversa")
    central.escrever(conversation, "nota", privada=True)
    central.etiquetar(conversation, "humano", presente=True)
    central.atribuir(conversation, GESTORA_ID)
    central.resolver(conversation)
    contact_id = cw.mundo.conversas[conversation].contato_id
    central.definir_telefone(contact_id, "+5511900001002")
    await cw.until(lambda: len(cw.chegadas.came) == 7)
    await cw.quiet()
    events = [read(raw) for raw, _ in cw.chegadas.came]
    said = [event.mensagem for event in events if isinstance(event, MensagemCriada)]
    assert {(one.texto, one.privada, one.autor_tipo, one.eco_id) for one in said} == {
        ("Assumi a conversa", False, "user", None),
        ("nota", True, "user", None),
    }
    changes = [{**event.mudou} for event in events if isinstance(event, ConversaMudou)]
    for change in changes:
        change.pop("updated_at")
    assert sorted(changes, key=str) == sorted(
        [
            {"label_list": ([], ["humano"])},
            {"assignee_id": (None, GESTORA_ID)},
            {"status": ("open", "resolved")},
            {"status": ("open", "resolved")},
        ],
        key=str,
    )
    [moved] = [event for event in events if isinstance(event, ContatoMudou)]
    assert moved.contato.telefone == "+5511900001002"


@pytest.mark.parametrize(
    ("sample", "event"),
    [
        ("message_created.outgoing_agent", "message_created"),
        ("conversation_updated.assignee_changed", "conversation_updated"),
        ("conversation_status_changed.resolved", "conversation_status_changed"),
        ("contact_updated", "contact_updated"),
    ],
)
async def test_events_have_the_fields_of_the_samples(cw: Vivo, sample: str, event: str) -> None:
    conversation = await opened(cw)
    cw.central.escrever(conversation, "oi")
    cw.central.atribuir(conversation, GESTORA_ID)
    cw.central.resolver(conversation)
    cw.central.definir_telefone(cw.mundo.conversas[conversation].contato_id, None)
    await cw.until(lambda: len(cw.chegadas.came) == 5)
    [body] = cw.chegadas.bodies(event) if event != "conversation_updated" else cw.chegadas.bodies(event)[:1]
    expected = amostra(sample)
    assert body.keys() == expected.keys()
    for name in ("conversation", "meta", "contact_inbox", "account", "inbox"):
        if name in expected:
            assert body[name].keys() == expected[name].keys()


async def test_answers_have_the_fields_of_the_samples(cw: Vivo) -> None:
    async with httpx.AsyncClient(base_url=f"{cw.url}/chatwoot/api/v1/accounts/1") as client:
        client.headers["api_access_token"] = TOKEN
        body = {"inbox_id": 1, "name": "Dra.", "phone_number": FONE, "identifier": "x"}
        created = (await client.post("/contacts", json=body)).json()
        sample = amostra("http.contact_create_200")
        assert created["payload"].keys() == sample["payload"].keys()
        assert created["payload"]["contact"].keys() >= sample["payload"]["contact"].keys()
        again = await client.post("/contacts", json=body)
        assert (again.status_code, again.json()) == (422, amostra("http.contact_create_422"))
        found = (await client.get("/contacts/search", params={"q": "900001001"})).json()
        sample = amostra("http.contacts_search_200")
        assert found["meta"] == sample["meta"]
        assert found["payload"][0].keys() >= sample["payload"][0].keys() - {"last_activity_at"}
        contact = created["payload"]["contact"]["id"]
        body = {"source_id": created["payload"]["contact_inbox"]["source_id"]}
        conversation = (await client.post("/conversations", json=body)).json()["id"]
        posted = await client.post(f"/conversations/{conversation}/messages", json={"content": "oi", "echo_id": "e"})
        assert posted.json().keys() - {"echo_id"} == amostra("http.create_message_200").keys()
        assert (await client.get(f"/contacts/{contact}")).json()["payload"]["id"] == contact


async def test_every_delivery_is_signed_under_its_own_id_and_sent_once(cw: Vivo) -> None:
    conversation = await opened(cw)
    cw.chegadas.status = 500
    cw.mundo.duplicar = True
    cw.central.escrever(conversation, "oi")
    await cw.until(lambda: cw.desk.courier().given_up == 2)
    assert len(cw.chegadas.came) == 2
    for raw, headers in cw.chegadas.came:
        stamp, signature = headers["x-chatwoot-timestamp"], headers["x-chatwoot-signature"]
        assert chatwoot_valida(raw, stamp, signature, [SEGREDO], datetime.now(UTC))
    assert len({headers["x-chatwoot-delivery"] for _, headers in cw.chegadas.came}) == 2
    assert len({chave(raw) for raw, _ in cw.chegadas.came}) == 1


async def test_an_old_server_signs_nothing(cw: Vivo) -> None:
    conversation = await opened(cw)
    for webhook in cw.mundo.webhooks.values():
        webhook.segredo = None
    cw.central.escrever(conversation, "oi")
    await cw.until(lambda: cw.chegadas.came)
    assert not [name for name in cw.chegadas.came[0][1] if name.startswith("x-chatwoot")]


async def test_the_order_of_events_is_lost_on_demand(cw: Vivo) -> None:
    conversation = await opened(cw)
    cw.mundo.embaralhar_s = 0.2
    ids = [cw.central.escrever(conversation, str(n)).id for n in range(20)]
    await cw.until(lambda: len(cw.chegadas.came) == 20)
    came = [body["id"] for body in cw.chegadas.bodies()]
    assert sorted(came) == ids
    assert came != ids


async def test_labels_are_replaced_and_the_client_keeps_the_others(cw: Vivo) -> None:
    conversation = await opened(cw)
    cw.central.trocar_labels(conversation, ["VIP", "urgente"])
    assert await cw.client.set_label(conversation, "humano", presente=True) == ("VIP", "urgente", "humano")
    assert await cw.client.set_label(conversation, "VIP", presente=False) == ("urgente", "humano")
    await cw.quiet()
    cw.chegadas.came.clear()
    assert await cw.client.set_label(conversation, "humano", presente=True) == ("urgente", "humano")
    await cw.quiet()
    assert cw.chegadas.came == []


async def test_a_status_is_set_again_without_toggling(cw: Vivo) -> None:
    conversation = await opened(cw)
    for _ in range(2):
        await cw.client.set_status(conversation, "resolved")
        assert (await cw.client.get_conversation(conversation)).status == "resolved"
    await cw.quiet()
    events = [body["event"] for body in cw.chegadas.bodies()]
    assert sorted(events) == ["conversation_status_changed", "conversation_updated"]


async def test_without_a_status_it_toggles(cw: Vivo) -> None:
    conversation = await opened(cw)
    path = f"{cw.url}/chatwoot/api/v1/accounts/1/conversations/{conversation}/toggle_status"
    async with httpx.AsyncClient(headers={"api_access_token": TOKEN}) as client:
        answers = [(await client.post(path, json={})).json()["payload"]["current_status"] for _ in range(2)]
    assert answers == ["resolved", "open"]


@pytest.mark.parametrize(("papel", "responsavel"), [("agent", ROBO_ID), ("administrator", None)])
async def test_opening_by_an_agents_token_assigns_the_conversation_to_it(
    cw: Vivo, papel: str, responsavel: int | None
) -> None:
    conversation = await opened(cw)
    cw.mundo.pessoas[ROBO_ID].papel = papel
    await cw.client.set_status(conversation, "pending")
    await cw.client.set_status(conversation, "open")
    assert (await cw.client.get_conversation(conversation)).responsavel_id == responsavel


async def test_a_conversation_is_given_and_taken(cw: Vivo) -> None:
    conversation = await opened(cw)
    await cw.client.assign(conversation, GESTORA_ID)
    assert (await cw.client.get_conversation(conversation)).responsavel_id == GESTORA_ID
    await cw.client.assign(conversation, None)
    assert (await cw.client.get_conversation(conversation)).responsavel_id is None


async def test_a_doctors_message_opens_what_was_resolved(cw: Vivo) -> None:
    conversation = await opened(cw)
    cw.central.resolver(conversation)
    await cw.client.post_message(conversation, "Oi!", "incoming", "i:1")
    assert (await cw.client.get_conversation(conversation)).status == "open"
    kinds = [one.tipo for one in await cw.client.list_messages(conversation)]
    assert kinds == ["activity", "incoming", "activity"]
    await cw.quiet()
    assert len(cw.chegadas.bodies("message_created")) == 1


async def test_the_accounts_lists_and_webhooks(cw: Vivo) -> None:
    assert await cw.client.eu() == ROBO_ID
    assert [one.canal for one in await cw.client.list_inboxes()] == ["Channel::Api"]
    assert {one.id for one in await cw.client.list_agents()} == cw.mundo.pessoas.keys()
    assert "humano" in await cw.client.list_labels()
    assert await cw.client.create_webhook("http://127.0.0.1:9/x", EVENTOS) == SEGREDO
    assert len(await cw.client.list_webhooks()) == 2
    with pytest.raises(ProviderError) as caught:
        await cw.client.create_webhook("http://127.0.0.1:9/x", EVENTOS)
    assert caught.value.falha is Falha.PERMANENTE


async def test_who_is_not_known_is_told_so_in_chatwoots_words(cw: Vivo) -> None:
    stranger: Chatwoot = replace(cw.client, token="wrong")
    with pytest.raises(ProviderError, match="Invalid Access Token") as caught:
        await stranger.eu()
    assert caught.value.falha is Falha.CANAL_FORA
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{cw.url}/chatwoot/api/v1/profile", headers={"authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, list(answer.json())) == (401, ["errors"])
    for elsewhere in (replace(cw.client, conta=2).get_conversation(1), cw.client.get_conversation(1)):
        with pytest.raises(ProviderError, match="Resource could not be found") as caught:
            await elsewhere
        assert caught.value.falha is Falha.PERMANENTE


async def test_searches_are_limited_to_a_hundred_a_minute(cw: Vivo) -> None:
    for second in range(100):
        assert cw.mundo.busca_cabe(float(second) / 10)
    assert not cw.mundo.busca_cabe(59.9)
    assert cw.mundo.busca_cabe(60.05)
    while cw.mundo.busca_cabe():
        pass
    assert await cw.client.find_contact(None, "x") is None
    cw.mundo.limite_filtro = True
    with pytest.raises(ProviderError) as caught:
        await cw.client.find_contact(None, "x")
    assert (caught.value.falha, caught.value.status) == (Falha.REPETIR, 429)


@pytest.mark.parametrize(
    ("defeito", "falha", "kept"),
    [
        ({"status": 500}, Falha.INCERTA, 0),
        ({"status": 500, "depois_de_aceitar": True}, Falha.INCERTA, 1),
        ({"status": 429}, Falha.REPETIR, 0),
        ({"status": 401}, Falha.CANAL_FORA, 0),
        ({"status": 502, "corpo": "<html>"}, Falha.INCERTA, 0),
    ],
)
async def test_faults_have_chatwoots_shapes(cw: Vivo, defeito: dict[str, object], falha: Falha, kept: int) -> None:
    conversation = await opened(cw)
    cw.desk.world.faults.put([Defeito.model_validate({"alvo": "chatwoot.post_message", **defeito})])
    with pytest.raises(ProviderError) as caught:
        await cw.client.post_message(conversation, "oi", "outgoing", "i:1")
    assert caught.value.falha is falha
    assert [one.eco_id for one in await cw.client.list_messages(conversation)] == ["i:1"] * kept


async def test_bad_requests_are_refused(cw: Vivo) -> None:
    conversation = await opened(cw)
    account = f"{cw.url}/chatwoot/api/v1/accounts/1"
    here = f"{account}/conversations/{conversation}"
    async with httpx.AsyncClient(headers={"api_access_token": TOKEN}) as client:
        for url, body, status in (
            (f"{here}/messages", {"content": "x", "message_type": "sideways"}, 422),
            (f"{here}/messages", {"content": "x" * 150_001}, 422),
            (f"{here}/toggle_status", {"status": "closed"}, 422),
            (f"{account}/contacts", {"name": "no inbox"}, 404),
            (f"{account}/contacts/filter", {}, 422),
            (f"{account}/contacts/filter", {"payload": [{"attribute_key": "shoe"}]}, 422),
            (f"{account}/webhooks", {"url": "nowhere"}, 422),
            (f"{account}/webhooks", {"url": "http://127.0.0.1:9/y", "subscriptions": ["odd"]}, 422),
            (f"{account}/conversations", {"source_id": "nobody"}, 404),
        ):
            assert (await client.post(url, json=body)).status_code == status, (url, body)
        broken = await client.post(f"{here}/messages", content=b"{")
        assert broken.status_code == 400
        assert orjson.loads(broken.content)["error"] == "Bad Request"


async def test_cleared_it_knows_nobody_but_its_webhook(cw: Vivo) -> None:
    await opened(cw)
    cw.mundo.duplicar = True
    cw.mundo.clear()
    assert [*cw.mundo.contatos, *cw.mundo.conversas, *cw.mundo.mensagens, cw.mundo.duplicar] == [False]
    assert len(cw.mundo.webhooks) == 1
