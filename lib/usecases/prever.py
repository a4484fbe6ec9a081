"""How long the pool needs for so many first contacts from now on, and what holds it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lib.db import Database
from lib.domain.previsao import Perda, Previsao, perdas, prever
from lib.domain.previsao_pool import fora, previsto
from lib.domain.selecao import Regra
from lib.errors import AgenteError
from lib.queries import previsao

PERDAS: Final = 5


class ForaDoPoolError(AgenteError):
    """There is no such number in the pool; the message is its name."""


@dataclass(frozen=True, slots=True)
class PrevisaoDoPool:
    """A forecast for the pool as it stands.

    `usados` are the numbers that it counts with, the best first; `fora` names the others by what keeps them out, `sem`
    those that were left out on purpose. `na_fila` first contacts wait already and would go before.
    """

    previsao: Previsao
    perdas: tuple[Perda, ...]
    usados: tuple[str, ...]
    fora: Mapping[Regra, tuple[str, ...]]
    sem: tuple[str, ...]
    na_fila: int


async def prever_pool(db: Database, mensagens: int, agora: datetime, sem: Sequence[str] = ()) -> PrevisaoDoPool:
    """Forecast `mensagens` first contacts, without the numbers in `sem`, given by name or id.

    Raises:
        ForaDoPoolError: one of these is no number of the pool.
    """
    read = await previsao.pool(db, agora)
    known = {str(chip.chip_id): chip.nome for chip in read.chips} | {chip.nome: chip.nome for chip in read.chips}
    for name in sem:
        if name not in known:
            raise ForaDoPoolError(name)
    left = tuple(dict.fromkeys(known[name] for name in sem))
    out: dict[Regra, tuple[str, ...]] = {}
    used = []
    for chip in read.chips:
        if chip.nome in left:
            continue
        regra = fora(chip)
        if regra is None:
            used.append(previsto(chip, agora))
        else:
            out[regra] = (*out.get(regra, ()), chip.nome)
    made = prever(used, read.contas, mensagens, agora)
    return PrevisaoDoPool(
        previsao=made,
        perdas=perdas(used, read.contas, made, PERDAS),
        usados=tuple(chip.nome for chip in used),
        fora=out,
        sem=left,
        na_fila=read.na_fila,
    )
