from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Literal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from lib.domain.estado import Ator, Ciclo, DoctorState, Entrada, Permissao, Severidade, Tendencia, apply
from lib.domain.objecao import Objecao, TipoObjecao
from lib.domain.policy import DESLIGAVEIS, SEMPRE, Acao, EntradaPolicy, Tom, decidir
from lib.domain.policy_json import de_json, para_json
from lib.domain.situacao import Intencao, Objetivo, Perfil, Situacao

AGORA = datetime(2026, 3, 16, 15, tzinfo=UTC)
DIA = timedelta(days=1)
NEUTRA = Situacao(None, Perfil.DESCONHECIDO, Objetivo.QUALIFICAR, Intencao.NEUTRO, 0.5)
BASE = EntradaPolicy(
    estado=DoctorState(permissao=Permissao.ACTIVE, ciclo=Ciclo.ENGAGED),
    situacao=NEUTRA,
    agora=AGORA,
    primeira_mensagem=False,
    conversa_ativa=True,
)


def objeta(severidade: Severidade, tipo: TipoObjecao = TipoObjecao.PRECO) -> Situacao:
    return replace(NEUTRA, objecao=Objecao(tipo, severidade, 0.95, "…"), intencao=Intencao.OBJECAO)


def com(**campos: object) -> EntradaPolicy:
    return replace(BASE, estado=replace(BASE.estado, **campos))  # type: ignore[arg-type] # the fields of the state


def test_opt_out_comes_before_the_kill_switch_and_the_safe_mode() -> None:
    opted_out = com(permissao=Permissao.OPTED_OUT)
    for entrada in (
        opted_out,
        replace(opted_out, motor_ligado=False),
        replace(opted_out, modo_seguro="handoff"),
        replace(opted_out, situacao=objeta(Severidade.GRAVE)),
    ):
        decisao = decidir(entrada)
        assert (decisao.regra, decisao.acao, decisao.proibe_tudo) == ("rule_opted_out", Acao.WAIT, True)


def test_the_kill_switch_hands_over_and_comes_before_the_safe_mode() -> None:
    decisao = decidir(replace(BASE, motor_ligado=False, modo_seguro="wait"))
    assert (decisao.regra, decisao.acao, decisao.requer_humano) == ("kill_switch_inbound", Acao.HANDOFF, True)
    assert decisao.proibe_tudo


def test_the_safe_mode_waits_or_hands_over() -> None:
    assert decidir(replace(BASE, modo_seguro="wait")).regra == "safe_mode_wait"
    assert decidir(replace(BASE, modo_seguro="wait")).acao is Acao.WAIT
    assert decidir(replace(BASE, modo_seguro="handoff")).acao is Acao.HANDOFF


def test_a_first_contact_discovers_and_offers_nothing() -> None:
    novo = replace(BASE, estado=DoctorState(), primeira_mensagem=True)
    decisao = decidir(novo)
    assert (decisao.regra, decisao.acao, decisao.tom) == ("rule_new_doctor_first_contact", Acao.DISCOVERY, Tom.LEVE)
    assert not decisao.pode_ofertar
    assert decidir(replace(novo, primeira_mensagem=False)).regra == "rule_default"
    assert decidir(replace(novo, conversa_ativa=False)).regra == "rule_default"


def test_a_first_contact_that_asks_for_shifts_is_answered() -> None:
    pediu = replace(NEUTRA, intencao=Intencao.INTERESSE, confianca=0.75)
    decisao = decidir(replace(BASE, estado=DoctorState(), primeira_mensagem=True, situacao=pediu))
    assert (decisao.regra, decisao.pode_ofertar) == ("rule_new_doctor_first_contact", True)
    assert "iniciativa própria" in decisao.restricoes[0]


def test_the_state_before_the_message_decides_not_the_one_after() -> None:
    antes = DoctorState()
    depois = apply(antes, Entrada(AGORA))
    assert decidir(replace(BASE, estado=antes, primeira_mensagem=True)).regra == "rule_new_doctor_first_contact"
    assert decidir(replace(BASE, estado=depois, primeira_mensagem=True)).regra == "rule_default"


@pytest.mark.parametrize("estado", [DoctorState(), BASE.estado, DoctorState(permissao=Permissao.COOLING_OFF)])
def test_a_grave_objection_in_this_very_message_calls_a_person(estado: DoctorState) -> None:
    entrada = replace(
        BASE, estado=estado, situacao=objeta(Severidade.GRAVE, TipoObjecao.AMEACA), primeira_mensagem=True
    )
    decisao = decidir(entrada)
    assert (decisao.regra, decisao.acao, decisao.tom) == ("rule_grave_objection", Acao.HANDOFF, Tom.CRISE)
    assert decisao.requer_humano
    assert not decisao.pode_ofertar


def test_a_running_cool_off_answers_the_least() -> None:
    frio = com(permissao=Permissao.COOLING_OFF, cooling_off_ate=AGORA + DIA)
    decisao = decidir(frio)
    assert (decisao.regra, decisao.acao, decisao.tom) == ("rule_cooling_off", Acao.FOLLOWUP, Tom.CAUTELOSO)
    assert not decisao.pode_ofertar
    assert decidir(com(permissao=Permissao.COOLING_OFF, cooling_off_ate=AGORA)).regra == "rule_default"


@pytest.mark.parametrize(
    ("severidade", "regra", "tom", "pode"),
    [
        (Severidade.GRAVE, "rule_grave_objection", Tom.CRISE, False),
        (Severidade.HIGH, "rule_high_objection", Tom.CAUTELOSO, False),
        (Severidade.MEDIUM, "rule_medium_objection", Tom.DIRETO, True),
    ],
)
def test_an_open_objection_weighs_like_a_new_one(severidade: Severidade, regra: str, tom: Tom, *, pode: bool) -> None:
    aberta = com(objecao="preco", objecao_severidade=severidade, objecao_em=AGORA - DIA)
    for entrada in (aberta, replace(BASE, situacao=objeta(severidade))):
        decisao = decidir(entrada)
        assert (decisao.regra, decisao.tom, decisao.pode_ofertar) == (regra, tom, pode)
    resolvida = com(objecao="preco", objecao_severidade=severidade, objecao_resolvida_em=AGORA)
    assert decidir(resolvida).regra == "rule_default"


def test_an_objection_that_the_message_leaves_behind_weighs_nothing() -> None:
    aberta = com(objecao="confianca", objecao_severidade=Severidade.HIGH, objecao_em=AGORA - DIA)
    pediu = replace(NEUTRA, intencao=Intencao.INTERESSE, confianca=0.75)
    assert decidir(aberta).regra == "rule_high_objection"
    assert decidir(replace(aberta, situacao=pediu)).pode_ofertar
    grave = com(objecao="ameaca", objecao_severidade=Severidade.GRAVE, objecao_em=AGORA - DIA)
    assert decidir(replace(grave, situacao=pediu)).regra == "rule_grave_objection"
    assert decidir(replace(grave, situacao=objeta(Severidade.LOW))).regra == "rule_grave_objection"


def test_a_week_of_silence_after_our_message_reactivates() -> None:
    calado = com(ultima_saida_em=AGORA - 7 * DIA, ultima_saida_ator=Ator.JULIA, ultima_entrada_em=AGORA - 9 * DIA)
    assert decidir(calado).regra == "rule_silence_reactivation"
    assert decidir(calado).acao is Acao.REACTIVATION
    for outro in (
        replace(calado, conversa_ativa=False),
        replace(calado, estado=replace(calado.estado, ultima_saida_em=AGORA - 6 * DIA)),
        replace(calado, estado=replace(calado.estado, ultima_saida_ator=Ator.HUMANO)),
        replace(calado, estado=replace(calado.estado, ultima_entrada_em=AGORA - DIA)),
        replace(calado, estado=replace(calado.estado, temperatura=0.29)),
    ):
        assert decidir(outro).regra != "rule_silence_reactivation"


@pytest.mark.parametrize(
    ("temperatura", "regra"),
    [
        (0.32, "rule_cold_temperature"),
        (0.33, "rule_default"),
        (0.65, "rule_default"),
        (0.66, "rule_hot_temperature"),
        (1.0, "rule_hot_temperature"),
    ],
)
def test_rules_and_bands_agree_on_the_very_limits(temperatura: float, regra: str) -> None:
    assert decidir(com(temperatura=temperatura)).regra == regra
    assert decidir(com(temperatura=temperatura, permissao=Permissao.INITIAL)).regra == "rule_default"


def test_a_light_objection_keeps_a_hot_doctor_from_being_offered() -> None:
    leve = objeta(Severidade.LOW, TipoObjecao.DISPONIBILIDADE)
    assert decidir(replace(com(temperatura=0.9), situacao=leve)).regra == "rule_default"


@pytest.mark.parametrize(("temperatura", "tom"), [(0.6, Tom.LEVE), (0.3, Tom.DIRETO), (0.29, Tom.CAUTELOSO)])
def test_the_default_tone_follows_the_temperature(temperatura: float, tom: Tom) -> None:
    decisao = decidir(com(temperatura=temperatura, permissao=Permissao.INITIAL))
    assert (decisao.regra, decisao.tom) == ("rule_default", tom)


def test_by_default_nobody_unasked_is_offered_and_a_question_is_answered() -> None:
    inicial = com(permissao=Permissao.INITIAL)
    assert not decidir(inicial).pode_ofertar
    assert decidir(replace(inicial, situacao=replace(NEUTRA, intencao=Intencao.INTERESSE))).pode_ofertar
    assert decidir(BASE).pode_ofertar
    assert "iniciativa própria" in decidir(BASE).restricoes[0]


CONSTRUIDAS: dict[str, EntradaPolicy] = {
    "rule_opted_out": com(permissao=Permissao.OPTED_OUT),
    "kill_switch_inbound": replace(BASE, motor_ligado=False),
    "safe_mode_wait": replace(BASE, modo_seguro="wait"),
    "safe_mode_handoff": replace(BASE, modo_seguro="handoff"),
    "rule_new_doctor_first_contact": replace(BASE, estado=DoctorState(), primeira_mensagem=True),
    "rule_cooling_off": com(permissao=Permissao.COOLING_OFF, cooling_off_ate=AGORA + DIA),
    "rule_grave_objection": replace(BASE, situacao=objeta(Severidade.GRAVE)),
    "rule_high_objection": replace(BASE, situacao=objeta(Severidade.HIGH)),
    "rule_medium_objection": replace(BASE, situacao=objeta(Severidade.MEDIUM)),
    "rule_silence_reactivation": com(ultima_saida_em=AGORA - 8 * DIA, ultima_saida_ator=Ator.JULIA),
    "rule_cold_temperature": com(temperatura=0.1),
    "rule_hot_temperature": com(temperatura=0.9),
    "rule_default": BASE,
}


def test_every_rule_is_reached_and_every_one_but_the_fixed_can_be_switched_off() -> None:
    assert set(CONSTRUIDAS) == {*SEMPRE, *DESLIGAVEIS}
    for regra, entrada in CONSTRUIDAS.items():
        assert decidir(entrada).regra == regra
        sem = decidir(replace(entrada, regras_desligadas=frozenset({regra})))
        assert (sem.regra == regra) is (regra in SEMPRE)


def test_an_opt_out_cannot_be_switched_off_and_an_unknown_id_changes_nothing() -> None:
    tudo = frozenset({*SEMPRE, *DESLIGAVEIS, "rule_que_nao_existe"})
    assert decidir(replace(com(permissao=Permissao.OPTED_OUT), regras_desligadas=tudo)).regra == "rule_opted_out"
    assert decidir(replace(BASE, motor_ligado=False, regras_desligadas=tudo)).regra == "kill_switch_inbound"
    for entrada in CONSTRUIDAS.values():
        assert decidir(replace(entrada, regras_desligadas=("rule_que_nao_existe",))) == decidir(entrada)
        assert decidir(replace(entrada, regras_desligadas=tudo)).regra in SEMPRE


def sorteada(rng: Random) -> EntradaPolicy:
    """Any input at all: states that no history would lead to are decided too."""

    def quando() -> datetime | None:
        return AGORA - timedelta(seconds=rng.randrange(-10 * 86400, 40 * 86400)) if rng.random() < 0.7 else None

    objecao = None
    if rng.random() < 0.4:
        objecao = Objecao(rng.choice([*TipoObjecao]), rng.choice([*Severidade]), rng.random(), "palavras do médico")
    estado = DoctorState(
        permissao=rng.choice([*Permissao]),
        cooling_off_ate=quando(),
        temperatura=rng.randrange(101) / 100,
        tendencia=rng.choice([*Tendencia]),
        ultima_entrada_em=quando(),
        ultima_saida_em=quando(),
        ultima_saida_ator=rng.choice([None, *Ator]),
        proximo_contato_em=quando(),
        objecao=rng.choice([None, "preco", "ameaca"]),
        objecao_severidade=rng.choice([None, *Severidade]),
        objecao_em=quando(),
        objecao_resolvida_em=quando(),
        ciclo=rng.choice([*Ciclo]),
        ultimo_decaimento_em=quando(),
    )
    seguro: Literal["desligado", "wait", "handoff"] = (
        rng.choice(["wait", "handoff"]) if rng.random() < 0.2 else "desligado"
    )
    return EntradaPolicy(
        estado=estado,
        situacao=Situacao(
            objecao,
            rng.choice([*Perfil]),
            rng.choice([*Objetivo]),
            rng.choice([*Intencao]),
            rng.random(),
            rng.choice(["regra", "llm"]),
            "um resumo",
        ),
        agora=AGORA,
        primeira_mensagem=rng.random() < 0.5,
        conversa_ativa=rng.random() < 0.7,
        motor_ligado=rng.random() < 0.9,
        modo_seguro=seguro,
        regras_desligadas=tuple(rng.sample(DESLIGAVEIS, rng.choice([0, 0, 0, 1, 3]))),
    )


def test_a_thousand_stored_decisions_are_decided_the_same_again() -> None:
    rng = Random(20260316)
    for _ in range(1000):
        entrada = sorteada(rng)
        guardada = orjson.dumps(para_json(entrada))
        lida = de_json(orjson.loads(guardada))
        assert decidir(lida) == decidir(entrada)
        assert orjson.dumps(para_json(lida)) == guardada
        assert b"palavras do" not in guardada
        assert b"um resumo" not in guardada


def test_a_random_search_finds_every_rule() -> None:
    rng = Random(20260317)
    achadas = Counter(decidir(sorteada(rng)).regra for _ in range(20_000))
    assert set(achadas) == {*SEMPRE, *DESLIGAVEIS}


def test_what_was_stored_before_a_field_existed_is_read_and_a_strange_value_is_refused() -> None:
    guardada = para_json(BASE)
    del guardada["regras_desligadas"]
    assert de_json(guardada) == BASE
    guardada["estado"]["permissao"] = "desconhecida"
    with pytest.raises(ValidationError):
        de_json(guardada)


estados = st.builds(
    DoctorState,
    permissao=st.sampled_from(Permissao),
    temperatura=st.integers(0, 100).map(lambda t: t / 100),
    ciclo=st.sampled_from(Ciclo),
    objecao=st.none() | st.just("preco"),
    objecao_severidade=st.none() | st.sampled_from(Severidade),
)
entradas = st.builds(
    EntradaPolicy,
    estado=estados,
    situacao=st.sampled_from([NEUTRA, *(objeta(s) for s in Severidade)]),
    agora=st.just(AGORA),
    primeira_mensagem=st.booleans(),
    conversa_ativa=st.booleans(),
    motor_ligado=st.booleans(),
    modo_seguro=st.sampled_from(["desligado", "wait", "handoff"]),
    regras_desligadas=st.frozensets(st.sampled_from([*SEMPRE, *DESLIGAVEIS])),
)


@given(entradas)
def test_every_input_has_one_decision_with_its_reason(entrada: EntradaPolicy) -> None:
    decisao = decidir(entrada)
    assert decisao == decidir(entrada)
    assert decisao.motivo
    assert not (decisao.proibe_tudo and decisao.pode_ofertar)
    assert not (decisao.requer_humano and decisao.acao is not Acao.HANDOFF)
    if entrada.estado.permissao is Permissao.OPTED_OUT:
        assert decisao.regra == "rule_opted_out"
