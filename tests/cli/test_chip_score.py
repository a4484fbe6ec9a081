"""`agente chip score` and `agente chip backtest`, against a real database."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from anyio.to_thread import run_sync
from typer.testing import CliRunner

from lib.cli.chip import app
from lib.db import Database
from lib.domain.chip import FaseWarmup, Gateway, TipoChip
from lib.domain.trust import EntradasTrust, calcular
from lib.models import Chip, ContaMeta
from lib.queries import trust
from lib.queries.trust import Medido
from tests.builders import gravar, id_of, um_chip
from tests.usecases.test_backtest_trust import cai, uma_nota

pytestmark = pytest.mark.anyio
AGORA = datetime.now(UTC)
HORA = timedelta(hours=1)
ENTRADAS = EntradasTrust(
    idade_dias=30, fase=FaseWarmup.OPERACAO, envios=100, entregues=95, respondidas=30, tipos_midia=1, dias_sem_erro=7
)


async def run(*words: str) -> tuple[int, str]:
    """Run a command in a thread: it opens a loop of its own."""
    result = await run_sync(lambda: CliRunner().invoke(app, list(words)))
    return result.exit_code, result.output


async def pontuado(db: Database, *historia: EntradasTrust, **over: object) -> Chip:
    """A chip scored from these inputs, an hour apart, as the flow does it."""
    [chip] = await gravar(db, um_chip(**{"instancia": "julia-01", **over}))
    stored = calcular(EntradasTrust(idade_dias=0, fase=FaseWarmup.REPOUSO))
    for n, entradas in enumerate(historia):
        medido = Medido(id_of(chip), entradas, stored, nunca=False)
        await trust.save(db, [(medido, calcular(entradas))], AGORA - (len(historia) - n) * HORA)
    return chip


async def test_the_score_is_shown_with_its_parts_what_changed_and_the_next_step(db: Database, ambiente: None) -> None:
    await pontuado(db, ENTRADAS, replace(ENTRADAS, erros_24h=2, dias_sem_erro=0), rampup_parte=50)
    code, said = await run("score", "julia-01")
    assert code == 0
    assert "julia-01 (active): nota 85, verde, fórmula v1" in said
    assert "Pode: primeiro contato sim, follow-up sim, resposta sim; intervalo mínimo de 45 s." in said
    limits = (
        "Limites: 15 por hora e 50 por dia. Fase operação: 30 e 100; nível verde deixa 100%: 30 e 100; rampa de 50%"
    )
    assert limits in said
    assert "-10  dias sem erro: 0 (antes 7)" in said
    assert "-4  erros: 2 nas últimas 24 h (antes 0)" in said
    assert "Com isso" not in said
    assert "Próximo passo: mais 20 conversas com mensagens dos dois lados em 30 dias (hoje 0): +15 pontos" in said
    assert "Atenção" not in said


async def test_what_a_change_takes_away_and_the_step_gives_back_is_told(db: Database, ambiente: None) -> None:
    await pontuado(db, ENTRADAS, replace(ENTRADAS, optouts=5, dias_sem_erro=0))
    said = " ".join((await run("score", "julia-01"))[1].split())
    assert "Com isso: nível amarelo (antes verde); primeiro contato não (antes sim); envios por hora 24" in said
    assert "a nota iria a 94, com nível verde (antes amarelo); primeiro contato sim (antes não)" in said


async def test_everything_shown_is_what_the_stored_inputs_give(db: Database, ambiente: None) -> None:
    chip = await pontuado(db, ENTRADAS, replace(ENTRADAS, erros_24h=2, dias_sem_erro=0), rampup_parte=75)
    code, said = await run("score", str(chip.id), "--json")
    assert code == 0
    nota = json.loads(said)["nota"]
    async with db.connection() as driver:
        rows = await (
            await driver.execute("SELECT entradas, formula, partes FROM chip_trust_historico ORDER BY em DESC")
        ).fetchall()
    new, old = (calcular(EntradasTrust.read(entradas), formula) for entradas, formula, _ in rows)
    assert [dict(new.partes), dict(old.partes)] == [partes for _, _, partes in rows]
    assert {parte["nome"]: parte["valor"] for parte in nota["partes"]} == new.partes
    assert (nota["score"], nota["nivel"], nota["anterior_score"]) == (new.score, new.nivel, old.score)
    assert {one["nome"]: one["delta"] for one in nota["mudancas"]} == {
        nome: round(valor - old.partes[nome], 4) for nome, valor in new.partes.items() if valor != old.partes[nome]
    }
    assert (nota["limites"]["hora"], nota["limites"]["dia"]) == (
        new.limite_hora * 75 // 100,
        new.limite_dia * 75 // 100,
    )
    step = nota["passo"]
    done = calcular(EntradasTrust.read(step["entradas"]), nota["formula"])
    assert step["score"] == done.score
    assert step["pontos"] == pytest.approx(sum(done.partes.values()) - sum(new.partes.values()))
    assert nota["diverge"] == []


async def test_a_row_that_says_otherwise_is_told(db: Database, ambiente: None) -> None:
    await pontuado(db, ENTRADAS)
    async with db.connection() as driver:
        await driver.execute("UPDATE chip SET limite_dia = 999, trust_score = 12")
    code, said = await run("score", "julia-01")
    assert (code, "outra coisa em score, limite_dia" in said, "É a primeira nota." in said) == (0, True, True)


async def test_what_else_limits_a_chip_is_told(db: Database, ambiente: None) -> None:
    await gravar(db, ContaMeta(conta="waba", tier="TIER_1K", limite_dia=1_000, em=AGORA))
    await pontuado(
        db,
        replace(ENTRADAS, fase=FaseWarmup.EXPANSAO),
        gateway=Gateway.META,
        conta="waba",
        reply_only_until=AGORA + HORA,
    )
    code, said = await run("score", "julia-01")
    said = " ".join(said.split())
    assert code == 0
    assert "A fase agora é operação, e vale a partir da próxima nota." in said
    assert "A conta na Meta escreve primeiro a 1000 pessoas em 24 h, todos os números juntos." in said
    assert "Só responde até" in said


async def test_chips_without_a_score_and_chips_that_are_not_there(db: Database, ambiente: None) -> None:
    await gravar(db, um_chip(instancia="novo"), um_chip(instancia="escuta", tipo=TipoChip.LISTENER))
    assert (await run("score", "novo"))[1].startswith("novo: ainda sem nota")
    assert (await run("score", "escuta"))[1].startswith("escuta: só escuta grupos")
    assert await run("score", "julia-99") == (1, "erro: não há chip julia-99.\n")
    assert json.loads((await run("score", "novo", "--json"))[1])["nota"] is None


async def test_a_formula_that_is_gone_is_told(db: Database, ambiente: None) -> None:
    await pontuado(db, ENTRADAS)
    async with db.connection() as driver:
        await driver.execute("UPDATE chip_trust_historico SET formula = 'v0'")
    code, said = await run("score", "julia-01")
    assert (code, said) == (1, "erro: a nota é da fórmula v0, que esta versão não conhece; espere a próxima nota.\n")


async def test_formulas_are_compared_over_history(db: Database, ambiente: None) -> None:
    virou = replace(ENTRADAS, envios_7d=40, entregues_7d=10, optouts_7d=4)
    caiu, resta = await gravar(db, um_chip(instancia="julia-01"), um_chip(instancia="julia-02"))
    dia = 24 * HORA
    await gravar(
        db,
        uma_nota(caiu, AGORA - 40 * dia, ENTRADAS),
        uma_nota(caiu, AGORA - 14 * dia, virou),
        uma_nota(resta, AGORA - 40 * dia, ENTRADAS),
        uma_nota(resta, AGORA - 2 * dia, virou),
    )
    await cai(db, caiu, AGORA - 10 * dia)
    code, said = await run("backtest", "--formulas", "v1,v2")
    said = " ".join(said.split())
    assert code == 0
    assert "4 notas de 2 chips" in said
    assert "v2 no lugar de v1" in said
    assert "1: julia-02" in said
    assert "1 queda de 1 chip. Dias de chip em uso: 7,0 a menos de 7 dias de uma queda" in said
    assert "Com menos de 10 quedas" in said
    found = json.loads((await run("backtest", "--json"))[1])
    v1, v2 = found["ordenacoes"]
    assert (v1["auc"], v2["auc"]) == (0.5, pytest.approx((4 + 3 * 0.5) / 7, abs=1e-4))


async def test_without_losses_the_auc_is_unknown(db: Database, ambiente: None) -> None:
    [chip] = await gravar(db, um_chip())
    await gravar(db, uma_nota(chip, AGORA - 24 * HORA, ENTRADAS))
    code, said = await run("backtest")
    assert (code, said.count("desconhecida"), said.count("nenhuma queda no período")) == (0, 2, 2)


async def test_an_empty_history_and_unknown_formulas_are_told(db: Database, ambiente: None) -> None:
    code, said = await run("backtest")
    assert (code, said.startswith("Nenhuma nota no período")) == (0, True)
    assert await run("backtest", "--formulas", "v1,v9") == (2, "erro: fórmula desconhecida: v9. As que há: v1, v2.\n")
    assert (await run("backtest", "--formulas", ","))[0] == 2
