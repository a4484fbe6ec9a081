"""Knowledge: files into pieces, and which of the found pieces fit."""

from __future__ import annotations

import pytest

from lib.domain.conhecimento import (
    ESCOLHIDAS,
    TEXTO_MAX,
    TRECHO_MAX,
    Peca,
    TipoConhecimento,
    cortar,
    escolher,
    ler_arquivo,
    resumir,
)
from lib.domain.objecao import Objecao, Severidade, TipoObjecao
from lib.domain.situacao import Intencao, Objetivo, Perfil, Situacao
from lib.seed.semear import pecas_iniciais

T = TipoConhecimento
PRECO = Objecao(TipoObjecao.PRECO, Severidade.MEDIUM, 0.9, "caro")


def peca(id_: int, tipo: TipoConhecimento, subtipo: str | None = None, relevancia: float = 0.1) -> Peca:
    return Peca(id_, tipo, subtipo, f"Título {id_}", f"Texto {id_}.", relevancia)


def situacao(objecao: Objecao | None = None) -> Situacao:
    return Situacao(objecao, Perfil.SENIOR, Objetivo.OFERTAR, Intencao.INTERESSE, 0.9)


def test_the_objection_comes_first_then_profile_then_objective_then_general_whatever_their_relevance() -> None:
    found = (
        peca(1, T.GERAL, None, 0.9), peca(2, T.OBJETIVO, "ofertar", 0.8), peca(3, T.PERFIL, "senior", 0.7),
        peca(4, T.OBJECAO, "preco", 0.1),
    )  # fmt: skip
    assert [p.id for p in escolher(found, situacao(PRECO))] == [4, 3, 2]
    assert [p.id for p in escolher(found[:2], situacao(PRECO))] == [2, 1]


def test_pieces_for_another_objection_profile_or_objective_are_left_out() -> None:
    found = (peca(1, T.OBJECAO, "tempo"), peca(2, T.PERFIL, "recem_formado"), peca(3, T.OBJETIVO, "fechar"))
    assert escolher(found, situacao(PRECO)) == ()


def test_an_objection_that_only_the_words_show_comes_after_everything_else() -> None:
    found = (peca(1, T.OBJECAO, "tempo", 0.9), peca(2, T.GERAL, None, 0.1))
    assert [p.id for p in escolher(found, situacao())] == [2, 1]


def test_within_a_kind_the_more_relevant_comes_first_and_three_are_enough() -> None:
    found = [peca(n, T.GERAL, None, n / 10) for n in range(8)]
    chosen = escolher(found, situacao())
    assert [p.id for p in chosen] == [7, 6, 5]
    assert len(chosen) == ESCOLHIDAS


def test_a_chosen_text_is_cut_on_a_sentence_end_within_its_limit() -> None:
    long = " ".join(["Uma frase de teste que diz algo."] * 40)
    [chosen] = escolher([Peca(1, T.GERAL, None, "T", long, 1.0)], situacao())
    assert len(chosen.texto) <= TRECHO_MAX
    assert chosen.texto.endswith("algo.")


@pytest.mark.parametrize(
    ("texto", "limite", "cortado"),
    [
        ("curto", 10, "curto"),
        ("Um. Dois. Três.", 9, "Um. Dois."),
        ("Um. Dois. Três.", 12, "Um. Dois."),
        ("sem frase nenhuma aqui", 12, "sem frase…"),
        ("R$ 1.800,00 por hora", 12, "R$ 1.800,00…"),
        ("x" * 30, 10, "x" * 9 + "…"),
    ],
)
def test_a_cut_ends_with_a_sentence_or_else_with_a_word(texto: str, limite: int, cortado: str) -> None:
    assert cortar(texto, limite) == cortado
    assert len(cortar(texto, limite)) <= limite


def test_the_summary_names_pieces_and_repeats_none_of_their_text() -> None:
    assert resumir([peca(3, T.GERAL), peca(5, T.GERAL)]) == "3: Título 3; 5: Título 5"
    assert resumir([]) == ""


ARQUIVO = """---
tipo: objecao
subtipo: preco
gatilhos: caro, preço
---
# Para pessoas
isto não é lido

## Primeira
Texto da
primeira.

## Segunda
gatilhos: médio, já
Texto da segunda.
### Não é peça
fim
"""


def test_a_file_becomes_one_piece_a_heading_with_the_words_of_file_and_piece() -> None:
    one, two = ler_arquivo("a.md", ARQUIVO.replace("\n", "\r\n"))
    assert (one.titulo, one.texto, one.subtipo, one.origem) == ("Primeira", "Texto da primeira.", "preco", "a.md")
    assert one.gatilhos == "caro, preço preco"
    assert two.gatilhos == "caro, preço, médio, já preco medio"
    assert two.texto == "Texto da segunda. ### Não é peça fim"


@pytest.mark.parametrize(
    ("conteudo", "motivo"),
    [
        ("", "falta o cabeçalho"),
        ("## A\ntexto", "falta o cabeçalho"),
        ("---\ntipo: geral\n## A\ntexto", "falta o cabeçalho"),
        ("---\ntipo: x\n---\n## A\nt", "escreva um destes"),
        ("---\nsubtipo: preco\n---\n## A\nt", "tipo: escreva"),
        ("---\ntipo: objecao\n---\n## A\nt", "subtipo: para tipo objecao"),
        ("---\ntipo: objecao\nsubtipo: nenhuma\n---\n## A\nt", "subtipo"),
        ("---\ntipo: perfil\nsubtipo: desconhecido\n---\n## A\nt", "subtipo"),
        ("---\ntipo: geral\nautor: eu\n---\n## A\nt", "linha 3"),
        ("---\ntipo: geral\n---\nsem títulos", "nenhuma peça"),
        ("---\ntipo: geral\n---\n## A\n\n## B\nt", "'A' não tem texto"),
        ("---\ntipo: geral\n---\n## A\nt\n## A\nu", "duas vezes"),
        (f"---\ntipo: geral\n---\n## A\n{'x' * (TEXTO_MAX + 1)}", "divida-a"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_what_to_write(conteudo: str, motivo: str) -> None:
    with pytest.raises(ValueError, match=motivo):
        ler_arquivo("a.md", conteudo)


def test_the_starting_knowledge_covers_every_common_objection_and_promises_nothing() -> None:
    pieces = pecas_iniciais()
    assert len(pieces) >= 25
    assert {"preco", "confianca", "processo", "tempo"} <= {p.subtipo for p in pieces}
    assert {p.tipo for p in pieces} == set(TipoConhecimento)
    assert all(p.origem.startswith("inicial/") and len(p.texto) <= TRECHO_MAX for p in pieces)
