"""Shifts of every status, as managers list them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.queries.vaga import like_literal

# Open ones that have begun are of no use to anybody; of the others the past is shown too, the newest first.
_PAGE = text("""-- vaga_lista.page
SELECT v.id, v.inicio, v.fim, v.status, v.setor, v.valor_tipo, v.valor_centavos, v.valor_min_centavos,
  v.valor_max_centavos, h.nome AS hospital, h.cidade, h.uf, e.nome AS especialidade, m.nome AS medico,
  count(*) OVER () AS total
FROM vaga v JOIN hospital h ON h.id = v.hospital_id JOIN especialidade e ON e.id = v.especialidade_id
LEFT JOIN medico m ON m.id = v.medico_id
WHERE (CAST(:status AS text[]) IS NULL OR v.status = ANY(CAST(:status AS text[])))
  AND (CAST(:hospital AS text) IS NULL OR h.nome_normalizado LIKE '%' || :hospital || '%')
  AND (CAST(:especialidade AS text) IS NULL OR e.nome_normalizado LIKE '%' || :especialidade || '%')
  AND (v.status <> 'aberta' OR v.inicio > :agora)
ORDER BY v.inicio > :agora DESC, CASE WHEN v.inicio > :agora THEN v.inicio END, v.inicio DESC, v.id LIMIT :limite
""")


@dataclass(frozen=True, slots=True)
class Filtro:
    """Which shifts; names folded; None does not filter."""

    status: tuple[str, ...] | None
    hospital: str | None
    especialidade: str | None
    limite: int


async def page(db: Database, filtro: Filtro, agora: datetime) -> list[Row]:
    """Return shifts, the next ones first, each with the `total` that fits."""
    params = {
        "status": None if filtro.status is None else list(filtro.status),
        "hospital": like_literal(filtro.hospital),
        "especialidade": like_literal(filtro.especialidade),
        "limite": filtro.limite,
        "agora": agora,
    }
    [rows] = await db.round_trip(Step(_PAGE, params))
    return rows
