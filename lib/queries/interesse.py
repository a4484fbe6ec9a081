"""A doctor's wish for a shift, and the notice that tells people of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import text

from lib.db import Step
from lib.queries.efeito import NOVO

# The shift is locked, so that nobody closes it between the look and the wish; a repeated wish tells nobody twice.
_REGISTER = text(f"""-- interesse.register
WITH aberta AS (
  SELECT v.id, h.nome, h.cidade FROM vaga v JOIN hospital h ON h.id = v.hospital_id
  WHERE v.id = :vaga_id AND v.status = 'aberta' AND v.inicio > :agora AND {NOVO} FOR SHARE OF v),
desejo AS (
  INSERT INTO interesse (medico_id, vaga_id, conversation_id, observacao)
  SELECT c.medico_id, aberta.id, c.id, :observacao FROM aberta, conversa c
  WHERE c.id = :conversation_id AND c.medico_id = :medico_id
  ON CONFLICT (medico_id, vaga_id) DO UPDATE SET conversation_id = excluded.conversation_id,
    observacao = coalesce(excluded.observacao, interesse.observacao)
  RETURNING medico_id, vaga_id, conversation_id),
aviso AS (
  INSERT INTO aviso (chave, tipo, conversation_id, texto)
  SELECT format('interesse:%s:%s', d.medico_id, d.vaga_id), 'interesse', d.conversation_id,
    format('Interesse na vaga %s (%s, %s): confirmar com o médico.', d.vaga_id, a.nome, a.cidade)
  FROM desejo d, aberta a ON CONFLICT (chave) DO NOTHING)
UPDATE tool_effect SET resultado = CASE WHEN EXISTS (SELECT FROM desejo) THEN jsonb_set(CAST(:feito AS jsonb),
    '{{conteudo,hospital}}', (SELECT to_jsonb(nome) FROM aberta))
  ELSE CAST(:recusado AS jsonb) END
WHERE cause = :efeito_cause AND tool = :efeito_tool AND args_hash = :efeito_hash AND resultado = 'null'
""")  # noqa: S608 — joined of our own constants


def register_step(
    *,
    conversation_id: int,
    medico_id: int,
    vaga_id: int,
    observacao: str | None,
    agora: datetime,
    feito: Mapping[str, Any],
    recusado: Mapping[str, Any],
) -> Step:
    """Return the effect that records a wish for a shift that is still open; it reserves nothing (decision D5).

    It stores `feito` with the hospital's name, or `recusado` when the shift is open no longer.
    """
    params = {
        "conversation_id": conversation_id,
        "medico_id": medico_id,
        "vaga_id": vaga_id,
        "observacao": observacao,
        "agora": agora,
        "feito": Jsonb(dict(feito)),
        "recusado": Jsonb(dict(recusado)),
    }
    return Step(_REGISTER, params, writes=True)
