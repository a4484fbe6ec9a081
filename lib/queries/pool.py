"""The pool's care in a few statements for any number of chips: who rests, comes back or is called up; who is told.

Nothing is counted in columns that somebody would have to reset: uses are rolling counts of the outbox itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.chip import ENVIA, TRUST_MINIMO, TipoEnvio
from lib.domain.pool import MINIMOS, POOL, Alerta, Critico, Retrato

# `fora`: disconnected for longer than a short disconnect; `calado`: it may write to nobody first.
_CHIP: Final = """SELECT k.id, k.instancia, k.status, k.status_ator, k.status_desde, k.trust_score AS trust,
    k.conectado, k.trust_em IS NOT NULL AS pontuado, k.pode_prospectar, k.pode_followup, k.pode_responder,
    NOT k.conectado AND coalesce(k.conexao_em, k.status_desde) <= :fora_desde AS fora,
    coalesce(k.reply_only_until > :agora, false) AS calado
  FROM chip k WHERE k.tipo = 'julia' AND k.status IN ('warming', 'ready', 'active', 'degraded', 'restricted')"""

# Whom a person put to rest, a person brings back. `atua` is the status after this step.
_PASSO: Final = """chip_ AS MATERIALIZED ({chip} ORDER BY k.id {tranca}),
passo AS (
  SELECT c.*, CASE
      WHEN c.status = 'active' AND c.pontuado AND c.trust < :trust_degrada THEN 'degrada_trust'
      WHEN c.status = 'active' AND c.fora THEN 'degrada_fora'
      WHEN c.status = 'degraded' AND c.status_ator LIKE 'fluxo:%' AND c.trust >= :trust_recupera AND c.conectado
        THEN 'recupera' END AS passo
  FROM chip_ c),
conta AS (
  SELECT count(*) AS chips, count(*) FILTER (WHERE p.atua = 'active') AS ativos,
    count(*) FILTER (WHERE p.atua = ANY(CAST(:prospectam AS text[])) AND NOT p.fora AND NOT p.calado
      AND p.pode_prospectar AND p.trust >= :trust_prospeccao) AS prospectam,
    count(*) FILTER (WHERE p.atua = ANY(CAST(:seguem AS text[])) AND NOT p.fora AND NOT p.calado
      AND p.pode_followup AND p.trust >= :trust_followup) AS seguem
  FROM (SELECT x.*, CASE WHEN x.passo LIKE 'degrada%' THEN 'degraded' WHEN x.passo = 'recupera' THEN 'active'
    ELSE x.status END AS atua FROM passo x) p)"""

# The place of a number that was banned stays empty while messages are queued that the campaign had before the ban:
# nobody takes over from it by itself (decision D1).
_LUGAR: Final = """banido AS (
  SELECT count(DISTINCT t.chip_id) AS n FROM chip_transicao t JOIN chip k ON k.id = t.chip_id
  WHERE t.para = 'banned' AND t.de IN ('active', 'degraded', 'restricted') AND k.status IN ('banned', 'cancelled')
    AND t.em >= (SELECT min(o.criada_em) FROM outbox o WHERE o.state = 'pending' AND o.tipo = 'prospeccao')),
lugar AS (
  SELECT c.chips, c.ativos, q.lugares, least(q.lugares, b.n) AS retidos
  FROM conta c CROSS JOIN banido b CROSS JOIN LATERAL (SELECT greatest(0, least(:producao_max - c.ativos, greatest(
    :producao_min - c.ativos, :minimo_prospeccao - c.prospectam, :minimo_followup - c.seguem))) AS lugares) q),
pronto AS (
  SELECT p.id, row_number() OVER (ORDER BY p.trust DESC, p.id) AS vez FROM passo p
  WHERE p.status = 'ready' AND p.conectado AND NOT p.calado AND p.trust >= :trust_promove),
decidido AS (
  SELECT p.id, p.trust, CASE WHEN r.id IS NOT NULL THEN 'promove' ELSE p.passo END AS passo
  FROM passo p CROSS JOIN lugar l LEFT JOIN pronto r ON r.id = p.id AND r.vez <= l.lugares - l.retidos
  WHERE p.passo IS NOT NULL OR r.id IS NOT NULL),
motivado AS (
  SELECT d.id, d.passo, CASE d.passo
      WHEN 'degrada_trust' THEN 'trust ' || d.trust || ', abaixo de ' || CAST(:trust_degrada AS int)
      WHEN 'degrada_fora' THEN 'desconectado há mais de ' || CAST(:fora_min AS int) || ' minutos'
      WHEN 'recupera' THEN 'trust ' || d.trust || ' e conectado'
      ELSE 'produção com ' || l.ativos || ' chips, faltavam ' || l.lugares END AS motivo
  FROM decidido d CROSS JOIN lugar l)"""

_BASE: Final = f"{_PASSO},\n{_LUGAR}"
_CARE_OF: Final = """-- pool.care
WITH {base},
mudado AS (
  UPDATE chip k SET status = CASE WHEN m.passo LIKE 'degrada%' THEN 'degraded' ELSE 'active' END,
    status_motivo = m.motivo, status_ator = 'fluxo:cuidar-pool', status_desde = :agora
  FROM motivado m WHERE k.id = m.id RETURNING k.id)
SELECT l.chips, l.ativos, l.lugares, l.retidos, m.id, m.passo, m.motivo, u.id IS NOT NULL AS mudado
FROM lugar l LEFT JOIN motivado m ON true LEFT JOIN mudado u ON u.id = m.id ORDER BY m.id
"""
_CARE = text(_CARE_OF.format(base=_BASE.format(chip=_CHIP, tranca="FOR NO KEY UPDATE OF k")))
_JUDGE_OF: Final = """-- pool.judge
WITH {base}
SELECT l.chips, l.ativos, l.lugares, l.retidos, m.id, m.passo, m.motivo, m.id IS NOT NULL AS mudado
FROM lugar l LEFT JOIN motivado m ON true ORDER BY m.id
"""
_JUDGE = text(_JUDGE_OF.format(base=_BASE.format(chip=_CHIP, tranca="")))

_PORTRAIT_OF: Final = """-- pool.portrait
WITH c AS ({chip})
SELECT count(*) FILTER (WHERE status = 'active') AS ativos,
  count(*) FILTER (WHERE status IN ('active', 'degraded')) AS producao,
  count(*) FILTER (WHERE status IN ('active', 'degraded') AND trust >= :trust_prospeccao) AS saudaveis,
  count(*) FILTER (WHERE status = 'ready') AS prontos,
  count(*) FILTER (WHERE status = ANY(CAST(:prospectam AS text[])) AND NOT fora AND NOT calado AND pode_prospectar
    AND trust >= :trust_prospeccao) AS prospeccao,
  count(*) FILTER (WHERE status = ANY(CAST(:seguem AS text[])) AND NOT fora AND NOT calado AND pode_followup
    AND trust >= :trust_followup) AS followup,
  count(*) FILTER (WHERE status = ANY(CAST(:respondem AS text[])) AND NOT fora AND pode_responder
    AND trust >= :trust_resposta) AS resposta,
  coalesce(jsonb_agg(jsonb_build_array(id, instancia, trust, status_desde) ORDER BY id)
    FILTER (WHERE status = 'degraded' AND pontuado AND trust < :trust_critico), '[]') AS criticos
FROM c
"""
_PORTRAIT = text(_PORTRAIT_OF.format(chip=_CHIP))

# What was told lately is remembered by its cause, with when it was last so: told anew is what had vanished for a while.
_TELL = text("""-- pool.tell
WITH n AS (
  SELECT * FROM unnest(CAST(:causas AS text[]), CAST(:tipos AS text[]), CAST(:textos AS text[]),
    CAST(:unicas AS bool[])) AS n(causa, tipo, texto, unica)),
lembrada AS (
  SELECT e.key AS causa FROM flag f CROSS JOIN LATERAL jsonb_each_text(f.valor) e
  WHERE f.chave = 'pool_avisos' AND CAST(e.value AS timestamptz) > :silencio_desde),
memoria AS (
  INSERT INTO flag AS f (chave, valor, atualizado_em)
  SELECT 'pool_avisos', jsonb_object_agg(causa, CAST(:agora AS timestamptz)), :agora FROM n WHERE NOT unica
  HAVING count(*) > 0
  ON CONFLICT (chave) DO UPDATE SET atualizado_em = excluded.atualizado_em, valor = excluded.valor || coalesce((
    SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(f.valor) e
    WHERE NOT excluded.valor ? e.key AND CAST(e.value #>> '{}' AS timestamptz) > :silencio_desde), '{}')),
avisa AS (
  INSERT INTO aviso (chave, tipo, texto)
  SELECT causa || CASE WHEN unica THEN ''
      ELSE ':' || CAST(extract(epoch FROM CAST(:agora AS timestamptz)) AS bigint) END, tipo, texto
  FROM n WHERE unica OR causa NOT IN (SELECT causa FROM lembrada)
  ON CONFLICT (chave) DO NOTHING RETURNING id)
SELECT count(*) AS avisos FROM avisa
""")


@dataclass(frozen=True, slots=True)
class Mudanca:
    """One chip's step: `degrada_trust`, `degrada_fora`, `recupera` or `promove`; `feita` when it was really written."""

    chip_id: int
    passo: str
    motivo: str
    feita: bool


@dataclass(frozen=True, slots=True)
class Cuidado:
    """What the care did. Of the `lugares` that production lacked, `retidos` wait for a person's word."""

    chips: int
    lugares: int
    retidos: int
    mudancas: tuple[Mudanca, ...]

    @property
    def promovidos(self) -> int:
        """How many were called up from reserve."""
        return sum(mudanca.passo == "promove" for mudanca in self.mudancas)


def care_step(agora: datetime, *, aplicar: bool) -> Step:
    """Return the statement that lets chips rest, brings them back and fills production up; or only judges so."""
    limits = {
        "trust_degrada": POOL.trust_degrada,
        "trust_recupera": POOL.trust_recupera,
        "trust_promove": POOL.trust_promove,
        "producao_min": POOL.producao_min,
        "producao_max": POOL.producao_max,
        "minimo_prospeccao": MINIMOS[TipoEnvio.PROSPECCAO],
        "minimo_followup": MINIMOS[TipoEnvio.FOLLOWUP],
        "fora_min": POOL.fora.total_seconds() / 60,
    }
    return Step(_CARE if aplicar else _JUDGE, {**_counted(agora), **limits}, writes=aplicar)


def read_care(rows: Sequence[Row]) -> Cuidado:
    """Read what `care_step` answers."""
    first = rows[0]
    return Cuidado(
        first["chips"],
        first["lugares"],
        first["retidos"],
        tuple(Mudanca(row["id"], row["passo"], row["motivo"], row["mudado"]) for row in rows if row["id"] is not None),
    )


def portrait_step(agora: datetime) -> Step:
    """Return the statement that counts the pool as it stands."""
    rules = {
        "respondem": _may(TipoEnvio.RESPOSTA),
        "trust_resposta": TRUST_MINIMO[TipoEnvio.RESPOSTA],
        "trust_critico": POOL.trust_critico,
    }
    return Step(_PORTRAIT, {**_counted(agora), **rules})


def read_portrait(row: Row, cuidado: Cuidado) -> Retrato:
    """Read what `portrait_step` answers, after that care."""
    return Retrato(
        ativos=row["ativos"],
        producao=row["producao"],
        saudaveis=row["saudaveis"],
        prontos=row["prontos"],
        capazes={tipo: row[tipo.value] for tipo in MINIMOS},
        lugares=cuidado.lugares - cuidado.promovidos,
        retidos=cuidado.retidos,
        criticos=tuple(
            Critico(chip_id, nome, trust, datetime.fromisoformat(desde))
            for chip_id, nome, trust, desde in row["criticos"]
        ),
    )


async def tell(db: Database, alertas: Sequence[Alerta], agora: datetime) -> int:
    """Leave notices of what was not so a while ago, in one statement; return how many are new."""
    params = {
        "causas": [alerta.causa for alerta in alertas],
        "tipos": [alerta.tipo.value for alerta in alertas],
        "textos": [alerta.texto for alerta in alertas],
        "unicas": [alerta.unica for alerta in alertas],
        "agora": agora,
        "silencio_desde": agora - POOL.aviso_silencio,
    }
    [[row]] = await db.round_trip(Step(_TELL, params, writes=True))
    return int(row["avisos"])


def _counted(agora: datetime) -> dict[str, Any]:
    return {
        "agora": agora,
        "fora_desde": agora - POOL.fora,
        "prospectam": _may(TipoEnvio.PROSPECCAO),
        "seguem": _may(TipoEnvio.FOLLOWUP),
        "trust_prospeccao": TRUST_MINIMO[TipoEnvio.PROSPECCAO],
        "trust_followup": TRUST_MINIMO[TipoEnvio.FOLLOWUP],
    }


def _may(tipo: TipoEnvio) -> list[str]:
    return sorted(status for status, tipos in ENVIA.items() if tipo in tipos)
