"""The import of knowledge: exactly what the files say, in one go, and nothing on a repeat."""

from __future__ import annotations

import asyncio

import pytest

from lib.db import Database, Row
from lib.domain.conhecimento import PecaLida, TipoConhecimento
from lib.queries import conhecimento
from lib.queries.conhecimento import Importadas, import_pieces
from lib.seed.semear import PASTA_INICIAL, pecas_iniciais
from tests.queries.fabrica import consulta

pytestmark = pytest.mark.anyio


def peca(titulo: str, texto: str = "Texto.", origem: str = "a/um.md", gatilhos: str = "") -> PecaLida:
    return PecaLida(TipoConhecimento.GERAL, None, titulo, gatilhos, texto, origem)


async def tudo(db: Database) -> list[Row]:
    return await consulta(db, "SELECT id, titulo, texto, origem, importado_em FROM conhecimento ORDER BY id")


async def test_an_import_makes_the_database_what_the_files_say_and_counts_it(db: Database) -> None:
    assert await import_pieces(db, "a/", [peca("A"), peca("B"), peca("C")]) == Importadas(3, 0, 0, 0)
    changed = [peca("A"), peca("B", "Outro."), peca("D")]
    assert await import_pieces(db, "a/", changed) == Importadas(novas=1, mudadas=1, iguais=1, removidas=1)
    assert [(row["titulo"], row["texto"]) for row in await tudo(db)] == [
        ("A", "Texto."), ("B", "Outro."), ("D", "Texto.")
    ]  # fmt: skip


async def test_a_repeat_changes_no_row(db: Database) -> None:
    await import_pieces(db, "a/", [peca("A"), peca("B")])
    before = await tudo(db)
    assert await import_pieces(db, "a/", [peca("A"), peca("B")]) == Importadas(0, 0, 2, 0)
    assert await tudo(db) == before


async def test_a_dry_run_counts_and_writes_nothing(db: Database) -> None:
    await import_pieces(db, "a/", [peca("A"), peca("B")])
    before = await tudo(db)
    assert await import_pieces(db, "a/", [peca("A", "Novo."), peca("C")], grava=False) == Importadas(1, 1, 0, 1)
    assert await tudo(db) == before


async def test_an_import_leaves_other_folders_alone(db: Database) -> None:
    await import_pieces(db, "a/", [peca("A")])
    await import_pieces(db, "ab/", [peca("A", origem="ab/um.md")])
    assert await import_pieces(db, "a/", []) == Importadas(0, 0, 0, 1)
    assert [row["origem"] for row in await tudo(db)] == ["ab/um.md"]


async def test_a_file_that_breaks_a_rule_of_the_table_changes_nothing(db: Database) -> None:
    await import_pieces(db, "a/", [peca("A")])
    with pytest.raises(Exception, match="second time"):
        await import_pieces(db, "a/", [peca("B"), peca("B")])
    assert [row["titulo"] for row in await tudo(db)] == ["A"]


async def test_imports_at_the_same_time_end_as_one_of_them(db: Database) -> None:
    many = [[peca(f"T{n}", f"Texto {who}.") for n in range(20)] for who in range(4)]
    await asyncio.gather(*(import_pieces(db, "a/", pieces) for pieces in many))
    texts = {row["texto"] for row in await tudo(db)}
    assert len(await tudo(db)) == 20
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("dito", "achado"),
    [
        ("achei muito caro", "O valor vem do hospital"),
        ("isso não é golpe?", "Quem está falando"),
        ("vcs pedem pix ou deposito?", "O que nunca é pedido por aqui"),
        ("como vocês conseguiram meu número?", "De onde veio o contato"),
        ("tem muita burocracia", "As etapas, em ordem"),
        ("agora nao posso, me lembra amanha", "Falar depois"),
        ("ja trabalho com outra cooperativa", "Não é preciso trocar nada"),
        ("quando eu recebo o pagamento?", "Como o plantão é pago"),
        ("como funciona o servico de voces", "O que a empresa faz"),
    ],
)
async def test_the_starting_knowledge_is_found_by_what_doctors_write(db: Database, dito: str, achado: str) -> None:
    await import_pieces(db, PASTA_INICIAL, pecas_iniciais())
    assert achado in [row["titulo"] for row in await conhecimento.search(db, dito)][:4]
