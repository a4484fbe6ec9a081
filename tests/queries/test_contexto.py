"""What a turn reads: one statement after the claim, each of its parts, and that it stays fast on a large database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from lib import ledger
from lib.agent.contexto import montar_contexto_completo
from lib.db import Database, Row, Step
from lib.domain.conhecimento import CANDIDATAS, PecaLida, TipoConhecimento
from lib.domain.memoria import NO_CONTEXTO, Assunto, Confianca, TipoMemoria
from lib.domain.modo import EstadoModo, Modo
from lib.models.conversa import Autor
from lib.queries import conhecimento, contexto, mailbox, memoria
from lib.usecases.digitando import Canal
from tests.builders import gravar, id_of, um_hospital, uma_entrada, uma_especialidade, uma_saida, uma_vaga
from tests.queries.fabrica import (
    Pessoa,
    agora,
    chega,
    chip_que_envia,
    consulta,
    ingerir,
    pessoas,
    reivindicar_turnos,
    resposta,
)

pytestmark = pytest.mark.anyio

LIMITES: dict[str, Any] = {"memorias": NO_CONTEXTO, "candidatas": CANDIDATAS, "historico": 10}
GRANDES = ("interacao", "medico", "conversa", "inbox", "outbox", "turno", "vaga", "memoria", "transferencia", "mailbox")


async def parte(db: Database, nome: str, pessoa: Pessoa) -> Row:
    """Run one part of the read alone, for one conversation."""
    sql = contexto.PARTES[nome]
    before = f"LEFT JOIN LATERAL ({contexto.ABERTAS}) abertas ON true" if nome == "conhecimentos" else ""
    whole = f"""SELECT p.* FROM conversa c JOIN medico d ON d.id = c.medico_id {before}
      LEFT JOIN LATERAL ({sql}) p ON true WHERE c.id = :id"""  # noqa: S608 - the parts are constants
    [[row]] = await db.round_trip(Step(text(whole), {"id": pessoa.conversa_id, **LIMITES}))
    return row


async def um_turno_com(db: Database, pessoa: Pessoa, fence: int, ferramentas: str) -> None:
    await consulta(
        db,
        "INSERT INTO turno (conversation_id, medico_id, fence, desfecho, motivo, ferramentas, etapas, custos,"
        " iniciado_em, terminado_em) VALUES (%s, %s, %s, 'respondida', 'teste', %s, '{}', '{}', now(), now())",
        pessoa.conversa_id, pessoa.medico_id, fence, ferramentas,
    )  # fmt: skip


async def lembra(db: Database, pessoa: Pessoa, texto: str, assunto: Assunto = Assunto.OUTRO) -> None:
    await db.round_trip(
        memoria.save_step(
            medico_id=pessoa.medico_id, tipo=TipoMemoria.PREFERENCIA, assunto=assunto, texto=texto,
            confianca=Confianca.ALTA, inbox_id=None, fonte="teste",
        )
    )  # fmt: skip


def peca(titulo: str, texto: str, gatilhos: str = "", tipo: TipoConhecimento = TipoConhecimento.GERAL) -> PecaLida:
    return PecaLida(tipo, None, titulo, gatilhos, texto, "teste/a.md")


async def test_claiming_and_reading_everything_is_one_round_trip_and_two_statements(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia())
    await ingerir(db, chega(chip.instancia, "+5511900010001", "A1", "achei pouco"))
    with ledger.measure("teste") as conta:
        rows, dead = await mailbox.claim_due(db, uuid4(), 8, 60, 10)
    assert (len(rows), dead) == (1, [])
    assert conta.counts()["round_trips"] == 1
    assert conta.counts()["statements"] == 2


async def test_a_turn_of_a_new_doctor_has_every_part_and_each_is_empty(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia())
    await ingerir(db, chega(chip.instancia, "+5511900010001", "A1", "oi"))
    [row] = await reivindicar_turnos(db)
    read = montar_contexto_completo(row)
    assert (read.memorias, read.conhecimentos, read.vagas_mostradas, read.na_fila) == ((), (), (), ())
    assert read.transferencia_resolvida is None
    assert read.modo == EstadoModo(Modo.DISCOVERY)
    assert read.diretrizes_versao > 0
    assert read.canal == Canal(chip.gateway, chip.instancia, "+5511900010001")
    assert not read.apresentada


async def test_a_turn_reads_what_the_conversation_has_become(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia())
    await ingerir(db, chega(chip.instancia, "+5511900010001", "A1", "e o valor do plantão?"))
    await consulta(
        db,
        "UPDATE conversa SET modo = 'oferta', modo_em = now(), modo_pendente = 'followup', modo_pendente_em = now()",
    )
    await consulta(db, "INSERT INTO flag (chave, valor) VALUES ('disabled_rules', '[\"rule_x\"]')")
    [row] = await reivindicar_turnos(db)
    read = montar_contexto_completo(row)
    assert (read.modo.modo, read.modo.pendente) == (Modo.OFERTA, Modo.FOLLOWUP)
    assert read.modo.em is not None
    assert read.modo.pendente_em is not None
    assert read.chaves.regras_desligadas == ("rule_x",)


async def test_reading_again_gives_the_same_as_the_claim(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia())
    await ingerir(db, chega(chip.instancia, "+5511900010001", "A1", "oi"))
    [row] = await reivindicar_turnos(db)
    again = await mailbox.reread(db, row["conversation_id"], row["fence"], 10)
    assert again == row


async def test_open_messages_carry_the_quoted_text_unless_it_was_deleted(db: Database) -> None:
    [pessoa] = await pessoas(db, 1)
    [chip] = await gravar(db, chip_que_envia())
    await gravar(
        db,
        uma_saida(pessoa.conversa, agora(), "Plantão sábado às 7h", provider_msg_id="P1"),
        uma_saida(pessoa.conversa, agora(), "Plantão domingo", provider_msg_id="P2", apagada_em=agora()),
    )
    for n, quoted in enumerate(("P1", "P2", None)):
        await consulta(
            db,
            "INSERT INTO inbox (source, chip_id, provider_msg_id, conversation_id, tipo, texto, raw, citada_msg_id)"
            " VALUES ('evolution', %s, %s, %s, 'mensagem', 'esse aí', '', %s)",
            chip.id, f"D{n}", pessoa.conversa_id, quoted,
        )  # fmt: skip
    row = await parte(db, "abertas", pessoa)
    assert [m["citada"] for m in row["linhas"]] == ["Plantão sábado às 7h", None, None]
    assert row["palavras"] == "esse aí esse aí esse aí"


async def test_history_says_what_kind_each_message_was_and_keeps_nothing_of_deleted_ones(db: Database) -> None:
    [pessoa] = await pessoas(db, 1)
    now = agora()
    await gravar(
        db,
        uma_entrada(pessoa.conversa, now - timedelta(minutes=3), "", midia="figurinha"),
        uma_entrada(pessoa.conversa, now - timedelta(minutes=2), "segredo", apagada_em=now),
        uma_saida(pessoa.conversa, now - timedelta(minutes=1), "Oi!", autor=Autor.HUMANO),
    )
    row = await parte(db, "passado", pessoa)
    assert [(h["autor"], h["midia"], h["texto"], h["apagada"]) for h in row["linhas"]] == [
        ("medico", "figurinha", "", False), ("medico", "texto", "", True), ("humano", "texto", "Oi!", False),
    ]  # fmt: skip


async def test_replies_still_in_the_queue_are_read_and_cold_messages_are_not(db: Database) -> None:
    [pessoa] = await pessoas(db, 1)
    await gravar(db, resposta(pessoa, body="Achei duas vagas."), resposta(pessoa, body="Já foi.", state="sent"))
    await gravar(db, resposta(pessoa, body="Lembrete", tipo="lembrete"))
    row = await parte(db, "na_fila", pessoa)
    assert row["linhas"] == ["Achei duas vagas."]


async def test_only_memory_in_force_of_this_very_doctor_is_read_ten_at_most(db: Database) -> None:
    one, other = await pessoas(db, 2)
    await lembra(db, one, "prefere noite", Assunto.TURNO)
    await lembra(db, one, "prefere dia", Assunto.TURNO)
    await lembra(db, other, "mora em Campinas")
    for n in range(12):
        await lembra(db, one, f"fato {n}")
    read = [m["texto"] for m in (await parte(db, "memorias", one))["linhas"]]
    assert read == [f"fato {n}" for n in range(11, 1, -1)]
    assert [m["texto"] for m in (await parte(db, "memorias", other))["linhas"]] == ["mora em Campinas"]


@pytest.mark.parametrize(
    "dito",
    [
        "achei caro",
        "ACHEI CARO!!!",
        "preço",
        "o preco nao compensa",
        "tá pagando mal o plantão",
        "cárös caro's ' \\ :* & | !",
    ],
)
async def test_any_word_of_the_burst_calls_for_a_piece(db: Database, dito: str) -> None:
    [pessoa] = await pessoas(db, 1)
    await conhecimento.import_pieces(db, "teste/", [peca("Valor", "Explique.", "caro, pagando mal, preço preco")])
    await escreve(db, pessoa, dito)
    row = await parte(db, "conhecimentos", pessoa)
    assert [p["titulo"] for p in row["linhas"]] == ["Valor"]


async def escreve(db: Database, pessoa: Pessoa, *textos: str) -> None:
    [chip] = await gravar(db, chip_que_envia())
    for texto in textos:
        await consulta(
            db,
            "INSERT INTO inbox (source, chip_id, provider_msg_id, conversation_id, tipo, texto, raw)"
            " VALUES ('evolution', %s, %s, %s, 'mensagem', %s, '')",
            chip.id, uuid4().hex, pessoa.conversa_id, texto,
        )  # fmt: skip


@pytest.mark.parametrize(
    "dito", ["", "de da do que", "!!! ???", "😀😀", "x" * 50_000, "🦜" * 5_000, "ﷺ" * 9_000, "a&b<->c|!d:*'e'\\f\\'"]
)
async def test_no_text_breaks_the_search(db: Database, dito: str) -> None:
    [pessoa] = await pessoas(db, 1)
    await conhecimento.import_pieces(db, "teste/", [peca("Valor", "Explique.", "caro")])
    await escreve(db, pessoa, dito, dito)
    row = await parte(db, "conhecimentos", pessoa)
    assert row["linhas"] is None


async def test_triggers_rank_above_titles_and_titles_above_texts(db: Database) -> None:
    [pessoa] = await pessoas(db, 1)
    await conhecimento.import_pieces(
        db,
        "teste/",
        [
            peca("Um", "Fala de estacionamento."),
            peca("Estacionamento", "Nada."),
            peca("Dois", "Nada.", "estacionamento"),
        ],
    )
    await escreve(db, pessoa, "tem estacionamento?")
    row = await parte(db, "conhecimentos", pessoa)
    assert [p["titulo"] for p in row["linhas"]] == ["Dois", "Estacionamento", "Um"]


async def test_a_hand_off_given_back_within_a_day_is_read_with_its_notes(db: Database) -> None:
    one, other, third = await pessoas(db, 3)
    for pessoa, status, age in (
        (one, "resolvida", "1 hour"),
        (other, "resolvida", "25 hours"),
        (third, "pendente", "1 hour"),
    ):
        await consulta(
            db,
            "INSERT INTO transferencia (conversation_id, gatilho, motivo, status, resolvida_em, resolvida_por, notas)"
            " VALUES (%s, 'manual', 'm', %s, now() - %s::interval, 'rosa', 'combinado sábado')",
            pessoa.conversa_id, status, age,
        )  # fmt: skip
    found = (await parte(db, "devolvida", one))["linha"]
    assert (found["por"], found["notas"]) == ("rosa", "combinado sábado")
    assert (await parte(db, "devolvida", other))["linha"] is None
    assert (await parte(db, "devolvida", third))["linha"] is None


async def test_shifts_shown_in_the_last_five_turns_are_read_while_they_are_open_and_to_come(db: Database) -> None:
    one, other = await pessoas(db, 2)
    [hospital] = await gravar(db, um_hospital())
    [especialidade] = await gravar(db, uma_especialidade())
    start = agora() + timedelta(days=1)
    keys = (id_of(hospital), id_of(especialidade))
    rows = await gravar(
        db,
        *(uma_vaga(*keys, start + timedelta(hours=n), start + timedelta(hours=n + 12)) for n in range(4)),
        uma_vaga(*keys, start, start + timedelta(hours=6), status="reservada"),
        uma_vaga(*keys, agora() - timedelta(hours=1), start),
    )
    ids = [id_of(row) for row in rows]
    await um_turno_com(db, one, 1, f'[{{"nome": "buscar_vagas", "vagas": [{ids[3]}]}}]')
    for fence, shown in ((2, ids[0]), (3, ids[4]), (4, ids[5]), (5, ids[1])):
        await um_turno_com(db, one, fence, f'[{{"nome": "buscar_vagas", "vagas": [{shown}, {ids[0]}]}}]')
    await um_turno_com(db, one, 6, '[{"nome": "x", "vagas": ["1", null, {"a": 1}]}, {"nome": "y"}]')
    await um_turno_com(db, other, 1, f'[{{"nome": "buscar_vagas", "vagas": [{ids[2]}]}}]')
    row = await parte(db, "mostradas", one)
    assert [v["id"] for v in row["linhas"]] == [ids[0], ids[1]]
    assert row["linhas"][0]["hospital"] == "Hospital Santa Clara"


async def test_julia_is_presented_once_she_wrote_in_any_conversation_or_is_about_to(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia())
    await ingerir(db, chega(chip.instancia, "+5511900010001", "A1", "oi"))
    [row] = await reivindicar_turnos(db)
    assert not montar_contexto_completo(row).apresentada
    key = (row["conversation_id"], row["fence"], 10)
    await consulta(
        db,
        "INSERT INTO interacao (conversation_id, medico_id, direcao, autor, texto, em)"
        " VALUES (%s, %s, 'saida', 'humano', 'Oi', now())",
        row["conversation_id"], row["medico_id"],
    )  # fmt: skip
    read = await mailbox.reread(db, *key)
    assert read
    assert not montar_contexto_completo(read).apresentada
    await consulta(db, "UPDATE interacao SET autor = 'julia'")
    read = await mailbox.reread(db, *key)
    assert read
    assert montar_contexto_completo(read).apresentada


async def test_while_the_operation_is_paused_no_turn_is_claimed_and_afterwards_each_is(db: Database) -> None:
    [chip] = await gravar(db, chip_que_envia())
    await ingerir(db, chega(chip.instancia, "+5511900010001", "A1", "oi"))
    await consulta(db, "INSERT INTO flag (chave, valor) VALUES ('pausa', '{\"ativo\": true}')")
    assert await reivindicar_turnos(db) == []
    await consulta(db, "UPDATE flag SET valor = '{\"ativo\": false}' WHERE chave = 'pausa'")
    assert len(await reivindicar_turnos(db)) == 1


FILL = """
INSERT INTO medico (telefone, nome)
  SELECT '+55118' || lpad(n::text, 8, '0'), 'Médico ' || n FROM generate_series(1, 30000) n;
INSERT INTO doctor_state (medico_id) SELECT id FROM medico;
INSERT INTO conversa (medico_id, status) SELECT id, 'active' FROM medico;
INSERT INTO mailbox (conversation_id) SELECT id FROM conversa;
INSERT INTO interacao (conversation_id, medico_id, direcao, autor, texto, em, provider_msg_id)
  SELECT c.id, c.medico_id, 'entrada', 'medico', 'mensagem ' || n, now() - n * interval '1 hour',
    'M' || c.id || '-' || n
  FROM conversa c, generate_series(1, 3) n;
INSERT INTO interacao (conversation_id, medico_id, direcao, autor, texto, em)
  SELECT c.id, c.medico_id, 'saida', 'julia', 'resposta', now() FROM conversa c LIMIT 12000;
INSERT INTO chip (telefone, instancia, status) VALUES ('+5511900000100', 'chip-01', 'active');
INSERT INTO inbox (source, chip_id, provider_msg_id, conversation_id, tipo, texto, raw, desfecho, citada_msg_id)
  SELECT 'evolution', 1, 'I' || c.id, c.id, 'mensagem', 'achei caro o plantão', '',
    CASE WHEN c.id > 50 THEN 'respondida' END, 'M' || c.id || '-1' FROM conversa c;
INSERT INTO turno (conversation_id, medico_id, fence, desfecho, motivo, etapas, custos, iniciado_em, terminado_em,
    ferramentas)
  SELECT c.id, c.medico_id, n, 'respondida', 'teste', '{}', '{}', now(), now(), '[{"vagas": [1, 2, 3]}]'
  FROM conversa c, generate_series(1, 2) n;
INSERT INTO outbox (conversation_id, medico_id, cause, body, body_hash, tipo, state)
  SELECT c.id, c.medico_id, 'c' || c.id, 'oi', '', 'resposta', 'sent' FROM conversa c;
INSERT INTO memoria (medico_id, tipo, assunto, texto, fonte)
  SELECT id, 'preferencia', 'turno', 'prefere noite', 'teste' FROM medico;
INSERT INTO transferencia (conversation_id, gatilho, motivo, status, resolvida_em)
  SELECT id, 'manual', 'm', 'resolvida', now() FROM conversa;
INSERT INTO hospital (nome, nome_normalizado, cidade, uf) VALUES ('H', 'h', 'São Paulo', 'SP');
INSERT INTO especialidade (nome, nome_normalizado) VALUES ('E', 'e');
INSERT INTO vaga (hospital_id, especialidade_id, inicio, fim, valor_centavos)
  SELECT 1, 1, now() + n * interval '1 hour', now() + (n + 12) * interval '1 hour', 100 FROM generate_series(1, 8000) n;
UPDATE mailbox SET claim = '00000000-0000-0000-0000-000000000001', due_at = now() WHERE conversation_id <= 8;
ANALYZE
"""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


async def test_on_thirty_thousand_doctors_the_read_walks_indexes_only(db: Database) -> None:
    async with db.connection() as connection:
        await connection.execute("SET statement_timeout = 0")  # filling takes long on a busy machine
        for statement in FILL.split(";\n"):
            await connection.execute(statement)
    sql = contexto.statement("context", "m.claim = :claim")
    params = {"claim": "00000000-0000-0000-0000-000000000001", **LIMITES}
    [[row]] = await db.round_trip(Step(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}"), params))
    [explained] = row["QUERY PLAN"]
    scanned = [n for n in nodes(explained["Plan"]) if n["Node Type"] == "Seq Scan" and n["Relation Name"] in GRANDES]
    assert [(n["Relation Name"], n["Plan Rows"]) for n in scanned] == []
    assert explained["Execution Time"] < 50
    [claimed] = [await mailbox.reread(db, 1, 0, 10)]
    assert claimed
    assert len(claimed["vagas_mostradas"]) == 3
    assert claimed["mensagens"][0]["citada"] == "mensagem 1"
