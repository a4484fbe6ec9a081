"""What people are told: every kind has a severity and words, and nothing personal but a first name."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.notificacao import (
    SEVERIDADES,
    TITULOS,
    Item,
    Severidade,
    contexto,
    espera,
    linha,
    linhas_resumo,
    primeiro_nome,
    proximo_lembrete,
    titulo,
    titulo_resumo,
)
from lib.domain.transferencia import TipoAviso


def test_every_kind_of_notice_has_a_severity_and_a_title() -> None:
    assert set(SEVERIDADES) == set(TITULOS) == set(TipoAviso)
    assert SEVERIDADES[TipoAviso.MENSAGEM_MORTA] is Severidade.CRITICO
    assert SEVERIDADES[TipoAviso.INTERESSE] is Severidade.INFO


@pytest.mark.parametrize(
    ("nome", "primeiro"),
    [
        ("Helena Prado", "Helena"),
        ("Dra. Helena Prado", "Helena"),
        ("DR joão", "joão"),
        ("Ana-Lúcia Reis", "Ana-Lúcia"),
        ("D'Ávila", "D'Ávila"),
        ("A²", None),
        ("--", None),
        ("+55 11 98888-7777", None),
        ("11988887777", None),
        ("Dr.", None),
        ("", None),
        (None, None),
        ("<!channel> oi", None),
        ("A", None),
        ("x" * 60, None),
    ],
)
def test_only_a_first_name_is_taken(nome: str | None, primeiro: str | None) -> None:
    assert primeiro_nome(nome) == primeiro


@given(st.text(max_size=40))
def test_a_name_never_carries_digits_or_marks(nome: str) -> None:
    primeiro = primeiro_nome(nome) or ""
    assert not any(mark.isdigit() or mark in "<>&@+ " for mark in primeiro)


def test_reminders_after_ten_minutes_then_hourly_then_daily() -> None:
    waits = [proximo_lembrete(n) for n in range(9)]
    assert waits == [timedelta(minutes=10), *[timedelta(hours=1)] * 5, *[timedelta(days=1)] * 3]


def test_waits_double_up_to_five_minutes_and_respect_the_vendor() -> None:
    assert [espera(n).total_seconds() for n in (0, 1, 2, 3, 8, 9, 30_000)] == [2, 2, 4, 8, 256, 300, 300]
    assert espera(1, 30.0) == timedelta(seconds=30)
    assert espera(30_000, 3600.0) == timedelta(hours=1)


def test_texts_name_ids_and_the_reminder() -> None:
    item = Item(Severidade.CRITICO, "Mensagem parada", 17, 42, "Helena Prado")
    assert linha(item) == "🔴 Crítico: Mensagem parada (conversa 42 · Helena · aviso 17)"
    assert titulo(item, 2) == "🔴 Crítico: Mensagem parada — lembrete 2: ninguém reconheceu ainda"
    assert contexto(Item(Severidade.INFO, "x")) == "sem conversa"


def test_a_digest_counts_all_shows_twenty_and_begins_with_the_most_severe() -> None:
    itens = [Item(Severidade.INFO, "Interesse", n) for n in range(30)] + [Item(Severidade.ALERTA, "Entregue", 99)]
    lines = linhas_resumo(itens)
    assert titulo_resumo(itens) == "Resumo: 31 avisos"
    assert lines[:3] == ("🟠 Alerta: Entregue — 1", "🔵 Aviso: Interesse — 30", "Entregue (aviso 99)")
    assert lines[-1] == "… e mais 11"
    assert len(lines) == 2 + 20 + 1
