# ruff: noqa: RUF001 - foreign letters are the point of one test

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.dinheiro import ILEGIVEL as SEM_NUMERO
from lib.domain.dinheiro import valores_centavos, valores_de_fatos
from lib.domain.identidade import APRESENTACAO, RESPOSTA_ROBO
from lib.domain.optout import CONFIRMACAO_OPTOUT, PERGUNTA_PARADA
from lib.domain.resposta import (
    CONFIRMA_RESERVA,
    ILEGIVEL,
    LIMITE,
    LONGA,
    NEGA_AUTOMACAO,
    NEGOCIA,
    VALOR_SEM_FONTE,
    VAZAMENTO,
    VAZIA,
    Revisao,
    fragmentar,
    revisar,
)
from tests.fixtures.respostas import BOAS, DITOS, FATOS, HOJE, NOSSOS, RUINS

FATO = '{"vaga": "UTI", "hospital": "Hospital São Lucas", "valor_centavos": 180000, "quando": "quinta 19h"}'


@pytest.mark.parametrize(
    "texto",
    [
        APRESENTACAO,
        RESPOSTA_ROBO,
        CONFIRMACAO_OPTOUT,
        PERGUNTA_PARADA,
        "Temos UTI no Hospital São Lucas, quinta às 19h, por R$ 1.800,00. Quer que eu peça a reserva?",
        "O valor é R$1800 pelo plantão de 12h.",
        "São 1.800 reais, pagos em 30 dias.",
        "Vou pedir a reserva e uma pessoa da equipe confirma com você.",
        "Ainda não está confirmado, te aviso assim que for.",
        "A vaga não foi reservada ainda.",
        "Quando estiver confirmada eu te aviso.",
        "Posso pedir para reservar?",
        "Posso confirmar seu interesse?",
        "A vaga continua aberta, quer que eu peça a reserva?",
        "Quando o hospital confirmar, aviso.",
        "Não consigo confirmar por aqui.",
        "Chego lá às 7h :)",
        "Essa vaga já foi preenchida, quer ver outra?",
        "Qual sua especialidade?",
    ],
)
def test_an_honest_reply_leaves_untouched(texto: str) -> None:
    revisao = revisar(texto, [FATO])
    assert revisao.violacoes == ()
    assert revisao.texto == texto
    assert not revisao.bloqueada


@pytest.mark.parametrize(
    ("texto", "violacao"),
    [
        ("Não sou um robô, sou a Júlia.", NEGA_AUTOMACAO),
        ("Sou uma pessoa de verdade!", NEGA_AUTOMACAO),
        ("Não sou um ro\u200bbô", NEGA_AUTOMACAO),
        ("Vou usar buscar_vagas para ver", VAZAMENTO),
        ("Vou usar `buscar_vagas` para ver", VAZAMENTO),
        ("Vaga 3fa85f64-5717-4562-b3fc-2c963f66afa6", VAZAMENTO),
        ("Meu system prompt diz que não", VAZAMENTO),
        ('{"vagas": []}', VAZAMENTO),
        ("<tool_use>x</tool_use>", VAZAMENTO),
        ("<invoke name=x>", VAZAMENTO),
        ("Seu plantão está reservado!", CONFIRMA_RESERVA),
        ("Confirmei seu plantão de quinta", CONFIRMA_RESERVA),
        ("Pronto, já reservei para você", CONFIRMA_RESERVA),
        ("A vaga é sua!", CONFIRMA_RESERVA),
        ("Ficou tudo confirmado para quinta", CONFIRMA_RESERVA),
        ("Plantão confirmado!", CONFIRMA_RESERVA),
        ("Seu plantão **está** reser\u200bvado", CONFIRMA_RESERVA),
        ("Já deixei reservado pra você", CONFIRMA_RESERVA),
        ("Deixei a vaga separada para você", CONFIRMA_RESERVA),
        ("Reservado!", CONFIRMA_RESERVA),
        ("Pronto, confirmado: quinta às 19h", CONFIRMA_RESERVA),
        ("Você foi escalada", CONFIRMA_RESERVA),
        ("Consigo R$ 2.000,00", VALOR_SEM_FONTE),
        ("Consigo R$ 1.800,50", VALOR_SEM_FONTE),
        ("Entre R$ 1.800 e 2.500", VALOR_SEM_FONTE),
        ("Pagam 2 mil reais", VALOR_SEM_FONTE),
        ("Pagam dois mil reais", VALOR_SEM_FONTE),
        ("O valor é 2.500", VALOR_SEM_FONTE),
        ("", VAZIA),
        ("***", VAZIA),
        ("\u200b\n ", VAZIA),
    ],
)
def test_what_may_not_leave_is_blocked_with_nothing_left_to_send(texto: str, violacao: str) -> None:
    revisao = revisar(texto, [FATO])
    assert violacao in revisao.violacoes
    assert revisao.bloqueada
    assert revisao.texto == ""


def revisada(texto: str, **mais: Any) -> Revisao:
    return revisar(texto, FATOS, ditos=DITOS, nossos=NOSSOS, hoje=HOJE, **mais)


@pytest.mark.parametrize("texto", BOAS)
def test_every_good_reply_of_the_labelled_set_leaves_as_it_is(texto: str) -> None:
    assert revisada(texto) == Revisao(texto, (), bloqueada=False)


@pytest.mark.parametrize(("texto", "violacao"), RUINS)
def test_every_bad_reply_of_the_labelled_set_is_blocked_for_its_reason(texto: str, violacao: str) -> None:
    revisao = revisada(texto)
    assert violacao in revisao.violacoes
    assert (revisao.texto, revisao.bloqueada) == ("", True)


@pytest.mark.parametrize("texto", ["Привет, доктор!", "你好医生 oi", "ץןеǆѳKש ok", "Zשa̸תlגo"])
def test_what_nobody_here_can_read_is_blocked(texto: str) -> None:
    assert ILEGIVEL in revisada(texto).violacoes


def test_emoji_accents_and_a_foreign_word_are_readable() -> None:
    for texto in ("Oi! 😊👩‍⚕️", "Ação, über, naïve", "O plantão é para quem conhece a escala α e β de dor."):
        assert not revisada(texto).bloqueada


def test_the_labelled_sets_are_as_large_as_they_should_be() -> None:
    assert len(set(BOAS)) >= 120
    assert len({texto for texto, _ in RUINS}) >= 150


@pytest.mark.parametrize(
    "texto",
    [
        "São R$ 2.500,00 no domingo.",
        "Temos plantão no domingo em Campinas.",
        "Tem vaga dia 30 às 20h.",
        "Há plantões no Hospital Albert Schweitzer.",
    ],
)
def test_what_the_doctor_said_is_repeated_to_him_but_never_offered(texto: str) -> None:
    assert revisada(texto).bloqueada


def test_links_leave_to_allowed_hosts_and_what_lies_below_them() -> None:
    permitidos = frozenset({"plantoes.com"})
    assert not revisada("Veja em https://cadastro.plantoes.com/a_b?c=1", links=permitidos).bloqueada
    assert revisada("Veja em https://plantoes.com.golpe.net", links=permitidos).bloqueada
    assert revisada("Veja em https://plantoes.com@golpe.net/x", links=permitidos).bloqueada


def test_a_margin_in_force_lets_an_amount_rise_as_far_as_it_goes() -> None:
    assert not revisada("Consigo chegar a R$ 2.090,00 nesse.", margem_pct=10).bloqueada
    assert revisada("Consigo chegar a R$ 2.090,01 nesse.", margem_pct=10).violacoes == (VALOR_SEM_FONTE,)
    assert not revisada("Posso melhorar o valor em 10%.", margem_pct=10).bloqueada
    assert revisada("Posso melhorar o valor em 15%.", margem_pct=10).violacoes == (NEGOCIA,)
    assert revisada("Posso melhorar o valor.").violacoes == (NEGOCIA,)


def test_no_run_of_words_of_what_stays_inside_leaves() -> None:
    segredo = "Nunca conte a ninguém que a senha do cofre é um pato azul de borracha velha. " + APRESENTACAO
    vazada = revisada("Claro: a ninguém que a senha do cofre é um pato azul de borracha velha!", segredos=(segredo,))
    assert vazada.violacoes == (VAZAMENTO,)
    assert not revisada("A senha do cofre eu não sei.", segredos=(segredo,)).bloqueada
    assert not revisada(APRESENTACAO, segredos=(segredo,)).bloqueada


@pytest.mark.parametrize(
    ("texto", "bloqueada"),
    [("Temos plantão quinta às 19h.", False), ("Temos plantão sexta às 19h.", True), ("É amanhã às 19h.", True)],
)
def test_without_a_calendar_weekdays_must_be_named_by_the_facts(texto: str, bloqueada: bool) -> None:
    assert revisar(texto, [FATO]).bloqueada is bloqueada


@given(st.integers(1, 28), st.integers(1, 12), st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
def test_a_moment_of_the_facts_leaves_and_any_other_does_not(dia: int, mes: int, hora: int, minuto: int) -> None:
    fato = f'{{"quando": "{dia:02d}/{mes:02d} das {hora:02d}:{minuto:02d} às {(hora + 6) % 24:02d}:{minuto:02d}"}}'
    escrita = f"{hora}h{minuto:02d}" if minuto else f"{hora}h"
    texto = f"O plantão é dia {dia}/{mes:02d}, às {escrita}."
    assert not revisar(texto, [fato], hoje=HOJE).bloqueada
    assert revisar(texto, [], hoje=HOJE).bloqueada
    assert revisar(f"O plantão é dia {dia % 28 + 1}/{mes:02d}, às {escrita}.", [fato], hoje=HOJE).bloqueada
    assert revisar(f"O plantão é dia {dia}/{mes:02d}, às {(hora + 1) % 24}h{minuto:02d}.", [fato], hoje=HOJE).bloqueada


@given(st.sampled_from(RUINS), st.text(alphabet=st.sampled_from("ab éç.!\n"), max_size=60))
def test_nothing_put_before_a_forbidden_sentence_lets_it_leave(ruim: tuple[str, str], antes: str) -> None:
    assert revisada(f"{antes}\n{ruim[0]}").bloqueada


def test_a_listed_price_needs_a_fact_of_this_turn() -> None:
    assert revisar("São R$ 1.800,00.", []).bloqueada
    assert not revisar("São R$ 1.800,00.", ["UTI: R$ 1.800,00"]).bloqueada


@pytest.mark.parametrize(
    ("texto", "limpo"),
    [
        ("**Oi**, tudo bem?", "Oi, tudo bem?"),
        ("# Título\n- um\n- dois", "Título\num\ndois"),
        ("1. um\n2) dois\n> três", "um\ndois\ntrês"),
        ("| a | b |\n|---|---|\nfim", "a | b\n\nfim"),
        ("\u202eoi\u202c \x07tudo\u200b bem", "oi tudo bem"),
        ("```json\noi\n```", "oi"),
        ("_oi_ doutora", "oi doutora"),
        ("a\r\nb\n\n\n\nc", "a\nb\n\nc"),
    ],
)
def test_markers_and_invisible_characters_are_stripped(texto: str, limpo: str) -> None:
    assert revisar(texto, []).texto == limpo


def test_a_long_reply_is_cut_after_a_sentence() -> None:
    revisao = revisar("Esta é uma frase comum. " * 80, [])
    assert revisao.violacoes == (LONGA,)
    assert not revisao.bloqueada
    assert len(revisao.texto) <= LIMITE
    assert revisao.texto.endswith("comum.")


@given(st.text(max_size=1500))
def test_a_revised_text_is_short_and_revising_it_again_changes_nothing(texto: str) -> None:
    revisao = revisar(texto, [])
    assert len(revisao.texto) <= LIMITE
    assert not revisao.bloqueada or revisao.texto == ""
    if not revisao.bloqueada:
        assert revisar(revisao.texto, []).texto == revisao.texto


@given(st.integers(1, 9_999_999))
def test_an_amount_reads_the_same_however_it_is_written(centavos: int) -> None:
    reais, resto = divmod(centavos, 100)
    pontos = f"{reais:,}".replace(",", ".")
    assert valores_centavos(f"R$ {pontos},{resto:02d}") == {centavos}
    assert valores_centavos(f"R${reais},{resto:02d}.") == {centavos}
    assert valores_de_fatos([f'"valor_centavos": {centavos}']) == {centavos}
    assert valores_centavos(f"{pontos} reais") == {reais * 100}


def test_amounts_in_words_and_thousands_are_read() -> None:
    assert valores_centavos("R$ 1,8 mil") == {180_000}
    assert valores_centavos("mil e quinhentos reais") == {SEM_NUMERO}
    assert valores_centavos("plantão de 12h, 3 vagas, em 30 dias") == frozenset()


@given(
    st.text(alphabet=st.sampled_from("ab .,!?\n"), max_size=400),
    st.integers(1, 60),
)
def test_fragments_lose_no_word_and_keep_the_limit(texto: str, limite: int) -> None:
    partes = fragmentar(texto, limite)
    assert " ".join(partes).split() == texto.split()
    for parte in partes:
        assert parte == parte.strip()
        assert len(parte) <= limite or len(parte.split()) == 1


def test_a_sentence_end_is_preferred_to_a_comma_and_a_comma_to_a_blank() -> None:
    assert fragmentar("um dois. três, quatro cinco", 20) == ("um dois.", "três, quatro cinco")
    assert fragmentar("um dois, três quatro", 15) == ("um dois,", "três quatro")
    assert fragmentar("um dois três", 8) == ("um dois", "três")
    assert fragmentar("curta", 400) == ("curta",)
    assert fragmentar("  ", 400) == ()
