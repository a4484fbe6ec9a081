"""Memory: this doctor's own facts, kept once, replaced, forgotten; never documents or numbers."""

from __future__ import annotations

import pytest

from lib.db import Database
from tests.agent.tools.oficina import cerca_perdida, contagem, lido, linhas, um_turno, usar


async def test_a_fact_is_kept_with_where_it_came_from(db: Database) -> None:
    contexto = await um_turno(db)
    fato = {"assunto": "turno", "tipo": "preferencia", "informacao": "prefere plantão noturno", "confianca": "alta"}
    assert lido(await usar(contexto, "salvar_memoria", acao="salvar", **fato)) == {"salvo": True}
    [row] = await linhas(db, "memoria")
    assert (row["medico_id"], row["inbox_id"], row["fonte"]) == (
        contexto.medico_id,
        contexto.inbox_id,
        "salvar_memoria",
    )
    assert {name: row[name] for name in ("assunto", "tipo", "confianca")} == {
        name: fato[name] for name in ("assunto", "tipo", "confianca")
    }


async def test_a_recomputed_turn_keeps_it_once(db: Database) -> None:
    contexto = await um_turno(db)
    for _ in range(2):
        lido(await usar(contexto, "salvar_memoria", acao="salvar", assunto="outro", informacao="tem dois filhos"))
    assert await contagem(db) == {
        **dict.fromkeys(("outbox", "interesse", "aviso", "transferencia"), 0), "tool_effect": 1, "memoria": 1,
    }  # fmt: skip


async def test_forgetting_leaves_other_doctors_alone(db: Database) -> None:
    um, outro = await um_turno(db), await um_turno(db)
    for contexto in (um, outro):
        lido(await usar(contexto, "salvar_memoria", acao="salvar", assunto="regiao", informacao="mora em Santos"))
        lido(await usar(contexto, "salvar_memoria", acao="salvar", assunto="turno", informacao="só de dia"))
    lido(await usar(um, "salvar_memoria", acao="esquecer", assunto="regiao"))
    lido(await usar(outro, "salvar_memoria", acao="esquecer", assunto="tudo"))
    kept = [(row["medico_id"], row["texto"]) for row in await linhas(db, "memoria") if row["texto"]]
    assert [medico for medico, _ in kept] == [um.medico_id]


async def test_a_lost_fence_neither_keeps_nor_forgets(db: Database) -> None:
    contexto = await um_turno(db)
    lido(await usar(contexto, "salvar_memoria", acao="salvar", assunto="turno", informacao="só de dia"))
    stale = cerca_perdida(contexto)
    assert (await usar(stale, "salvar_memoria", acao="salvar", assunto="turno", informacao="só de noite")).erro
    assert (await usar(stale, "salvar_memoria", acao="esquecer", assunto="tudo")).erro
    [row] = await linhas(db, "memoria")
    assert row["texto"] == "só de dia"


@pytest.mark.parametrize(
    "informacao",
    [
        "CPF 123.456.789-09",
        "o telefone é (11) 98888-7777",
        "onze: 11988887777",
        "pix helena@exemplo.com",
        "conta corrente 1234-5 do banco",
        "a senha é abacate",
        "",
        "   \x00 ",
        "x" * 201,
    ],
)
async def test_documents_accounts_and_numbers_are_not_kept(db: Database, informacao: str) -> None:
    result = await usar(await um_turno(db), "salvar_memoria", acao="salvar", assunto="contato", informacao=informacao)
    assert result.erro
    assert (await contagem(db))["memoria"] == 0


async def test_a_minimum_pay_and_a_date_are_no_personal_data(db: Database) -> None:
    contexto = await um_turno(db)
    for assunto, fato in (
        ("valor_minimo", "no mínimo R$ 12.000,00 por 24h"),
        ("disponibilidade", "livre em 2026-12-27"),
    ):
        lido(await usar(contexto, "salvar_memoria", acao="salvar", assunto=assunto, informacao=fato))


async def test_everything_cannot_be_saved(db: Database) -> None:
    assert (await usar(await um_turno(db), "salvar_memoria", acao="salvar", assunto="tudo", informacao="algo")).erro
    assert (await usar(await um_turno(db), "salvar_memoria", acao="apagar", assunto="turno")).erro
