"""What a gateway says of its numbers: connection, quality, and the statuses that follow. All writers of it end here.

One statement for any number of chips. A row is judged as it is once it is locked, so that of two who speak at the same
moment the second sees what the first did; what is older than the last word on a chip changes nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.chip import EM_USO, Gateway, StatusChip
from lib.domain.chip_ciclo import PRIMEIRA_PARTE, RESTRICAO, Ator, Perda

VIVOS: Final = tuple(sorted({*EM_USO, StatusChip.RESTRICTED}))
"""Statuses of a number that WhatsApp would have to throw out: whoever ends its session was not us."""
RENOVA: Final = timedelta(hours=1)
"""A restriction that still stands is prolonged when no more than this is left of it."""

LISTA: Final = """SELECT * FROM unnest(CAST(:gateways AS text[]), CAST(:instancias AS text[]),
    CAST(:conectados AS boolean[]), CAST(:perdas AS text[]), CAST(:codigos AS int[]), CAST(:caiu_ems AS timestamptz[]),
    CAST(:ates AS timestamptz[]), CAST(:qualidades AS text[]), CAST(:motivos AS text[]))
    AS d(gateway, instancia, conectado, perda, codigo, caiu_em, ate, qualidade, motivo)"""

# `:estado`: what was said is how things stand, read again and again, and no event that just happened.
# A list still tells of the end of a session that the chip's present status has long taken into account.
JULGA: Final = """k AS (
  SELECT c.id, c.instancia, c.tipo, c.status, c.conectado, c.queda_codigo, c.qualidade, c.reply_only_until,
    d.conectado AS dito, d.codigo, d.ate, d.qualidade AS dita, d.motivo,
    CASE WHEN d.caiu_em IS NULL OR d.caiu_em > c.status_desde THEN d.perda END AS perda
  FROM chip c JOIN dito d ON d.gateway = c.gateway AND d.instancia = c.instancia
  WHERE coalesce(greatest(c.conexao_em, c.conexao_vista_em), '-infinity') <= :em - make_interval(secs => :margem_s)
    AND (NOT :estado OR d.perda IS NOT NULL OR d.conectado <> c.conectado OR d.codigo <> c.queda_codigo
      OR d.codigo IS NOT NULL AND c.queda_codigo IS NULL OR c.status = 'provisioned'
      OR d.qualidade IS NOT NULL AND d.qualidade IS DISTINCT FROM c.qualidade)
  ORDER BY c.id FOR NO KEY UPDATE OF c),
quer AS (
  SELECT k.*, l.para FROM k LEFT JOIN chip_transicao_legal l ON l.de = k.status AND l.ator = :ator_tipo AND l.para =
    CASE WHEN k.perda = 'banido' OR k.perda = 'sessao' AND k.status = ANY(CAST(:vivos AS text[])) THEN 'banned'
      WHEN k.perda = 'restrito' THEN 'restricted'
      WHEN k.dito AND k.status = 'provisioned' AND k.tipo = 'julia' THEN 'warming' END),
julgado AS (
  SELECT q.*, coalesce(q.perda = 'restrito' AND q.status NOT IN ('banned', 'cancelled') AND (NOT :estado
      OR q.para IS NOT NULL OR q.reply_only_until IS NULL OR q.ate > q.reply_only_until
      OR q.reply_only_until < :em + make_interval(secs => :renova_s)), false) AS cala,
    coalesce(q.dito <> q.conectado, false) AS vira,
    coalesce(NOT q.dito AND q.codigo IS DISTINCT FROM q.queda_codigo AND (q.conectado OR q.codigo IS NOT NULL), false)
      AS recodifica,
    coalesce(q.dita IS NOT NULL AND q.dita IS DISTINCT FROM q.qualidade, false) AS requalifica
  FROM quer q)"""

MUDA: Final = "(NOT :estado OR j.para IS NOT NULL OR j.cala OR j.vira OR j.recodifica OR j.requalifica)"

GRAVA: Final = f"""m AS (
  UPDATE chip SET
    conectado = coalesce(j.dito, chip.conectado),
    conexao_em = CASE WHEN j.vira OR chip.conexao_em IS NULL AND j.dito IS NOT NULL THEN :em ELSE chip.conexao_em END,
    conexao_vista_em = :em,
    queda_codigo = CASE WHEN j.recodifica THEN j.codigo ELSE chip.queda_codigo END,
    qualidade = coalesce(j.dita, chip.qualidade),
    reply_only_until = CASE WHEN j.cala
      THEN greatest(chip.reply_only_until, coalesce(j.ate, :em + make_interval(secs => :restricao_s)))
      ELSE chip.reply_only_until END,
    rampup_parte = CASE WHEN j.cala THEN :rampup_parte ELSE chip.rampup_parte END,
    rampup_desde = CASE WHEN j.cala THEN NULL ELSE chip.rampup_desde END,
    aquecimento_desde = CASE WHEN j.para = 'warming' THEN coalesce(chip.aquecimento_desde, :em)
      ELSE chip.aquecimento_desde END,
    status = coalesce(j.para, chip.status),
    status_motivo = CASE WHEN j.para IS NULL THEN chip.status_motivo WHEN j.para = 'warming' THEN 'conectou ao WhatsApp'
      ELSE coalesce(j.motivo, 'dito pelo gateway') END,
    status_ator = CASE WHEN j.para IS NULL THEN chip.status_ator
      WHEN :ator_tipo = 'gateway' THEN 'gateway:' || chip.gateway ELSE :ator END,
    status_desde = CASE WHEN j.para IS NULL THEN chip.status_desde ELSE :em END
  FROM julgado j WHERE chip.id = j.id AND :grava AND {MUDA}
  RETURNING chip.id, chip.instancia, j.para, j.motivo),
avisa AS (
  INSERT INTO aviso (chave, tipo, texto)
  SELECT CASE para WHEN 'banned' THEN 'chip_banido:' || id || ':' || CAST(extract(epoch FROM :em) AS bigint)
      ELSE 'chip_restrito:' || id || ':' || CAST(CAST(:em AS date) AS text) END, 'chip_perdido',
    CASE para WHEN 'banned' THEN instancia || ': número banido (' || coalesce(motivo, 'dito pelo gateway')
        || '); nada mais sai por ele'
      ELSE instancia || ': o WhatsApp só deixa este número responder; campanhas e follow-ups dele esperam' END
  FROM m WHERE para IN ('banned', 'restricted') ON CONFLICT (chave) DO NOTHING)"""  # noqa: S608 - a statement of our own in two parts

_SAY = text(f"""-- conexao.say
WITH dito AS ({LISTA}),
{JULGA},
{GRAVA}
SELECT d.instancia, c.id AS chip_id, m.para FROM dito d
LEFT JOIN chip c ON c.gateway = d.gateway AND c.instancia = d.instancia LEFT JOIN m ON m.id = c.id
""")  # noqa: S608 - a statement of our own in parts


@dataclass(frozen=True, slots=True)
class Dito:
    """What a gateway says of one number, None where it says nothing of that.

    `caiu_em` is when the session that `perda` and `codigo` are about ended, where it is told; `ate` until when a
    restriction lasts. `qualidade` is the vendor's word, `motivo` Portuguese for people, without personal data.
    """

    gateway: Gateway
    instancia: str
    conectado: bool | None = None
    perda: Perda | None = None
    codigo: int | None = None
    caiu_em: datetime | None = None
    ate: datetime | None = None
    qualidade: str | None = None
    motivo: str | None = None


def columns(ditos: Sequence[Dito]) -> dict[str, Any]:
    """Return what `LISTA` reads; of two words on one number the last."""
    unicos = {(one.gateway, one.instancia): one for one in ditos}.values()
    return {
        "gateways": [one.gateway.value for one in unicos],
        "instancias": [one.instancia for one in unicos],
        "conectados": [one.conectado for one in unicos],
        "perdas": [one.perda.value if one.perda else None for one in unicos],
        "codigos": [one.codigo for one in unicos],
        "caiu_ems": [one.caiu_em for one in unicos],
        "ates": [one.ate for one in unicos],
        "qualidades": [one.qualidade for one in unicos],
        "motivos": [one.motivo for one in unicos],
    }


def rules(em: datetime, ator: Ator, *, nome: str = "", estado: bool, margem_s: float = 0.0, grava: bool = True) -> Any:
    """Return what `JULGA` and `GRAVA` read beside `LISTA`; `nome` tells which flow or person it is."""
    return {
        "em": em,
        "ator_tipo": ator.value,
        "ator": f"{ator.value}:{nome}",
        "estado": estado,
        "margem_s": margem_s,
        "grava": grava,
        "vivos": list(VIVOS),
        "restricao_s": RESTRICAO.total_seconds(),
        "renova_s": RENOVA.total_seconds(),
        "rampup_parte": PRIMEIRA_PARTE,
    }


def step(ditos: Sequence[Dito], em: datetime) -> Step:
    """Return the statement that takes a gateway's events in, for a round trip that does more."""
    return Step(_SAY, columns(ditos) | rules(em, Ator.GATEWAY, estado=False), writes=True)


async def say(db: Database, ditos: Sequence[Dito], em: datetime) -> list[Row]:
    """Take in what gateways told at `em`, in one statement; repeating it changes nothing.

    Returns a row for each number: `instancia`, `chip_id` (None: no chip of ours), `para` (its new status, if any).
    """
    [rows] = await db.round_trip(step(ditos, em))
    return rows
