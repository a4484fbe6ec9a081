"""What is told in Slack: taken from the notices, claimed one post at a time, settled by what became of it.

The claims of all processes are serialised by `_LOCK`, so that the limits per channel hold and nothing is posted twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.notificacao import (
    ALERTAS_MAX,
    CRITICOS_MAX,
    JANELA_ALERTA,
    OUTRO_TITULO,
    RESUMO_ESPERA,
    RESUMO_ITENS,
    RESUMO_MAX,
    SEM_TIPO,
    SEVERIDADES,
    TITULOS,
    Forma,
)

LOTE: Final = 500
ATRASADOS: Final = 1_000  # how far back a notice may be whose transaction ended late

# What was there before the first use is told to nobody: it is on the list already.
_BEGIN = text("""-- notificacao.begin
INSERT INTO flag (chave, valor) SELECT 'notificacoes_desde', to_jsonb(now())
WHERE NOT EXISTS (SELECT FROM flag WHERE chave = 'notificacoes_desde') ON CONFLICT (chave) DO NOTHING
""")

_ENQUEUE = text("""-- notificacao.enqueue
INSERT INTO notificacao (chave, aviso_id, severidade, texto, criada_em, next_at)
SELECT 'aviso:' || a.id, a.id, coalesce(m.severidade, :severidade), coalesce(m.titulo, :titulo),
  CAST(:agora AS timestamptz), CAST(:agora AS timestamptz)
FROM aviso a
LEFT JOIN unnest(CAST(:tipos AS text[]), CAST(:severidades AS text[]), CAST(:titulos AS text[]))
  AS m(tipo, severidade, titulo) ON m.tipo = a.tipo
WHERE a.visto_em IS NULL AND a.id > coalesce((SELECT max(aviso_id) FROM notificacao), 0) - :atrasados
  AND a.criado_em >= (SELECT CAST(valor #>> '{}' AS timestamptz) FROM flag WHERE chave = 'notificacoes_desde')
  AND NOT EXISTS (SELECT FROM notificacao n WHERE n.aviso_id = a.id)
ORDER BY a.id LIMIT :lote
ON CONFLICT (chave) DO NOTHING
""")

_LOCK = text("-- notificacao.lock\nSELECT pg_advisory_xact_lock(hashtext('agente.notificacao'))")

# Seen elsewhere, on the list: no longer to be told, nor to be told again.
_SEEN = text("""-- notificacao.seen
UPDATE notificacao n SET reconhecida_em = a.visto_em, reconhecida_por = a.visto_por,
  estado = CASE WHEN n.slack_ts IS NULL THEN 'morta' ELSE 'enviada' END,
  motivo = CASE WHEN n.slack_ts IS NULL THEN 'visto antes do envio' ELSE n.motivo END
FROM aviso a WHERE a.id = n.aviso_id AND a.visto_em IS NOT NULL AND n.reconhecida_em IS NULL
  AND (n.estado = 'pendente' OR (n.estado = 'enviada' AND n.severidade = 'critico'))
""")

# One post: the first of what cannot wait, what nobody answered, what has to be looked for, an alert within its limit,
# what was held back, the alerts beyond their limit, the gathered rest. What is critical and too much at once, or again,
# is one post too: a flood hides what is in it.
_CLAIM = text("""-- notificacao.claim
WITH chave AS (
  SELECT coalesce(bool_and(valor <> 'false' AND coalesce(valor ->> 'ativo', 'true') <> 'false'), true) AS ligada,
    max(atualizado_em) AS desde FROM flag WHERE chave = 'notificacoes'),
devida AS (
  SELECT n.id, n.severidade, n.criada_em, k.ligada AND n.criada_em < k.desde AS retida
  FROM notificacao n, chave k
  WHERE n.estado = 'pendente' AND n.next_at <= :agora AND n.reconhecida_em IS NULL
    AND (k.ligada OR n.severidade = 'critico')),
cota AS (
  SELECT :alertas_max - (SELECT count(*) FROM notificacao WHERE severidade = 'alerta' AND estado = 'enviada'
      AND enviada_em > CAST(:agora AS timestamptz) - CAST(:janela_alerta AS interval))
    - (SELECT count(*) FROM notificacao WHERE severidade = 'alerta' AND estado IN ('enviando', 'incerta')) AS resta),
soma AS (
  SELECT count(*) FILTER (WHERE severidade = 'info') AS infos,
    min(criada_em) FILTER (WHERE severidade = 'info') AS info, min(criada_em) FILTER (WHERE severidade = 'alerta')
      AS alerta FROM devida WHERE retida IS NOT TRUE),
sem_resposta AS (
  SELECT id, next_at FROM notificacao
  WHERE severidade = 'critico' AND estado = 'enviada' AND reconhecida_em IS NULL AND next_at <= :agora),
candidata AS (
  (SELECT 1 AS ordem, CASE WHEN count(*) > :criticos_max THEN 'resumo' ELSE 'unica' END AS forma, min(id) AS id,
      NULL::uuid AS grupo, 'criticas' AS quais
    FROM devida WHERE severidade = 'critico' HAVING count(*) > 0)
  UNION ALL (SELECT 2, CASE WHEN count(*) > :criticos_max THEN 'resumo' ELSE 'unica' END,
      (array_agg(id ORDER BY next_at, id))[1], NULL, 'lembretes'
    FROM sem_resposta HAVING count(*) > 0)
  UNION ALL (SELECT 3, 'procura', n.id, n.claim, NULL FROM notificacao n, chave k
    WHERE n.estado IN ('incerta', 'enviando') AND n.reconhecida_em IS NULL AND (k.ligada OR n.severidade = 'critico')
      AND (n.lease_until IS NULL OR n.lease_until <= :agora) AND (n.estado = 'enviando' OR n.next_at <= :agora)
    ORDER BY n.id LIMIT 1)
  UNION ALL (SELECT 4, 'unica', d.id, NULL, NULL FROM devida d, cota c
    WHERE d.severidade = 'alerta' AND d.retida IS NOT TRUE AND c.resta > 0
      AND d.criada_em > CAST(:agora AS timestamptz) - CAST(:janela_alerta AS interval) ORDER BY d.id LIMIT 1)
  UNION ALL (SELECT 5, 'resumo', NULL, NULL, 'retidas' FROM devida
    WHERE retida AND severidade <> 'critico' LIMIT 1)
  UNION ALL (SELECT 6, 'resumo', NULL, NULL, 'alerta' FROM soma
    WHERE alerta <= CAST(:agora AS timestamptz) - CAST(:janela_alerta AS interval))
  UNION ALL (SELECT 7, 'resumo', NULL, NULL, 'info' FROM soma
    WHERE infos >= :resumo_itens OR info <= CAST(:agora AS timestamptz) - CAST(:resumo_espera AS interval))),
eleita AS (SELECT * FROM candidata ORDER BY ordem LIMIT 1),
alvo AS (
  SELECT e.id FROM eleita e WHERE e.forma = 'unica'
  UNION ALL SELECT n.id FROM eleita e JOIN notificacao n ON n.claim = e.grupo AND n.estado IN ('incerta', 'enviando')
    WHERE e.forma = 'procura'
  UNION ALL (SELECT d.id FROM eleita e JOIN devida d ON CASE e.quais WHEN 'criticas' THEN d.severidade = 'critico'
      WHEN 'retidas' THEN d.retida AND d.severidade <> 'critico'
      ELSE d.severidade = e.quais AND d.retida IS NOT TRUE END
    WHERE e.forma = 'resumo' ORDER BY d.id LIMIT :resumo_max)
  UNION ALL (SELECT s.id FROM eleita e JOIN sem_resposta s ON e.quais = 'lembretes'
    WHERE e.forma = 'resumo' ORDER BY s.id LIMIT :resumo_max)),
tomada AS (
  UPDATE notificacao n SET estado = 'enviando', lease_until = CAST(:agora AS timestamptz) + CAST(:lease AS interval),
    claim = CASE WHEN e.forma = 'procura' THEN n.claim ELSE :claim END, tentativas = least(n.tentativas + 1, 30000),
    postada_em = CASE WHEN e.forma = 'procura' THEN n.postada_em ELSE :agora END
  FROM alvo, eleita e WHERE n.id = alvo.id AND n.reconhecida_em IS NULL AND n.estado IN ('pendente', 'incerta',
    'enviando', 'enviada')
  RETURNING n.*, e.forma)
SELECT t.id, t.forma, t.severidade, t.texto, t.claim, t.tentativas, t.lembretes, t.slack_ts, t.canal, t.postada_em,
  t.aviso_id, a.conversation_id, a.tipo, d.nome,
  CASE WHEN a.tipo IN ('integracao', 'chip', 'chip_perdido', 'pool') THEN a.texto END AS detalhe
FROM tomada t LEFT JOIN aviso a ON a.id = t.aviso_id LEFT JOIN conversa c ON c.id = a.conversation_id
LEFT JOIN medico d ON d.id = c.medico_id ORDER BY t.id
""")

# `lembretes` counts what was posted again: a row that has a message already.
_POSTED = text("""-- notificacao.posted
UPDATE notificacao SET estado = :estado, canal = :canal, lembretes = lembretes + (slack_ts IS NOT NULL)::int,
  slack_ts = :ts, enviada_em = coalesce(enviada_em, :agora), next_at = :next_at, tentativas = 0, motivo = NULL,
  lease_until = NULL, claim = NULL
WHERE claim = :claim
""")

_PUT_OFF = text("""-- notificacao.put_off
WITH antes AS (SELECT EXISTS (SELECT FROM notificacao
  WHERE estado IN ('pendente', 'enviando', 'incerta') AND motivo LIKE 'canal_fora%') AS fora),
n AS (UPDATE notificacao SET estado = :estado, motivo = :motivo, next_at = :next_at, lease_until = NULL,
    tentativas = CASE WHEN :recomeca THEN 0 ELSE tentativas END
  WHERE claim = :claim AND estado = 'enviando' RETURNING id)
SELECT antes.fora, (SELECT count(*) FROM n) AS linhas FROM antes
""")

_ACKNOWLEDGE = text("""-- notificacao.acknowledge
WITH alvo AS (SELECT id, canal, slack_ts, reconhecida_por FROM notificacao WHERE id = :id),
grupo AS (
  SELECT id FROM alvo UNION SELECT n.id FROM notificacao n JOIN alvo ON n.slack_ts = alvo.slack_ts
    AND n.canal = alvo.canal),
n AS (
  UPDATE notificacao SET reconhecida_em = :agora, reconhecida_por = :por,
    estado = CASE WHEN estado IN ('pendente', 'enviando', 'incerta') THEN 'enviada' ELSE estado END
  WHERE id IN (SELECT id FROM grupo) AND reconhecida_em IS NULL RETURNING aviso_id),
v AS (
  UPDATE aviso SET visto_em = :agora, visto_por = :por WHERE visto_em IS NULL
    AND id IN (SELECT aviso_id FROM notificacao WHERE id IN (SELECT id FROM grupo)))
SELECT t.id, t.severidade, t.texto, t.aviso_id, a.conversation_id, d.nome, alvo.canal, alvo.slack_ts,
  coalesce(t.reconhecida_por, :por) AS por, (SELECT count(*) FROM n) AS novas
FROM grupo g JOIN notificacao t ON t.id = g.id CROSS JOIN alvo LEFT JOIN aviso a ON a.id = t.aviso_id
LEFT JOIN conversa c ON c.id = a.conversation_id LEFT JOIN medico d ON d.id = c.medico_id ORDER BY t.id
""")

_SWITCH = text("""-- notificacao.switch
INSERT INTO flag (chave, valor, atualizado_em) VALUES ('notificacoes', :valor, :agora)
ON CONFLICT (chave) DO UPDATE SET valor = excluded.valor, atualizado_em = excluded.atualizado_em
WHERE (flag.valor <> 'false' AND coalesce(flag.valor ->> 'ativo', 'true') <> 'false') <> :ativas
""")

_STATE = text("""-- notificacao.state
SELECT f.valor, f.atualizado_em,
  coalesce(f.valor <> 'false' AND coalesce(f.valor ->> 'ativo', 'true') <> 'false', true) AS ativas,
  (SELECT count(*) FROM notificacao WHERE estado IN ('pendente', 'enviando', 'incerta')) AS na_fila,
  (SELECT count(*) FROM notificacao WHERE severidade = 'critico' AND estado = 'enviada' AND reconhecida_em IS NULL)
    AS sem_resposta
FROM (SELECT) um LEFT JOIN flag f ON f.chave = 'notificacoes'
""")

_MAPA: Final[Mapping[str, list[str]]] = MappingProxyType(
    {
        "tipos": [tipo.value for tipo in SEVERIDADES],
        "severidades": [severidade.value for severidade in SEVERIDADES.values()],
        "titulos": [TITULOS[tipo] for tipo in SEVERIDADES],
    }
)
_LIMITES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "alertas_max": ALERTAS_MAX,
        "criticos_max": CRITICOS_MAX,
        "janela_alerta": JANELA_ALERTA,
        "resumo_itens": RESUMO_ITENS,
        "resumo_espera": RESUMO_ESPERA,
        "resumo_max": RESUMO_MAX,
    }
)


@dataclass(frozen=True, slots=True)
class Posto:
    """What was claimed together and is one post. `rows` are in the order of their ids; `claim` is its name in Slack."""

    forma: Forma
    claim: UUID
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Situacao:
    """Whether notices are posted, since when, by whose word; how many wait, how many critical ones are unanswered."""

    ativas: bool
    por: str | None
    desde: datetime | None
    na_fila: int
    sem_resposta: int


async def enqueue(db: Database, agora: datetime) -> None:
    """Enqueue up to 500 notices that are not told yet; from the first call ever on."""
    params = {**_MAPA, "severidade": SEM_TIPO, "titulo": OUTRO_TITULO, "atrasados": ATRASADOS, "lote": LOTE}
    begin, enqueue_ = Step(_BEGIN, {}, writes=True), Step(_ENQUEUE, {**params, "agora": agora}, writes=True)
    await db.round_trip(begin, enqueue_)


async def claim_post(db: Database, claim: UUID, agora: datetime, lease: timedelta) -> Posto | None:
    """Claim what makes the next post, for this caller alone; None when nothing is due. A dead claim is looked for."""
    params = {**_LIMITES, "agora": agora, "claim": claim, "lease": lease}
    *_, rows = await db.round_trip(Step(_LOCK), Step(_SEEN, {}, writes=True), Step(_CLAIM, params, writes=True))
    return Posto(Forma(rows[0]["forma"]), rows[0]["claim"], rows) if rows else None


async def posted(
    db: Database, claim: UUID, *, estado: str, canal: str, ts: str, next_at: datetime, agora: datetime
) -> None:
    """Settle what was posted; what its people answered meanwhile stays answered."""
    params = {"claim": claim, "estado": estado, "canal": canal, "ts": ts, "next_at": next_at, "agora": agora}
    await db.round_trip(Step(_POSTED, params, writes=True))


async def put_off(
    db: Database, claim: UUID, *, estado: str, motivo: str, next_at: datetime, recomeca: bool = False
) -> bool:
    """Give back what was not posted, or end it; tell whether the channel was known to be out before.

    `recomeca` counts its tries from the start: those of posting are not those of looking.
    """
    params = {"claim": claim, "estado": estado, "motivo": motivo, "next_at": next_at, "recomeca": recomeca}
    [[row]] = await db.round_trip(Step(_PUT_OFF, params, writes=True))
    return bool(row["fora"])


async def acknowledge(db: Database, notificacao_id: int, por: str, agora: datetime) -> list[Row]:
    """Mark it and all of its message as answered and their notices as seen, the first time; return those rows."""
    [rows] = await db.round_trip(Step(_ACKNOWLEDGE, {"id": notificacao_id, "por": por, "agora": agora}, writes=True))
    return rows


async def switch(db: Database, *, ativas: bool, por: str, agora: datetime) -> None:
    """Switch posting on or off; the same again leaves who did it and when as they stand."""
    params = {"valor": Jsonb({"ativo": ativas, "por": por}), "ativas": ativas, "agora": agora}
    await db.round_trip(Step(_SWITCH, params, writes=True))


async def state(db: Database) -> Situacao:
    """Return how posting stands."""
    [[row]] = await db.round_trip(Step(_STATE))
    valor = row["valor"] if isinstance(row["valor"], dict) else {}
    por = valor.get("por")
    return Situacao(
        ativas=row["ativas"],
        por=por if isinstance(por, str) else None,
        desde=row["atualizado_em"],
        na_fila=row["na_fila"],
        sem_resposta=row["sem_resposta"],
    )
