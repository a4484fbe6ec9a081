"""A sender that was held up for longer than its lease: what it claimed belongs to others now."""

from __future__ import annotations

import asyncio

from tests.e2e.palco import Palco
from tests.e2e.processo import ajustes, processo

MEDICO = "5511977700001"


async def test_f12_a_send_that_begins_after_its_lease_is_not_begun(palco: Palco) -> None:
    palco.chips(1)
    curto = ajustes(palco.pg_url, palco.sandbox_url, lease_s=1.0, turno_max_s=0.9, envio_max_s=0.8, margem_s=0.05)
    async with processo(curto) as dorminhoco, processo(curto) as outro:
        await dorminhoco.chega(MEDICO, "SAIR")
        await dorminhoco.passos.turnos()
        [claimed] = await dorminhoco.passos.reivindica()
        await asyncio.sleep(curto.lease_s)
        await outro.ate_acabar()
        assert len(palco.aceitas(MEDICO)) == 1
        await dorminhoco.passos.entrega(claimed)
    assert len(palco.aceitas(MEDICO)) == 1
    assert palco.sql("SELECT state, attempts FROM outbox") == [{"state": "sent", "attempts": 2}]


async def test_a_send_that_is_not_begun_in_time_goes_out_later(palco: Palco) -> None:
    palco.chips(1)
    curto = ajustes(palco.pg_url, palco.sandbox_url, lease_s=1.0, turno_max_s=0.9, envio_max_s=0.8, margem_s=0.05)
    async with processo(curto) as dentro:
        await dentro.chega(MEDICO, "SAIR")
        await dentro.passos.turnos()
        [claimed] = await dentro.passos.reivindica()
        await asyncio.sleep(curto.lease_s)
        await dentro.passos.entrega(claimed)
        assert palco.aceitas(MEDICO) == []
        await dentro.ate_acabar()
    assert len(palco.aceitas(MEDICO)) == 1
