"""What all gateways list, compared with our chips in one statement: what changed is written, the rest left alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.chip import Gateway
from lib.domain.chip_ciclo import FORA_DE_MAIS, Ator
from lib.queries.conexao import GRAVA, JULGA, LISTA, MUDA, Dito, columns, rules

FLUXO: Final = "sincronizar-chips"
OUVIDO_AGORA: Final = timedelta(minutes=1)
"""A list lags: whatever else was said of a chip within this time is newer."""

_ALVOS = text("""-- sincronia.alvos
SELECT gateway, conta, count(*) AS chips,
  CASE WHEN gateway = 'zapi' THEN array_agg(instancia ORDER BY id) ELSE '{}' END AS instancias
FROM chip WHERE status <> 'cancelled' GROUP BY gateway, conta ORDER BY gateway, conta
""")

# What an answered list leaves out has no connection any more. Who lacks one for long is told of once an outage.
_APPLY = text(f"""-- sincronia.apply
WITH lista AS ({LISTA}),
ouvida AS (SELECT * FROM unnest(CAST(:ouvidas AS text[]), CAST(:contas AS text[])) AS o(gateway, conta)),
dito AS (
  SELECT * FROM lista UNION ALL
  SELECT c.gateway, c.instancia, false, NULL, NULL, NULL, NULL, NULL, NULL FROM chip c
  JOIN ouvida o ON o.gateway = c.gateway AND (o.conta IS NULL OR o.conta = c.conta)
  WHERE c.conectado AND NOT EXISTS (SELECT FROM lista l WHERE l.gateway = c.gateway AND l.instancia = c.instancia)),
{JULGA},
{GRAVA},
nova AS (
  SELECT n.instancia, n.telefone, n.conectado, n.rotulo,
    EXISTS (SELECT FROM chip c WHERE c.telefone = n.telefone)
      OR row_number() OVER (PARTITION BY n.telefone ORDER BY n.instancia) > 1 AS repetida
  FROM unnest(CAST(:n_instancias AS text[]), CAST(:n_telefones AS text[]), CAST(:n_conectados AS boolean[]),
    CAST(:n_rotulos AS text[])) AS n(instancia, telefone, conectado, rotulo)
  WHERE NOT EXISTS (SELECT FROM chip c WHERE c.instancia = n.instancia)),
adotada AS (
  INSERT INTO chip (telefone, instancia, gateway, tipo, status, status_motivo, status_ator, status_desde, conectado,
    conexao_em, conexao_vista_em)
  SELECT telefone, instancia, 'evolution', 'listener', 'pending', 'o gateway a lista e ninguém a cadastrou', :ator, :em,
    coalesce(conectado, false), :em, :em
  FROM nova WHERE :grava AND telefone IS NOT NULL AND NOT repetida ORDER BY instancia
  ON CONFLICT DO NOTHING RETURNING id, instancia),
avisa_adocao AS (
  INSERT INTO aviso (chave, tipo, texto)
  SELECT 'chip_adotado:' || a.id, 'chip', n.rotulo || ': a Evolution tem esta instância e ninguém a cadastrou; entrou '
    || 'como ouvinte e espera aprovação (agente chip aprovar ' || a.id || ')'
  FROM adotada a JOIN nova n ON n.instancia = a.instancia ON CONFLICT (chave) DO NOTHING),
fora AS (
  SELECT c.id, c.instancia, c.queda_codigo,
    'chip_fora:' || c.id || ':' || CAST(extract(epoch FROM coalesce(c.conexao_em, c.status_desde)) AS bigint) AS chave
  FROM chip c WHERE NOT c.conectado AND c.status = ANY(CAST(:vivos AS text[]))
    AND coalesce(c.conexao_em, c.status_desde) <= :em - make_interval(secs => :fora_s)
    AND NOT EXISTS (SELECT FROM julgado j WHERE j.id = c.id AND (j.dito OR j.para = 'banned'))),
por_avisar AS (SELECT f.* FROM fora f WHERE NOT EXISTS (SELECT FROM aviso a WHERE a.chave = f.chave)),
avisa_fora AS (
  INSERT INTO aviso (chave, tipo, texto)
  SELECT chave, 'chip', instancia || ': fora do ar há mais de ' || CAST(:fora_s / 60 AS int) || ' minutos'
    || coalesce(' (código ' || queda_codigo || ')', '') || '; veja agente chip estado'
  FROM por_avisar WHERE :grava ON CONFLICT (chave) DO NOTHING RETURNING chave),
tier AS (
  SELECT t.* FROM unnest(CAST(:t_contas AS text[]), CAST(:t_tiers AS text[]), CAST(:t_limites AS int[]))
    AS t(conta, tier, limite_dia)
  LEFT JOIN conta_meta m ON m.conta = t.conta
  WHERE m.conta IS NULL OR (m.tier, m.limite_dia) <> (t.tier, t.limite_dia)
    AND m.em <= :em - make_interval(secs => :margem_s)),
tier_gravado AS (
  INSERT INTO conta_meta (conta, tier, limite_dia, em) SELECT conta, tier, limite_dia, :em FROM tier WHERE :grava
  ORDER BY conta
  ON CONFLICT (conta) DO UPDATE SET tier = excluded.tier, limite_dia = excluded.limite_dia, em = excluded.em
  RETURNING conta)
SELECT CASE WHEN j.para = 'banned' THEN 'banidos' WHEN j.para = 'restricted' THEN 'restritos'
    WHEN j.para = 'warming' THEN 'em_aquecimento' WHEN j.vira AND j.dito THEN 'conectados'
    WHEN j.vira THEN 'desconectados' WHEN j.cala THEN 'restricoes_renovadas' WHEN j.requalifica THEN 'qualidades'
    ELSE 'codigos' END AS o_que, j.id, NULL AS conta, m.id IS NOT NULL AS gravado
FROM julgado j LEFT JOIN m ON m.id = j.id WHERE {MUDA}
UNION ALL SELECT CASE WHEN n.telefone IS NULL THEN 'sem_numero' WHEN n.repetida THEN 'numero_de_outro_chip'
    ELSE 'adotados' END, a.id, NULL, a.id IS NOT NULL FROM nova n LEFT JOIN adotada a ON a.instancia = n.instancia
UNION ALL SELECT 'avisados', p.id, NULL, a.chave IS NOT NULL
  FROM por_avisar p LEFT JOIN avisa_fora a ON a.chave = p.chave
UNION ALL SELECT 'tiers', NULL, t.conta, g.conta IS NOT NULL FROM tier t LEFT JOIN tier_gravado g ON g.conta = t.conta
""")  # noqa: S608 - a statement of our own in parts


@dataclass(frozen=True, slots=True)
class Alvo:
    """Chips of one gateway and, at Meta, of one account; `instancias` only where each has to be asked after."""

    gateway: Gateway
    conta: str | None
    chips: int
    instancias: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Nova:
    """A listed instance that may be nobody's chip yet. `telefone` is E.164, `rotulo` its name as a notice says it."""

    instancia: str
    telefone: str | None
    conectado: bool
    rotulo: str


@dataclass(frozen=True, slots=True)
class Listado:
    """What the gateways that answered list. `completas` are those whose list leaves nobody out: gateway and account.

    `tiers` maps an account to Meta's word and limit.
    """

    ditos: Sequence[Dito] = ()
    completas: Sequence[tuple[Gateway, str | None]] = ()
    novas: Sequence[Nova] = ()
    tiers: Mapping[str, tuple[str, int]] | None = None


async def alvos(db: Database) -> list[Alvo]:
    """Return whose chips there are to ask after, in one statement."""
    [rows] = await db.round_trip(Step(_ALVOS))
    return [Alvo(Gateway(row["gateway"]), row["conta"], row["chips"], tuple(row["instancias"])) for row in rows]


async def apply(db: Database, listado: Listado, em: datetime, *, grava: bool) -> list[Row]:
    """Take in what was listed as of `em`, in one statement; without `grava` only say what would change.

    Returns a row for each change: `o_que`, `id` of the chip or `conta`, `gravado`. `sem_numero` and
    `numero_de_outro_chip` are instances that could not be adopted.
    """
    tiers = listado.tiers or {}
    params: dict[str, Any] = {
        **columns(listado.ditos),
        **rules(em, Ator.FLUXO, nome=FLUXO, estado=True, margem_s=OUVIDO_AGORA.total_seconds(), grava=grava),
        "ouvidas": [gateway.value for gateway, _ in listado.completas],
        "contas": [conta for _, conta in listado.completas],
        "n_instancias": [nova.instancia for nova in listado.novas],
        "n_telefones": [nova.telefone for nova in listado.novas],
        "n_conectados": [nova.conectado for nova in listado.novas],
        "n_rotulos": [nova.rotulo for nova in listado.novas],
        "fora_s": FORA_DE_MAIS.total_seconds(),
        "t_contas": list(tiers),
        "t_tiers": [tier for tier, _ in tiers.values()],
        "t_limites": [limite for _, limite in tiers.values()],
    }
    [rows] = await db.round_trip(Step(_APPLY, params, writes=grava))
    return rows
