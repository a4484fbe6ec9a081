"""Every Evolution webhook and what is stored of it, through the use case on a real database and through the API."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx
import orjson
import pytest

from api.app import create_app
from lib import ledger
from lib.auth import webhook_key
from lib.db import Database
from lib.settings import Settings
from lib.usecases.receber import receber
from tests.conftest import WEBHOOK_SECRET
from tests.fixtures.amostras import amostras
from tests.providers.caixa import serving
from tests.providers.test_evolution_webhook import mutate
from tests.usecases.chegada import LOGO, sql, um_chip_pronto

AMOSTRAS = amostras()
AGORA = datetime(2025, 11, 22, 16, 2, tzinfo=UTC)
LIMPA = (
    "TRUNCATE inbox, delivery_event, aviso, interacao, mailbox, conversa, medico, doctor_state, lid_telefone CASCADE"
)
GUARDADO = """SELECT tipo, midia, texto, desfecho FROM inbox
  UNION ALL SELECT 'recibo', status, NULL, NULL FROM delivery_event"""
FEITO = """SELECT (SELECT count(*) FROM mailbox WHERE due_at IS NOT NULL) AS turnos,
  (SELECT count(*) FROM interacao) AS falas, (SELECT count(*) FROM aviso WHERE tipo = 'sem_resposta') AS avisos,
  (SELECT count(*) FROM medico) AS medicos, (SELECT count(*) FROM conversa WHERE controle = 'humano') AS pessoas"""
# What is stored, and then: turns due, lines in the thread, notices to people, doctors known, conversations of people.
Guardado = tuple[str, str, str | None, str | None, str]
ESPERADO: dict[str, Guardado | None] = {
    "MESSAGES_UPSERT.by_events": ("mensagem", "texto", "por evento", None, "turnos=1 medicos=1"),
    "application_error_webhook": ("evento", "texto", None, "erro do gateway", ""),
    "call": ("evento", "texto", None, "ligação recebida: ninguém atende por voz", ""),
    "connection.update.close_401": (
        "evento",
        "texto",
        None,
        "desconectado: sessão encerrada ou número banido (401)",
        "",
    ),
    "connection.update.close_403": ("evento", "texto", None, "desconectado: número bloqueado (403)", ""),
    "connection.update.connecting": ("evento", "texto", None, "conectando", ""),
    "connection.update.open": None,
    "connection.update.refused": ("evento", "texto", None, "conexão recusada: sem causa conhecida (500)", ""),
    "contacts.update": ("evento", "texto", None, "contato atualizado", ""),
    "contacts.upsert": ("evento", "texto", None, "contato novo", ""),
    "future.event": ("evento", "texto", None, "evento sem tratamento: algo.novo", ""),
    "group-participants.update": ("evento", "texto", None, "participantes de grupo", ""),
    "groups.update": ("evento", "texto", None, "grupo atualizado", ""),
    "instance.create": ("evento", "texto", None, "instância criada", ""),
    "labels.association": ("evento", "texto", None, "etiqueta associada", ""),
    "logout.instance": ("evento", "texto", None, "sessão encerrada", ""),
    "messages.delete.bare_key": (
        "mensagem",
        "apagamento",
        None,
        "silencio: apagamento de mensagem que ainda não chegou",
        "",
    ),
    "messages.delete.bare_key_with_status": (
        "mensagem",
        "apagamento",
        None,
        "silencio: apagamento de mensagem que ainda não chegou",
        "",
    ),
    "messages.delete.own_row": ("evento", "texto", None, "do próprio chip: apagamento", ""),
    "messages.edited.EPHEMERAL_SETTING": ("evento", "texto", None, "ajuste da conversa: EPHEMERAL_SETTING", ""),
    "messages.edited.REVOKE_delete_for_everyone": (
        "mensagem",
        "apagamento",
        None,
        "silencio: apagamento de mensagem que ainda não chegou",
        "",
    ),
    "messages.edited.edit_from_authors_side": (
        "mensagem",
        "edicao",
        "do lado do autor",
        "silencio: edição de mensagem que ainda não chegou",
        "",
    ),
    "messages.edited.edit_image_caption": (
        "mensagem",
        "edicao",
        "CRM novo",
        "silencio: edição de mensagem que ainda não chegou",
        "",
    ),
    "messages.edited.edit_plain": (
        "mensagem",
        "edicao",
        "Oi, tenho interesse no plantão de DOMINGO",
        "silencio: edição de mensagem que ainda não chegou",
        "",
    ),
    "messages.edited.edit_to_stop": (
        "mensagem",
        "edicao",
        "SAIR",
        "silencio: edição de mensagem que ainda não chegou",
        "",
    ),
    "messages.edited.edit_type_int": (
        "mensagem",
        "edicao",
        "na verdade sábado",
        "silencio: edição de mensagem que ainda não chegou",
        "",
    ),
    "messages.edited.group": ("evento", "texto", None, "mensagem de grupo", ""),
    "messages.set.history": ("evento", "texto", None, "histórico sincronizado: nada dele é respondido", ""),
    "messages.update.DELIVERY_ACK": ("recibo", "DELIVERY_ACK", None, None, ""),
    "messages.update.ERROR": ("recibo", "ERROR", None, None, ""),
    "messages.update.PLAYED": ("recibo", "PLAYED", None, None, ""),
    "messages.update.by_number": ("recibo", "SERVER_ACK", None, None, ""),
    "messages.update.unknown_status": ("evento", "texto", None, "recibo desconhecido: DELETED", ""),
    "messages.update.v1": ("recibo", "READ", None, None, ""),
    "messages.upsert.album_child": ("mensagem", "imagem", None, None, "turnos=1 medicos=1"),
    "messages.upsert.album_header": ("evento", "texto", None, "álbum: as fotos vêm a seguir", ""),
    "messages.upsert.audio_ptt": ("mensagem", "audio", None, None, "turnos=1 medicos=1"),
    "messages.upsert.broadcast_list": ("evento", "texto", None, "transmissão, status ou canal", ""),
    "messages.upsert.business_template": ("mensagem", "texto", "Olá! Retorno em breve.", None, "turnos=1 medicos=1"),
    "messages.upsert.buttons_response": ("mensagem", "botao", "Sim", None, "turnos=1 medicos=1"),
    "messages.upsert.call_log": ("mensagem", "ligacao", None, "silencio: ligação", "falas=1 medicos=1"),
    "messages.upsert.contact_named_by_phone": ("mensagem", "contato", "[contato enviado]", None, "turnos=1 medicos=1"),
    "messages.upsert.contact_vcard": (
        "mensagem",
        "contato",
        "[contato enviado: Dr. Colega Fictício]",
        None,
        "turnos=1 medicos=1",
    ),
    "messages.upsert.contacts_array": (
        "mensagem",
        "contato",
        "[contatos enviados: Dr. Um Fictício]",
        None,
        "turnos=1 medicos=1",
    ),
    "messages.upsert.device_sent_wrapper": ("mensagem", "texto", "pelo computador", None, "turnos=1 medicos=1"),
    "messages.upsert.document_with_caption": (
        "mensagem",
        "documento",
        "Segue meu currículo",
        None,
        "turnos=1 medicos=1",
    ),
    "messages.upsert.document_with_caption_wrapper": (
        "mensagem",
        "documento",
        "segue meu CRM",
        None,
        "turnos=1 medicos=1",
    ),
    "messages.upsert.document_without_caption": ("mensagem", "documento", None, None, "turnos=1 medicos=1"),
    "messages.upsert.duplicate_first": ("mensagem", "texto", "dup", None, "turnos=1 medicos=1"),
    "messages.upsert.edited_wrapper": (
        "mensagem",
        "edicao",
        "Oi, é para o plantão de DOMINGO",
        "silencio: edição de mensagem que ainda não chegou",
        "",
    ),
    "messages.upsert.empty_ephemeral": (
        "mensagem",
        "desconhecida",
        None,
        "sem_resposta: tipo de mensagem não reconhecido (ephemeralMessage)",
        "falas=1 avisos=1 medicos=1",
    ),
    "messages.upsert.empty_text": (
        "mensagem",
        "texto",
        None,
        "sem_resposta: mensagem sem texto",
        "falas=1 avisos=1 medicos=1",
    ),
    "messages.upsert.from_me_late": ("eco", "texto", "de ontem", None, ""),
    "messages.upsert.from_me_reaction": ("eco", "reacao", "❤️", None, ""),
    "messages.upsert.from_me_revoke": ("evento", "texto", None, "do próprio chip: apagamento", ""),
    "messages.upsert.from_me_to_self": ("evento", "texto", None, "do próprio chip: texto", ""),
    "messages.upsert.from_me_typed": (
        "eco",
        "texto",
        "Oi doutora, aqui é a Paula",
        None,
        "falas=1 medicos=1 pessoas=1",
    ),
    "messages.upsert.future_kind": (
        "mensagem",
        "desconhecida",
        None,
        "sem_resposta: tipo de mensagem não reconhecido (xyzMessage)",
        "falas=1 avisos=1 medicos=1",
    ),
    "messages.upsert.group_invite_message": (
        "mensagem",
        "convite_grupo",
        "[convite para o grupo Plantoes SP Capital] entra aí",
        None,
        "turnos=1 medicos=1",
    ),
    "messages.upsert.group_text_v1style": ("evento", "texto", None, "mensagem de grupo", ""),
    "messages.upsert.history_without_timestamp": ("mensagem", "texto", "sem hora", None, "turnos=1 medicos=1"),
    "messages.upsert.image_caption": ("mensagem", "imagem", "Meu CRM", None, "turnos=1 medicos=1"),
    "messages.upsert.image_v2_0_to_2_2_string_fields": ("mensagem", "imagem", "Meu CRM", None, "turnos=1 medicos=1"),
    "messages.upsert.image_without_caption": ("mensagem", "imagem", None, None, "turnos=1 medicos=1"),
    "messages.upsert.interactive_response": ("mensagem", "interativa", "Quero esta", None, "turnos=1 medicos=1"),
    "messages.upsert.interactive_response_only_params": (
        "mensagem",
        "interativa",
        "Vaga 8",
        None,
        "turnos=1 medicos=1",
    ),
    "messages.upsert.late_stop": ("mensagem", "texto", "SAIR", None, "turnos=1 medicos=1"),
    "messages.upsert.late_text": (
        "mensagem",
        "texto",
        "mensagem de ontem",
        "sem_resposta: chegou com mais de 10 minutos",
        "falas=1 avisos=1 medicos=1",
    ),
    "messages.upsert.list_of_one": ("mensagem", "texto", "em lista", None, "turnos=1 medicos=1"),
    "messages.upsert.list_response": ("mensagem", "lista", "Sábado 7h-19h", None, "turnos=1 medicos=1"),
    "messages.upsert.list_response_only_row": ("mensagem", "lista", "linha-2", None, "turnos=1 medicos=1"),
    "messages.upsert.live_location": (
        "mensagem",
        "localizacao",
        "[localização enviada: -23.55050, -46.63330]",
        None,
        "turnos=1 medicos=1",
    ),
    "messages.upsert.location": (
        "mensagem",
        "localizacao",
        "[localização enviada: Hospital Exemplo, Rua Fictícia, 100]",
        None,
        "turnos=1 medicos=1",
    ),
    "messages.upsert.location_without_name": (
        "mensagem",
        "localizacao",
        "[localização enviada: -23.55050, -46.63330]",
        None,
        "turnos=1 medicos=1",
    ),
    "messages.upsert.newsletter": ("evento", "texto", None, "transmissão, status ou canal", ""),
    "messages.upsert.poll_creation": (
        "mensagem",
        "enquete",
        "[enquete: Qual dia? — opções: Sábado, Domingo]",
        None,
        "turnos=1 medicos=1",
    ),
    "messages.upsert.poll_vote_counted": ("mensagem", "voto", "Domingo", None, "turnos=1 medicos=1"),
    "messages.upsert.poll_vote_readable": ("mensagem", "voto", "Sábado", None, "turnos=1 medicos=1"),
    "messages.upsert.poll_vote_retracted": ("mensagem", "voto", None, "silencio: voto retirado", "falas=1 medicos=1"),
    "messages.upsert.product_unknown_kind": (
        "mensagem",
        "desconhecida",
        None,
        "sem_resposta: tipo de mensagem não reconhecido (productMessage)",
        "falas=1 avisos=1 medicos=1",
    ),
    "messages.upsert.protocol_ephemeral_setting": ("evento", "texto", None, "ajuste da conversa: 3", ""),
    "messages.upsert.protocol_revoke": (
        "mensagem",
        "apagamento",
        None,
        "silencio: apagamento de mensagem que ainda não chegou",
        "",
    ),
    "messages.upsert.reaction_add": ("mensagem", "reacao", "👍", "silencio: reação 👍", "falas=1 medicos=1"),
    "messages.upsert.reaction_remove": ("mensagem", "reacao", None, "silencio: reação retirada", "falas=1 medicos=1"),
    "messages.upsert.status_broadcast": ("evento", "texto", None, "transmissão, status ou canal", ""),
    "messages.upsert.sticker": ("mensagem", "figurinha", None, "silencio: figurinha", "falas=1 medicos=1"),
    "messages.upsert.sticker_lottie": ("mensagem", "figurinha", None, "silencio: figurinha", "falas=1 medicos=1"),
    "messages.upsert.template_button_reply": ("mensagem", "botao", "Não", None, "turnos=1 medicos=1"),
    "messages.upsert.text_ad_referral": ("mensagem", "texto", "Vi o anúncio", None, "turnos=1 medicos=1"),
    "messages.upsert.text_conversation_pn": ("mensagem", "texto", "Bom dia!", None, "turnos=1 medicos=1"),
    "messages.upsert.text_ephemeral": ("mensagem", "texto", "mensagem temporária", None, "turnos=1 medicos=1"),
    "messages.upsert.text_extended_v1": ("mensagem", "texto", "Bom dia, ainda tem vaga?", None, "turnos=1 medicos=1"),
    "messages.upsert.text_forwarded": ("mensagem", "texto", "encaminho", None, "turnos=1 medicos=1"),
    "messages.upsert.text_lid_bare": ("mensagem", "texto", "oi, sou eu", None, "turnos=1 medicos=1"),
    "messages.upsert.text_quoted": ("mensagem", "texto", "essa aqui", None, "turnos=1 medicos=1"),
    "messages.upsert.text_quoted_v1": ("mensagem", "texto", "quero essa", None, "turnos=1 medicos=1"),
    "messages.upsert.text_sender_pn": ("mensagem", "texto", "oi pelo lid", None, "turnos=1 medicos=1"),
    "messages.upsert.text_stop": ("mensagem", "texto", "Para de me mandar mensagem", None, "turnos=1 medicos=1"),
    "messages.upsert.timestamp_as_long": ("mensagem", "texto", "hora longa", None, "turnos=1 medicos=1"),
    "messages.upsert.undecrypted_stub": (
        "mensagem",
        "desconhecida",
        None,
        "sem_resposta: tipo de mensagem não reconhecido (stub 2)",
        "falas=1 avisos=1 medicos=1",
    ),
    "messages.upsert.unknown_type_event": ("mensagem", "evento", "[evento: Reunião]", None, "turnos=1 medicos=1"),
    "messages.upsert.video": ("mensagem", "video", None, None, "turnos=1 medicos=1"),
    "messages.upsert.video_note": ("mensagem", "video", None, None, "turnos=1 medicos=1"),
    "messages.upsert.view_once_in_ephemeral": ("mensagem", "video", "olha", None, "turnos=1 medicos=1"),
    "messages.upsert.view_once_v2_image": ("mensagem", "imagem", None, None, "turnos=1 medicos=1"),
    "messages.upsert.without_key": ("morta", "texto", None, "messages.upsert sem a forma esperada", ""),
    "presence.update": ("evento", "texto", None, "presença", ""),
    "qrcode.updated.limit_reached": (
        "evento",
        "texto",
        None,
        "QR code: limite atingido (QR code limit reached, please login again)",
        "",
    ),
    "qrcode.updated.waiting": ("evento", "texto", None, "QR code à espera de leitura", ""),
    "remove.instance": ("evento", "texto", None, "instância removida", ""),
    "send.message.contact": ("eco", "contato", "[contato enviado: Gestor Fictício]", None, ""),
    "send.message.text_lid": ("eco", "texto", "oi por lid", None, ""),
    "send.message.text_pn": ("eco", "texto", "oi pelo número", None, ""),
    "status.instance": ("evento", "texto", None, "desconectado: sessão encerrada ou número banido (401)", ""),
    "v2.3.7.messages.upsert.group_text_lid": ("evento", "texto", None, "mensagem de grupo", ""),
    "v2.3.7.messages.upsert.poll_vote": (
        "mensagem",
        "voto",
        "[votou numa enquete; a opção não veio legível]",
        None,
        "turnos=1 medicos=1",
    ),
    "v2.3.7.messages.upsert.text_conversation_lid": (
        "mensagem",
        "texto",
        "Oi, tenho interesse no plantão de sábado",
        None,
        "turnos=1 medicos=1",
    ),
}


@pytest.fixture
async def banco(db: Database) -> Database:
    await um_chip_pronto(db, "chip-10", "+5511900000100")
    await um_chip_pronto(db, "chip-70", "+5511900000170")
    return db


async def guardado(db: Database) -> Guardado | None:
    rows, [feito] = await sql(db, GUARDADO), await sql(db, FEITO)
    if not rows:
        return None
    [row] = rows
    counted = " ".join(f"{name}={n}" for name, n in feito.items() if n)
    return row["tipo"], row["midia"], row["texto"], row["desfecho"], counted


async def test_a_webhook_is_stored_as_the_table_says_in_one_round_trip_and_a_repeated_one_changes_nothing(
    banco: Database,
) -> None:
    stored: dict[str, Guardado | None] = {}
    for nome, body in AMOSTRAS.items():
        await sql(banco, LIMPA)
        instancia = body.get("instance", "chip-10")
        for _ in range(2):
            with ledger.measure("webhook") as conta:
                await receber(banco, instancia, orjson.dumps(body), AGORA, LOGO)
            assert (conta.round_trips, conta.commits) == (1, 1), nome
        stored[nome] = await guardado(banco)
    assert stored == ESPERADO


async def test_every_webhook_is_accepted_by_the_api(settings: Settings, banco: Database) -> None:
    async with serving(create_app(settings)) as url, httpx.AsyncClient(base_url=url, timeout=10) as client:
        for nome, body in AMOSTRAS.items():
            instancia = body.get("instance", "chip-10")
            headers = {"x-agente-webhook-key": webhook_key(WEBHOOK_SECRET, instancia)}
            answer = await client.post(f"/webhooks/evolution/{instancia}", json=body, headers=headers)
            assert answer.status_code == 202, nome


async def test_mutated_webhooks_are_all_stored(banco: Database) -> None:
    dice = Random(3)
    for n in range(400):
        nome = dice.choice(list(AMOSTRAS))
        body: dict[str, Any] = deepcopy(AMOSTRAS[nome])
        body["n"] = n
        for _ in range(dice.randrange(1, 6)):
            mutate(body, dice)
        body["instance"] = "chip-10"
        await receber(banco, "chip-10", orjson.dumps(body), AGORA, LOGO)
    closed = "SELECT count(*) AS n FROM inbox WHERE tipo = 'mensagem' AND conversation_id IS NULL AND desfecho IS NULL"
    assert await sql(banco, closed) == [{"n": 0}]
