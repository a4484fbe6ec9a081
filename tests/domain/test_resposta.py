import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.dinheiro import ILEGIVEL, valores_centavos, valores_de_fatos
from lib.domain.identidade import APRESENTACAO, RESPOSTA_ROBO
from lib.domain.optout import CONFIRMACAO_OPTOUT, PERGUNTA_PARADA
from lib.domain.resposta import (
    CONFIRMA_RESERVA,
    LIMITE,
    LONGA,
    NEGA_AUTOMACAO,
    VALOR_SEM_FONTE,
    VAZAMENTO,
    VAZIA,
    fragmentar,
    revisar,
)

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
        "Confira em https://exemplo.com/minha_vaga ou escreva para nome_sobrenome@exemplo.com",
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


def test_a_listed_price_needs_a_fact_of_this_turn() -> None:
    assert revisar("São R$ 1.800,00.", []).bloqueada
    assert not revisar("São R$ 1.800,00.", ["UTI: R$ 1.800,00"]).bloqueada


@pytest.mark.parametrize(
    ("texto", "limpo"),
    [
        ("**Oi**, tudo bem?", "Oi, tudo bem?"),
        ("# Título\n- um\n- dois", "Título\num\ndois"),
        ("veja [aqui](https://exemplo.com/a)", "veja aqui https://exemplo.com/a"),
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
    assert valores_centavos("mil e quinhentos reais") == {ILEGIVEL}
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
