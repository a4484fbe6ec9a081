"""Open shifts and hospitals: every filter is in the statement, before its limit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.horario import SAO_PAULO, UFS, fuso
from lib.domain.plantao import DESCANSO, NOITE_ACABA, NOITE_MINIMA, PARTE_MAXIMA

# The specialties asked for: those whose name has a word for each beginning, else the doctor's own.
_PEDIDAS = """
pedida AS MATERIALIZED (
  SELECT e.id, e.nome FROM especialidade e WHERE CASE
    WHEN CAST(:termos AS text[]) IS NOT NULL THEN NOT EXISTS (
      SELECT FROM unnest(CAST(:termos AS text[])) t WHERE ' ' || e.nome_normalizado NOT LIKE '% ' || t || '%')
    ELSE e.id = coalesce(CAST(:especialidade_id AS bigint), e.id) END)"""

# Every hospital with its zone, and whether it is where the doctor asked.
_LUGARES = """
lugar AS MATERIALIZED (
  SELECT h.id, h.nome, h.cidade, h.uf, coalesce(z.fuso, :fuso) AS fuso,
    (CAST(:cidade AS text) IS NULL OR h.nome_normalizado LIKE '%' || :cidade || '%'
      OR translate(lower(h.cidade), 'áàâãéêíóôõúüç', 'aaaaeeiooouuc') = :cidade)
    AND (CAST(:ufs_pedidas AS text[]) IS NULL OR h.uf = ANY(CAST(:ufs_pedidas AS text[]))) AS pedido,
    CASE WHEN h.uf = :uf_primeiro THEN 0 ELSE 1 END AS longe
  FROM hospital h LEFT JOIN unnest(CAST(:ufs AS text[]), CAST(:fusos AS text[])) AS z(uf, fuso) ON z.uf = h.uf)"""

# What the doctor holds already. A night shift ends in the morning, after six hours or more.
_MINHAS = """
minha AS MATERIALIZED (
  SELECT v.inicio, v.fim, extract(hour FROM v.inicio AT TIME ZONE l.fuso) BETWEEN 5 AND 17 AS dia,
    (v.fim AT TIME ZONE l.fuso)::time <= :noite_acaba AND v.fim - v.inicio >= :noite_minima AS noite
  FROM vaga v JOIN lugar l ON l.id = v.hospital_id
  WHERE v.medico_id = :medico_id AND v.status NOT IN ('aberta', 'cancelada') AND v.fim > :agora - :descanso)"""

# A shift whose pay is to be agreed, or a range that reaches it, passes a minimum.
_SERVEM = """
serve AS (
  SELECT v.id, v.inicio, v.fim, l.fuso, l.longe, t.hora,
    CASE v.criticidade WHEN 'critica' THEN 0 WHEN 'urgente' THEN 1 ELSE 2 END AS pressa
  FROM vaga v JOIN pedida e ON e.id = v.especialidade_id JOIN lugar l ON l.id = v.hospital_id AND l.pedido
  CROSS JOIN LATERAL (SELECT v.inicio AT TIME ZONE l.fuso AS comeca, v.fim - v.inicio AS duracao OFFSET 0) c
  CROSS JOIN LATERAL (SELECT extract(hour FROM c.comeca) AS hora OFFSET 0) t
  WHERE v.status = 'aberta' AND v.inicio > :agora
    AND (CAST(:minimo AS bigint) IS NULL OR v.valor_tipo = 'a_combinar'
      OR coalesce(v.valor_centavos, v.valor_max_centavos, v.valor_min_centavos) >= :minimo)
    AND CASE :periodo WHEN 'diurno' THEN t.hora BETWEEN 5 AND 17 AND c.duracao <= :parte_maxima
      WHEN 'manha' THEN t.hora BETWEEN 5 AND 11 AND c.duracao <= :parte_maxima
      WHEN 'tarde' THEN t.hora BETWEEN 12 AND 17 AND c.duracao <= :parte_maxima
      WHEN 'noturno' THEN t.hora NOT BETWEEN 5 AND 17 AND c.duracao <= :parte_maxima
      WHEN '12h' THEN c.duracao = interval '12 hours' WHEN '24h' THEN c.duracao = interval '24 hours' ELSE true END
    AND (CAST(:dias AS int[]) IS NULL OR extract(isodow FROM c.comeca) = ANY(CAST(:dias AS int[])))
    AND c.comeca::date BETWEEN coalesce(CAST(:de AS date), '-infinity') AND coalesce(CAST(:ate AS date), 'infinity'))"""

# Which of them clash: the few held shifts look for theirs.
_CONFLITAM = """
conflita AS MATERIALIZED (
  SELECT DISTINCT s.id FROM minha m JOIN serve s ON s.inicio < m.fim + :descanso AND s.fim > m.inicio - :descanso
  WHERE (m.inicio < s.fim AND s.inicio < m.fim)
    OR (m.noite AND s.hora BETWEEN 5 AND 17 AND s.inicio >= m.fim AND s.inicio < m.fim + :descanso)
    OR (m.dia AND (s.fim AT TIME ZONE s.fuso)::time <= :noite_acaba AND s.fim - s.inicio >= :noite_minima
      AND m.inicio >= s.fim AND m.inicio < s.fim + :descanso))"""

# The counts come with every row, and alone when no shift is left to show.
_SEARCH = text(f"""-- vaga.search
WITH {_PEDIDAS}, {_LUGARES}, {_MINHAS}, {_SERVEM}, {_CONFLITAM},
conta AS (
  SELECT (SELECT count(*) FROM pedida) AS especialidades, (SELECT count(*) FROM conflita) AS conflitos,
    (SELECT count(*) FROM serve) AS servem, (SELECT count(*) FROM vaga v JOIN pedida e ON e.id = v.especialidade_id
      WHERE v.status = 'aberta' AND v.inicio > :agora) AS total),
pagina AS (
  SELECT s.id, s.longe, s.pressa FROM serve s WHERE NOT EXISTS (SELECT FROM conflita c WHERE c.id = s.id)
  ORDER BY s.longe, s.pressa, s.inicio, s.id LIMIT :limite)
SELECT conta.*, v.*, l.nome AS hospital, l.cidade, l.uf, e.nome AS especialidade
FROM conta LEFT JOIN (pagina p JOIN vaga v ON v.id = p.id JOIN lugar l ON l.id = v.hospital_id
  JOIN pedida e ON e.id = v.especialidade_id) ON true
ORDER BY p.longe, p.pressa, v.inicio, v.id
""")  # noqa: S608 — joined of our own constants

_SPECIALTIES = text("""-- vaga.specialties
SELECT nome FROM especialidade ORDER BY nome
""")

_HOSPITALS = text("""-- vaga.hospitals
SELECT nome, endereco, cidade, uf FROM hospital WHERE nome_normalizado LIKE '%' || :nome || '%' ORDER BY nome LIMIT 3
""")


@dataclass(frozen=True, slots=True)
class Filtro:
    """What is looked for, for whom; names folded to lower case without accents; None does not filter.

    `termos` are beginnings of the words of a specialty, without which `especialidade_id` holds; `dias` counts from
    Monday 1; `de` and `ate` are days at the hospital; shifts in `uf_primeiro` come first.
    """

    agora: datetime
    medico_id: int
    termos: tuple[str, ...] | None
    especialidade_id: int | None
    cidade: str | None
    ufs_pedidas: tuple[str, ...] | None
    uf_primeiro: str | None
    periodo: str
    dias: tuple[int, ...] | None
    de: date | None
    ate: date | None
    valor_minimo_centavos: int | None
    limite: int


@dataclass(frozen=True, slots=True)
class Achadas:
    """The shifts that fit, best first.

    `total` counts what is open in the specialty without any other filter, `servem` what passes them, of which
    `conflitos` clash with shifts that the doctor holds. `especialidades` has every name where none fitted the words.
    """

    vagas: list[Row]
    total: int
    servem: int
    conflitos: int
    especialidades: list[str] | None


async def search(db: Database, filtro: Filtro) -> Achadas:
    """Return open future shifts that fit and that the doctor can work; one round trip."""
    steps = [Step(_SEARCH, _params(filtro))]
    if filtro.termos is not None:
        steps.append(Step(_SPECIALTIES))
    found, *names = await db.round_trip(*steps)
    first = found[0]
    unknown = filtro.termos is not None and not first["especialidades"]
    return Achadas(
        vagas=[row for row in found if row["id"] is not None],
        total=first["total"],
        servem=first["servem"],
        conflitos=first["conflitos"],
        especialidades=[row["nome"] for row in names[0]] if unknown else None,
    )


def _params(filtro: Filtro) -> dict[str, Any]:
    ufs = sorted(UFS)
    listed = {
        name: None if values is None else list(values)
        for name, values in (("ufs_pedidas", filtro.ufs_pedidas), ("dias", filtro.dias))
    }
    return {name: getattr(filtro, name) for name in Filtro.__slots__} | {
        **listed,
        "termos": None if filtro.termos is None else [like_literal(termo) for termo in filtro.termos],
        "cidade": like_literal(filtro.cidade),
        "minimo": filtro.valor_minimo_centavos,
        "fuso": SAO_PAULO.key,
        "ufs": ufs,
        "fusos": [fuso(uf).key for uf in ufs],
        "noite_acaba": NOITE_ACABA,
        "noite_minima": NOITE_MINIMA,
        "parte_maxima": PARTE_MAXIMA,
        "descanso": DESCANSO,
    }


async def hospitals(db: Database, nome: str) -> list[Row]:
    """Return up to three hospitals whose folded name holds these words; one round trip."""
    [found] = await db.round_trip(Step(_HOSPITALS, {"nome": like_literal(nome)}))
    return found


def like_literal(words: str | None) -> str | None:
    """Take the wildcards out of words that are matched with LIKE."""
    return None if words is None else words.replace("\\", "").replace("%", "").replace("_", " ")
