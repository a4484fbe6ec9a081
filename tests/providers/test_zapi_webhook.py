"""Every kind of Z-API webhook and what it is to us; nothing that Z-API may send makes the reader fall."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.domain.evento import Conexao, Eco, Evento, Outro, Preferencia, Recibo
from lib.domain.mensagem import MensagemRecebida
from lib.providers.zapi_webhook import instance_of, instance_of_path, links, parse, path_key, read

Resumo = tuple[str, str | None, dict[str, Any]]
PASTA = Path(__file__).parents[1] / "fixtures/zapi"
INSTANCIA = "3C0000000000000000000000000000A1"


def amostras() -> dict[str, dict[str, Any]]:
    """The documented webhooks and hand-made variants of kinds that nobody recorded, by name."""
    single = {path.stem: orjson.loads(path.read_bytes()) for path in PASTA.glob("*.json")}
    made = single.pop("feitas")
    return dict(sorted({name: body for name, body in (single | made).items() if not name.startswith("http.")}.items()))


AMOSTRAS = amostras()
ESPERADO: dict[str, list[Resumo]] = {
    "connected": [("conexão", None, {"conectado": True})],
    "delivery.error": [
        (
            "recibo",
            "DELIVERY_ERROR",
            {"id": "D241ZAPI5", "entrega": "falhou", "erro": "Phone number does not exist", "efeito": "sem_whatsapp"},
        )
    ],
    "delivery.error_disconnected": [
        (
            "recibo",
            "DELIVERY_ERROR",
            {"id": "D241ZAPI6", "entrega": "falhou", "erro": "You are not connected.", "efeito": "chip_fora"},
        )
    ],
    "delivery.error_with_phone": [
        ("recibo", "DELIVERY_ERROR", {"id": "D241ZAPI7", "entrega": "falhou", "erro": "could not send to ****1001"})
    ],
    "delivery.ok": [("recibo", "DELIVERY", {"id": "D241ZAPI732339502B68", "entrega": "enviada"})],
    "delivery.without_id": [("morta", "envio sem mensagem", {})],
    "disconnected": [("conexão", "desconectado: Device has been disconnected", {"conectado": False})],
    "future.callback": [("evento", "evento sem tratamento: QuantumCallback", {})],
    "presence.composing": [("evento", "presença", {})],
    "received.audio": [
        ("mensagem: audio", None, {"visualizacao_unica": True, "segundos": 10, "mimetype": "audio/ogg; codecs=opus"})
    ],
    "received.broadcast": [("evento", "mensagem de grupo, lista ou canal", {})],
    "received.button_reply": [("mensagem: botao", "Sim", {"citada": "D241ZAPI732339502B68", "escolha_id": "btn-sim"})],
    "received.button_reply_without_words": [("mensagem: botao", "btn-nao", {"escolha_id": "btn-nao"})],
    "received.buttons_message": [("mensagem: texto", "Escolha", {})],
    "received.call_missed_video": [("mensagem: ligacao", None, {})],
    "received.call_ringing": [("evento", "ligação recebida: ninguém atende por voz", {})],
    "received.carousel_own": [("eco", "Veja", {})],
    "received.contact": [
        ("mensagem: contato", "[contato enviado: Dr. Colega Fictício]", {"contatos": ["Dr. Colega Fictício"]})
    ],
    "received.contacts": [("mensagem: contato", "[contatos enviados: Dr. A]", {"contatos": ["Dr. A"]})],
    "received.document": [("mensagem: documento", None, {"mimetype": "application/pdf", "arquivo": "crm.pdf"})],
    "received.e2e": [("evento", "aviso do WhatsApp: E2E_ENCRYPTED", {})],
    "received.edit": [
        ("mensagem: edicao", "Oi, tenho interesse no plantão de DOMINGO", {"alvo": "3EB0Z0000000000001"})
    ],
    "received.edit_image": [("mensagem: edicao", "CRM novo", {"alvo": "3EB0Z0000000000004", "mimetype": "image/jpeg"})],
    "received.edit_own": [("evento", "do próprio chip: edicao", {})],
    "received.empty": [("mensagem: desconhecida", None, {})],
    "received.event": [("mensagem: evento", "[evento: Reunião, na quinta]", {})],
    "received.event_response": [("mensagem: evento", "[resposta a um evento: GOING]", {"alvo": "D241ZAPI2"})],
    "received.fromMe_api_echo": [("eco", "Oi Dra! Temos um plantão", {})],
    "received.fromMe_phone": [("eco digitado", "Respondido do celular por humano", {})],
    "received.from_ad": [
        ("mensagem: texto", "Vi o anúncio", {"anuncio": {"titulo": "Plantões", "site": "ads.example.test"}})
    ],
    "received.future_kind": [("mensagem: desconhecida", None, {"tipo_original": "xyzMessage"})],
    "received.group": [("evento", "mensagem de grupo, lista ou canal", {})],
    "received.group_old": [("evento", "mensagem de grupo, lista ou canal", {})],
    "received.hydrated_template": [("mensagem: texto", "texto do modelo", {})],
    "received.image_download_error": [("mensagem: imagem", None, {"mimetype": "image/jpeg"})],
    "received.image_viewonce": [
        ("mensagem: imagem", "Meu CRM", {"visualizacao_unica": True, "mimetype": "image/jpeg"})
    ],
    "received.lid_only": [("mensagem: texto", "sou um LID", {})],
    "received.list_reply": [
        ("mensagem: lista", "Sábado 7h-19h", {"citada": "D241ZAPI732339502B68", "escolha_id": "vaga-123"})
    ],
    "received.list_reply_without_title": [("mensagem: lista", "Hospital Exemplo", {"escolha_id": "vaga-9"})],
    "received.location": [
        (
            "mensagem: localizacao",
            "[localização enviada: Hospital Exemplo]",
            {"latitude": -23.5489, "longitude": -46.6388},
        )
    ],
    "received.location_bare": [
        (
            "mensagem: localizacao",
            "[localização enviada: -23.54890, -46.63880]",
            {"latitude": -23.5489, "longitude": -46.6388},
        )
    ],
    "received.newsletter": [("evento", "mensagem de grupo, lista ou canal", {})],
    "received.newsletter_invite": [("evento", "convite para administrar um canal", {})],
    "received.notification_call_missed": [("mensagem: ligacao", None, {})],
    "received.order": [("mensagem: desconhecida", None, {"tipo_original": "order"})],
    "received.payment": [("mensagem: desconhecida", None, {"tipo_original": "sendPayment"})],
    "received.pin": [("evento", "mensagem fixada na conversa", {})],
    "received.poll": [
        (
            "mensagem: enquete",
            "[enquete: Qual dia? — opções: Sábado, Domingo]",
            {"pergunta": "Qual dia?", "opcoes": ["Sábado", "Domingo"]},
        )
    ],
    "received.poll_vote": [("mensagem: voto", "Sábado", {"alvo": "D241ZAPI1", "votos": ["Sábado"]})],
    "received.poll_vote_taken_back": [("mensagem: voto", None, {"alvo": "D241ZAPI1"})],
    "received.profile_name": [("evento", "aviso do WhatsApp: PROFILE_NAME_UPDATED", {})],
    "received.quote_forwarded_temporary": [
        ("mensagem: texto", "respondendo", {"citada": "D241ZAPI3", "temporaria": True, "encaminhada": True})
    ],
    "received.reaction": [("mensagem: reacao", "👍", {"alvo": "D241ZAPI732339502B68"})],
    "received.reaction_own": [("eco", "❤️", {})],
    "received.reaction_removed": [("mensagem: reacao", None, {"alvo": "D241ZAPI4"})],
    "received.revoke": [("mensagem: apagamento", None, {"alvo": "3EB0Z0000000000001"})],
    "received.revoke_own": [("evento", "do próprio chip: apagamento", {})],
    "received.revoke_with_reference": [("mensagem: apagamento", None, {"alvo": "3EB0Z0000000000001"})],
    "received.seconds": [("mensagem: texto", "em segundos", {})],
    "received.sender_lid": [("mensagem: texto", "nome antigo do campo", {})],
    "received.sender_name_is_the_phone": [("mensagem: texto", "sem nome", {})],
    "received.spelt_callback_with_capital_b": [("mensagem: texto", "como no texto da documentação", {})],
    "received.status_broadcast": [("evento", "mensagem de grupo, lista ou canal", {})],
    "received.status_reply": [("mensagem: texto", "vi seu status", {})],
    "received.sticker": [("mensagem: figurinha", None, {"mimetype": "image/webp"})],
    "received.stop": [("mensagem: texto", "SAIR", {})],
    "received.text": [("mensagem: texto", "Oi, tenho interesse no plantão", {})],
    "received.text_card": [("mensagem: texto", "Plantões SP\nConvite para o grupo", {})],
    "received.text_empty": [("mensagem: texto", None, {})],
    "received.to_self": [("evento", "do próprio chip: texto", {})],
    "received.video": [("mensagem: video", None, {"segundos": 13, "mimetype": "video/mp4"})],
    "received.waiting_message": [("evento", "à espera do conteúdo, que vem com o mesmo identificador", {})],
    "received.waiting_own": [("evento", "à espera do conteúdo, que vem com o mesmo identificador", {})],
    "received.waiting_with_content": [("mensagem: texto", "agora sim", {})],
    "received.without_id": [("morta", "mensagem sem identificação legível", {})],
    "received.without_moment": [("mensagem: texto", "sem hora", {})],
    "received.without_ninth_digit": [("mensagem: texto", "do Paraná", {})],
    "received.without_phone": [("morta", "mensagem sem identificação legível", {})],
    "status.PLAYED": [("recibo", "PLAYED", {"id": "D241ZAPI732339502B68", "entrega": "lida"})],
    "status.READ": [
        ("recibo", "READ", {"id": "D241ZAPI732339502B68", "entrega": "lida"}),
        ("recibo", "READ", {"id": "D241ZAPI732339502B69", "entrega": "lida"}),
    ],
    "status.READ_BY_ME": [("evento", "lida por nós no celular", {})],
    "status.RECEIVED": [("recibo", "RECEIVED", {"id": "D241ZAPI732339502B68", "entrega": "entregue"})],
    "status.SENT": [("recibo", "SENT", {"id": "D241ZAPI8", "entrega": "enviada"})],
    "status.group": [("evento", "recibo de grupo", {})],
    "status.repeated_id": [("recibo", "READ", {"id": "D241ZAPI8", "entrega": "lida"})],
    "status.single_id": [("recibo", "READ", {"id": "D241ZAPI9", "entrega": "lida"})],
    "status.unknown": [("evento", "recibo desconhecido: TELEPORTED", {})],
    "status.without_ids": [("morta", "recibo sem mensagem", {})],
    "without_type": [("morta", "evento sem tipo", {})],
}


def resumo(evento: Evento) -> Resumo:
    """Kind, words, and what else of it matters."""
    match evento:
        case MensagemRecebida():
            points = {"alvo": evento.alvo_msg_id, "citada": evento.citada_msg_id}
            named = {name: value for name, value in points.items() if value is not None}
            return f"mensagem: {evento.midia}", evento.texto, named | (evento.conteudo or {})
        case Eco():
            return "eco digitado" if evento.digitada else "eco", evento.texto, evento.conteudo or {}
        case Recibo():
            more = {"erro": evento.erro, "efeito": evento.efeito}
            named = {name: str(value) for name, value in more.items() if value is not None}
            return "recibo", evento.status, {"id": evento.msg_id, "entrega": evento.entrega} | named
        case Conexao():
            return "conexão", evento.motivo, {"conectado": evento.conectado}
        case Outro():
            return "morta" if evento.morta else "evento", evento.motivo, {}
        case Preferencia():
            return "preferência", None, {"parar": evento.parar}


def test_every_sample_is_in_the_table() -> None:
    assert AMOSTRAS.keys() == ESPERADO.keys()
    assert len(ESPERADO) >= 85


@pytest.mark.parametrize("nome", AMOSTRAS)
def test_a_webhook_is_what_the_table_says(nome: str) -> None:
    assert [resumo(evento) for evento in read(AMOSTRAS[nome])] == ESPERADO[nome]


def message(body: dict[str, Any]) -> MensagemRecebida:
    [evento] = read(body)
    assert isinstance(evento, MensagemRecebida)
    return evento


@pytest.mark.parametrize(
    ("nome", "telefone", "lid"),
    [
        ("received.text", "+5511900001001", "201000000001001"),
        ("received.sender_lid", "+5511900001001", "201000000001001"),
        ("received.lid_only", None, "201000000009009"),
        ("received.without_ninth_digit", "+5541990000101", None),
    ],
)
def test_the_sender_is_read_in_every_addressing(nome: str, telefone: str | None, lid: str | None) -> None:
    evento = message(AMOSTRAS[nome])
    assert (evento.telefone, evento.lid) == (telefone, lid)


@pytest.mark.parametrize(
    ("nome", "pares"),
    [
        ("received.text", (("201000000001001", "+5511900001001"),)),
        ("received.sender_lid", (("201000000001001", "+5511900001001"),)),
        ("received.fromMe_phone", (("201000000001001", "+5511900001001"),)),
        ("received.group", (("201000000002001", "+5511900002001"),)),
        ("received.lid_only", ()),
        ("received.profile_name", ()),
        ("status.READ", ()),
    ],
)
def test_an_event_that_names_lid_and_phone_teaches_the_pair(nome: str, pares: tuple[tuple[str, str], ...]) -> None:
    assert links(AMOSTRAS[nome]) == pares


def test_the_senders_lid_of_a_message_of_ours_is_not_the_doctors() -> None:
    body = deepcopy(AMOSTRAS["received.fromMe_phone"])
    body["senderLid"] = body.pop("chatLid")
    [echo] = read(body)
    assert isinstance(echo, Eco)
    assert (echo.telefone, echo.lid, links(body)) == ("+5511900001001", None, ())


def test_an_instant_is_read_from_milliseconds_and_from_seconds() -> None:
    at = datetime(2025, 11, 22, 16, 0, tzinfo=UTC)
    assert message(AMOSTRAS["received.text"]).enviada_em == at
    assert message(AMOSTRAS["received.seconds"]).enviada_em == at
    assert message(AMOSTRAS["received.without_moment"]).enviada_em is None


def test_a_placeholder_does_not_take_the_identity_of_the_message_that_follows() -> None:
    [waiting] = read(AMOSTRAS["received.waiting_message"])
    real = message(AMOSTRAS["received.waiting_with_content"])
    assert isinstance(waiting, Outro)
    assert real.msg_id == AMOSTRAS["received.waiting_message"]["messageId"]


def test_an_edit_has_an_identity_of_its_own_by_time_and_words_and_a_repeated_one_has_the_same() -> None:
    first = AMOSTRAS["received.edit"]
    other, later = deepcopy(first), deepcopy(first)
    other["text"]["message"] = "outra"
    later["momment"] += 1
    ids = [message(body).msg_id for body in (first, deepcopy(first), other, later, AMOSTRAS["received.text"])]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4
    assert message(first).assinada


def test_a_deletion_is_one_however_often_it_is_told() -> None:
    deletions = [message(AMOSTRAS[name]) for name in ("received.revoke", "received.revoke_with_reference")]
    assert {one.msg_id for one in deletions} == {"apagamento:3EB0Z0000000000001"}


def test_a_number_in_the_place_of_a_name_is_no_name() -> None:
    assert message(AMOSTRAS["received.text"]).nome == "Dra. Ficticia"
    assert message(AMOSTRAS["received.sender_name_is_the_phone"]).nome is None


def test_a_failures_text_shows_nobodys_number() -> None:
    [failed] = read(AMOSTRAS["delivery.error_with_phone"])
    assert isinstance(failed, Recibo)
    assert "5511900001001" not in str(failed)


@pytest.mark.parametrize("raw", [b"", b"{", b"null", b"[]", b"7", b'"x"', b"\x00", b"NaN", b"[" * 100_000])
def test_what_is_no_object_is_dead_and_names_no_instance(raw: bytes) -> None:
    body = parse(raw)
    [evento] = read(body)
    assert isinstance(evento, Outro)
    assert evento.morta
    assert (instance_of(body), links(body)) == (None, ())


def test_ids_longer_than_anybody_gives_are_not_understood() -> None:
    body = {**AMOSTRAS["received.text"], "messageId": "x" * 201}
    assert [resumo(one)[0] for one in read(body)] == ["morta"]
    many = {**AMOSTRAS["status.READ"], "ids": [f"id{n}" for n in range(5_000)]}
    assert len(read(many)) == 1_000


def test_a_nul_never_reaches_a_text() -> None:
    body = deepcopy(AMOSTRAS["received.text"])
    body |= {"messageId": "3EB0\x00A", "senderName": "Ana\x00", "text": {"message": "oi\x00!"}}
    evento = message(body)
    assert (evento.msg_id, evento.nome, evento.texto) == ("3EB0A", "Ana", "oi!")


@pytest.mark.parametrize("nome", AMOSTRAS)
def test_no_field_of_another_type_makes_the_reader_fall(nome: str) -> None:
    rng = Random(nome)
    values: tuple[Any, ...] = (None, 7, -1, True, "x", "", [], [None], {}, {"x": {}}, 1e300, "9" * 400, ["a", {"b": 1}])
    for wrong in values:
        for key, part in AMOSTRAS[nome].items():
            body = {**AMOSTRAS[nome], key: wrong}
            assert read(body)
            links(body)
            if isinstance(part, dict) and part:
                inner = rng.choice(list(part))
                assert read({**AMOSTRAS[nome], key: {**part, inner: wrong}})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)
_KEYS = sorted({key for body in AMOSTRAS.values() for key in body})


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=12), st.sampled_from(sorted(AMOSTRAS)))
def test_any_mixture_of_known_fields_is_read(over: dict[str, Any], nome: str) -> None:
    body = AMOSTRAS[nome] | over
    assert read(body)
    links(body)
    instance_of(body)


def test_the_paths_key_is_of_one_instance_and_turns_with_the_secret() -> None:
    key = path_key("a" * 40, INSTANCIA)
    assert instance_of_path(key, ("b" * 40, "a" * 40)) == INSTANCIA
    assert instance_of_path(key, ("b" * 40,)) is None
    assert instance_of_path(key, ()) is None
    assert instance_of_path(f"outra.{key.rpartition('.')[2]}", ("a" * 40,)) is None
    for wrong in ("", ".", INSTANCIA, f"{INSTANCIA}.", f"{key}0", key[:-1], f"{INSTANCIA}.é"):
        assert instance_of_path(wrong, ("a" * 40,)) is None
