from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.estado import DoctorState
from lib.domain.modo import (
    FERRAMENTAS,
    INTERVALO,
    PERGUNTA_DE_NOVO,
    PERGUNTA_OFERTA,
    PERMITIDAS,
    SILENCIO,
    VALIDADE_PERGUNTA,
    EstadoModo,
    Modo,
    Transicao,
    confirma,
    ferramentas_proibidas,
    transitar,
)
from lib.domain.policy import Acao, Decisao, Tom
from lib.domain.situacao import Intencao, Objetivo, Perfil, Situacao, por_regras
from lib.domain.texto import dobrar

AGORA = datetime(2026, 3, 16, 15, tzinfo=UTC)
ONTEM = AGORA - timedelta(days=1)
MINUTO = timedelta(minutes=1)
SEGUNDO = timedelta(seconds=1)
PERGUNTADO = EstadoModo(Modo.DISCOVERY, None, Modo.OFERTA, AGORA - 2 * MINUTO)


def ouvir(
    atual: EstadoModo,
    texto: str,
    *,
    ultima: datetime | None = ONTEM,
    ponte: bool = False,
    acao: Acao | None = None,
    agora: datetime = AGORA,
) -> Transicao:
    situacao = por_regras(texto, DoctorState(), None)
    assert situacao is not None
    return transitar(atual, texto, situacao, ultima, ponte, agora, acao)


@pytest.mark.parametrize("modo", Modo)
@pytest.mark.parametrize(
    "texto",
    [
        "tem vaga?",
        "tem plantão de UTI na sexta?",
        "quero essa vaga",
        "fechado",
        "qual o valor?",
        "onde fica o hospital?",
        "e no sábado?",
    ],
)
def test_a_doctor_who_asks_for_shifts_gets_them_in_that_very_turn(modo: Modo, texto: str) -> None:
    # Not even a change some seconds ago or a long silence stands in the way.
    for em, ultima in ((None, ONTEM), (AGORA - SEGUNDO, ONTEM), (ONTEM, AGORA - 30 * SILENCIO)):
        passo = ouvir(EstadoModo(modo, em), texto, ultima=ultima)
        assert (passo.estado.modo, passo.pergunta) == (Modo.OFERTA, None)
        assert "buscar_vagas" not in ferramentas_proibidas(passo.estado.modo, OFERTA)


@pytest.mark.parametrize(
    ("de", "texto", "para"),
    [
        (Modo.OFERTA, "esse hospital é péssimo", Modo.DISCOVERY),
        (Modo.FOLLOWUP, "não confio em vocês", Modo.DISCOVERY),
        (Modo.OFERTA, "quem são vocês?", Modo.DISCOVERY),
        (Modo.FOLLOWUP, "qual é a empresa?", Modo.DISCOVERY),
        (Modo.OFERTA, "desculpa a demora", Modo.FOLLOWUP),
        (Modo.REATIVACAO, "oi, bom dia", Modo.FOLLOWUP),
        (Modo.REATIVACAO, "não, obrigado", Modo.FOLLOWUP),
        (Modo.OFERTA, "vocês pagam mal", Modo.OFERTA),
        (Modo.OFERTA, "não posso nesse dia", Modo.OFERTA),
        (Modo.OFERTA, "não, obrigado", Modo.OFERTA),
        (Modo.OFERTA, "ok", Modo.OFERTA),
        (Modo.FOLLOWUP, "ok", Modo.FOLLOWUP),
        (Modo.DISCOVERY, "oi, bom dia", Modo.DISCOVERY),
        (Modo.DISCOVERY, "desculpa a demora", Modo.DISCOVERY),
    ],
)
def test_a_message_leads_where_the_matrix_says(de: Modo, texto: str, para: Modo) -> None:
    passo = ouvir(EstadoModo(de, ONTEM), texto)
    assert passo.estado.modo is para
    assert passo.estado.em == (AGORA if para is not de else ONTEM)
    assert passo.pergunta is None
    assert passo.motivo


def test_a_bridge_that_was_made_turns_the_offer_into_a_follow_up() -> None:
    oferta = EstadoModo(Modo.OFERTA, ONTEM)
    assert ouvir(oferta, "ok, obrigado", ponte=True).estado.modo is Modo.FOLLOWUP
    assert ouvir(oferta, "tem outra vaga?", ponte=True).estado.modo is Modo.OFERTA


def test_a_week_of_silence_reactivates_and_the_next_message_follows_up() -> None:
    oferta = EstadoModo(Modo.OFERTA, AGORA - 2 * SILENCIO)
    assert ouvir(oferta, "oi", ultima=AGORA - SILENCIO + SEGUNDO).estado.modo is Modo.OFERTA
    assert ouvir(oferta, "oi", ultima=None).estado.modo is Modo.OFERTA
    passo = ouvir(oferta, "oi", ultima=AGORA - SILENCIO)
    assert passo.estado == EstadoModo(Modo.REATIVACAO, AGORA)
    assert "7 dias de silêncio" in passo.motivo
    depois = ouvir(passo.estado, "tudo bem e você", ultima=AGORA, agora=AGORA + INTERVALO)
    assert depois.estado.modo is Modo.FOLLOWUP


def test_unasked_moves_wait_five_minutes_after_the_last_one() -> None:
    cedo = EstadoModo(Modo.OFERTA, AGORA - INTERVALO + SEGUNDO)
    assert ouvir(cedo, "quem são vocês?").estado == cedo
    assert ouvir(replace(cedo, em=AGORA - INTERVALO), "quem são vocês?").estado.modo is Modo.DISCOVERY


def test_julia_asks_before_she_offers_and_a_yes_moves() -> None:
    for modo in (Modo.DISCOVERY, Modo.FOLLOWUP):
        passo = ouvir(EstadoModo(modo), "oi, bom dia", acao=Acao.OFFER)
        assert passo.estado == EstadoModo(modo, None, Modo.OFERTA, AGORA)
        assert passo.pergunta == PERGUNTA_OFERTA
        sim = ouvir(passo.estado, "pode sim, por favor", agora=AGORA + MINUTO)
        assert sim.estado == EstadoModo(Modo.OFERTA, AGORA + MINUTO)
        assert sim.pergunta is None
        assert "confirmou" in sim.motivo


def test_an_objective_to_offer_asks_as_well_and_a_refusal_is_not_pressed() -> None:
    ofertar = Situacao(None, Perfil.DESCONHECIDO, Objetivo.OFERTAR, Intencao.NEUTRO, 0.5)
    assert transitar(EstadoModo(), "oi", ofertar, ONTEM, False, AGORA).pergunta == PERGUNTA_OFERTA  # noqa: FBT003 - the bridge
    assert ouvir(EstadoModo(), "hoje não, obrigado", acao=Acao.FOLLOWUP).pergunta is None
    assert ouvir(EstadoModo(), "não, obrigado", acao=Acao.OFFER).pergunta is None


@pytest.mark.parametrize(
    "texto", ["não posso, isso é longe", "isso é longe", "hoje choveu muito", "não", "depois vejo"]
)
def test_anything_but_a_yes_clears_the_question_and_does_not_repeat_it(texto: str) -> None:
    passo = ouvir(PERGUNTADO, texto, acao=Acao.OFFER)
    assert passo.estado == EstadoModo(Modo.DISCOVERY, PERGUNTADO.pendente_em)
    assert passo.pergunta is None
    assert "não confirmado" in passo.motivo


def test_a_question_that_was_not_answered_is_asked_again_a_day_later_at_the_earliest() -> None:
    recusado = ouvir(PERGUNTADO, "agora não dá", acao=Acao.OFFER).estado
    for depois, perguntada in ((PERGUNTA_DE_NOVO - 3 * MINUTO, False), (PERGUNTA_DE_NOVO, True)):
        passo = ouvir(recusado, "oi", acao=Acao.OFFER, agora=AGORA + depois, ultima=AGORA)
        assert (passo.pergunta is not None) is perguntada


def test_a_yes_after_half_an_hour_comes_too_late() -> None:
    vencida = replace(PERGUNTADO, pendente_em=AGORA - VALIDADE_PERGUNTA)
    passo = ouvir(vencida, "ok, beleza", acao=Acao.OFFER)
    assert (passo.estado.modo, passo.estado.pendente, passo.pergunta) == (Modo.DISCOVERY, None, None)
    assert "vencida" in passo.motivo
    ainda = replace(PERGUNTADO, pendente_em=AGORA - VALIDADE_PERGUNTA + SEGUNDO)
    assert ouvir(ainda, "ok, beleza").estado.modo is Modo.OFERTA
    sem_hora = replace(PERGUNTADO, pendente_em=None)
    assert ouvir(sem_hora, "ok, beleza").estado.modo is Modo.DISCOVERY


def test_a_yes_with_a_heavy_objection_is_no_yes() -> None:
    passo = ouvir(PERGUNTADO, "sim, mas isso é um absurdo")
    assert (passo.estado.modo, passo.estado.pendente) == (Modo.DISCOVERY, None)


SIM = (
    "sim",
    "Sim!",
    "SIM, por favor",
    "claro",
    "claro, manda",
    "com certeza",
    "pode ser",
    "pode mandar",
    "pode me mostrar sim",
    "ok",
    "Ok, pode",
    "blz",
    "beleza",
    "isso",
    "isso mesmo",
    "pode",
    "tenho",
    "tenho interesse",
    "quero",
    "quero ver",
    "uhum",
    "aham",
    "vamos",
    "tá bom",
    "oi, sim",
    "perfeito, obrigado",
    "sim, sou pediatra",
    "s",
)
NAO = (
    "não posso, isso é longe",
    "isso é longe",
    "não",
    "nao",
    "n",
    "ñ",
    "nem pode",
    "claro que não",
    "sim, mas agora não",
    "pode ser depois",
    "talvez",
    "tenho plantão hoje",
    "tenho que ver com minha esposa",
    "isso quem decide é minha esposa",
    "quero distância",
    "podemos falar outra hora",
    "simone está de plantão",
    "okinawa",
    "claramente complicado",
    "jamais, tenho família",
    "nunca, ok?",
    "ok, mas quem é você",
    "",
    "👍🏽",
    "???",
)


@pytest.mark.parametrize("texto", SIM)
def test_a_yes_is_a_yes_however_it_is_written(texto: str) -> None:
    assert all(confirma(escrito) for escrito in (texto, dobrar(texto), texto.upper(), f"{texto}."))


@pytest.mark.parametrize("texto", NAO)
def test_half_words_and_negations_confirm_nothing(texto: str) -> None:
    assert not any(confirma(escrito) for escrito in (texto, dobrar(texto), texto.upper()))


@given(st.lists(st.sampled_from(["não", "nem", "nunca"]), min_size=1, max_size=2), st.sampled_from(SIM), st.booleans())
def test_no_yes_survives_a_negation(negacoes: list[str], sim: str, antes: bool) -> None:
    assert not confirma(" ".join([*negacoes, sim] if antes else [sim, *negacoes]))


instantes = st.datetimes(datetime(2026, 3, 1), datetime(2026, 3, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
estados = st.builds(
    EstadoModo, st.sampled_from(Modo), st.none() | instantes, st.none() | st.sampled_from(Modo), st.none() | instantes
)
textos = st.text(max_size=60) | st.sampled_from([*SIM, *NAO, "tem vaga?", "vou no procon", "quem são vocês?", "sumi"])
situacoes = textos.map(lambda texto: (texto, por_regras(texto, DoctorState(), None)))


@given(estados, situacoes, st.none() | instantes, st.booleans(), instantes, st.none() | st.sampled_from(Acao))
def test_every_move_is_in_the_matrix_and_every_pending_question_was_just_asked(
    atual: EstadoModo,
    lido: tuple[str, Situacao | None],
    ultima: datetime | None,
    ponte: bool,
    agora: datetime,
    acao: Acao | None,
) -> None:
    texto, situacao = lido
    if situacao is None:
        return
    passo = transitar(atual, texto, situacao, ultima, ponte, agora, acao)
    assert passo.motivo
    assert passo.estado.modo is atual.modo or passo.estado.modo in PERMITIDAS[atual.modo]
    assert (passo.pergunta is not None) is (passo.estado.pendente is not None) is (passo.estado.pendente_em is not None)
    if passo.pergunta is not None:
        assert (passo.estado.pendente, passo.estado.pendente_em) == (Modo.OFERTA, agora)
        assert atual.modo in {Modo.DISCOVERY, Modo.FOLLOWUP}
    if passo.estado.modo is not atual.modo:
        assert passo.estado == EstadoModo(passo.estado.modo, agora)


OFERTA = Decisao("rule_hot_temperature", Acao.OFFER, Tom.LEVE, pode_ofertar=True)
SEM_OFERTA = Decisao("rule_default", Acao.FOLLOWUP, Tom.LEVE)


@pytest.mark.parametrize(
    ("modo", "decisao", "proibidas"),
    [
        (Modo.DISCOVERY, OFERTA, {"buscar_vagas", "registrar_interesse"}),
        (Modo.DISCOVERY, SEM_OFERTA, {"buscar_vagas", "registrar_interesse", "enviar_opcoes"}),
        (Modo.DISCOVERY, replace(OFERTA, regra="rule_medium_objection"), set()),
        (Modo.OFERTA, OFERTA, set()),
        (Modo.OFERTA, SEM_OFERTA, {"registrar_interesse", "enviar_opcoes"}),
        (Modo.FOLLOWUP, OFERTA, set()),
        (Modo.REATIVACAO, SEM_OFERTA, {"registrar_interesse", "enviar_opcoes"}),
        (Modo.OFERTA, replace(OFERTA, requer_humano=True), FERRAMENTAS - {"pedir_humano"}),
        (Modo.OFERTA, replace(OFERTA, proibe_tudo=True), FERRAMENTAS - {"pedir_humano"}),
    ],
)
def test_mode_and_decision_close_tools(modo: Modo, decisao: Decisao, proibidas: set[str]) -> None:
    assert ferramentas_proibidas(modo, decisao) == proibidas


@given(st.sampled_from(Modo), st.booleans(), st.booleans(), st.booleans())
def test_a_person_can_always_be_asked_for(modo: Modo, humano: bool, tudo: bool, pode: bool) -> None:
    decisao = replace(OFERTA, requer_humano=humano, proibe_tudo=tudo, pode_ofertar=pode)
    proibidas = ferramentas_proibidas(modo, decisao)
    assert "pedir_humano" not in proibidas
    assert proibidas <= FERRAMENTAS
