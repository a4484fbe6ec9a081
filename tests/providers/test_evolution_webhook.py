"""Every kind of Evolution webhook and what it is to us; nothing that a gateway may send makes the reader fall."""

from __future__ import annotations

import string
from copy import deepcopy
from datetime import UTC, datetime
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.domain.evento import Preferencia
from lib.domain.mensagem import MensagemRecebida, tratamento
from lib.providers.evolution_conteudo import FUNDO_MAX
from lib.providers.evolution_json import TEXT_MAX
from lib.providers.evolution_webhook import Conexao, Eco, Evento, Outro, Recibo, links, parse, read
from tests.fixtures.amostras import amostras

Resumo = tuple[str, str | None, dict[str, Any]]
AMOSTRAS = amostras()
ESPERADO: dict[str, Resumo] = {
    "MESSAGES_UPSERT.by_events": ("mensagem: texto", "por evento", {}),
    "application_error_webhook": ("evento", "erro do gateway", {}),
    "call": ("evento", "ligação recebida: ninguém atende por voz", {}),
    "connection.update.close_401": (
        "conexão",
        "desconectado: sessão encerrada ou número banido (401)",
        {"conectado": False},
    ),
    "connection.update.close_403": ("conexão", "desconectado: número bloqueado (403)", {"conectado": False}),
    "connection.update.connecting": ("evento", "conectando", {}),
    "connection.update.open": ("conexão", None, {"conectado": True}),
    "connection.update.refused": ("conexão", "conexão recusada: sem causa conhecida (500)", {"conectado": False}),
    "contacts.update": ("evento", "contato atualizado", {}),
    "contacts.upsert": ("evento", "contato novo", {}),
    "future.event": ("evento", "evento sem tratamento: algo.novo", {}),
    "group-participants.update": ("evento", "participantes de grupo", {}),
    "groups.update": ("evento", "grupo atualizado", {}),
    "instance.create": ("evento", "instância criada", {}),
    "labels.association": ("evento", "etiqueta associada", {}),
    "logout.instance": ("conexão", "sessão encerrada", {"conectado": False}),
    "messages.delete.bare_key": ("mensagem: apagamento", None, {"alvo": "3A000000000000000001"}),
    "messages.delete.bare_key_with_status": ("mensagem: apagamento", None, {"alvo": "3A000000000000000002"}),
    "messages.delete.own_row": ("evento", "do próprio chip: apagamento", {}),
    "messages.edited.EPHEMERAL_SETTING": ("evento", "ajuste da conversa: EPHEMERAL_SETTING", {}),
    "messages.edited.REVOKE_delete_for_everyone": ("mensagem: apagamento", None, {"alvo": "3A000000000000000001"}),
    "messages.edited.edit_from_authors_side": (
        "mensagem: edicao",
        "do lado do autor",
        {"alvo": "3A000000000000000001"},
    ),
    "messages.edited.edit_image_caption": ("mensagem: edicao", "CRM novo", {"alvo": "3A000000000000000008"}),
    "messages.edited.edit_plain": (
        "mensagem: edicao",
        "Oi, tenho interesse no plantão de DOMINGO",
        {"alvo": "3A000000000000000001"},
    ),
    "messages.edited.edit_to_stop": ("mensagem: edicao", "SAIR", {"alvo": "3A000000000000000001"}),
    "messages.edited.edit_type_int": ("mensagem: edicao", "na verdade sábado", {"alvo": "3A000000000000000001"}),
    "messages.edited.group": ("evento", "mensagem de grupo", {}),
    "messages.set.history": ("evento", "histórico sincronizado: nada dele é respondido", {}),
    "messages.update.DELIVERY_ACK": ("recibo", "DELIVERY_ACK", {"entrega": "entregue"}),
    "messages.update.ERROR": ("recibo", "ERROR", {"entrega": "falhou"}),
    "messages.update.PLAYED": ("recibo", "PLAYED", {"entrega": "lida"}),
    "messages.update.by_number": ("recibo", "SERVER_ACK", {"entrega": "enviada"}),
    "messages.update.unknown_status": ("evento", "recibo desconhecido: DELETED", {}),
    "messages.update.v1": ("recibo", "READ", {"entrega": "lida"}),
    "messages.upsert.album_child": ("mensagem: imagem", None, {"mimetype": "image/jpeg"}),
    "messages.upsert.album_header": ("evento", "álbum: as fotos vêm a seguir", {}),
    "messages.upsert.audio_ptt": (
        "mensagem: audio",
        None,
        {"segundos": 17, "bytes": 30211, "mimetype": "audio/ogg; codecs=opus"},
    ),
    "messages.upsert.broadcast_list": ("evento", "transmissão, status ou canal", {}),
    "messages.upsert.business_template": ("mensagem: texto", "Olá! Retorno em breve.", {}),
    "messages.upsert.buttons_response": ("mensagem: botao", "Sim", {"citada": "3EB0AAAA0002", "escolha_id": "btn-sim"}),
    "messages.upsert.call_log": ("mensagem: ligacao", None, {}),
    "messages.upsert.contact_named_by_phone": ("mensagem: contato", "[contato enviado]", {}),
    "messages.upsert.contact_vcard": (
        "mensagem: contato",
        "[contato enviado: Dr. Colega Fictício]",
        {"contatos": ["Dr. Colega Fictício"]},
    ),
    "messages.upsert.contacts_array": (
        "mensagem: contato",
        "[contatos enviados: Dr. Um Fictício]",
        {"contatos": ["Dr. Um Fictício"]},
    ),
    "messages.upsert.device_sent_wrapper": ("mensagem: texto", "pelo computador", {}),
    "messages.upsert.document_with_caption": (
        "mensagem: documento",
        "Segue meu currículo",
        {"bytes": 84213, "mimetype": "application/pdf", "arquivo": "curriculo.pdf"},
    ),
    "messages.upsert.document_with_caption_wrapper": ("mensagem: documento", "segue meu CRM", {"arquivo": "crm.pdf"}),
    "messages.upsert.document_without_caption": (
        "mensagem: documento",
        None,
        {"mimetype": "application/pdf", "arquivo": "curriculo.pdf"},
    ),
    "messages.upsert.duplicate_first": ("mensagem: texto", "dup", {}),
    "messages.upsert.edited_wrapper": (
        "mensagem: edicao",
        "Oi, é para o plantão de DOMINGO",
        {"alvo": "3A000000000000000001"},
    ),
    "messages.upsert.empty_ephemeral": (
        "mensagem: desconhecida",
        None,
        {"tipo_original": "ephemeralMessage", "temporaria": True},
    ),
    "messages.upsert.empty_text": ("mensagem: texto", None, {}),
    "messages.upsert.from_me_late": ("eco digitado", "de ontem", {}),
    "messages.upsert.from_me_reaction": ("eco", "❤️", {}),
    "messages.upsert.from_me_revoke": ("evento", "do próprio chip: apagamento", {}),
    "messages.upsert.from_me_to_self": ("evento", "do próprio chip: texto", {}),
    "messages.upsert.from_me_typed": ("eco digitado", "Oi doutora, aqui é a Paula", {}),
    "messages.upsert.future_kind": ("mensagem: desconhecida", None, {"tipo_original": "xyzMessage"}),
    "messages.upsert.group_invite_message": (
        "mensagem: convite_grupo",
        "[convite para o grupo Plantoes SP Capital] entra aí",
        {"grupo": "Plantoes SP Capital"},
    ),
    "messages.upsert.group_text_v1style": ("evento", "mensagem de grupo", {}),
    "messages.upsert.history_without_timestamp": ("mensagem: texto", "sem hora", {}),
    "messages.upsert.image_caption": ("mensagem: imagem", "Meu CRM", {"bytes": 84213, "mimetype": "image/jpeg"}),
    "messages.upsert.image_v2_0_to_2_2_string_fields": (
        "mensagem: imagem",
        "Meu CRM",
        {"bytes": 84213, "mimetype": "image/jpeg"},
    ),
    "messages.upsert.image_without_caption": ("mensagem: imagem", None, {"bytes": 999, "mimetype": "image/png"}),
    "messages.upsert.interactive_response": ("mensagem: interativa", "Quero esta", {"escolha_id": "vaga-7"}),
    "messages.upsert.interactive_response_only_params": ("mensagem: interativa", "Vaga 8", {"escolha_id": "vaga-8"}),
    "messages.upsert.late_stop": ("mensagem: texto", "SAIR", {}),
    "messages.upsert.late_text": ("mensagem: texto", "mensagem de ontem", {}),
    "messages.upsert.list_of_one": ("mensagem: texto", "em lista", {}),
    "messages.upsert.list_response": ("mensagem: lista", "Sábado 7h-19h", {"escolha_id": "vaga-123"}),
    "messages.upsert.list_response_only_row": ("mensagem: lista", "linha-2", {"escolha_id": "linha-2"}),
    "messages.upsert.live_location": (
        "mensagem: localizacao",
        "[localização enviada: -23.55050, -46.63330]",
        {"latitude": -23.5505, "longitude": -46.6333},
    ),
    "messages.upsert.location": (
        "mensagem: localizacao",
        "[localização enviada: Hospital Exemplo, Rua Fictícia, 100]",
        {"latitude": -23.5505, "longitude": -46.6333},
    ),
    "messages.upsert.location_without_name": (
        "mensagem: localizacao",
        "[localização enviada: -23.55050, -46.63330]",
        {"latitude": -23.5505, "longitude": -46.6333},
    ),
    "messages.upsert.newsletter": ("evento", "transmissão, status ou canal", {}),
    "messages.upsert.poll_creation": (
        "mensagem: enquete",
        "[enquete: Qual dia? — opções: Sábado, Domingo]",
        {"pergunta": "Qual dia?", "opcoes": ["Sábado", "Domingo"]},
    ),
    "messages.upsert.poll_vote_counted": ("mensagem: voto", "Domingo", {"alvo": "3EB0AAAA0003", "votos": ["Domingo"]}),
    "messages.upsert.poll_vote_readable": ("mensagem: voto", "Sábado", {"alvo": "3EB0AAAA0003", "votos": ["Sábado"]}),
    "messages.upsert.poll_vote_retracted": ("mensagem: voto", None, {"alvo": "3EB0AAAA0003"}),
    "messages.upsert.product_unknown_kind": ("mensagem: desconhecida", None, {"tipo_original": "productMessage"}),
    "messages.upsert.protocol_ephemeral_setting": ("evento", "ajuste da conversa: 3", {}),
    "messages.upsert.protocol_revoke": ("mensagem: apagamento", None, {"alvo": "3A000000000000000001"}),
    "messages.upsert.reaction_add": ("mensagem: reacao", "👍", {"alvo": "3EB0AAAA0001"}),
    "messages.upsert.reaction_remove": ("mensagem: reacao", None, {"alvo": "3EB0AAAA0001"}),
    "messages.upsert.status_broadcast": ("evento", "transmissão, status ou canal", {}),
    "messages.upsert.sticker": ("mensagem: figurinha", None, {"bytes": 84213, "mimetype": "image/webp"}),
    "messages.upsert.sticker_lottie": ("mensagem: figurinha", None, {"mimetype": "application/was"}),
    "messages.upsert.template_button_reply": (
        "mensagem: botao",
        "Não",
        {"citada": "3EB0AAAA0004", "escolha_id": "btn-nao"},
    ),
    "messages.upsert.text_ad_referral": (
        "mensagem: texto",
        "Vi o anúncio",
        {"anuncio": {"titulo": "Plantões em SP", "site": "anuncio.example.test"}},
    ),
    "messages.upsert.text_conversation_pn": ("mensagem: texto", "Bom dia!", {}),
    "messages.upsert.text_ephemeral": ("mensagem: texto", "mensagem temporária", {"temporaria": True}),
    "messages.upsert.text_extended_v1": ("mensagem: texto", "Bom dia, ainda tem vaga?", {}),
    "messages.upsert.text_forwarded": ("mensagem: texto", "encaminho", {"encaminhada": True}),
    "messages.upsert.text_lid_bare": ("mensagem: texto", "oi, sou eu", {}),
    "messages.upsert.text_quoted": ("mensagem: texto", "essa aqui", {"citada": "3EB0AAAA0009"}),
    "messages.upsert.text_quoted_v1": ("mensagem: texto", "quero essa", {"citada": "3EB0AAAA0010"}),
    "messages.upsert.text_sender_pn": ("mensagem: texto", "oi pelo lid", {}),
    "messages.upsert.text_stop": ("mensagem: texto", "Para de me mandar mensagem", {}),
    "messages.upsert.timestamp_as_long": ("mensagem: texto", "hora longa", {}),
    "messages.upsert.undecrypted_stub": ("mensagem: desconhecida", None, {"tipo_original": "stub 2"}),
    "messages.upsert.unknown_type_event": ("mensagem: evento", "[evento: Reunião]", {}),
    "messages.upsert.video": ("mensagem: video", None, {"segundos": 12, "bytes": 84213, "mimetype": "video/mp4"}),
    "messages.upsert.video_note": ("mensagem: video", None, {"segundos": 9, "mimetype": "video/mp4"}),
    "messages.upsert.view_once_in_ephemeral": (
        "mensagem: video",
        "olha",
        {"visualizacao_unica": True, "temporaria": True, "segundos": 4, "mimetype": "video/mp4"},
    ),
    "messages.upsert.view_once_v2_image": (
        "mensagem: imagem",
        None,
        {"visualizacao_unica": True, "bytes": 1234, "mimetype": "image/jpeg"},
    ),
    "messages.upsert.without_key": ("morta", "messages.upsert sem a forma esperada", {}),
    "presence.update": ("evento", "presença", {}),
    "qrcode.updated.limit_reached": (
        "evento",
        "QR code: limite atingido (QR code limit reached, please login again)",
        {},
    ),
    "qrcode.updated.waiting": ("evento", "QR code à espera de leitura", {}),
    "remove.instance": ("evento", "instância removida", {}),
    "send.message.contact": ("eco", "[contato enviado: Gestor Fictício]", {}),
    "send.message.text_lid": ("eco", "oi por lid", {}),
    "send.message.text_pn": ("eco", "oi pelo número", {}),
    "status.instance": ("conexão", "desconectado: sessão encerrada ou número banido (401)", {"conectado": False}),
    "v2.3.7.messages.upsert.group_text_lid": ("evento", "mensagem de grupo", {}),
    "v2.3.7.messages.upsert.poll_vote": (
        "mensagem: voto",
        "[votou numa enquete; a opção não veio legível]",
        {"alvo": "3EB0AAAA0003"},
    ),
    "v2.3.7.messages.upsert.text_conversation_lid": ("mensagem: texto", "Oi, tenho interesse no plantão de sábado", {}),
}
ESTRANHOS: tuple[Any, ...] = (
    None, True, False, 0, -1, 14, 2**63, 1e308, -0.5, "", " ", "\x00", "14", "REVOKE", "SAIR", "é" * 300, [], [None],
    {}, {"low": 1}, {"low": "x", "high": None}, {"message": {}}, {"key": {}}, {"key": {"id": 7}}, [[[]]], "1@lid", "@",
    "a@g.us",
    {"protocolMessage": {"type": 14, "key": {"id": "x"}, "editedMessage": 3}}, {"conversation": ["x"]},
)  # fmt: skip


def resumo(evento: Evento) -> Resumo:
    match evento:
        case MensagemRecebida():
            ids = {"alvo": evento.alvo_msg_id, "citada": evento.citada_msg_id}
            known = {name: value for name, value in ids.items() if value}
            return f"mensagem: {evento.midia}", evento.texto, known | (evento.conteudo or {})
        case Eco():
            return "eco digitado" if evento.digitada else "eco", evento.texto, {}
        case Recibo():
            return "recibo", evento.status, {"entrega": evento.entrega}
        case Conexao():
            return "conexão", evento.motivo, {"conectado": evento.conectado}
        case Outro():
            return "morta" if evento.morta else "evento", evento.motivo, {}
        case Preferencia():
            raise AssertionError("Evolution has no such menu")


def test_every_sample_is_in_the_table() -> None:
    assert AMOSTRAS.keys() == ESPERADO.keys()
    assert len(ESPERADO) >= 110


@pytest.mark.parametrize("nome", AMOSTRAS)
def test_a_webhook_is_what_the_table_says(nome: str) -> None:
    assert resumo(read(AMOSTRAS[nome])) == ESPERADO[nome]


def message(body: dict[str, Any]) -> MensagemRecebida:
    evento = read(body)
    assert isinstance(evento, MensagemRecebida)
    return evento


@pytest.mark.parametrize(
    ("nome", "telefone", "lid"),
    [
        ("messages.upsert.text_conversation_pn", "+5511900001001", "201000000001001"),
        ("messages.upsert.duplicate_first", "+5511900001001", "201000000001001"),
        ("messages.upsert.text_sender_pn", "+5511900001001", "201000000001001"),
        ("messages.upsert.text_lid_bare", None, "201000000009009"),
        ("messages.upsert.text_extended_v1", "+5511900001001", None),
        ("v2.3.7.messages.upsert.text_conversation_lid", "+5511900001001", None),
        ("messages.edited.edit_plain", None, "201000000001001"),
        ("messages.edited.edit_from_authors_side", None, None),
    ],
)
def test_the_sender_is_read_in_every_addressing(nome: str, telefone: str | None, lid: str | None) -> None:
    evento = message(AMOSTRAS[nome])
    assert (evento.telefone, evento.lid) == (telefone, lid)


@pytest.mark.parametrize(
    ("nome", "pares"),
    [
        ("v2.3.7.messages.upsert.group_text_lid", (("201000000002001", "+5511900002001"),)),
        ("group-participants.update", (("201000000002002", "+5511900002002"),)),
        ("messages.upsert.text_conversation_pn", (("201000000001001", "+5511900001001"),)),
        ("v2.3.7.messages.upsert.text_conversation_lid", ()),
        ("logout.instance", ()),
        ("contacts.upsert", ()),
    ],
)
def test_an_event_that_names_lid_and_phone_teaches_the_pair(nome: str, pares: tuple[tuple[str, str], ...]) -> None:
    assert links(AMOSTRAS[nome]) == pares


def test_an_instant_is_read_from_seconds_milliseconds_digits_and_longs() -> None:
    at = datetime(2025, 11, 22, 16, 0, 50, tzinfo=UTC)
    assert message(AMOSTRAS["messages.upsert.timestamp_as_long"]).enviada_em == at
    assert message(AMOSTRAS["messages.upsert.text_extended_v1"]).enviada_em == at
    assert message(AMOSTRAS["messages.upsert.history_without_timestamp"]).enviada_em is None
    assert message(AMOSTRAS["messages.edited.edit_plain"]).enviada_em == datetime(2025, 11, 22, 16, 1, 40, tzinfo=UTC)
    stopped = message(AMOSTRAS["messages.edited.edit_to_stop"]).enviada_em
    assert stopped == datetime(2025, 11, 22, 16, 1, 40, 1000, tzinfo=UTC), "edits of one second keep their order"


def test_two_edits_of_one_message_have_identities_of_their_own_and_a_repeated_one_has_the_same() -> None:
    body = deepcopy(AMOSTRAS["messages.edited.edit_plain"])
    body["data"].pop("timestampMs")
    other = deepcopy(body)
    other["data"]["editedMessage"]["conversation"] = "outra"
    ids = [message(one).msg_id for one in (body, deepcopy(body), other, AMOSTRAS["messages.edited.edit_plain"])]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_wrappers_are_looked_through_however_deep_they_nest() -> None:
    body = deepcopy(AMOSTRAS["messages.upsert.text_conversation_pn"])
    for depth in range(FUNDO_MAX + 2):
        evento = message(body)
        assert (evento.texto == "Bom dia!") == (depth <= FUNDO_MAX)
        body["data"]["message"] = {"ephemeralMessage": {"message": body["data"]["message"]}}


def test_a_text_is_kept_long_enough_for_its_length_to_be_judged() -> None:
    body = deepcopy(AMOSTRAS["messages.upsert.text_conversation_pn"])
    body["data"]["message"]["conversation"] = "a" * 90_000
    assert message(body).texto == "a" * TEXT_MAX
    assert TEXT_MAX > 10_000


def test_a_third_partys_number_is_not_taken_out_of_a_contact_card() -> None:
    for nome in (
        "messages.upsert.contact_vcard",
        "messages.upsert.contacts_array",
        "messages.upsert.contact_named_by_phone",
    ):
        evento = message(AMOSTRAS[nome])
        assert not any(digit in f"{evento.texto}{evento.conteudo}" for digit in string.digits)


def test_an_ad_leaves_its_title_and_host_and_nothing_that_follows_a_person() -> None:
    assert "segredo" not in str(message(AMOSTRAS["messages.upsert.text_ad_referral"]).conteudo)


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every holder in a JSON value with one of its keys or indices."""
    keys = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
    return [(node, key) for key in keys] + [place for key in keys for place in places(node[key])]


def mutate(body: Any, dice: Random) -> None:
    found = places(body)
    if not found:
        return
    holder, key = dice.choice(found)
    match dice.randrange(3):
        case 0:
            del holder[key]
        case 1:
            holder[key] = deepcopy(dice.choice(ESTRANHOS))
        case _ if isinstance(holder, dict):
            name = dice.choice(("key", "message", "contextInfo", "editedMessage", "protocolMessage", "type", "xyz"))
            holder[name] = deepcopy(dice.choice(ESTRANHOS))
        case _:
            holder.append(deepcopy(dice.choice(ESTRANHOS)))


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(list(AMOSTRAS)), st.randoms(use_true_random=False), st.integers(1, 8))
def test_a_mutated_webhook_is_something_to_us_and_never_an_exception(nome: str, dice: Random, times: int) -> None:
    body = deepcopy(AMOSTRAS[nome])
    for _ in range(times):
        mutate(body, dice)
    evento = read(body)
    links(body)
    resumo(evento)
    if isinstance(evento, MensagemRecebida):
        assert tratamento(evento, None).destino
        assert evento.telefone or evento.lid or not evento.assinada
        stored = orjson.dumps([evento.msg_id, evento.texto, evento.nome, evento.alvo_msg_id, evento.conteudo])
        assert b"\\u0000" not in stored
        assert evento.msg_id


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
TIPOS = st.sampled_from(["messages.upsert", "send.message", "messages.update", "messages.edited", "messages.delete",
                         "connection.update", "qrcode.updated", "status.instance", "call", ""])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(JSON | st.fixed_dictionaries({"event": TIPOS | JSON, "data": JSON, "sender": JSON}))
def test_any_json_is_something_to_us(body: Any) -> None:
    assert resumo(read(body))[0]
    links(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_not_and_never_an_exception(raw: bytes) -> None:
    read(parse(raw))
