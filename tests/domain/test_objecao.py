import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.objecao import Severidade, TipoObjecao, detectar
from lib.domain.texto import dobrar, nfc


@pytest.mark.parametrize(
    ("frase", "tipo", "severidade"),
    [
        ("o valor está muito baixo", TipoObjecao.PRECO, Severidade.MEDIUM),
        ("Vocês pagam mal", TipoObjecao.PRECO, Severidade.MEDIUM),
        ("não vale a pena por isso", TipoObjecao.PRECO, Severidade.MEDIUM),
        ("esse valor é um absurdo de baixo", TipoObjecao.PRECO, Severidade.HIGH),
        ("não tenho tempo agora", TipoObjecao.TEMPO, Severidade.MEDIUM),
        ("tá corrido aqui", TipoObjecao.TEMPO, Severidade.MEDIUM),
        ("Não confio nessa empresa", TipoObjecao.CONFIANCA, Severidade.HIGH),
        ("como conseguiu meu número?", TipoObjecao.CONFIANCA, Severidade.HIGH),
        ("isso é golpe?", TipoObjecao.CONFIANCA, Severidade.HIGH),
        ("Isso é golpe, vou avisar todo mundo", TipoObjecao.CONFIANCA, Severidade.GRAVE),
        ("muita burocracia", TipoObjecao.PROCESSO, Severidade.MEDIUM),
        ("o cadastro é muito demorado", TipoObjecao.PROCESSO, Severidade.MEDIUM),
        ("não posso nesse dia", TipoObjecao.DISPONIBILIDADE, Severidade.LOW),
        ("já tenho plantão na sexta", TipoObjecao.DISPONIBILIDADE, Severidade.LOW),
        ("hospital sem estrutura", TipoObjecao.QUALIDADE, Severidade.HIGH),
        ("esse hospital é péssimo", TipoObjecao.QUALIDADE, Severidade.HIGH),
        ("já trabalho com outra empresa", TipoObjecao.LEALDADE, Severidade.MEDIUM),
        ("me deram calote da última vez", TipoObjecao.RISCO, Severidade.HIGH),
        ("o pagamento sempre atrasa", TipoObjecao.RISCO, Severidade.HIGH),
        ("não faço mais plantão", TipoObjecao.MOTIVACAO, Severidade.MEDIUM),
        ("prefiro email", TipoObjecao.COMUNICACAO, Severidade.LOW),
        ("que falta de respeito", TipoObjecao.COMUNICACAO, Severidade.HIGH),
        ("vou processar", TipoObjecao.AMEACA, Severidade.GRAVE),
        ("vou te denunciar", TipoObjecao.AMEACA, Severidade.GRAVE),
        ("resolvo isso na justiça", TipoObjecao.AMEACA, Severidade.GRAVE),
        ("vou processar vocês", TipoObjecao.AMEACA, Severidade.GRAVE),
        ("vou no Procon", TipoObjecao.AMEACA, Severidade.GRAVE),
        ("Vou abrir um processo", TipoObjecao.AMEACA, Severidade.GRAVE),
        ("isso viola a LGPD", TipoObjecao.AMEACA, Severidade.GRAVE),
        ("seu idiota", TipoObjecao.AGRESSAO, Severidade.GRAVE),
        ("quero falar com uma pessoa", TipoObjecao.PEDIDO_HUMANO, Severidade.GRAVE),
        ("tem como falar com um atendente?", TipoObjecao.PEDIDO_HUMANO, Severidade.GRAVE),
        ("Falar com humano", TipoObjecao.PEDIDO_HUMANO, Severidade.GRAVE),
        ("me passa para o gerente", TipoObjecao.PEDIDO_HUMANO, Severidade.GRAVE),
        ("você é robô? quero falar com humano", TipoObjecao.PEDIDO_HUMANO, Severidade.GRAVE),
    ],
)
def test_an_objection_has_its_type_and_severity(frase: str, tipo: TipoObjecao, severidade: Severidade) -> None:
    objecao = detectar(frase)
    assert objecao is not None
    assert (objecao.tipo, objecao.severidade) == (tipo, severidade)


@pytest.mark.parametrize(
    "frase",
    [
        "como funciona o processo seletivo?",
        "Qual o processo para me cadastrar?",
        "vou processar a informação e te aviso",
        "a Justiça Federal pagou",
        "quero conversar com a gente da UTI",
        "é robô?",
        "você é uma pessoa de verdade?",
        "estou falando com um humano?",
        "tenho interesse, qual o valor?",
        "o hospital da polícia militar tem vaga?",
        "minha esposa é advogada",
        "vou falar com alguém aqui em casa e te digo",
        "trabalho no Hospital Risoleta",
        "pode confirmar a idade do paciente?",
        "atendo paciente violento na emergência",
        "ótimo, combinado",
        "",
    ],
)
def test_ordinary_talk_is_no_objection(frase: str) -> None:
    assert detectar(frase) is None


@pytest.mark.parametrize("frase", ["não confio em vocês", "péssimas condições", "desgraça", "ação judicial"])
def test_accents_and_case_do_not_matter(frase: str) -> None:
    com = detectar(frase)
    assert com is not None
    for escrita in (dobrar(frase), frase.upper(), unicodedata.normalize("NFD", frase)):
        sem = detectar(escrita)
        assert sem is not None
        assert (sem.tipo, sem.severidade) == (com.tipo, com.severidade)


@given(st.text(max_size=120), st.sampled_from(["vou no PROCON", "seu idiota", "agenda lotada"]))
def test_the_quoted_words_are_the_doctors_own(antes: str, frase: str) -> None:
    texto = f"{antes} {frase}"
    objecao = detectar(texto)
    assert objecao is not None
    assert objecao.trecho
    assert objecao.trecho in nfc(texto)
    assert 0 < objecao.confianca <= 1


@given(st.text(max_size=200))
def test_folding_keeps_every_position(texto: str) -> None:
    assert len(dobrar(texto)) == len(nfc(texto))
    detectar(texto)
