"""The sandbox speaks as Meta does: our client sends to it, our reader understands what it reports."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from lib import ledger
from lib.domain.evento import Eco, EfeitoRecibo, Preferencia, Recibo
from lib.domain.mensagem import MensagemRecebida, Midia
from lib.errors import SendRefusedError, SendUnknownError
from lib.http import open_client
from lib.providers.baixar import Baixador, BaixarError
from lib.providers.meta import Meta
from lib.providers.meta_alerta import ModeloMudou, read_account
from lib.providers.meta_conta import HOSTS_MIDIA
from lib.providers.meta_forma import Botao, Botoes, MidiaEnviada, TipoMidia
from lib.providers.meta_webhook import parse
from lib.providers.whatsapp import Envio, EstadoConexao, GatewayError, ModeloEnviado, NothingSentError
from lib.sandbox.faults import Falha
from lib.sandbox.meta import put_template
from lib.sandbox.meta_messages import doctor_says, person_types, user_prefers
from lib.sandbox.meta_world import CONTA, Template
from tests.sandbox.meta_vivo import CHIP, MEDICO, Vivo, envio, vivo

CONVITE = ModeloEnviado("convite_plantao_v1", "pt_BR", ("Helena",))


@pytest.fixture
async def meta() -> AsyncIterator[Vivo]:
    async with vivo() as running:
        yield running


async def test_a_conversation_goes_both_ways(meta: Vivo) -> None:
    wamid = doctor_says(meta.desk, meta.mundo, meta.chip, MEDICO, "Tenho interesse, é sábado? ☀️")
    [peca] = await meta.pecas(1)
    evento = peca.evento
    assert isinstance(evento, MensagemRecebida)
    assert (peca.instancia, evento.msg_id, evento.telefone) == (CHIP, wamid, f"+{MEDICO}")
    assert evento.texto == "Tenho interesse, é sábado? ☀️"
    assert (evento.lid or "").startswith("BR.")
    sent = await meta.client.send_text(envio())
    [aceita] = meta.desk.world.aceitas
    assert (aceita.id, aceita.texto, aceita.instance) == (sent, "Olá! Plantão às 7h? ☀️ a/b", CHIP)
    found = [peca.evento for peca in await meta.pecas(4)][1:]
    assert {(one.entrega, one.msg_id, one.outbox_id) for one in found if isinstance(one, Recibo)} == {
        ("enviada", sent, 42),
        ("entregue", sent, 42),
        ("lida", sent, 42),
    }
    raw, headers = meta.chegadas.came[0]
    assert b"\\u2600" in raw
    assert headers["x-hub-signature"].startswith("sha1=")


async def test_a_warm_call_opens_no_connection(meta: Vivo) -> None:
    await meta.client.connection_state(CHIP)
    with ledger.measure("meta") as custo:
        await meta.client.send_text(envio(modelo=CONVITE))
        await meta.client.mark_read(CHIP, MEDICO, ["wamid.A"])
    assert (custo.http_requests, custo.tcp_connections) == (2, 0)


async def test_outside_the_window_a_text_is_taken_and_fails_later(meta: Vivo) -> None:
    wamid = await meta.client.send_text(envio())
    [peca] = await meta.pecas(1)
    assert isinstance(peca.evento, Recibo)
    assert (peca.evento.msg_id, peca.evento.entrega, peca.evento.outbox_id) == (wamid, "falhou", 42)
    assert (peca.evento.erro or "").startswith("131047")
    doctor_says(meta.desk, meta.mundo, meta.chip, MEDICO, "Oi", at_s=time.time() - 24 * 3600 - 1)
    await meta.client.send_text(envio())
    await meta.pecas(3)
    assert meta.desk.world.aceitas == []


async def test_the_window_is_of_one_number_and_one_doctor(meta: Vivo) -> None:
    doctor_says(meta.desk, meta.mundo, meta.chip, "5511900001002", "Oi")
    await meta.client.send_text(envio())
    assert meta.desk.world.aceitas == []


async def test_outside_the_window_a_template_goes_filled_in(meta: Vivo) -> None:
    await meta.client.send_text(envio(modelo=CONVITE))
    [aceita] = meta.desk.world.aceitas
    assert aceita.texto.startswith("Olá, Helena! Aqui é a Júlia, assistente virtual.")


@pytest.mark.parametrize(
    "modelo",
    [
        ModeloEnviado("nenhum", "pt_BR"),
        ModeloEnviado("convite_plantao_v1", "en_US", ("Helena",)),
        ModeloEnviado("convite_plantao_v1", "pt_BR"),
        ModeloEnviado("convite_plantao_v1", "pt_BR", ("Helena", "a mais")),
    ],
)
async def test_a_template_that_does_not_fit_is_refused_at_once(meta: Vivo, modelo: ModeloEnviado) -> None:
    with pytest.raises(SendRefusedError) as caught:
        await meta.client.send_text(envio(modelo=modelo))
    assert not caught.value.chip_down
    assert meta.desk.world.aceitas == []


async def test_a_paused_template_is_told_and_refused(meta: Vivo) -> None:
    template = meta.mundo.templates["convite_plantao_v1", "pt_BR"]
    template.status = "PAUSED"
    put_template(meta.desk, meta.mundo, template, "LOW_QUALITY")
    await meta.until(lambda: meta.chegadas.came)
    [peca] = read_account(parse(meta.chegadas.came[0][0]))
    assert peca.evento == ModeloMudou(
        CONTA, "convite_plantao_v1", "pt_BR", "PAUSED", categoria="MARKETING", motivo="LOW_QUALITY"
    )
    with pytest.raises(SendRefusedError, match="Paused"):
        await meta.client.send_text(envio(modelo=CONVITE))


async def test_a_doctor_with_a_username_writes_and_is_written_to_without_a_phone(meta: Vivo) -> None:
    doctor_says(meta.desk, meta.mundo, meta.chip, MEDICO, "Oi", oculto=True)
    [peca] = await meta.pecas(1)
    assert isinstance(peca.evento, MensagemRecebida)
    assert (peca.evento.telefone, peca.links) == (None, ())
    assert MEDICO.encode() not in meta.chegadas.came[0][0]
    await meta.client.send_text(envio(peca.evento.lid or ""))
    assert meta.desk.world.aceitas[0].numero == MEDICO
    await meta.pecas(4)
    assert not any(MEDICO.encode() in raw for raw, _ in meta.chegadas.came)
    with pytest.raises(SendRefusedError):
        await meta.client.send_text(envio("BR.00000000000000000001"))


async def test_the_ninth_digit_that_whatsapp_drops_comes_back(meta: Vivo) -> None:
    doctor_says(meta.desk, meta.mundo, meta.chip, "5541990000101", "Oi")
    [peca] = await meta.pecas(1)
    assert b'"from":"554190000101"' in meta.chegadas.came[0][0]
    assert isinstance(peca.evento, MensagemRecebida)
    assert peca.evento.telefone == "+5541990000101"
    assert await meta.client.send_text(envio("5541990000101"))
    assert meta.desk.world.aceitas[0].jid == "554190000101@s.whatsapp.net"


async def test_a_phone_without_whatsapp_is_known_by_a_failure_that_comes_later(meta: Vivo) -> None:
    doctor_says(meta.desk, meta.mundo, meta.chip, MEDICO, "Oi")
    meta.desk.world.inexistentes.add(f"{MEDICO}@s.whatsapp.net")
    await meta.client.send_text(envio())
    last = (await meta.pecas(2))[-1].evento
    assert isinstance(last, Recibo)
    assert last.efeito is EfeitoRecibo.SEM_WHATSAPP


async def test_who_stopped_marketing_gets_no_more_of_it(meta: Vivo) -> None:
    user_prefers(meta.desk, meta.mundo, meta.chip, MEDICO, parar=True)
    [peca] = await meta.pecas(1)
    assert isinstance(peca.evento, Preferencia)
    assert (peca.evento.telefone, peca.evento.parar) == (f"+{MEDICO}", True)
    await meta.client.send_text(envio(modelo=CONVITE))
    last = (await meta.pecas(2))[-1].evento
    assert isinstance(last, Recibo)
    assert last.efeito is EfeitoRecibo.OPTOUT


async def test_a_person_who_writes_on_the_numbers_phone_is_an_echo(meta: Vivo) -> None:
    person_types(meta.desk, meta.mundo, meta.chip, MEDICO, "Respondo eu")
    [peca] = await meta.pecas(1)
    assert isinstance(peca.evento, Eco)
    assert (peca.evento.telefone, peca.evento.texto, peca.evento.digitada) == (f"+{MEDICO}", "Respondo eu", True)


async def test_buttons_and_files_are_taken_inside_the_window(meta: Vivo) -> None:
    part = {"type": "button", "button": {"payload": "SIM", "text": "Quero"}}
    doctor_says(meta.desk, meta.mundo, meta.chip, MEDICO, "Quero", conteudo=part)
    [peca] = await meta.pecas(1)
    assert isinstance(peca.evento, MensagemRecebida)
    assert peca.evento.midia is Midia.BOTAO
    await meta.client.send_interactive(CHIP, MEDICO, Botoes("Qual?", (Botao("1", "Sábado"),)), 1)
    await meta.client.send_media(CHIP, MEDICO, MidiaEnviada(TipoMidia.DOCUMENTO, id="1", legenda="Contrato"), 2)
    assert [aceita.texto for aceita in meta.desk.world.aceitas] == ["Qual?", "Contrato"]


async def test_reading_and_typing_reach_the_sandbox(meta: Vivo) -> None:
    await meta.client.mark_read(CHIP, MEDICO, ["wamid.A"])
    await meta.client.read_and_type(CHIP, "wamid.B")
    assert (meta.mundo.leituras, meta.mundo.digitando) == (["wamid.A", "wamid.B"], ["wamid.B"])


async def test_a_wrong_token_or_an_unknown_number_is_refused(meta: Vivo) -> None:
    with pytest.raises(SendRefusedError) as caught:
        await Meta(meta.client.client, "errado", 5.0).send_text(envio())
    assert caught.value.chip_down
    with pytest.raises(SendRefusedError, match="does not exist"):
        await meta.client.send_text(Envio("999", MEDICO, "Oi", 1))
    meta.chip.provedor = "evolution"
    with pytest.raises(SendRefusedError):
        await meta.client.send_text(envio())


async def test_a_number_that_is_not_registered_is_down(meta: Vivo) -> None:
    await meta.conta.deregister(CHIP)
    assert await meta.client.connection_state(CHIP) is EstadoConexao.FECHADA
    with pytest.raises(SendRefusedError, match="not registered") as caught:
        await meta.client.send_text(envio())
    assert caught.value.chip_down
    await meta.conta.register(CHIP, "123456")
    assert await meta.client.connection_state(CHIP) is EstadoConexao.ABERTA


async def test_a_new_number_goes_through_its_code(meta: Vivo) -> None:
    new = await meta.conta.add_number(CONTA, "55", "11900000200", "Júlia")
    with pytest.raises(GatewayError):
        await meta.conta.verify_code(new, "123456")
    await meta.conta.request_code(new, "SMS")
    with pytest.raises(GatewayError):
        await meta.conta.verify_code(new, "000000")
    await meta.conta.verify_code(new, "123456")
    await meta.conta.register(new, "123456")
    with pytest.raises(GatewayError):
        await meta.conta.register(new, "1")


async def test_templates_come_in_pages(meta: Vivo) -> None:
    for n in range(60):
        template = Template(f"m{n:02d}", "pt_BR", f"Oi {{{{1}}}} {n}")
        meta.mundo.templates[template.nome, template.idioma] = template
    found = await meta.conta.templates(CONTA)
    assert len(found) == 63
    assert len({one.nome for one in found}) == 63
    assert {one.parametros for one in found} == {0, 1}


async def test_an_account_without_a_subscription_can_be_told_from_one_with(meta: Vivo) -> None:
    assert list(await meta.conta.subscribed_apps(CONTA)) == []
    await meta.conta.subscribe(CONTA)
    assert len(await meta.conta.subscribed_apps(CONTA)) == 1


async def test_a_file_goes_up_and_comes_back_through_the_guard(meta: Vivo) -> None:
    content = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    named = await meta.conta.upload_media(CHIP, "crm.png", "image/png", content)
    async with open_client() as client:
        found = await meta.conta.download_media(Baixador(client, HOSTS_MIDIA, origem=meta.url), named, CHIP)
        assert (found.conteudo, found.mimetype) == (content, "image/png")
        with pytest.raises(GatewayError):
            await meta.conta.download_media(Baixador(client, HOSTS_MIDIA), named, CHIP)
        where = await meta.conta.media(named, CHIP)
        with pytest.raises(BaixarError, match="answered 401"):
            await Baixador(client, HOSTS_MIDIA, origem=meta.url).fetch(where.url)


async def test_a_blocked_doctor_is_not_heard(meta: Vivo) -> None:
    await meta.conta.block_users(CHIP, [MEDICO])
    doctor_says(meta.desk, meta.mundo, meta.chip, MEDICO, "Oi")
    await meta.conta.unblock_users(CHIP, [MEDICO])
    wamid = doctor_says(meta.desk, meta.mundo, meta.chip, MEDICO, "Oi de novo")
    [peca] = await meta.pecas(1)
    assert isinstance(peca.evento, MensagemRecebida)
    assert peca.evento.msg_id == wamid


async def test_too_much_to_one_doctor_waits(meta: Vivo) -> None:
    doctor_says(meta.desk, meta.mundo, meta.chip, MEDICO, "Oi")
    for _ in range(45):
        await meta.client.send_text(envio())
    with pytest.raises(NothingSentError) as caught:
        await meta.client.send_text(envio())
    assert caught.value.retry_after_s == 6.0
    assert len(meta.desk.world.aceitas) == 45


async def test_webhooks_come_again_until_they_are_answered_with_200(meta: Vivo) -> None:
    meta.chegadas.answers = [503, 401, 500]
    doctor_says(meta.desk, meta.mundo, meta.chip, MEDICO, "Oi")
    await meta.until(lambda: len(meta.chegadas.came) == 4)
    assert len({raw for raw, _ in meta.chegadas.came}) == 1
    await meta.until(lambda: meta.desk.courier().delivered == 1)
    assert [one.status for one in meta.desk.courier().attempts] == [503, 401, 500, 200]


async def test_faults_have_metas_shape(meta: Vivo) -> None:
    doctor_says(meta.desk, meta.mundo, meta.chip, MEDICO, "Oi")
    faults = meta.desk.world.faults
    for status, expected in ((500, SendUnknownError), (429, NothingSentError), (401, SendRefusedError)):
        faults.put([Falha.model_validate({"alvo": "meta.messages", "status": status, "vezes": 1})])
        with pytest.raises(expected) as caught:
            await meta.client.send_text(envio())
        assert type(caught.value) is expected
        assert "(request " in str(caught.value)
    assert meta.desk.world.aceitas == []
    faults.put([Falha.model_validate({"alvo": "meta.messages", "status": 500, "depois_de_aceitar": True, "vezes": 1})])
    with pytest.raises(SendUnknownError):
        await meta.client.send_text(envio())
    assert len(meta.desk.world.aceitas) == 1
    assert {peca.evento.outbox_id for peca in await meta.pecas(4) if isinstance(peca.evento, Recibo)} == {42}


async def test_the_sandbox_says_that_it_is_one(meta: Vivo) -> None:
    assert await meta.client.is_sandbox() is True


async def test_a_restart_still_knows_the_user_ids_and_the_window(meta: Vivo) -> None:
    doctor_says(meta.desk, meta.mundo, meta.chip, MEDICO, "Oi")
    [peca] = await meta.pecas(1)
    assert isinstance(peca.evento, MensagemRecebida)
    meta.mundo.clear()
    await meta.client.send_text(envio(peca.evento.lid or ""))
    assert len(meta.desk.world.aceitas) == 1
