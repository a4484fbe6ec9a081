"""Activations of new numbers, and the one who may hand each code on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Step
from lib.domain.provisao import DesfechoAtivacao, EtapaProvisao

_ASK = text("""-- provisao_ativacao.ask
INSERT INTO provisao_ativacao (provisao_id, pedida_em)
SELECT id, :agora FROM provisao WHERE id = :id AND etapa = 'comprada' AND parada_em IS NULL
ON CONFLICT (provisao_id) WHERE desfecho IS NULL DO NOTHING RETURNING id
""")

_ASK_AGAIN = text("""-- provisao_ativacao.ask_again
UPDATE provisao_ativacao SET pedida_em = :agora
WHERE id = :id AND pedida_em = :visto AND ativador_id IS NULL AND desfecho IS NULL RETURNING id
""")

_UNDO = text("""-- provisao_ativacao.undo
DELETE FROM provisao_ativacao WHERE id = :id AND ativador_id IS NULL AND desfecho IS NULL
""")

_QUEUED = text("""-- provisao_ativacao.queued
WITH a AS (UPDATE provisao_ativacao SET ativador_id = :ativador_id
  WHERE id = :id AND desfecho IS NULL RETURNING provisao_id)
UPDATE provisao p SET etapa = 'na_fila', motivo = NULL, mudada_em = :agora FROM a
WHERE p.id = a.provisao_id AND p.etapa IN ('comprada', 'na_fila')
""")

_ENDED = text("""-- provisao_ativacao.ended
WITH a AS (UPDATE provisao_ativacao SET desfecho = :desfecho, terminada_em = :agora
  WHERE id = :id AND desfecho IS NULL RETURNING provisao_id)
UPDATE provisao p SET etapa = :etapa, motivo = :motivo, mudada_em = :agora FROM a
WHERE p.id = a.provisao_id AND p.etapa = 'na_fila'
""")

# An activation takes a code once, and a later one only after the first was handed on and did not do.
_CLAIM = text("""-- provisao_ativacao.claim_code
UPDATE provisao_ativacao a SET sms_id = :sms_id, sms_em = :agora, codigo_em = NULL FROM provisao p
WHERE p.id = a.provisao_id AND p.etapa = 'na_fila' AND a.desfecho IS NULL AND a.ativador_id IS NOT NULL
  AND (p.salvy_id = :conta_id OR p.telefone = :destino)
  AND :recebido_em >= date_trunc('second', a.pedida_em)
  AND (a.sms_id IS NULL OR a.codigo_em IS NOT NULL AND a.sms_id <> :sms_id AND :recebido_em > a.codigo_em)
  AND NOT EXISTS (SELECT FROM provisao_ativacao v WHERE v.sms_id = :sms_id)
RETURNING a.id, a.ativador_id, a.provisao_id
""")

_RELEASE = text("""-- provisao_ativacao.release_code
UPDATE provisao_ativacao SET sms_id = NULL, sms_em = NULL WHERE id = :id AND sms_id = :sms_id AND codigo_em IS NULL
""")

_HANDED = text("""-- provisao_ativacao.handed_on
UPDATE provisao_ativacao SET codigo_em = :agora WHERE id = :id AND sms_id = :sms_id AND codigo_em IS NULL
""")


@dataclass(frozen=True, slots=True)
class Vez:
    """The right to hand one code to one activation."""

    ativacao_id: int
    ativador_id: str
    pedido_id: int


async def ask(db: Database, pedido_id: int, agora: datetime) -> int | None:
    """Note that an activation is about to be asked for; None when one is under way or the order has moved."""
    [rows] = await db.round_trip(Step(_ASK, {"id": pedido_id, "agora": agora}, writes=True))
    return rows[0]["id"] if rows else None


async def ask_again(db: Database, ativacao_id: int, visto: datetime, agora: datetime) -> bool:
    """Note that it is about to be asked for anew; False when somebody else was faster."""
    [rows] = await db.round_trip(Step(_ASK_AGAIN, {"id": ativacao_id, "visto": visto, "agora": agora}, writes=True))
    return bool(rows)


async def undo(db: Database, ativacao_id: int) -> None:
    """Forget an activation that was refused and never queued."""
    await db.round_trip(Step(_UNDO, {"id": ativacao_id}, writes=True))


async def queued(db: Database, ativacao_id: int, ativador_id: str, agora: datetime) -> None:
    """Keep the activator's name for it: the order is in its queue."""
    params = {"id": ativacao_id, "ativador_id": ativador_id, "agora": agora}
    await db.round_trip(Step(_QUEUED, params, writes=True))


async def ended(
    db: Database,
    ativacao_id: int,
    desfecho: DesfechoAtivacao,
    etapa: EtapaProvisao,
    motivo: str | None,
    agora: datetime,
) -> None:
    """Keep how it ended and where that leaves the order."""
    params = {
        "id": ativacao_id,
        "desfecho": desfecho.value,
        "etapa": etapa.value,
        "motivo": motivo,
        "agora": agora,
    }
    await db.round_trip(Step(_ENDED, params, writes=True))


async def claim_code(
    db: Database, conta_id: str, destino: str | None, sms_id: str, recebido_em: datetime, agora: datetime
) -> Vez | None:
    """Claim a text message's code for the activation that waits for it; None when none does, or another has it.

    `destino` is the number that got the message, E.164: a vendor may name its account otherwise than at the purchase.
    """
    params = {"conta_id": conta_id, "destino": destino, "sms_id": sms_id, "recebido_em": recebido_em, "agora": agora}
    [rows] = await db.round_trip(Step(_CLAIM, params, writes=True))
    return Vez(rows[0]["id"], rows[0]["ativador_id"], rows[0]["provisao_id"]) if rows else None


async def release_code(db: Database, ativacao_id: int, sms_id: str) -> None:
    """Give a claim back: the code was not handed on."""
    await db.round_trip(Step(_RELEASE, {"id": ativacao_id, "sms_id": sms_id}, writes=True))


async def handed_on(db: Database, ativacao_id: int, sms_id: str, agora: datetime) -> None:
    """Note that the activator took the code."""
    await db.round_trip(Step(_HANDED, {"id": ativacao_id, "sms_id": sms_id, "agora": agora}, writes=True))
