"""Where the time of an answered burst went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lib.domain.cascata import Medidas, Saida, cascata

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
    steps = {etapa.nome: etapa for etapa in cascata(medidas(recebidas=(0, 3000, 5500)))}
    assert steps["espera por silêncio"].inicio_ms + steps["espera por silêncio"].duracao_ms == 6000


def test_a_send_that_has_not_happened_ends_at_its_pause_and_silence_has_no_commit() -> None:
    names = [etapa.nome for etapa in cascata(medidas(Saida(at(2485), at(3485))))]
    assert names[-2:] == ["commit do turno", "pausa de leitura"]
    assert [etapa.nome for etapa in cascata(medidas())][-1] == "ferramentas"


def test_clocks_that_disagree_never_give_a_negative_time() -> None:
    sent = Saida(at(2400), at(2300), at(2200), at(2100), {"READ": at(2000)})
    assert all(etapa.duracao_ms >= 0 and etapa.inicio_ms >= 0 for etapa in cascata(medidas(sent)))
