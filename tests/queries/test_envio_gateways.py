"""What each gateway may carry: Meta's 24 hours and templates, addresses that only some know, and proofs of a send."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from lib.db import Database
from lib.domain.chip import Gateway, TipoEnvio
from lib.domain.evento import Conexao, Eco, EfeitoRecibo, Outro, Preferencia, Recibo
from lib.domain.mensagem import MensagemRecebida, Midia
from lib.errors import UnknownInstanceError
from lib.models import Chip
from lib.models.conversa import Autor, Controle, StatusConversa
from lib.queries import entrada, envio_desfecho
from lib.queries.entrada import NewReceipt
from lib.usecases.receber import Chegada, Debounce, receber_eventos
from tests.builders import gravar, um_envio, uma_entrada
from tests.queries.fabrica import Pessoa, agora, chip_que_envia, consulta, pessoas, reivindicar, resposta

pytestmark = pytest.mark.anyio

MODELO = {"nome": "followup_1", "idioma": "pt_BR", "parametros": ["Ana"]}
CONTA = "waba-1"
LOGO = Debounce(0, 0)


async def no_meta(db: Database, *, ha: timedelta | None) -> tuple[Chip, Pessoa]:
    """A Meta number alone, and a doctor who wrote to it so long ago; None: never."""
    [chip] = await gravar(db, chip_que_envia(gateway=Gateway.META, instancia="1055", conta=CONTA))
    [pessoa] = await pessoas(db, 1, conversa={"chip_id": chip.id})
    if ha is not None:
        await gravar(db, uma_entrada(pessoa.conversa, agora() - ha, chip_id=chip.id))
    return chip, pessoa


async def um_modelo(db: Database, **over: object) -> None:
    row = {"status": "APPROVED", "corpo": "Oi, {{1}}! Posso te contar das vagas?", "parametros": 1} | over
    await consulta(
        db,
        "INSERT INTO modelo_meta (conta, nome, idioma, categoria, status, corpo, parametros) "
        "VALUES (%s, 'followup_1', 'pt_BR', 'MARKETING', %s, %s, %s)",
        CONTA,
        row["status"],
        row["corpo"],
        row["parametros"],
    )


async def test_inside_the_24_hours_the_text_itself_goes(db: Database) -> None:
    _, pessoa = await no_meta(db, ha=timedelta(hours=23))
    await gravar(db, resposta(pessoa, body="Oi!", modelo=MODELO))
    await um_modelo(db)
    [row] = (await reivindicar(db)).claimed
    assert (row["gateway"], row["instancia"], row["body"], row["modelo"]) == ("meta", "1055", "Oi!", None)


@pytest.mark.parametrize("ha", [timedelta(hours=24), timedelta(days=9), None])
async def test_outside_them_only_an_approved_template_goes_and_the_thread_will_show_its_words(
    db: Database, ha: timedelta | None
) -> None:
    _, pessoa = await no_meta(db, ha=ha)
    [sent] = await gravar(db, um_envio(pessoa.conversa, tipo=TipoEnvio.FOLLOWUP, body="texto livre", modelo=MODELO))
    await um_modelo(db)
    [row] = (await reivindicar(db)).claimed
    assert (row["modelo"], row["body"]) == (MODELO, "Oi, Ana! Posso te contar das vagas?")
    [stored] = await consulta(db, "SELECT body, body_hash FROM outbox WHERE id = %s", sent.id)
    assert stored == {"body": row["body"], "body_hash": sha256(row["body"].encode()).digest()}


@pytest.mark.parametrize(
    "achado",
    [None, {"status": "PAUSED"}, {"status": "REJECTED"}, {"parametros": 2}],
    ids=["none", "paused", "rejected", "other parameters"],
)
async def test_outside_them_nothing_goes_without_one(db: Database, achado: dict[str, object] | None) -> None:
    _, pessoa = await no_meta(db, ha=timedelta(days=2))
    await gravar(db, um_envio(pessoa.conversa, tipo=TipoEnvio.FOLLOWUP, modelo=MODELO), resposta(pessoa))
    if achado is not None:
        await um_modelo(db, **achado)
    judged = await reivindicar(db)
    assert (judged.claimed, judged.deferred) == ([], 1), "the reply waits for a number, the follow-up behind it"
    states = await consulta(db, "SELECT DISTINCT state FROM outbox")
    assert [row["state"] for row in states] == ["pending"]


async def test_another_gateway_takes_what_meta_may_not(db: Database) -> None:
    _, pessoa = await no_meta(db, ha=timedelta(days=2))
    await gravar(db, chip_que_envia(instancia="julia-02"), resposta(pessoa))
    [row] = (await reivindicar(db)).claimed
    assert (row["gateway"], row["instancia"], row["modelo"]) == ("evolution", "julia-02", None)


async def test_the_window_is_of_the_number_that_was_written_to(db: Database) -> None:
    chip, pessoa = await no_meta(db, ha=timedelta(hours=1))
    [other] = await gravar(db, chip_que_envia(gateway=Gateway.META, instancia="2066", trust_score=99))
    await consulta(db, "UPDATE conversa SET chip_id = %s WHERE id = %s", other.id, pessoa.conversa.id)
    await gravar(db, resposta(pessoa))
    [row] = (await reivindicar(db)).claimed
    assert row["instancia"] == chip.instancia


@pytest.mark.parametrize(
    ("lid", "destino", "gateway"), [("BR.1A2b3C", "BR.1A2b3C", "meta"), ("20100000", "20100000@lid", "evolution")]
)
async def test_who_has_no_number_is_reached_through_the_gateway_that_knows_them(
    db: Database, lid: str, destino: str, gateway: str
) -> None:
    chip, pessoa = await no_meta(db, ha=timedelta(hours=1))
    [other] = await gravar(db, chip_que_envia(instancia="julia-02"))
    wrong = other if gateway == "meta" else chip
    await consulta(db, "UPDATE conversa SET chip_id = %s WHERE id = %s", wrong.id, pessoa.conversa.id)
    await consulta(db, "UPDATE medico SET telefone = NULL, lid = %s WHERE id = %s", lid, pessoa.medico_id)
    await gravar(db, resposta(pessoa))
    [row] = (await reivindicar(db)).claimed
    assert (row["gateway"], row["destino"]) == (gateway, destino)


async def test_a_persons_words_pass_while_they_have_the_conversation_and_julias_do_not(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia())
    held = {"chip_id": chip.id, "controle": Controle.HUMANO, "status": StatusConversa.ESCALATED}
    [first, second] = await pessoas(db, 2, conversa=held)
    await gravar(db, resposta(first, autor=Autor.HUMANO, body="aqui é o Rui"), resposta(second))
    judged = await reivindicar(db)
    assert [row["body"] for row in judged.claimed] == ["aqui é o Rui"]
    assert [row["bloqueio"] for row in judged.blocked] == ["controle_humano"]
    await envio_desfecho.mark_sent(db, [(judged.claimed[0]["id"], judged.claimed[0]["fence"], "3EB0")], 0)
    [said] = await consulta(db, "SELECT autor, texto FROM interacao")
    assert said == {"autor": "humano", "texto": "aqui é o Rui"}


async def test_a_persons_words_stop_at_an_opt_out(db: Database) -> None:
    [pessoa] = await pessoas(db, 1)
    await gravar(db, chip_que_envia(), resposta(pessoa, autor=Autor.HUMANO))
    await consulta(db, "UPDATE doctor_state SET permissao = 'opted_out'")
    judged = await reivindicar(db)
    assert [row["bloqueio"] for row in judged.blocked] == ["opted_out"]


async def test_an_unclear_send_is_proved_by_our_own_id_in_a_receipt_of_its_own_number(db: Database) -> None:
    chip, pessoa = await no_meta(db, ha=timedelta(hours=1))
    await gravar(db, chip_que_envia(gateway=Gateway.META, instancia="2066"), resposta(pessoa))
    [row] = (await reivindicar(db)).claimed
    await envio_desfecho.mark_unknown(db, row["id"], row["fence"], "sem resposta", 30)
    await entrada.store_receipts(db, [NewReceipt("2066", "wamid.X", "delivered", "entregue", row["id"])])
    assert await envio_desfecho.reap_and_match(db, 30) == []
    await entrada.store_receipts(db, [NewReceipt(chip.instancia, "wamid.A", "delivered", "entregue", row["id"])])
    found = await envio_desfecho.reap_and_match(db, 30)
    assert found == [(row["id"], "wamid.A")]
    await envio_desfecho.mark_sent(db, [(row["id"], None, "wamid.A")], 0)
    [said] = await consulta(db, "SELECT provider_msg_id, entrega FROM interacao WHERE direcao = 'saida'")
    assert said == {"provider_msg_id": "wamid.A", "entrega": "entregue"}


@pytest.mark.parametrize(("prova", "fim"), [(True, "pending"), (False, "parked")])
async def test_absence_from_a_history_that_is_not_whole_proves_nothing(db: Database, fim: str, *, prova: bool) -> None:
    [pessoa] = await pessoas(db, 1)
    await gravar(db, chip_que_envia(), resposta(pessoa))
    [row] = (await reivindicar(db)).claimed
    await envio_desfecho.mark_unknown(db, row["id"], row["fence"], "sem resposta", 0)
    for _ in range(3):
        await envio_desfecho.mark_absent(db, row["id"], row["fence"], 3, 0, 5, prova=prova)
    assert [r["state"] for r in await consulta(db, "SELECT state FROM outbox")] == [fim]


@pytest.mark.parametrize(
    ("efeito", "pergunta", "esperado"),
    [
        (EfeitoRecibo.OPTOUT, "SELECT permissao AS v FROM doctor_state", "opted_out"),
        (EfeitoRecibo.SEM_WHATSAPP, "SELECT (sem_whatsapp_em IS NOT NULL) AS v FROM medico", True),
        (EfeitoRecibo.CHIP_FORA, "SELECT conectado AS v FROM chip", False),
    ],
)
async def test_a_failed_delivery_has_the_effect_that_it_tells(
    db: Database, efeito: EfeitoRecibo, pergunta: str, esperado: object
) -> None:
    chip, pessoa = await no_meta(db, ha=timedelta(hours=1))
    await gravar(db, resposta(pessoa))
    [row] = (await reivindicar(db)).claimed
    await envio_desfecho.mark_sent(db, [(row["id"], row["fence"], "wamid.A")], 0)
    recibo = Recibo("wamid.A", "failed", "falhou", row["id"], "131050 stopped", efeito)
    chegada = Chegada("meta", chip.instancia, b"{}", agora())
    for _ in range(2):
        await receber_eventos(db, chegada, (recibo,), LOGO)
    assert [r["v"] for r in await consulta(db, pergunta)] == [esperado]
    [said] = await consulta(db, "SELECT entrega FROM interacao WHERE direcao = 'saida'")
    assert said["entrega"] == "falhou"


async def test_a_number_that_is_not_on_whatsapp_is_not_written_to_first_until_it_writes(db: Database) -> None:
    [pessoa] = await pessoas(db, 1)
    await consulta(db, "UPDATE medico SET sem_whatsapp_em = now()")
    await gravar(db, chip_que_envia(), um_envio(pessoa.conversa, tipo=TipoEnvio.FOLLOWUP))
    assert [row["bloqueio"] for row in (await reivindicar(db)).blocked] == ["sem_whatsapp"]
    await consulta(db, "UPDATE doctor_state SET ultima_entrada_em = now() + interval '1 second'")
    await gravar(db, um_envio(pessoa.conversa, tipo=TipoEnvio.FOLLOWUP))
    assert len((await reivindicar(db)).claimed) == 1


async def test_a_stop_told_to_the_gateway_is_a_stop_and_its_taking_back_is_not_ours_to_act_on(db: Database) -> None:
    chip, pessoa = await no_meta(db, ha=timedelta(hours=1))
    [known] = await consulta(db, "SELECT telefone FROM medico WHERE id = %s", pessoa.medico_id)
    for parar in (True, False, True):
        chegada = Chegada("meta", chip.instancia, f'{{"n":{int(parar)}}}'.encode(), agora())
        await receber_eventos(db, chegada, (Preferencia(known["telefone"], None, parar=parar),), LOGO)
    [state] = await consulta(db, "SELECT permissao FROM doctor_state WHERE medico_id = %s", pessoa.medico_id)
    assert state["permissao"] == "opted_out"
    kept = await consulta(db, "SELECT desfecho FROM inbox ORDER BY id")
    assert [row["desfecho"] for row in kept] == [
        "pediu ao WhatsApp para parar",
        "voltou a permitir mensagens no WhatsApp",
    ]


async def test_a_stop_that_names_two_rows_of_one_doctor_holds_under_both_addresses(db: Database) -> None:
    chip, pessoa = await no_meta(db, ha=timedelta(hours=1))
    [oculta] = await pessoas(db, 1)
    await consulta(db, "UPDATE medico SET telefone = NULL, lid = 'BR.1A2b3C' WHERE id = %s", pessoa.medico_id)
    [known] = await consulta(db, "SELECT telefone FROM medico WHERE id = %s", oculta.medico_id)
    chegada = Chegada("meta", chip.instancia, b"{}", agora())
    stop = Preferencia(known["telefone"], "BR.1A2b3C", parar=True)
    pair = (("BR.1A2b3C", known["telefone"]),)
    await receber_eventos(db, chegada, (stop,), LOGO, vinculos=lambda: pair)
    assert await consulta(db, "SELECT DISTINCT permissao FROM doctor_state") == [{"permissao": "opted_out"}]
    assert await consulta(db, "SELECT lid, telefone FROM lid_telefone") == [{"lid": pair[0][0], "telefone": pair[0][1]}]


@pytest.mark.parametrize(("telefone", "lid"), [("+5511900010099", None), (None, "BR.1A2b3C")])
async def test_a_stop_of_somebody_not_known_yet_is_remembered(
    db: Database, telefone: str | None, lid: str | None
) -> None:
    chip, _ = await no_meta(db, ha=None)
    chegada = Chegada("meta", chip.instancia, b"{}", agora())
    for _ in range(2):
        await receber_eventos(db, chegada, (Preferencia(telefone, lid, parar=True),), LOGO)
    known = await consulta(
        db,
        "SELECT m.telefone, m.lid, s.permissao FROM medico m JOIN doctor_state s ON s.medico_id = m.id "
        "WHERE m.telefone = %s OR m.lid = %s",
        telefone,
        lid,
    )
    assert known == [{"telefone": telefone, "lid": lid, "permissao": "opted_out"}]


async def test_a_doctor_without_a_state_is_opted_out_too(db: Database) -> None:
    chip, pessoa = await no_meta(db, ha=None)
    [known] = await consulta(db, "SELECT telefone FROM medico WHERE id = %s", pessoa.medico_id)
    await consulta(db, "DELETE FROM doctor_state")
    stop = Preferencia(known["telefone"], None, parar=True)
    await receber_eventos(db, Chegada("meta", chip.instancia, b"{}", agora()), (stop,), LOGO)
    assert await consulta(db, "SELECT permissao FROM doctor_state") == [{"permissao": "opted_out"}]


async def test_one_gateways_proof_says_nothing_of_anothers_number(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia(instancia="julia-01"))
    [pessoa] = await pessoas(db, 1, conversa={"chip_id": chip.id})
    [known] = await consulta(db, "SELECT telefone FROM medico WHERE id = %s", pessoa.medico_id)
    await gravar(db, resposta(pessoa))
    [row] = (await reivindicar(db)).claimed
    await envio_desfecho.mark_sent(db, [(row["id"], row["fence"], "3EB0")], 0)
    chegada = Chegada("meta", "julia-01", b"{}", agora())
    forged = (
        MensagemRecebida("wamid.F", Midia.TEXTO, telefone=known["telefone"], texto="SAIR"),
        Eco("wamid.E", known["telefone"], None, Midia.TEXTO, "oi", None, digitada=True),
        Recibo("3EB0", "failed", "falhou", row["id"], "131031", EfeitoRecibo.CHIP_FORA),
        Recibo("3EB0", "failed", "falhou", row["id"], "131050", EfeitoRecibo.OPTOUT),
        Conexao(conectado=False),
        Outro("nada"),
    )
    for evento in forged:
        with pytest.raises(UnknownInstanceError):
            await receber_eventos(db, chegada, (evento,), LOGO)
    for table in ("inbox", "delivery_event", "lid_telefone"):
        assert await consulta(db, f"SELECT 1 FROM {table}") == []  # noqa: S608 - names of this test
    [state] = await consulta(
        db,
        "SELECT s.permissao <> 'opted_out' AS ok, k.conectado, c.controle FROM doctor_state s, chip k, conversa c",
    )
    assert state == {"ok": True, "conectado": True, "controle": "ai"}


async def test_a_number_that_fails_again_after_its_doctor_wrote_is_left_alone_again_and_an_old_failure_says_nothing(
    db: Database,
) -> None:
    chip, pessoa = await no_meta(db, ha=timedelta(hours=1))
    chegada = Chegada("meta", chip.instancia, b"{}", agora())
    gone = (
        "SELECT d.sem_whatsapp_em > coalesce(s.ultima_entrada_em, '-infinity') AS v "
        "FROM medico d JOIN doctor_state s ON s.medico_id = d.id"
    )
    sent = []
    for n in range(2):
        await gravar(db, resposta(pessoa))
        [row] = (await reivindicar(db)).claimed
        await envio_desfecho.mark_sent(db, [(row["id"], row["fence"], f"wamid.{n}")], 0)
        sent.append(Recibo(f"wamid.{n}", "failed", "falhou", row["id"], "131026", EfeitoRecibo.SEM_WHATSAPP))
        await receber_eventos(db, replace(chegada, agora=agora()), (sent[n],), LOGO)
        assert await consulta(db, gone) == [{"v": True}]
        await consulta(db, "UPDATE doctor_state SET ultima_entrada_em = now()")
        await receber_eventos(db, replace(chegada, agora=agora()), (sent[n],), LOGO)
        assert await consulta(db, gone) == [{"v": False}], "Meta told the same again after the doctor wrote"


async def test_the_events_of_one_body_are_told_apart_and_a_repeated_body_changes_nothing(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia(gateway=Gateway.ZAPI))
    chegada = Chegada("zapi", chip.instancia, b'{"ids":["a","b"]}', agora())
    eventos = (Outro("um"), Outro("dois"), Recibo("A1", "READ", "lida"), Recibo("A2", "READ", "lida"))
    for _ in range(2):
        await receber_eventos(db, chegada, eventos, LOGO)
    assert len(await consulta(db, "SELECT id FROM inbox")) == 2
    assert len(await consulta(db, "SELECT id FROM delivery_event")) == 2


async def test_a_reply_that_did_not_arrive_is_told_to_a_person_once(db: Database) -> None:
    chip, pessoa = await no_meta(db, ha=timedelta(hours=1))
    await gravar(db, resposta(pessoa))
    [row] = (await reivindicar(db)).claimed
    await envio_desfecho.mark_sent(db, [(row["id"], row["fence"], "wamid.A")], 0)
    chegada = Chegada("meta", chip.instancia, b"{}", agora())
    for status in ("failed", "failed", "delivered"):
        entrega = "falhou" if status == "failed" else "entregue"
        await receber_eventos(db, chegada, (Recibo("wamid.A", status, entrega, row["id"], "131049 held"),), LOGO)
    told = await consulta(db, "SELECT tipo, texto, conversation_id FROM aviso")
    assert told == [
        {
            "tipo": "entrega",
            "texto": "Uma resposta não chegou ao médico (131049 held)",
            "conversation_id": pessoa.conversa_id,
        }
    ]


async def test_a_persons_words_wait_for_a_stop_that_nobody_has_read_yet(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia())
    [pessoa] = await pessoas(db, 1, conversa={"chip_id": chip.id, "controle": Controle.HUMANO})
    [known] = await consulta(db, "SELECT telefone FROM medico WHERE id = %s", pessoa.medico_id)
    chegada = Chegada("evolution", chip.instancia, b"{}", agora())
    stop = MensagemRecebida("SAIR1", Midia.TEXTO, telefone=known["telefone"], texto="SAIR", enviada_em=agora())
    await receber_eventos(db, chegada, (stop,), LOGO)
    await gravar(db, resposta(pessoa, autor=Autor.HUMANO, body="só mais uma coisa"))
    judged = await reivindicar(db)
    assert ([row["bloqueio"] for row in judged.blocked], judged.claimed) == (["por_ler"], [])
