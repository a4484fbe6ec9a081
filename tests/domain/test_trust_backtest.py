from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.domain.chip import EM_USO, FaseWarmup, StatusChip
from lib.domain.trust import EntradasTrust, calcular
from lib.domain.trust_backtest import (
    NOMES_MAX,
    PERDIDO,
    Backtest,
    Ganho,
    NotaGuardada,
    Resultado,
    Transicao,
    auc,
    both,
    merged,
    vida,
)

AGORA = datetime(2026, 3, 10, 13, 0, tzinfo=UTC)
DIA = timedelta(days=1)
DESDE = AGORA - 90 * DIA
A, R, B, P = StatusChip.ACTIVE, StatusChip.RESTRICTED, StatusChip.BANNED, StatusChip.PAUSED
# 100 by both formulas, and by v1 alone: a bad week that the month hides.
BOA = EntradasTrust(
    idade_dias=30, fase=FaseWarmup.OPERACAO, envios=200, entregues=190, respondidas=100, tipos_midia=1, dias_sem_erro=7
)
VIROU = EntradasTrust(
    idade_dias=30,
    fase=FaseWarmup.OPERACAO,
    envios=200,
    entregues=190,
    respondidas=100,
    tipos_midia=1,
    dias_sem_erro=7,
    envios_7d=40,
    entregues_7d=10,
    optouts_7d=4,
)
RUIM = EntradasTrust(idade_dias=0, fase=FaseWarmup.SETUP, erros_24h=5)

contagens = st.dictionaries(st.integers(0, 100), st.integers(1, 5), max_size=8)


def naive(positivos: Mapping[int, int], negativos: Mapping[int, int]) -> float | None:
    """Look at every pair."""
    left, right = list(Counter(positivos).elements()), list(Counter(negativos).elements())
    if not left or not right:
        return None
    won = sum(1.0 if a < b else 0.5 if a == b else 0.0 for a in left for b in right)
    return won / (len(left) * len(right))


@given(contagens, contagens)
def test_the_auc_is_what_looking_at_every_pair_gives(antes: dict[int, int], sem: dict[int, int]) -> None:
    assert auc(antes, sem) == (None if (want := naive(antes, sem)) is None else pytest.approx(want, abs=1e-12))


@given(st.dictionaries(st.integers(0, 5), st.integers(1, 5), min_size=1), st.integers(2, 10**9))
def test_the_auc_of_like_cases_is_one_half_and_weights_do_not_matter(same: dict[int, int], times: int) -> None:
    assert auc(same, same) == pytest.approx(0.5)
    assert auc({score: n * times for score, n in same.items()}, same) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("antes", "sem", "esperado"),
    [
        ({10: 1}, {90: 1}, 1),
        ({90: 1}, {10: 1}, 0),
        ({50: 7}, {50: 3}, 0.5),
        ({10: 1, 90: 1}, {50: 1}, 0.5),
        ({}, {50: 1}, None),
        ({50: 1}, {}, None),
        ({}, {}, None),
    ],
)
def test_the_auc_of_known_cases(antes: dict[int, int], sem: dict[int, int], esperado: float | None) -> None:
    assert auc(antes, sem) == esperado


trechos = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12)).map(lambda t: (t[0], t[0] + t[1])), max_size=6)


@given(trechos, trechos)
def test_stretches_of_time_are_sets_of_seconds(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> None:
    def seconds(found: list[tuple[int, int]] | tuple[tuple[int, int], ...]) -> set[int]:
        return {s for de, ate in found for s in range(de, ate)}

    one, other = merged(left), merged(right)
    assert seconds(one) == seconds(left)
    assert sum(ate - de for de, ate in one) == len(seconds(left))
    assert seconds(tuple(both(one, other))) == seconds(left) & seconds(right)


def s(em: datetime) -> int:
    return int(em.timestamp())


def test_a_life_is_read_from_its_changes() -> None:
    found = vida(
        A,
        [
            Transicao(StatusChip.WARMING, A, AGORA - 200 * DIA),
            Transicao(A, R, AGORA - 20 * DIA),
            Transicao(R, A, AGORA - 15 * DIA),
            Transicao(A, P, AGORA - 10 * DIA),
            Transicao(P, A, AGORA - 9 * DIA),
        ],
        DESDE,
        AGORA,
    )
    assert found.em_uso == (
        (s(DESDE), s(DESDE)),
        (s(DESDE), s(AGORA - 20 * DIA)),
        (s(AGORA - 15 * DIA), s(AGORA - 10 * DIA)),
        (s(AGORA - 9 * DIA), s(AGORA)),
    )
    assert found.quedas == (s(AGORA - 20 * DIA),)
    assert found.em_uso_agora


def test_a_chip_that_never_changed_has_been_what_it_is() -> None:
    assert vida(A, [], DESDE, AGORA).em_uso == ((s(DESDE), s(AGORA)),)
    assert vida(P, [], DESDE, AGORA) == vida(P, [Transicao(P, P, AGORA)], DESDE, AGORA)
    assert not vida(P, [], DESDE, AGORA).em_uso_agora


def test_from_restricted_to_banned_is_one_loss() -> None:
    found = vida(B, [Transicao(A, R, AGORA - 9 * DIA), Transicao(R, B, AGORA - 8 * DIA)], DESDE, AGORA)
    assert found.quedas == (s(AGORA - 9 * DIA),)
    assert {R, B} == PERDIDO
    assert not PERDIDO & EM_USO


class Frota:
    """Scores and lives of some chips, counted."""

    def __init__(self, *formulas: str) -> None:
        self.counted = Backtest(formulas or ("v1", "v2"), DESDE, AGORA)
        self.chips = 0

    def chip(self, *notas: tuple[float, EntradasTrust], quedas: tuple[float, ...] = (), status: StatusChip = A) -> None:
        """A chip with scores so many days ago, the oldest first, and losses so many days ago."""
        self.chips += 1
        changes = [Transicao(A, R, AGORA - n * DIA) for n in quedas]
        life, ate = vida(R if quedas else status, changes, DESDE, AGORA), AGORA
        for n, (dias, entradas) in enumerate(reversed(notas)):
            em = AGORA - dias * DIA
            nota = NotaGuardada(self.chips, f"chip-{self.chips}", A, n, em, entradas, conta_semana=entradas is VIROU)
            self.counted.add(nota, ate, life)
            ate = em

    def resultado(self) -> Resultado:
        return self.counted.resultado()


def test_time_before_a_loss_time_without_one_and_time_that_is_not_over_are_told_apart() -> None:
    frota = Frota()
    frota.chip((60, BOA), (12, RUIM), quedas=(10,))
    frota.chip((30, BOA))
    found = frota.resultado()
    # 43 days until a week before the loss, 23 of the other chip until its last week.
    assert (found.dias_antes_de_queda, found.dias_sem_queda, found.dias_sem_desfecho) == (7, 43 + 23, 7)
    assert (found.quedas, found.chips_que_cairam, found.chips, found.notas) == (1, 1, 2, 3)
    assert found.notas_sem_semana == 3
    # Of the 7 days before the loss two were scored low, five as high as everybody.
    assert found.ordenacoes[0].auc == pytest.approx((2 + 5 * 0.5) / 7)


def test_what_is_scored_while_restricted_warns_of_nothing() -> None:
    frota = Frota()
    frota.chip((30, BOA), (9, RUIM), quedas=(10,))
    found = frota.resultado()
    assert (found.dias_antes_de_queda, found.dias_sem_queda) == (7, 13)
    assert found.ordenacoes[0].auc == 0.5


def test_a_loss_in_the_last_week_counts_and_the_rest_of_the_week_is_open() -> None:
    frota = Frota()
    frota.chip((30, BOA), (4, RUIM), quedas=(3,))
    found = frota.resultado()
    assert (found.dias_antes_de_queda, found.dias_sem_queda, found.dias_sem_desfecho) == (7, 20, 0)
    assert found.ordenacoes[0].auc == pytest.approx((1 + 6 * 0.5) / 7)


def test_without_a_loss_or_without_anything_else_the_auc_is_not_made_up() -> None:
    calma = Frota()
    calma.chip((30, BOA))
    assert [one.auc for one in calma.resultado().ordenacoes] == [None, None]
    caos = Frota()
    caos.chip((5, BOA), quedas=(1,))
    assert (caos.resultado().dias_antes_de_queda, caos.resultado().dias_sem_queda) == (4, 0)
    assert [one.auc for one in caos.resultado().ordenacoes] == [None, None]
    assert [one.auc for one in Frota().resultado().ordenacoes] == [None, None]


def test_the_formula_that_reacts_ranks_better() -> None:
    frota = Frota()
    frota.chip((40, BOA), (13, VIROU), quedas=(10,))
    frota.chip((40, BOA))
    v1, v2 = frota.resultado().ordenacoes
    assert (v1.formula, v2.formula, v1.auc) == ("v1", "v2", 0.5)
    assert v2.auc == pytest.approx((3 + 4 * 0.5) / 7)


def test_who_would_lose_what_now_and_for_how_long() -> None:
    assert [calcular(VIROU, f).pode_prospectar for f in ("v1", "v2")] == [True, False]
    frota = Frota()
    frota.chip((40, BOA), (13, VIROU))
    frota.chip((40, VIROU), (20, BOA))
    frota.chip((40, BOA))
    frota.chip((40, VIROU), status=P)  # at no work
    [comparison] = frota.resultado().comparacoes
    assert (comparison.formula, comparison.em_vez_de) == ("v2", "v1")
    prospect = next(one for one in comparison.trocas if one.o_que is Ganho.PROSPECTAR)
    assert (prospect.perdem_agora, prospect.perdem_nomes) == (1, ("chip-1",))
    assert (prospect.perdem, prospect.perdem_dias) == (2, 33)
    assert (prospect.ganham_agora, prospect.ganham, prospect.ganham_dias) == (0, 0, 0)
    level = next(one for one in comparison.trocas if one.o_que is Ganho.NIVEL)
    assert (level.perdem_agora, level.perdem, level.perdem_dias) == (1, 2, 33)


def test_the_other_way_round_the_losers_gain() -> None:
    frota = Frota("v2", "v1")
    frota.chip((13, VIROU))
    [comparison] = frota.resultado().comparacoes
    assert [(one.ganham_agora, one.perdem_agora) for one in comparison.trocas if one.o_que is Ganho.PROSPECTAR] == [
        (1, 0)
    ]


def test_of_many_names_some_are_told() -> None:
    frota = Frota()
    for _ in range(NOMES_MAX + 5):
        frota.chip((13, VIROU))
    trocas = frota.resultado().comparacoes[0].trocas
    assert (trocas[0].perdem_agora, len(trocas[0].perdem_nomes)) == (NOMES_MAX + 5, NOMES_MAX)


def test_a_score_from_before_the_period_counts_from_its_beginning() -> None:
    frota = Frota()
    frota.chip((400, BOA))
    assert frota.resultado().dias_sem_queda == 83
