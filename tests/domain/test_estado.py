from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.estado import (
    Ator,
    Churn,
    Ciclo,
    Decaimento,
    DoctorState,
    Entrada,
    Evento,
    FimCoolingOff,
    ObjecaoResolvida,
    OptOut,
    Permissao,
    Saida,
    Severidade,
    Tendencia,
    TransferenciaResolvida,
    apply,
)
from lib.domain.objecao import Objecao, TipoObjecao
from lib.domain.temperatura import CHURN_DIAS, Banda, banda, decay

AGORA = datetime(2026, 3, 16, 15, tzinfo=UTC)
DIA = timedelta(days=1)
GRAVE = Objecao(TipoObjecao.AMEACA, Severidade.GRAVE, 0.95, "procon")
CARO = Objecao(TipoObjecao.PRECO, Severidade.MEDIUM, 0.75, "paga mal")

instantes = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
talvez = st.none() | instantes
objecoes = st.none() | st.builds(
    Objecao, st.sampled_from(TipoObjecao), st.sampled_from(Severidade), st.floats(0, 1), st.text(max_size=10)
)
eventos = st.one_of(
    st.builds(Entrada, instantes, objecoes, st.booleans()),
    st.builds(Saida, instantes, st.sampled_from(Ator)),
    st.builds(OptOut, instantes),
    st.builds(Decaimento, instantes),
    st.builds(FimCoolingOff, instantes),
    st.builds(Churn, instantes),
    st.builds(ObjecaoResolvida, instantes),
    st.builds(TransferenciaResolvida, instantes),
)
estados = st.builds(
    DoctorState,
    permissao=st.sampled_from(Permissao),
    cooling_off_ate=talvez,
    temperatura=st.integers(0, 100).map(lambda t: t / 100),
    tendencia=st.sampled_from(Tendencia),
    ultima_entrada_em=talvez,
    ultima_saida_em=talvez,
    ultima_saida_ator=st.none() | st.sampled_from(Ator),
    proximo_contato_em=talvez,
    objecao=st.none() | st.just("preco"),
    objecao_severidade=st.none() | st.sampled_from(Severidade),
    objecao_em=talvez,
    objecao_resolvida_em=talvez,
    ciclo=st.sampled_from(Ciclo),
    ultimo_decaimento_em=talvez,
)


@given(estados, st.lists(eventos, max_size=8))
def test_every_field_stays_typed_and_in_range_after_any_events(state: DoctorState, sequencia: list[Evento]) -> None:
    for evento in sequencia:
        state = apply(state, evento)
        assert 0 <= state.temperatura <= 1
        assert state.temperatura == round(state.temperatura, 2)
        assert isinstance(state.permissao, Permissao)
        assert isinstance(state.ciclo, Ciclo)
        assert isinstance(state.tendencia, Tendencia)
        assert state.objecao_severidade is None or isinstance(state.objecao_severidade, Severidade)
        for instante in (state.cooling_off_ate, state.ultima_entrada_em, state.objecao_em, state.ultimo_decaimento_em):
            assert instante is None or instante.tzinfo is UTC


@given(estados, st.lists(eventos, max_size=8))
def test_nothing_undoes_an_opt_out(state: DoctorState, depois: list[Evento]) -> None:
    state = apply(state, OptOut(AGORA))
    for evento in depois:
        state = apply(state, evento)
    assert state.permissao is Permissao.OPTED_OUT
    assert not state.contatavel(AGORA + 400 * DIA)


@given(
    estados,
    st.one_of(
        *(st.builds(kind, instantes) for kind in (OptOut, Decaimento, Churn, ObjecaoResolvida, TransferenciaResolvida))
    ),
)
def test_an_event_applied_again_gives_back_the_same_object(state: DoctorState, evento: Evento) -> None:
    uma_vez = apply(state, evento)
    assert apply(uma_vez, evento) is uma_vez


def test_a_first_message_warms_and_engages() -> None:
    state = apply(DoctorState(), Entrada(AGORA))
    assert state == DoctorState(
        permissao=Permissao.ACTIVE,
        temperatura=0.6,
        tendencia=Tendencia.WARMING,
        ultima_entrada_em=AGORA,
        ciclo=Ciclo.ENGAGED,
    )


def test_our_first_message_starts_prospecting() -> None:
    state = apply(DoctorState(), Saida(AGORA, Ator.JULIA))
    assert (state.permissao, state.ciclo) == (Permissao.INITIAL, Ciclo.PROSPECTING)
    assert (state.ultima_saida_em, state.ultima_saida_ator) == (AGORA, Ator.JULIA)
    assert apply(state, Saida(AGORA - DIA, Ator.HUMANO)) is state


def test_a_second_objection_clears_the_resolution_of_the_first() -> None:
    resolvida = DoctorState(
        objecao="tempo", objecao_severidade=Severidade.MEDIUM, objecao_em=AGORA - DIA, objecao_resolvida_em=AGORA
    )
    assert not resolvida.objecao_aberta
    state = apply(resolvida, Entrada(AGORA + DIA, CARO))
    assert state.objecao == "preco"
    assert state.objecao_resolvida_em is None
    assert state.objecao_aberta


def test_a_grave_objection_pauses_for_seven_days() -> None:
    state = apply(DoctorState(), Entrada(AGORA, GRAVE))
    assert state.permissao is Permissao.COOLING_OFF
    assert state.cooling_off_ate == AGORA + 7 * DIA
    assert not state.contatavel(AGORA + 7 * DIA - timedelta(seconds=1))
    assert state.contatavel(AGORA + 7 * DIA)
    assert apply(state, FimCoolingOff(AGORA + DIA)) is state
    assert apply(state, FimCoolingOff(AGORA + 7 * DIA)).permissao is Permissao.ACTIVE


def test_writing_ends_a_cool_off_and_an_insult_starts_it_again() -> None:
    resfriando = apply(DoctorState(), Entrada(AGORA, GRAVE))
    assert apply(resfriando, Entrada(AGORA + DIA)).permissao is Permissao.ACTIVE
    assert apply(resfriando, Entrada(AGORA + DIA, GRAVE)).cooling_off_ate == AGORA + 8 * DIA


def test_an_open_objection_is_kept_by_a_friendly_message() -> None:
    state = apply(apply(DoctorState(), Entrada(AGORA, CARO)), Entrada(AGORA + DIA))
    assert state.objecao_aberta
    assert state.tendencia is Tendencia.STABLE


@pytest.mark.parametrize("severidade", [Severidade.LOW, Severidade.MEDIUM, Severidade.HIGH])
def test_a_doctor_who_moves_on_leaves_the_objection_behind(severidade: Severidade) -> None:
    aberta = apply(DoctorState(), Entrada(AGORA, replace(CARO, severidade=severidade)))
    depois = apply(aberta, Entrada(AGORA + DIA, segue_em_frente=True))
    assert not depois.objecao_aberta
    assert (depois.objecao, depois.objecao_resolvida_em) == ("preco", AGORA + DIA)
    assert depois.tendencia is Tendencia.WARMING
    de_novo = apply(depois, Entrada(AGORA + 2 * DIA, CARO))
    assert de_novo.objecao_aberta


def test_moving_on_settles_neither_a_threat_nor_what_was_said_later() -> None:
    ameaca = apply(DoctorState(), Entrada(AGORA, GRAVE))
    assert apply(ameaca, Entrada(AGORA + DIA, segue_em_frente=True)).objecao_aberta
    caro = apply(DoctorState(), Entrada(AGORA, CARO))
    assert apply(caro, Entrada(AGORA - DIA, segue_em_frente=True)).objecao_aberta
    assert apply(caro, ObjecaoResolvida(AGORA - DIA)) is caro


def test_a_lesser_objection_does_not_cover_a_threat_that_is_open() -> None:
    ameaca = apply(DoctorState(), Entrada(AGORA, GRAVE))
    depois = apply(ameaca, Entrada(AGORA + DIA, CARO))
    assert (depois.objecao, depois.objecao_severidade, depois.objecao_em) == ("ameaca", Severidade.GRAVE, AGORA)
    resolvida = apply(ameaca, ObjecaoResolvida(AGORA + DIA))
    assert apply(resolvida, Entrada(AGORA + 2 * DIA, CARO)).objecao == "preco"


def test_the_end_of_a_hand_off_settles_the_objection_and_ends_the_cool_off() -> None:
    ameaca = apply(DoctorState(), Entrada(AGORA, GRAVE))
    depois = apply(ameaca, TransferenciaResolvida(AGORA + DIA))
    assert (depois.permissao, depois.cooling_off_ate) == (Permissao.ACTIVE, None)
    assert depois.objecao_resolvida_em == AGORA + DIA
    assert depois.contatavel(AGORA + DIA)
    # What was said after the person had finished is still open, and so is the pause that it began.
    assert apply(ameaca, TransferenciaResolvida(AGORA - DIA)) is ameaca


def test_the_end_of_a_hand_off_leaves_an_opted_out_doctor_and_an_untroubled_one_as_they_are() -> None:
    fora = apply(apply(DoctorState(), Entrada(AGORA, GRAVE)), OptOut(AGORA))
    assert apply(fora, TransferenciaResolvida(AGORA + DIA)) is fora
    assert apply(DoctorState(), TransferenciaResolvida(AGORA)) == DoctorState()


def test_a_person_settles_an_objection_without_ending_the_cool_off() -> None:
    depois = apply(apply(DoctorState(), Entrada(AGORA, GRAVE)), ObjecaoResolvida(AGORA + DIA))
    assert not depois.objecao_aberta
    assert depois.permissao is Permissao.COOLING_OFF


@given(estados, st.lists(eventos, max_size=8), objecoes.filter(lambda o: o is not None), instantes)
def test_a_new_objection_is_open_whatever_was_resolved_before(
    state: DoctorState, sequencia: list[Evento], objecao: Objecao, em: datetime
) -> None:
    for evento in sequencia:
        state = apply(state, evento)
    depois = apply(state, Entrada(em, objecao))
    nenhuma = objecao.tipo is TipoObjecao.NENHUMA or state.permissao is Permissao.OPTED_OUT
    assert nenhuma or depois.objecao_aberta


def test_the_temperature_never_passes_one() -> None:
    assert apply(DoctorState(temperatura=0.95), Entrada(AGORA)).temperatura == 1.0


def test_decay_counts_from_the_later_of_last_decay_and_last_inbound() -> None:
    state = DoctorState(temperatura=0.8, ultimo_decaimento_em=AGORA - 10 * DIA, ultima_entrada_em=AGORA - 2 * DIA)
    frio = decay(state, AGORA)
    assert frio.temperatura == 0.7
    assert frio.tendencia is Tendencia.COOLING
    assert decay(frio, AGORA) is frio


def test_a_doctor_who_answered_today_does_not_cool() -> None:
    state = DoctorState(ultimo_decaimento_em=AGORA - 30 * DIA, ultima_entrada_em=AGORA - timedelta(hours=23))
    assert decay(state, AGORA) is state


@pytest.mark.parametrize(
    "state",
    [
        DoctorState(),
        DoctorState(temperatura=0, ultima_entrada_em=AGORA - 9 * DIA),
        DoctorState(permissao=Permissao.OPTED_OUT, ultima_entrada_em=AGORA - 9 * DIA),
        DoctorState(ultima_entrada_em=AGORA + DIA),
    ],
)
def test_nothing_to_cool_gives_back_the_same_object(state: DoctorState) -> None:
    assert decay(state, AGORA) is state


@given(st.integers(0, 100), st.lists(st.floats(0.2, 3), min_size=1, max_size=12))
def test_cooling_in_many_runs_equals_cooling_in_one(centesimos: int, intervalos: list[float]) -> None:
    state = DoctorState(temperatura=centesimos / 100, ultima_entrada_em=AGORA)
    aos_poucos, instante = state, AGORA
    for intervalo in intervalos:
        instante += timedelta(days=intervalo)
        aos_poucos = decay(aos_poucos, instante)
    assert aos_poucos.temperatura == decay(state, instante).temperatura


@given(estados, instantes)
def test_cooling_never_warms(state: DoctorState, agora: datetime) -> None:
    assert decay(state, agora).temperatura <= state.temperatura


def test_ninety_days_of_silence_are_churn_until_the_doctor_writes() -> None:
    state = DoctorState(ciclo=Ciclo.ENGAGED, ultima_entrada_em=AGORA)
    assert apply(state, Churn(AGORA + CHURN_DIAS * DIA)) is state
    perdido = apply(state, Churn(AGORA + CHURN_DIAS * DIA + timedelta(seconds=1)))
    assert perdido.ciclo is Ciclo.CHURNED
    assert apply(perdido, Entrada(AGORA + 100 * DIA)).ciclo is Ciclo.ENGAGED
    assert apply(DoctorState(), Churn(AGORA)).ciclo is Ciclo.NOVO


def test_a_later_agreed_date_holds_contact() -> None:
    state = DoctorState(proximo_contato_em=AGORA + DIA)
    assert not state.contatavel(AGORA)
    assert state.contatavel(AGORA + DIA)


def test_the_bands_give_their_lower_bound_to_the_warmer_band() -> None:
    assert [banda(t) for t in (0.0, 0.32, 0.33, 0.65, 0.66, 1.0)] == [
        Banda.FRIO,
        Banda.FRIO,
        Banda.MORNO,
        Banda.MORNO,
        Banda.QUENTE,
        Banda.QUENTE,
    ]


def test_a_naive_instant_and_a_temperature_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        apply(DoctorState(), Entrada(datetime(2026, 3, 16)))  # noqa: DTZ001 - the naive instant is the point
    with pytest.raises(ValueError, match="temperatura"):
        replace(DoctorState(), temperatura=1.2)


def test_late_news_does_not_turn_the_clock_back() -> None:
    state = apply(DoctorState(), Entrada(AGORA))
    assert apply(state, Entrada(AGORA - DIA)).ultima_entrada_em == AGORA
