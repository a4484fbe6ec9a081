"""Whether campaigns go on: one row, read inside the send claim. A flow may stop them, only a person lets them go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb
from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.chip_ciclo import BANS_QUE_PAUSAM, JANELA_DE_BANS
from lib.queries.envio import LOCK

# Bans within the hour, of which no person knew yet when they last let campaigns go on.
_BANS = """WITH ban AS (
  SELECT count(DISTINCT t.chip_id) AS n, max(t.em) AS ultimo,
    string_agg(DISTINCT k.instancia, ', ' ORDER BY k.instancia) AS nomes
  FROM chip_transicao t JOIN chip k ON k.id = t.chip_id
  WHERE t.para = 'banned' AND t.em <= :agora AND t.em > :desde AND t.em > coalesce((SELECT f.atualizado_em FROM flag f
    WHERE f.chave = 'campanhas' AND f.valor ->> 'ativo' = 'true'), '-infinity')),
devida AS (
  SELECT b.* FROM ban b WHERE b.n >= :bans
    AND NOT EXISTS (SELECT FROM flag WHERE chave = 'campanhas' AND valor ->> 'ativo' = 'false'))"""

_STOP = text(f"""-- campanha.stop
{_BANS},
parada AS (
  INSERT INTO flag (chave, valor, atualizado_em)
  SELECT 'campanhas', jsonb_build_object('ativo', false, 'por', 'fluxo:cuidar-pool', 'motivo',
    d.n || ' números banidos em uma hora: ' || d.nomes), :agora FROM devida d
  ON CONFLICT (chave) DO UPDATE SET valor = excluded.valor, atualizado_em = excluded.atualizado_em RETURNING chave),
avisa AS (
  INSERT INTO aviso (chave, tipo, texto)
  SELECT 'campanhas_pausadas:' || CAST(extract(epoch FROM d.ultimo) AS bigint), 'chip_perdido',
    'Campanhas pausadas: ' || d.n || ' números banidos em uma hora (' || d.nomes
    || '). Só uma pessoa retoma: agente chip campanhas retomar'
  FROM devida d CROSS JOIN parada ON CONFLICT (chave) DO NOTHING)
SELECT count(*) AS paradas FROM parada
""")  # noqa: S608 - a statement of our own in two parts

_WOULD_STOP = text(f"""-- campanha.would_stop
{_BANS}
SELECT count(*) AS paradas FROM devida
""")  # noqa: S608 - a statement of our own in two parts

# Under the send claim's own lock: when this has committed, no claim that looked before it is still to commit.
_SET = text("""-- campanha.set
INSERT INTO flag (chave, valor, atualizado_em) VALUES ('campanhas', :valor, :agora)
ON CONFLICT (chave) DO UPDATE SET valor = excluded.valor, atualizado_em = excluded.atualizado_em
""")

_GET = text("""-- campanha.get
SELECT f.valor, f.atualizado_em,
  (SELECT count(*) FROM outbox WHERE state = 'pending' AND tipo = 'prospeccao') AS na_fila,
  (SELECT count(*) FROM chip_transicao WHERE para = 'banned' AND em > :desde) AS banidos,
  (SELECT em + make_interval(secs => :janela_s) FROM chip_transicao WHERE para = 'banned'
    AND em > greatest(:desde, CASE WHEN f.valor ->> 'ativo' = 'true' THEN f.atualizado_em END)
    ORDER BY em DESC OFFSET :bans - 1 LIMIT 1) AS travadas_ate
FROM (SELECT) um LEFT JOIN flag f ON f.chave = 'campanhas'
""")


@dataclass(frozen=True, slots=True)
class Campanhas:
    """Whether campaigns are stopped, since when, by whom and why; how many first contacts wait.

    `banidos` in the last hour; while too many of them came after a person last let campaigns go on, no first contact is
    sent, until `travadas_ate`.
    """

    paradas: bool
    por: str | None
    motivo: str | None
    desde: datetime | None
    na_fila: int
    banidos: int
    travadas_ate: datetime | None


def stop_step(agora: datetime, *, aplicar: bool) -> Step:
    """Return the statement that stops campaigns when numbers were banned one after the other; or says if it would."""
    params = {"agora": agora, "desde": agora - JANELA_DE_BANS, "bans": BANS_QUE_PAUSAM}
    return Step(_STOP if aplicar else _WOULD_STOP, params, writes=aplicar)


async def put(db: Database, *, paradas: bool, por: str, motivo: str, agora: datetime) -> None:
    """Stop campaigns or let them go on; in force for every process when this returns."""
    valor = {"ativo": not paradas, "por": por, "motivo": motivo}
    await db.round_trip(Step(LOCK), Step(_SET, {"valor": Jsonb(valor), "agora": agora}, writes=True))


async def get(db: Database, agora: datetime) -> Campanhas:
    """Return how campaigns stand."""
    params = {
        "desde": agora - JANELA_DE_BANS,
        "janela_s": JANELA_DE_BANS.total_seconds(),
        "bans": BANS_QUE_PAUSAM,
    }
    [[row]] = await db.round_trip(Step(_GET, params))
    return _read(row)


def _read(row: Row) -> Campanhas:
    valor = row["valor"] if isinstance(row["valor"], dict) else {}
    por, motivo = valor.get("por"), valor.get("motivo")
    return Campanhas(
        paradas=valor.get("ativo") is False,
        por=por if isinstance(por, str) else None,
        motivo=motivo if isinstance(motivo, str) else None,
        desde=row["atualizado_em"],
        na_fila=row["na_fila"],
        banidos=row["banidos"],
        travadas_ate=row["travadas_ate"],
    )
