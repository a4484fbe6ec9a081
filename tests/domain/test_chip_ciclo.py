from __future__ import annotations

import pytest

from lib.domain.chip import EM_USO, ENVIA, StatusChip, TipoEnvio
from lib.domain.chip_ciclo import TRANSICOES, Ator, legal, rows

PROATIVOS = {TipoEnvio.FOLLOWUP, TipoEnvio.PROSPECCAO}


def test_every_status_can_be_left_and_reached_but_the_one_that_waits_for_approval() -> None:
    assert {de for de, _ in TRANSICOES} == set(StatusChip)
    # Only the adoption of an unknown instance makes `pending`.
    assert {para for _, para in TRANSICOES} == set(StatusChip) - {StatusChip.PENDING}


def test_only_a_person_arms_a_banned_number_again() -> None:
    leaving = {(para, ator) for (de, para), atores in TRANSICOES.items() if de is StatusChip.BANNED for ator in atores}
    assert {ator for _, ator in leaving} == {Ator.PESSOA}
    assert {para for para, _ in leaving} == {StatusChip.PROVISIONED, StatusChip.CANCELLED}


@pytest.mark.parametrize("status", sorted(EM_USO))
def test_a_ban_takes_a_chip_out_of_any_work_and_a_restriction_leads_back_to_it(status: StatusChip) -> None:
    assert legal(status, StatusChip.BANNED, Ator.GATEWAY)
    assert legal(status, StatusChip.RESTRICTED, Ator.GATEWAY)
    assert legal(StatusChip.RESTRICTED, status, Ator.FLUXO)
    assert not legal(StatusChip.RESTRICTED, status, Ator.GATEWAY)


def test_no_change_leads_from_a_status_to_itself_and_no_row_stands_twice() -> None:
    found = list(rows())
    assert len(found) == len(set(found)) > 50
    assert all(de != para for de, para, _ in found)


def test_only_a_chip_at_work_or_restricted_sends_and_a_restricted_one_only_answers() -> None:
    assert set(ENVIA) == EM_USO | {StatusChip.RESTRICTED}
    assert not ENVIA[StatusChip.RESTRICTED] & PROATIVOS
    assert {status for status, tipos in ENVIA.items() if tipos & PROATIVOS} == {StatusChip.ACTIVE, StatusChip.WARMING}
