"""Formulas of trust over the history of scores, read in pages so that memory does not grow with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from lib.db import Database
from lib.domain.trust_backtest import Backtest, NotaGuardada, Resultado, vida
from lib.queries import trust_historico

PAGINA = 2_000


async def backtest(
    db: Database, formulas: Sequence[str], dias: int, agora: datetime, pagina: int = PAGINA
) -> Resultado:
    """Compare formulas, each with the first, over the scores that held in these days.

    Raises:
        KeyError: there is no such formula.
    """
    desde = agora - timedelta(days=dias)
    counted = Backtest(formulas, desde, agora)
    last: NotaGuardada | None = None
    while notas := await trust_historico.page(db, desde, agora, last, pagina):
        changes = await trust_historico.changes(db, sorted({nota.chip_id for nota in notas}), agora)
        lives = {nota.chip_id: vida(nota.status, changes.get(nota.chip_id, ()), desde, agora) for nota in notas}
        for nota in notas:
            ate = last.em if last is not None and last.chip_id == nota.chip_id else agora
            counted.add(nota, ate, lives[nota.chip_id])
            last = nota
    return counted.resultado()
