"""Every operation stays inside its budget."""

from __future__ import annotations

import pytest

from tests.orcamento.medidas import MEDIDAS, Bancada
from tests.orcamento.tabela import CONTADORES, MENSAGEM, MENSAGEM_COM_FERRAMENTA, MENSAGEM_INCERTA, TABELA


async def test_every_operation_costs_what_the_table_allows(bancada: Bancada) -> None:
    measured = {operacao: await medida(bancada) for operacao, medida in MEDIDAS.items()}
    over = [
        f"{linha.operacao}: {measured[linha.operacao][linha.contador]} {linha.contador}, allowed {linha.teto}"
        for linha in TABELA
        if measured[linha.operacao][linha.contador] > linha.teto
    ]
    missed = [
        f"{linha.operacao}: {measured[linha.operacao][linha.contador]} {linha.contador}, aimed at {linha.alvo}"
        for linha in TABELA
        if linha.alvo is not None and measured[linha.operacao][linha.contador] > linha.alvo
    ]
    assert over + missed == []
    assert measured.keys() == {linha.operacao for linha in TABELA}
    # What the table sets apart really differs: an analysis by the model, and a tool, were really in there.
    assert measured[MENSAGEM_INCERTA]["llm_calls"] == 2
    assert measured[MENSAGEM_COM_FERRAMENTA]["round_trips"] == measured[MENSAGEM]["round_trips"] + 1


def test_every_counter_of_the_table_has_its_words() -> None:
    assert {linha.contador for linha in TABELA} == CONTADORES.keys()


async def test_the_servers_own_count_of_commits_agrees_with_the_ledgers(bancada: Bancada) -> None:
    for operacao, medida in MEDIDAS.items():
        counted = await medida(bancada)
        assert counted["xids"] <= counted["commits"], operacao


@pytest.mark.parametrize("vezes", [10])
async def test_a_warm_process_opens_no_connection_however_many_messages_pass(bancada: Bancada, vezes: int) -> None:
    medida = MEDIDAS[MENSAGEM]
    assert [(await medida(bancada))["tcp_connections"] for _ in range(vezes)] == [0] * vezes
