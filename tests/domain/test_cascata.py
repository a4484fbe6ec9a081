"""Where the time of an answered burst went."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lib.domain.cascata import Medidas, Saida, cascata, cascata_envio

ZERO = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)


def at(ms: float) -> datetime:
    return ZERO + timedelta(milliseconds=ms)


def medidas(*saidas: Saida, recebidas: tuple[float, ...] = (0, 400, 900)) -> Medidas:
    return Medidas(
        recebidas=[at(ms) for ms in recebidas],
        iniciado_em=at(2410),
        terminado_em=at(2480),
        internas={"modelo": 50, "analise": 2, "ferramentas": 10},
        saidas=saidas,
        quieto=timedelta(seconds=1.5),
        quieto_max=timedelta(seconds=6),
    )


def test_the_steps_follow_each_other_from_the_first_message_to_the_last_receipt() -> None:
    sent = Saida(at(2485), at(3485), at(3500), at(3530), {"DELIVERY_ACK": at(3680), "READ": at(3930)})
    steps = {etapa.nome: (etapa.inicio_ms, etapa.duracao_ms) for etapa in cascata(medidas(sent))}
    assert steps == {
        "3 mensagens guardadas": (0, 900),
        "espera por silêncio": (900, 1500),
        "claim do turno": (2400, 10),
        "análise da situação": (2410, 2),
        "modelo": (2412, 50),
        "ferramentas": (2462, 10),
        "commit do turno": (2480, 5),
        "pausa de leitura": (2485, 1000),
        "claim do envio": (3485, 15),
        "aceita pelo gateway": (3500, 30),
        "entregue": (3530, 150),
        "lida": (3530, 400),
    }


def test_the_quiet_ends_six_seconds_after_the_first_message_however_long_the_doctor_writes() -> None:
    late = replace(medidas(recebidas=(0, 3000, 5500)), iniciado_em=at(6010), terminado_em=at(6080))
    steps = {etapa.nome: etapa for etapa in cascata(late)}
    assert steps["espera por silêncio"].inicio_ms + steps["espera por silêncio"].duracao_ms == 6000


def test_a_send_that_has_not_happened_ends_at_its_pause_and_silence_has_no_commit() -> None:
    names = [etapa.nome for etapa in cascata(medidas(Saida(at(2485), at(3485))))]
    assert names[-2:] == ["commit do turno", "pausa de leitura"]
    assert [etapa.nome for etapa in cascata(medidas())][-1] == "ferramentas"


def test_clocks_that_disagree_never_give_a_negative_time() -> None:
    sent = Saida(at(2400), at(2300), at(2200), at(2100), {"READ": at(2000)})
    assert all(etapa.duracao_ms >= 0 and etapa.inicio_ms >= 0 for etapa in cascata(medidas(sent)))


def test_what_did_not_wait_for_quiet_shows_no_wait() -> None:
    at_once = replace(medidas(recebidas=(0,)), iniciado_em=at(12), terminado_em=at(80))
    steps = {etapa.nome: (etapa.inicio_ms, etapa.duracao_ms) for etapa in cascata(at_once)}
    assert (steps["espera por silêncio"], steps["claim do turno"]) == ((0, 12), (12, 0))


def test_each_call_is_shown_where_it_is_known_in_place_of_the_sums() -> None:
    known = replace(medidas(), passos=(("modelo: resposta", 30), ("modelo: reparo", 20), ("ferramenta: x", 10)))
    steps = {etapa.nome: (etapa.inicio_ms, etapa.duracao_ms) for etapa in cascata(known)}
    inner = {nome: steps[nome] for nome in ("análise da situação", "modelo: reparo", "ferramenta: x")}
    assert inner == {"análise da situação": (2410, 2), "modelo: reparo": (2442, 20), "ferramenta: x": (2462, 10)}
    assert not {"modelo", "ferramentas"} & set(steps)


def test_a_step_that_nobody_named_keeps_its_own_name() -> None:
    other = replace(medidas(), internas={"regras": 1, "validacao": 2})
    assert [etapa.nome for etapa in cascata(other)][3:5] == ["regras", "validacao"]


def test_a_send_without_a_turn_begins_when_it_was_queued() -> None:
    steps = cascata_envio(Saida(at(0), at(60_000), at(60_010), at(60_050), {"READ": at(61_000)}))
    assert [(etapa.nome, etapa.inicio_ms, etapa.duracao_ms) for etapa in steps] == [
        ("pausa de leitura", 0, 60_000),
        ("claim do envio", 60_000, 10),
        ("aceita pelo gateway", 60_010, 40),
        ("lida", 60_050, 950),
    ]
