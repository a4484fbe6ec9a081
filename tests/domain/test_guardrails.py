from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.estado import DoctorState, Permissao
from lib.domain.guardrails import CAP_CONTATOS, CAP_JANELA, Bloqueio, avaliar_proativo
from lib.domain.horario import SAO_PAULO, janela_proativa

SEGUNDA = datetime(2026, 3, 16, 10, tzinfo=SAO_PAULO).astimezone(UTC)
DIA = timedelta(days=1)
LIVRE = DoctorState(permissao=Permissao.ACTIVE)

instantes = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
estados = st.builds(
    DoctorState,
    permissao=st.sampled_from([p for p in Permissao if p is not Permissao.OPTED_OUT]),
    cooling_off_ate=st.none() | instantes,
    proximo_contato_em=st.none() | instantes,
)


def test_a_free_doctor_in_the_window_may_be_written_to() -> None:
    veredito = avaliar_proativo(LIVRE, SEGUNDA, "SP", [], controlada_por_humano=False)
    assert (veredito.permitido, veredito.motivo, veredito.permitido_em) == (True, None, None)


def test_an_opt_out_is_final_and_named_before_all_else() -> None:
    fora = DoctorState(permissao=Permissao.OPTED_OUT)
    veredito = avaliar_proativo(fora, SEGUNDA.replace(hour=3), "SP", [SEGUNDA] * 9, controlada_por_humano=True)
    assert (veredito.permitido, veredito.motivo, veredito.permitido_em) == (False, Bloqueio.OPTED_OUT, None)


def test_a_person_in_control_is_not_mended_by_time() -> None:
    veredito = avaliar_proativo(LIVRE, SEGUNDA, "SP", [], controlada_por_humano=True)
    assert (veredito.motivo, veredito.permitido_em) == (Bloqueio.CONTROLE_HUMANO, None)


def test_a_message_blocked_by_the_hour_is_given_the_next_morning() -> None:
    noite = SEGUNDA + timedelta(hours=10)
    veredito = avaliar_proativo(LIVRE, noite, "SP", [], controlada_por_humano=False)
    assert veredito.motivo is Bloqueio.FORA_DO_HORARIO
    assert veredito.permitido_em == SEGUNDA + timedelta(hours=22)


def test_the_sixth_contact_waits_until_the_first_is_seven_days_old() -> None:
    contatos = [SEGUNDA - timedelta(days=d) for d in (6, 5, 4, 3, 2)]
    assert len(contatos) == CAP_CONTATOS
    veredito = avaliar_proativo(LIVRE, SEGUNDA, "SP", contatos, controlada_por_humano=False)
    assert veredito.motivo is Bloqueio.LIMITE_CONTATOS
    assert veredito.permitido_em == SEGUNDA + DIA
    assert avaliar_proativo(LIVRE, SEGUNDA, "SP", contatos[1:], controlada_por_humano=False).permitido


def test_the_cap_is_rolling_and_does_not_reset_on_monday() -> None:
    contatos = [SEGUNDA - timedelta(days=d, hours=1) for d in (2, 3, 4, 5, 6)]
    assert not avaliar_proativo(LIVRE, SEGUNDA, None, contatos, controlada_por_humano=False).permitido
    velhos = [SEGUNDA - CAP_JANELA] * 9
    assert avaliar_proativo(LIVRE, SEGUNDA, None, velhos, controlada_por_humano=False).permitido


def test_a_cap_that_frees_on_a_saturday_waits_for_monday() -> None:
    sexta = SEGUNDA + 4 * DIA
    contatos = [sexta - 6 * DIA] * CAP_CONTATOS
    veredito = avaliar_proativo(LIVRE, sexta, "SP", contatos, controlada_por_humano=False)
    assert veredito.permitido_em == datetime(2026, 3, 23, 8, tzinfo=SAO_PAULO)


def test_a_cool_off_and_an_agreed_date_hold() -> None:
    frio = DoctorState(permissao=Permissao.COOLING_OFF, cooling_off_ate=SEGUNDA + DIA)
    veredito = avaliar_proativo(frio, SEGUNDA, None, [], controlada_por_humano=False)
    assert (veredito.motivo, veredito.permitido_em) == (Bloqueio.COOLING_OFF, SEGUNDA + DIA)
    marcado = DoctorState(proximo_contato_em=SEGUNDA + 2 * DIA)
    veredito = avaliar_proativo(marcado, SEGUNDA, None, [], controlada_por_humano=False)
    assert (veredito.motivo, veredito.permitido_em) == (Bloqueio.PROXIMO_CONTATO, SEGUNDA + 2 * DIA)


@given(estados, instantes, st.sampled_from([None, "SP", "AM", "AC"]), st.lists(instantes, max_size=12))
def test_at_the_promised_instant_it_is_allowed_and_a_moment_earlier_it_is_not(
    estado: DoctorState, agora: datetime, uf: str | None, contatos: list[datetime]
) -> None:
    contatos = [min(c, agora) for c in contatos]
    veredito = avaliar_proativo(estado, agora, uf, contatos, controlada_por_humano=False)
    if veredito.permitido:
        assert janela_proativa(agora, uf)
        assert estado.contatavel(agora)
        return
    quando = veredito.permitido_em
    assert quando is not None
    assert quando > agora
    assert avaliar_proativo(estado, quando, uf, contatos, controlada_por_humano=False).permitido
    antes = max(agora, quando - timedelta(seconds=1))
    assert not avaliar_proativo(estado, antes, uf, contatos, controlada_por_humano=False).permitido


@given(instantes, st.lists(st.integers(0, 14 * 24), max_size=20))
def test_the_cap_is_never_passed(agora: datetime, horas: list[int]) -> None:
    contatos = [agora - timedelta(hours=h) for h in horas]
    na_janela = sum(c > agora - CAP_JANELA for c in contatos)
    if avaliar_proativo(LIVRE, agora, None, contatos, controlada_por_humano=False).permitido:
        assert na_janela < CAP_CONTATOS


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises((ValueError, TypeError)):
        avaliar_proativo(LIVRE, datetime(2026, 3, 16), None, [], controlada_por_humano=False)  # noqa: DTZ001 - the point
