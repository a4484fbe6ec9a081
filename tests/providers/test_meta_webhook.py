"""Every kind of Meta's webhooks and what it is to us; nothing that may come makes the reader fall."""

from __future__ import annotations

import json
import time
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.domain.evento import Eco, EfeitoRecibo, Outro, Preferencia, Recibo
from lib.domain.mensagem import Destino, MensagemRecebida, Midia, tratamento
from lib.providers.meta_alerta import ContaAlerta, ModeloMudou, read_account
from lib.providers.meta_webhook import Peca, parse, phone, read, user

PASTA = Path(__file__).parents[1] / "fixtures" / "meta"
AMOSTRAS = {path.stem: orjson.loads(path.read_bytes()) for path in sorted(PASTA.glob("*.json"))}
EVENTOS = {nome: body for nome, body in AMOSTRAS.items() if not nome.startswith("http.")}
CHIP, CONTA = "200000000000001", "100000000000001"
FONE, BSUID, WAMID = (
    "+5511900001001",
    "BR.90000000000000000001",
    "wamid.HBgNNTUxMTkwMDAwMTAwMRUCABIYFDNBMDAwMDAwMDAwMDAwMDAwMDAx",
)
EM = datetime.fromtimestamp(1_763_827_200, UTC)


def mensagem(midia: Midia, texto: str | None, **over: Any) -> dict[str, Any]:
    de = {"telefone": FONE, "lid": BSUID, "nome": "Dra. Ficticia", "msg_id": WAMID, "enviada_em": EM}
    return {**de, "midia": midia, "texto": texto, **over}


ESPERADO: dict[str, Any] = {
    "message.audio_voice": mensagem(Midia.AUDIO, None, conteudo={"mimetype": "audio/ogg; codecs=opus"}),
    "message.document": mensagem(Midia.DOCUMENTO, None, conteudo={"mimetype": "application/pdf", "arquivo": "crm.pdf"}),
    "message.image": mensagem(Midia.IMAGEM, "Meu CRM", conteudo={"mimetype": "image/jpeg"}),
    "message.interactive_button_reply": mensagem(
        Midia.BOTAO, "Tenho interesse", citada_msg_id="wamid.OUT1", conteudo={"escolha_id": "INTERESSE_SIM"}
    ),
    "message.interactive_list_reply": mensagem(
        Midia.LISTA, "Sábado 7h-19h", citada_msg_id="wamid.OUT1", conteudo={"escolha_id": "vaga-123"}
    ),
    "message.location": mensagem(
        Midia.LOCALIZACAO,
        "[localização enviada: Hospital Exemplo, Rua Fictícia, 100]",
        conteudo={"latitude": -23.5505, "longitude": -46.6333},
    ),
    "message.reply_context": mensagem(Midia.TEXTO, "Esse mesmo", citada_msg_id="wamid.OUT1"),
    "message.system_user_changed_number": Outro("o médico trocou de número"),
    "message.text_pre2026_no_bsuid": mensagem(Midia.TEXTO, "Oi", lid=None, msg_id="wamid.OLD1"),
    "message.unsupported_131051": mensagem(Midia.DESCONHECIDA, None, conteudo={"tipo_original": "unsupported"}),
    "smb_message_echoes": Eco(
        "wamid.ECHO1",
        FONE,
        None,
        Midia.TEXTO,
        "Respondido no app por humano",
        datetime.fromtimestamp(1_763_827_400, UTC),
        digitada=True,
    ),
    "status.delivered": Recibo("wamid.OUT1", "delivered", "entregue"),
    "status.failed_131026": Recibo(
        "wamid.OUT1",
        "failed",
        "falhou",
        erro="131026 Message undeliverable: Message Undeliverable.",
        efeito=EfeitoRecibo.SEM_WHATSAPP,
    ),
    "status.failed_131047": Recibo(
        "wamid.OUT1",
        "failed",
        "falhou",
        erro="131047 Re-engagement message: Message failed to send because more than 24 hours have passed since the "
        "customer last replied to this number.",
    ),
    "status.failed_131049": Recibo(
        "wamid.OUT1",
        "failed",
        "falhou",
        erro="131049 This message was not delivered to maintain healthy ecosystem engagement.: In order to maintain a "
        "healthy ecosystem engagement, the message failed to be delivered.",
    ),
    "status.read": Recibo("wamid.OUT1", "read", "lida"),
    "template_status_update.approved": None,
    "template_status_update.paused": None,
}


def body(value: dict[str, Any], field: str = "messages") -> dict[str, Any]:
    around = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": CHIP}}
    entry = {"id": CONTA, "changes": [{"value": around | value, "field": field}]}
    return {"object": "whatsapp_business_account", "entry": [entry]}


def message(**over: Any) -> dict[str, Any]:
    given = {
        "from": "5511900001001",
        "id": "wamid.1",
        "timestamp": "1763827200",
        "type": "text",
        "text": {"body": "Oi"},
    }
    return {name: part for name, part in (given | over).items() if part is not None}


def only(pecas: Any) -> Peca:
    [peca] = pecas
    assert isinstance(peca, Peca)
    return peca


def said(**over: Any) -> MensagemRecebida:
    evento = only(read(body({"messages": [message(**over)]}))).evento
    assert isinstance(evento, MensagemRecebida)
    return evento


def receipt(**over: Any) -> Any:
    given = {"id": "wamid.1", "status": "sent", "timestamp": "1763827200", "recipient_id": "5511900001001"}
    return only(read(body({"statuses": [given | over]}))).evento


def test_every_sample_of_a_webhook_has_its_meaning_here() -> None:
    assert EVENTOS.keys() == ESPERADO.keys()


@pytest.mark.parametrize("nome", [nome for nome, esperado in ESPERADO.items() if esperado is not None])
def test_a_sample_means_what_it_should(nome: str) -> None:
    peca, esperado = only(read(EVENTOS[nome])), ESPERADO[nome]
    assert peca.instancia == CHIP
    if isinstance(esperado, dict):
        evento = peca.evento
        assert isinstance(evento, MensagemRecebida)
        assert {name: getattr(evento, name) for name in esperado} == esperado
    else:
        assert peca.evento == esperado
    assert read_account(EVENTOS[nome]) == []


@pytest.mark.parametrize("nome", EVENTOS)
def test_a_piece_read_again_gives_itself(nome: str) -> None:
    for peca in read(EVENTOS[nome]):
        assert read(parse(peca.raw)) == [peca]
    for conta in read_account(EVENTOS[nome]):
        assert read_account(parse(conta.raw)) == [conta]


def test_samples_show_which_user_id_has_which_phone() -> None:
    assert only(read(EVENTOS["message.image"])).links == ((BSUID, FONE),)
    assert only(read(EVENTOS["status.delivered"])).links == ((BSUID, FONE),)
    assert only(read(EVENTOS["message.text_pre2026_no_bsuid"])).links == ()
    assert only(read(EVENTOS["message.system_user_changed_number"])).links == ()


def test_a_user_with_a_username_has_no_phone_and_is_known_by_the_user_id() -> None:
    contact = {"profile": {"name": "Dra. Ficticia", "username": "dra.ficticia"}, "user_id": BSUID}
    value = {"contacts": [contact], "messages": [message(**{"from": None, "from_user_id": BSUID})]}
    peca = only(read(body(value)))
    evento = peca.evento
    assert isinstance(evento, MensagemRecebida)
    assert (evento.telefone, evento.lid, evento.nome, peca.links) == (None, BSUID, "Dra. Ficticia", ())
    bare = only(read(body({"contacts": [contact], "messages": [message(**{"from": None})]}))).evento
    assert isinstance(bare, MensagemRecebida)
    assert bare.lid == BSUID
    hidden = {"id": "wamid.1", "status": "read", "recipient_user_id": BSUID, "recipient_parent_user_id": "BR.ENT.1"}
    assert only(read(body({"statuses": [hidden]}))).evento == Recibo("wamid.1", "read", "lida")


@pytest.mark.parametrize(("origin", "telefone"), [("contact_request", FONE), ("other", None), (None, None)])
def test_a_phone_given_on_being_asked_is_the_doctors_and_any_other_card_is_not(
    origin: str | None, telefone: str | None
) -> None:
    card = {"vcard": "x", "phones": [{"type": "HOME"}, {"phone": "+5511900001001"}]}
    given = {"from": None, "from_user_id": BSUID, "type": "contacts", "contacts": [card], "origin": origin}
    evento = said(**given)
    assert (evento.telefone, evento.lid, evento.texto) == (telefone, BSUID, "[contato enviado]")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("554190000101", "+5541990000101"),
        ("5541990000101", "+5541990000101"),
        ("551132000000", "+551132000000"),
        ("5511900001001", FONE),
        ("+5511900001001", FONE),
        ("16505551234", "+16505551234"),
        ("0", None),
        ("", None),
        (5511900001001, None),
        (None, None),
    ],
)
def test_the_ninth_digit_that_meta_leaves_out_is_put_back(written: Any, meant: str | None) -> None:
    assert phone(written) == meant


@pytest.mark.parametrize("wrong", ["BR", "br.123", "BR.", "BR.1 2", "5511900001001", "BR." + "1" * 129, 7, None])
def test_what_is_no_user_id_is_none(wrong: Any) -> None:
    assert user(wrong) is None
    assert (user("BR.1502576394655843"), user("US.ENT.118")) == ("BR.1502576394655843", "US.ENT.118")


@pytest.mark.parametrize(
    ("part", "midia", "texto", "conteudo"),
    [
        (
            {"type": "video", "video": {"id": "1", "mime_type": "video/mp4"}},
            Midia.VIDEO,
            None,
            {"mimetype": "video/mp4"},
        ),
        ({"type": "sticker", "sticker": {"id": "1"}}, Midia.FIGURINHA, None, None),
        (
            {"type": "button", "button": {"payload": "SIM", "text": "Quero"}},
            Midia.BOTAO,
            "Quero",
            {"escolha_id": "SIM"},
        ),
        (
            {
                "type": "interactive",
                "interactive": {
                    "type": "nfm_reply",
                    "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"flow_token":"x","crm":"12345"}'},
                },
            },
            Midia.INTERATIVA,
            "crm: 12345",
            {"escolha_id": "flow"},
        ),
        (
            {"type": "interactive", "interactive": {"type": "nfm_reply", "nfm_reply": {"response_json": "{broken"}}},
            Midia.INTERATIVA,
            "[formulário enviado]",
            None,
        ),
        (
            {"type": "interactive", "interactive": {"type": "call_permission_reply"}},
            Midia.DESCONHECIDA,
            None,
            {"tipo_original": "interactive call_permission_reply"},
        ),
        (
            {
                "type": "contacts",
                "contacts": [{"name": {"formatted_name": "Rui"}}, {"name": {"formatted_name": "+55 11 90000-1001"}}],
            },
            Midia.CONTATO,
            "[contatos enviados: Rui]",
            {"contatos": ["Rui"]},
        ),
        (
            {"type": "location", "location": {"latitude": 1.5, "longitude": "x"}},
            Midia.LOCALIZACAO,
            "[localização enviada]",
            {"latitude": 1.5},
        ),
        (
            {"type": "order", "order": {"product_items": [{}, {}]}},
            Midia.INTERATIVA,
            "[pedido do catálogo: 2 itens]",
            None,
        ),
        ({"type": "edit", "edit": {}}, Midia.DESCONHECIDA, None, {"tipo_original": "edit"}),
        (
            {"type": "unsupported", "unsupported": {"type": "poll"}},
            Midia.DESCONHECIDA,
            None,
            {"tipo_original": "unsupported poll"},
        ),
        ({"type": 7}, Midia.DESCONHECIDA, None, {"tipo_original": "sem tipo"}),
        ({"type": "text", "text": {"body": "a\x00b"}}, Midia.TEXTO, "ab", None),
        ({"type": "text", "text": None}, Midia.TEXTO, None, None),
        (
            {"context": {"forwarded": True}, "referral": {"headline": "Vagas", "source_url": "https://fb.me/x?u=1"}},
            Midia.TEXTO,
            "Oi",
            {"encaminhada": True, "anuncio": {"titulo": "Vagas", "site": "fb.me"}},
        ),
    ],
)
def test_a_documented_kind_means_what_it_should(
    part: dict[str, Any], midia: Midia, texto: str | None, conteudo: dict[str, Any] | None
) -> None:
    evento = said(**part)
    assert (evento.midia, evento.texto, evento.conteudo) == (midia, texto, conteudo)


def test_an_unsupported_message_goes_to_the_list_of_what_nobody_answers() -> None:
    assert tratamento(said(type="unsupported"), None).destino is Destino.SEM_RESPOSTA


def test_a_reaction_points_at_its_message_and_without_an_emoji_it_was_taken_back() -> None:
    put = said(type="reaction", reaction={"message_id": "wamid.OUT1", "emoji": "👍"})
    gone = said(type="reaction", reaction={"message_id": "wamid.OUT1"})
    assert (put.midia, put.texto, put.alvo_msg_id) == (Midia.REACAO, "👍", "wamid.OUT1")
    assert (gone.midia, gone.texto, gone.alvo_msg_id) == (Midia.REACAO, None, "wamid.OUT1")
    assert tratamento(gone, None).desfecho == "silencio: reação retirada"


@pytest.mark.parametrize(
    ("system", "motivo", "links"),
    [
        (
            {
                "type": "user_changed_number",
                "wa_id": "5511900001099",
                "user_id": "BR.200000",
                "previous_user_id": BSUID,
            },
            "o médico trocou de número",
            (("BR.200000", "+5511900001099"),),
        ),
        ({"type": "user_changed_user_id", "user_id": "BR.200000"}, "o médico tem outro identificador na Meta", ()),
        ({"type": "algo_novo"}, "aviso do sistema: algo_novo", ()),
        ({}, "aviso do sistema: sem tipo", ()),
    ],
)
def test_what_the_system_tells_is_no_message(system: dict[str, Any], motivo: str, links: Any) -> None:
    peca = only(read(body({"messages": [message(type="system", system=system)]})))
    assert (peca.evento, peca.links) == (Outro(motivo), links)


def test_a_new_user_id_links_to_the_phone_that_comes_with_it() -> None:
    update = {"user_id_update": [{"wa_id": "5511900001001", "user_id": BSUID, "detail": "x"}]}
    peca = only(read(body(update, "user_id_update")))
    assert (peca.evento, peca.links) == (Outro("o médico tem outro identificador na Meta"), ((BSUID, FONE),))


@pytest.mark.parametrize(
    ("given", "outbox_id"),
    [("42", 42), ("0", 0), ("", None), ("x42", None), ("4" * 19, None), ("٤٢", None), (42, None), (None, None)],
)
def test_our_own_name_comes_back_when_it_is_a_number(given: Any, outbox_id: int | None) -> None:
    evento = receipt(biz_opaque_callback_data=given)
    assert isinstance(evento, Recibo)
    assert evento.outbox_id == outbox_id


@pytest.mark.parametrize(
    ("word", "entrega"),
    [("sent", "enviada"), ("delivered", "entregue"), ("read", "lida"), ("played", "lida"), ("failed", "falhou")],
)
def test_a_status_is_how_far_a_message_got(word: str, entrega: str) -> None:
    assert receipt(status=word) == Recibo("wamid.1", word, entrega)


@pytest.mark.parametrize("word", ["deleted", "warning", "", None, 7, [], {}])
def test_an_unknown_status_is_kept_and_moves_nothing(word: Any) -> None:
    assert isinstance(receipt(status=word), Outro)


@pytest.mark.parametrize(
    ("code", "efeito"),
    [(131050, EfeitoRecibo.OPTOUT), (131031, EfeitoRecibo.CHIP_FORA), (131042, None), (131053, None)],
)
def test_a_failed_status_says_what_follows(code: int, efeito: EfeitoRecibo | None) -> None:
    evento = receipt(status="failed", errors=[{"code": code, "title": "Título"}])
    assert evento == Recibo("wamid.1", "failed", "falhou", erro=f"{code} Título", efeito=efeito)


def test_a_failure_names_neither_phone_nor_user_id() -> None:
    evento = receipt(status="failed", errors=[{"code": 131026, "message": f"to {BSUID}"}])
    assert isinstance(evento, Recibo)
    assert evento.erro == "131026 to ***"


@pytest.mark.parametrize(("value", "parar"), [("stop", True), ("resume", False), ("STOP", True)])
def test_a_preference_told_to_whatsapp_itself_is_ours_too(value: str, parar: bool) -> None:
    item = {"wa_id": "5511900001001", "category": "marketing_messages", "value": value, "timestamp": 1}
    peca = only(read(body({"user_preferences": [item]}, "user_preferences")))
    assert peca.evento == Preferencia(FONE, None, parar)
    item = {"user_id": BSUID, "value": value}
    assert only(read(body({"user_preferences": [item]}, "user_preferences"))).evento == Preferencia(None, BSUID, parar)
    item = {"user_id": BSUID, "value": "maybe"}
    outro = only(read(body({"user_preferences": [item]}, "user_preferences"))).evento
    assert isinstance(outro, Outro)
    assert outro.morta


def test_an_echo_of_a_reaction_answers_nobody() -> None:
    echo = {"to": "5511900001001", "id": "wamid.E", "type": "reaction", "reaction": {"message_id": "m", "emoji": "👍"}}
    evento = only(read(body({"message_echoes": [echo]}, "smb_message_echoes"))).evento
    assert isinstance(evento, Eco)
    assert not evento.digitada


def test_a_history_sync_is_kept_and_nothing_of_it_is_answered() -> None:
    history = {"history": [{"threads": [{"id": "55119", "messages": [message()]}]}]}
    assert only(read(body(history, "history"))).evento == Outro("histórico sincronizado: nada dele é respondido")


def test_a_batch_falls_into_pieces_each_with_its_own_number_contact_and_bytes() -> None:
    other = deepcopy(EVENTOS["message.image"]["entry"][0])
    other["changes"][0]["value"]["metadata"]["phone_number_id"] = "200000000000002"
    other["changes"].append(EVENTOS["status.failed_131026"]["entry"][0]["changes"][0])
    contacts = [
        {"wa_id": f"551190000100{n}", "user_id": f"BR.{n}00000", "profile": {"name": f"N{n}"}} for n in range(3)
    ]
    messages = [message(id=f"wamid.{n}", **{"from": f"551190000100{n}"}) for n in range(3)]
    value = {"contacts": contacts, "messages": messages, "statuses": [{"id": "wamid.S", "status": "sent"}]}
    value["errors"] = [{"code": 131042, "title": "Payment"}]
    whole = {"entry": [*body(value)["entry"], other, EVENTOS["template_status_update.paused"]["entry"][0]]}
    pecas = read(whole)
    assert [type(peca.evento).__name__ for peca in pecas] == [
        *("MensagemRecebida", "MensagemRecebida", "MensagemRecebida", "Recibo", "Outro"),
        *("MensagemRecebida", "Recibo"),
    ]
    assert [peca.instancia for peca in pecas] == [CHIP] * 5 + ["200000000000002", CHIP]
    assert [peca.evento.nome for peca in pecas[:3] if isinstance(peca.evento, MensagemRecebida)] == ["N0", "N1", "N2"]
    assert [peca.links for peca in pecas[:3]] == [((f"BR.{n}00000", f"+551190000100{n}"),) for n in range(3)]
    assert pecas[4].evento == Outro("erro da conta: 131042 Payment")
    assert len({peca.raw for peca in pecas}) == 7
    assert b"wamid.1" not in pecas[0].raw
    assert b"N1" not in pecas[0].raw
    assert len(read_account(whole)) == 1


def test_a_thousand_updates_are_read_fast() -> None:
    contacts = [{"wa_id": f"55119{n:08d}", "user_id": f"BR.{n:010d}"} for n in range(1_000)]
    messages = [message(id=f"w{n}", **{"from": f"55119{n:08d}", "from_user_id": f"BR.{n:010d}"}) for n in range(1_000)]
    begun = time.perf_counter()
    pecas = read(body({"contacts": contacts, "messages": messages}))
    assert len(pecas) == 1_000
    assert max(len(peca.raw) for peca in pecas) < 1_000
    assert time.perf_counter() - begun < 1.0


@pytest.mark.parametrize(
    "broken",
    [
        {"messages": [message(id=None)]},
        {"messages": [message(id="x" * 201)]},
        {"messages": [message(**{"from": None})]},
        {"messages": [None, 7, "x"]},
        {"statuses": [None]},
        {"messages": []},
        {},
    ],
)
def test_what_lacks_its_names_is_kept_as_not_understood(broken: dict[str, Any]) -> None:
    pecas = read(body(broken))
    assert pecas
    assert all(isinstance(peca.evento, Outro) for peca in pecas)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (
            "message_template_status_update",
            {"event": "REJECTED", "reason": "SCAM", "message_template_category": "MARKETING"},
            ModeloMudou(CONTA, "m", "pt_BR", status="REJECTED", categoria="MARKETING", motivo="SCAM"),
        ),
        (
            "message_template_quality_update",
            {"previous_quality_score": "GREEN", "new_quality_score": "YELLOW"},
            ModeloMudou(CONTA, "m", "pt_BR", qualidade="YELLOW"),
        ),
        (
            "template_category_update",
            {"previous_category": "UTILITY", "new_category": "MARKETING"},
            ModeloMudou(CONTA, "m", "pt_BR", categoria="MARKETING"),
        ),
    ],
)
def test_a_template_that_changed_is_told_apart(field: str, value: dict[str, Any], expected: ModeloMudou) -> None:
    named = {"message_template_name": "m", "message_template_language": "pt_BR"}
    [peca] = read_account(body(named | value, field))
    assert (peca.evento, peca.campo) == (expected, field)


def test_the_samples_of_templates() -> None:
    [approved] = read_account(EVENTOS["template_status_update.approved"])
    [paused] = read_account(EVENTOS["template_status_update.paused"])
    assert approved.evento == ModeloMudou(CONTA, "convite_plantao_v1", "pt_BR", status="APPROVED")
    why = "Your WhatsApp message template has been paused for 3 hours"
    assert paused.evento == ModeloMudou(CONTA, "convite_plantao_v1", "pt_BR", status="PAUSED", motivo=why)
    assert approved.chave != paused.chave
    assert read(EVENTOS["template_status_update.approved"]) == []


@pytest.mark.parametrize(
    ("field", "value", "evento", "motivo"),
    [
        (
            "account_update",
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}},
            "DISABLED_UPDATE",
            "DISABLE",
        ),
        (
            "account_update",
            {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "SPAM"}},
            "ACCOUNT_VIOLATION",
            "SPAM",
        ),
        ("account_alerts", {"alert_type": "OBA_APPROVED", "alert_description": "d"}, "OBA_APPROVED", "d"),
        ("phone_number_quality_update", {"event": "FLAGGED", "current_limit": "TIER_1K"}, "FLAGGED", None),
        ("phone_number_name_update", {"decision": "REJECTED", "rejection_reason": "x"}, "REJECTED", "x"),
        ("account_review_update", {"decision": "APPROVED"}, "APPROVED", None),
        ("business_capability_update", {"max_phone_numbers_per_business": 2}, None, None),
        ("security", {"event": "PIN_CHANGED"}, "PIN_CHANGED", None),
        ("something_of_2027", {"event": 7}, None, None),
        ("message_template_status_update", {"event": "APPROVED"}, "APPROVED", None),
    ],
)
def test_what_else_the_account_tells_is_an_alert(
    field: str, value: dict[str, Any], evento: str | None, motivo: str | None
) -> None:
    [peca] = read_account(body(value | {"display_phone_number": "5511900000100"}, field))
    alerta = peca.evento
    assert isinstance(alerta, ContaAlerta)
    assert (alerta.campo, alerta.evento, alerta.motivo) == (field, evento, motivo)
    assert "5511900" not in repr(alerta)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(EVENTOS)),
    at=st.integers(0, 200),
    value=json_values,
)
def test_nothing_in_any_place_makes_the_reader_fall(name: str, at: int, value: Any) -> None:
    broken = deepcopy(EVENTOS[name])
    places = list(_places(broken))
    holder, key = places[at % len(places)]
    holder[key] = value
    came = parse(json.dumps(broken).encode())
    for peca in read(came):
        assert isinstance(peca.raw, bytes)
    read_account(came)


@settings(max_examples=100, deadline=None)
@given(value=json_values)
def test_no_json_makes_the_reader_fall(value: Any) -> None:
    came = parse(json.dumps(value).encode())
    assert list(read(came)) == [] or isinstance(came, dict)
    read_account(came)


@pytest.mark.parametrize("number", ["-9223372036854775809", "18446744073709551616", "-0", "1.5e3"])
def test_a_number_of_any_size_is_kept_with_its_piece(number: str) -> None:
    raw = orjson.dumps(EVENTOS["status.read"]).replace(b'"wamid.OUT1"', b'"wamid.OUT1","price":' + number.encode())
    assert only(read(parse(raw))).evento == Recibo("wamid.OUT1", "read", "lida")


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(items):
        yield value, key
        yield from _places(part)
