"""Ended conversations that nobody judged, and their judgements (decision D18)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text

from lib.db import Database, Step
from lib.domain.qualidade import Avaliacao

MENSAGENS_MAX = 100

# The newest first: one that can never be judged sinks instead of keeping the others from their turn.
_PENDING = text("""-- qualidade.pending
SELECT c.id FROM conversa c
WHERE c.status IN ('completed', 'abandoned') AND coalesce(c.encerrada_em <= :agora, true)
  AND NOT EXISTS (SELECT FROM avaliacao_qualidade a WHERE a.conversation_id = c.id AND a.avaliador = :avaliador)
  AND EXISTS (SELECT FROM interacao i WHERE i.conversation_id = c.id AND i.autor = 'julia')
ORDER BY c.encerrada_em DESC NULLS LAST, c.id DESC LIMIT :limite
""")

_READ = text("""-- qualidade.read
SELECT c.id, coalesce(m.nome, '') AS nome, a.em AS julgada_em, coalesce(f.falas, '[]') AS falas
FROM unnest(CAST(:ids AS bigint[])) AS k(id)
JOIN conversa c ON c.id = k.id
JOIN medico m ON m.id = c.medico_id
LEFT JOIN avaliacao_qualidade a ON a.conversation_id = c.id AND a.avaliador = :avaliador
LEFT JOIN LATERAL (
  SELECT jsonb_agg(jsonb_build_array(n.autor, n.texto) ORDER BY n.em, n.id) AS falas FROM (
    SELECT i.id, i.em, i.autor, i.texto FROM interacao i WHERE i.conversation_id = c.id
    ORDER BY i.em DESC, i.id DESC LIMIT :mensagens) n) f ON true
ORDER BY c.id
""")

_SAVE = text("""-- qualidade.save
INSERT INTO avaliacao_qualidade (conversation_id, avaliador, naturalidade, persona, objetivo, satisfacao, geral,
  positivos, negativos, sugestoes, evidencia, modelo, prompt_hash, custo_micro_usd, em)
SELECT n.id, :avaliador, n.naturalidade, n.persona, n.objetivo, n.satisfacao, n.geral, CAST(n.positivos AS jsonb),
  CAST(n.negativos AS jsonb), CAST(n.sugestoes AS jsonb), CAST(n.evidencia AS jsonb), n.modelo, :prompt_hash, n.custo,
  :em
FROM unnest(CAST(:id AS bigint[]), CAST(:naturalidade AS int[]), CAST(:persona AS int[]), CAST(:objetivo AS int[]),
  CAST(:satisfacao AS int[]), CAST(:geral AS int[]), CAST(:positivos AS text[]), CAST(:negativos AS text[]),
  CAST(:sugestoes AS text[]), CAST(:evidencia AS text[]), CAST(:modelo AS text[]), CAST(:custo AS bigint[]))
  AS n(id, naturalidade, persona, objetivo, satisfacao, geral, positivos, negativos, sugestoes, evidencia, modelo,
    custo)
ON CONFLICT (conversation_id, avaliador) DO NOTHING RETURNING id
""")
_NOTAS = ("naturalidade", "persona", "objetivo", "satisfacao", "geral")
_LISTAS = ("positivos", "negativos", "sugestoes", "evidencia")


@dataclass(frozen=True, slots=True)
class Encerrada:
    """An ended conversation: its newest messages in order as (who, text), and when it was judged, if it was."""

    conversa_id: int
    nome: str
    falas: tuple[tuple[str, str], ...]
    julgada_em: datetime | None


@dataclass(frozen=True, slots=True)
class Julgamento:
    """A judgement to keep, with the model that made it and what it cost (None: its price is not known)."""

    conversa_id: int
    avaliacao: Avaliacao
    modelo: str
    custo_micro_usd: int | None


async def pending(db: Database, avaliador: str, agora: datetime, limite: int) -> list[int]:
    """Return the ended conversations this judge has not judged, newest first."""
    [rows] = await db.round_trip(Step(_PENDING, {"avaliador": avaliador, "agora": agora, "limite": limite}))
    return [row["id"] for row in rows]


async def read(db: Database, avaliador: str, ids: Sequence[int]) -> list[Encerrada]:
    """Read conversations with their newest 100 messages, in one statement."""
    params = {"avaliador": avaliador, "ids": list(ids), "mensagens": MENSAGENS_MAX}
    [rows] = await db.round_trip(Step(_READ, params))
    return [
        Encerrada(row["id"], row["nome"], tuple((who, said) for who, said in row["falas"]), row["julgada_em"])
        for row in rows
    ]


async def save(db: Database, avaliador: str, novos: Sequence[Julgamento], prompt_hash: str, em: datetime) -> int:
    """Keep judgements in one statement; return how many were new."""
    params: dict[str, Any] = {name: [getattr(novo.avaliacao, name) for novo in novos] for name in _NOTAS}
    params |= {name: [orjson.dumps(getattr(novo.avaliacao, name)).decode() for novo in novos] for name in _LISTAS}
    params |= {
        "id": [novo.conversa_id for novo in novos],
        "modelo": [novo.modelo for novo in novos],
        "custo": [novo.custo_micro_usd for novo in novos],
        "avaliador": avaliador,
        "prompt_hash": prompt_hash,
        "em": em,
    }
    [kept] = await db.round_trip(Step(_SAVE, params, writes=True))
    return len(kept)
