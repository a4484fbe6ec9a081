"""The history of scores: the last ones of a chip, and all of a period with what befell each chip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from lib.db import Database, Step, grouped
from lib.domain.chip import FaseWarmup, StatusChip, TipoChip
from lib.domain.referencia import ID_MAX
from lib.domain.selecao import TIER_MINIMO
from lib.domain.trust import EntradasTrust, Trust
from lib.domain.trust_backtest import NotaGuardada, Transicao
from lib.domain.trust_leitura import Nota
from lib.queries.trust import GUARDADO, stored_trust

_WHICH: Final = "(SELECT id FROM chip WHERE instancia = :nome OR id = :id ORDER BY instancia = :nome DESC LIMIT 1)"

_CHIP = text(f"""-- trust.chip
SELECT id, instancia, tipo, status, fase, rampup_parte, reply_only_until, {GUARDADO},
  CASE WHEN gateway = 'meta' AND conta IS NOT NULL THEN coalesce(
    (SELECT m.limite_dia FROM conta_meta m WHERE m.conta = chip.conta), :tier_minimo) END AS limite_conta
FROM chip WHERE id = {_WHICH}
""")  # noqa: S608 - a statement of our own in two parts

_LAST = text(f"""-- trust.last
SELECT em, formula, entradas FROM chip_trust_historico WHERE chip_id = {_WHICH} ORDER BY em DESC, id DESC LIMIT 2
""")  # noqa: S608 - a statement of our own in two parts

# Chip by chip, each one's newest score first, down to the one that was in force when the period began.
_PAGE = text("""-- trust.page
SELECT c.id AS chip_id, c.instancia, c.status, h.id, h.em, h.entradas
FROM chip c CROSS JOIN LATERAL (
  SELECT n.id, n.em, n.entradas FROM chip_trust_historico n
  WHERE n.chip_id = c.id AND n.em <= :agora AND n.em >= coalesce(
      (SELECT max(a.em) FROM chip_trust_historico a WHERE a.chip_id = c.id AND a.em <= :desde), :desde)
    AND (c.id > :chip_id OR (n.em, n.id) < (CAST(:em AS timestamptz), CAST(:id AS bigint)))
  ORDER BY n.em DESC, n.id DESC LIMIT :limite) h
WHERE c.id >= :chip_id ORDER BY c.id, h.em DESC, h.id DESC LIMIT :limite
""")

_CHANGES = text("""-- trust.changes
SELECT chip_id, de, para, em FROM chip_transicao WHERE chip_id = ANY(CAST(:ids AS bigint[])) AND em <= :agora
ORDER BY chip_id, em, id
""")


@dataclass(frozen=True, slots=True)
class ChipComNotas:
    """A chip with its trust as stored, and its last two scores, the newest first.

    `rampup_parte` is in percent; `limite_conta` how many people its Meta account may write to first in 24 hours.
    """

    id: int
    instancia: str
    tipo: TipoChip
    status: StatusChip
    fase: FaseWarmup
    rampup_parte: int
    reply_only_until: datetime | None
    limite_conta: int | None
    guardado: Trust
    notas: tuple[Nota, ...]


async def of_chip(db: Database, nome: str) -> ChipComNotas | None:
    """Return the chip of this instance name, or else of this id."""
    chip_id = int(nome) if nome.isascii() and nome.isdigit() and int(nome) <= ID_MAX else 0
    which = {"nome": nome, "id": chip_id}
    chips, last = await db.round_trip(Step(_CHIP, {**which, "tier_minimo": TIER_MINIMO}), Step(_LAST, which))
    if not chips:
        return None
    [row] = chips
    return ChipComNotas(
        id=row["id"],
        instancia=row["instancia"],
        tipo=TipoChip(row["tipo"]),
        status=StatusChip(row["status"]),
        fase=FaseWarmup(row["fase"]),
        rampup_parte=row["rampup_parte"],
        reply_only_until=row["reply_only_until"],
        limite_conta=row["limite_conta"],
        guardado=stored_trust(row),
        notas=tuple(Nota(one["em"], one["formula"], EntradasTrust.read(one["entradas"])) for one in last),
    )


async def page(
    db: Database, desde: datetime, agora: datetime, depois: NotaGuardada | None, limite: int
) -> Sequence[NotaGuardada]:
    """Return the next scores of the period, chip by chip and each one's newest first; none after the last one."""
    after = {"chip_id": 0, "em": agora, "id": 0}
    if depois is not None:
        after = {"chip_id": depois.chip_id, "em": depois.em, "id": depois.id}
    [rows] = await db.round_trip(Step(_PAGE, {"desde": desde, "agora": agora, "limite": limite, **after}))
    return [
        NotaGuardada(
            chip_id=row["chip_id"],
            instancia=row["instancia"],
            status=StatusChip(row["status"]),
            id=row["id"],
            em=row["em"],
            entradas=EntradasTrust.read(row["entradas"]),
            conta_semana="envios_7d" in row["entradas"],
        )
        for row in rows
    ]


async def changes(db: Database, ids: Sequence[int], agora: datetime) -> Mapping[int, Sequence[Transicao]]:
    """Return all changes of status of these chips up to now, by chip and in their order."""
    [rows] = await db.round_trip(Step(_CHANGES, {"ids": list(ids), "agora": agora}))
    return {
        chip_id: [Transicao(StatusChip(row["de"]), StatusChip(row["para"]), row["em"]) for row in of_one]
        for chip_id, of_one in grouped(rows, "chip_id").items()
    }
