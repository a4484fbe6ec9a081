"""Threads in Chatwoot: what people write there goes out to the doctor, and who is in charge is agreed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from psycopg.errors import UniqueViolation
from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.queries.espelho import FORA
from lib.queries.transferencia import ABERTA, Pessoa, taking

PRIORIDADE = 20  # before Júlia's replies: a person is waiting
TENTATIVAS = 3
VARREDURA_S = 300.0

# The doctor is whom the thread is for, else whom its phone names; without an open conversation one is opened, but only
# for a message that is new.
_FIND_OF = """-- chatwoot.find
WITH cc AS (SELECT conversation_id FROM chatwoot_conversa WHERE chatwoot_id = :chatwoot_id),
m AS (
  SELECT c.medico_id AS id FROM cc JOIN conversa c ON c.id = cc.conversation_id
  UNION ALL
  SELECT id FROM medico WHERE telefone = CAST(:telefone AS text) AND NOT EXISTS (SELECT FROM cc)),
novas AS (
  SELECT n.msg_id FROM unnest(CAST(:msg_ids AS bigint[])) AS n(msg_id)
  WHERE NOT EXISTS (SELECT FROM outbox o WHERE o.cause = 'chatwoot:' || n.msg_id)),
estado AS (INSERT INTO doctor_state (medico_id) SELECT id FROM m ON CONFLICT DO NOTHING),
aberta AS (SELECT c.id FROM conversa c JOIN m ON c.medico_id = m.id WHERE c.{aberta}),
nova AS (
  INSERT INTO conversa (medico_id, chip_id)
  SELECT m.id, (SELECT v.chip_id FROM conversa v WHERE v.medico_id = m.id ORDER BY v.id DESC LIMIT 1) FROM m
  WHERE NOT EXISTS (SELECT FROM aberta) AND EXISTS (SELECT FROM novas)
  ON CONFLICT (medico_id) WHERE {aberta} DO UPDATE SET status = conversa.status RETURNING id)
SELECT (SELECT id FROM m) AS medico_id, ARRAY(SELECT msg_id FROM novas ORDER BY 1) AS novas,
  coalesce((SELECT id FROM aberta), (SELECT id FROM nova)) AS conversation_id
"""
_FIND = text(_FIND_OF.format(aberta=ABERTA))

# A cause that is known refuses the whole transaction: a message taken twice would take the conversation over twice.
_SAY_OF = """-- chatwoot.say
WITH o AS (
  INSERT INTO outbox (conversation_id, medico_id, cause, body, body_hash, tipo, proativa, prioridade, autor, autor_nome)
  SELECT c.id, c.medico_id, 'chatwoot:' || n.msg_id, n.body, sha256(convert_to(n.body, 'UTF8')), 'resposta', false,
    :prioridade, 'humano', n.nome
  FROM conversa c, unnest(CAST(:msg_ids AS bigint[]), CAST(:bodies AS text[]), CAST(:nomes AS text[]))
    AS n(msg_id, body, nome)
  WHERE c.id = :id AND c.{aberta} ORDER BY n.msg_id RETURNING id, cause)
INSERT INTO chatwoot_nota (chave, chatwoot_id, outbox_id, estado)
SELECT 'falha:' || substr(o.cause, 10), :chatwoot_id, o.id, 'aguarda' FROM o RETURNING outbox_id
"""
_SAY = text(_SAY_OF.format(aberta=ABERTA))

# A hint that something changed: what, only a look can tell. A message that became visible late is listed again.
_HINT = text("""-- chatwoot.hint
UPDATE chatwoot_conversa SET conferir_em = now(),
  ultima_msg_id = least(ultima_msg_id, coalesce(CAST(:msg_id AS bigint) - 1, ultima_msg_id))
WHERE chatwoot_id = :chatwoot_id RETURNING conversation_id
""")

# What was asked for, and whatever differs from the doctor's open conversation, however it came to differ.
_CLAIM_OF = """-- chatwoot.claim
WITH alvo AS (
  SELECT cc.conversation_id FROM chatwoot_conversa cc WHERE cc.conferir_em <= now()
  UNION
  SELECT cc.conversation_id FROM conversa a JOIN conversa v ON v.medico_id = a.medico_id
    JOIN chatwoot_conversa cc ON cc.conversation_id = v.id AND NOT cc.base_pessoa
  WHERE a.controle = 'humano' AND a.{aberta}
  UNION
  SELECT cc.conversation_id FROM chatwoot_conversa cc JOIN conversa v ON v.id = cc.conversation_id
    JOIN conversa a ON a.medico_id = v.medico_id AND a.{aberta} AND a.controle = 'ai'
  WHERE cc.base_pessoa),
devida AS (
  SELECT cc.conversation_id FROM alvo JOIN chatwoot_conversa cc ON cc.conversation_id = alvo.conversation_id
  WHERE (cc.lease_until IS NULL OR cc.lease_until < now()) AND NOT {fora}
    AND (CAST(:so AS bigint) IS NULL OR cc.chatwoot_id = :so)
  ORDER BY cc.conferir_em NULLS FIRST LIMIT :limite FOR UPDATE OF cc SKIP LOCKED)
UPDATE chatwoot_conversa cc SET claim = :claim, lease_until = now() + make_interval(secs => :lease_s)
FROM devida d WHERE cc.conversation_id = d.conversation_id
RETURNING cc.conversation_id, cc.chatwoot_id, cc.base_pessoa, cc.escrita_pessoa, cc.ultima_msg_id, cc.tentativas,
  cc.claim, now() AS inicio
"""
_CLAIM = text(_CLAIM_OF.format(aberta=ABERTA, fora=FORA))

# What ours says now; `daqui`: a person took it from within Chatwoot; `pendente`: nobody has taken it yet.
_LOOK_OF = """-- chatwoot.look
SELECT a.id AS aberta_id, a.controle = 'humano' AS nosso, t.status = 'pendente' AS pendente,
  starts_with(t.assumida_por, 'chatwoot') AS daqui
FROM chatwoot_conversa cc JOIN conversa v ON v.id = cc.conversation_id
JOIN conversa a ON a.medico_id = v.medico_id AND a.{aberta}
LEFT JOIN transferencia t ON t.conversation_id = a.id AND t.status <> 'resolvida'
WHERE cc.conversation_id = :conversation_id AND cc.claim = :claim
"""
_LOOK = text(_LOOK_OF.format(aberta=ABERTA))

# Said before it is written there, so that whoever finds it after a crash knows whose act it was.
_INTEND_OF = """-- chatwoot.intend
UPDATE chatwoot_conversa cc SET escrita_pessoa = :pessoa, base_pessoa = :base
FROM conversa v JOIN conversa a ON a.medico_id = v.medico_id AND a.{aberta}
WHERE cc.conversation_id = :conversation_id AND cc.claim = :claim AND v.id = cc.conversation_id
  AND (a.controle = 'humano') = :pessoa
RETURNING cc.conversation_id
"""
_INTEND = text(_INTEND_OF.format(aberta=ABERTA))

# What both sides agree on moves where ours still says so, or where theirs was just written by us.
_AGREE_OF = """-- chatwoot.agree
UPDATE chatwoot_conversa cc SET base_pessoa = :pessoa, escrita_pessoa = NULL
FROM conversa v JOIN conversa a ON a.medico_id = v.medico_id AND a.{aberta}
WHERE cc.conversation_id = :conversation_id AND cc.claim = :claim AND v.id = cc.conversation_id
  AND (cc.escrita_pessoa = :pessoa OR (a.controle = 'humano') = :pessoa)
"""
_AGREE = text(_AGREE_OF.format(aberta=ABERTA))

# A hint that came after the look began is not answered by it: the message it is of may have become visible behind those
# that were read. A thread that rests is looked at again when it is used.
_REST_OF = """-- chatwoot.rest
UPDATE chatwoot_conversa cc SET claim = NULL, lease_until = NULL, conferida_em = now(), tentativas = 0,
  ultima_msg_id = CASE WHEN cc.ultima_msg_id IS DISTINCT FROM :lida OR (cc.conferir_em > :inicio
    AND cc.conferir_em <= now()) THEN cc.ultima_msg_id ELSE :nova END,
  conferir_em = CASE WHEN cc.conferir_em > :inicio THEN cc.conferir_em
    WHEN :outra THEN now()
    WHEN a.controle = 'humano' OR greatest(a.ultima_entrada_em, a.ultima_saida_em) > now() - interval '1 day'
    THEN now() + make_interval(secs => :varredura_s) END
FROM conversa v LEFT JOIN conversa a ON a.medico_id = v.medico_id AND a.{aberta}
WHERE cc.conversation_id = :conversation_id AND cc.claim = :claim AND v.id = cc.conversation_id
"""
_REST = text(_REST_OF.format(aberta=ABERTA))

_RETRY = text("""-- chatwoot.retry
UPDATE chatwoot_conversa SET claim = NULL, tentativas = least(tentativas + 1, 100), conferir_em = now(),
  lease_until = now() + make_interval(secs => :espera_s)
WHERE conversation_id = :conversation_id AND claim = :claim
""")

_LID = text("""-- chatwoot.learn
WITH m AS (SELECT lid FROM medico WHERE lower(lid) = :lid ORDER BY lid = :lid DESC LIMIT 1)
INSERT INTO lid_telefone (lid, telefone) SELECT lid, :telefone FROM m
ON CONFLICT (lid) DO UPDATE SET telefone = excluded.telefone, visto_em = now() RETURNING lid
""")

# Alone in its row the doctor is given the phone; with two rows for one person they are joined afterwards.
_PHONE = text("""-- chatwoot.phone
UPDATE medico SET telefone = :telefone WHERE lower(lid) = :lid AND telefone IS NULL
  AND NOT EXISTS (SELECT FROM medico o WHERE o.telefone = :telefone)
""")


@dataclass(frozen=True, slots=True)
class Fala:
    """What a person wrote in Chatwoot: its message id there, the words, the person's name."""

    msg_id: int
    texto: str
    nome: str | None


@dataclass(frozen=True, slots=True)
class Ditas:
    """What became of people's messages: the conversation they went to, None for no doctor; how many were new."""

    conversation_id: int | None
    novas: int


async def say(db: Database, chatwoot_id: int, telefone: str | None, falas: Sequence[Fala], pessoa: Pessoa) -> Ditas:
    """Queue people's messages for the doctor and put the conversation into their hands, each message once ever.

    Two round trips; one when all are known. A message that is known takes nothing over again, whenever it comes.

    Raises:
        UniqueViolation: another process queued the same messages, three times in a row.
    """
    key = {"chatwoot_id": chatwoot_id, "telefone": telefone, "msg_ids": [fala.msg_id for fala in falas]}
    for tentativa in range(TENTATIVAS):
        [[found]] = await db.round_trip(Step(_FIND, key, writes=True))
        conversation_id = found["conversation_id"]
        novas = [fala for fala in falas if fala.msg_id in set(found["novas"])]
        if found["medico_id"] is None or not novas:
            return Ditas(conversation_id if found["medico_id"] else None, 0)
        params = {
            "id": conversation_id,
            "chatwoot_id": chatwoot_id,
            "msg_ids": [fala.msg_id for fala in novas],
            "bodies": [fala.texto for fala in novas],
            "nomes": [fala.nome for fala in novas],
            "prioridade": PRIORIDADE,
        }
        try:
            said = await db.round_trip(*taking(conversation_id, pessoa), Step(_SAY, params))
        except UniqueViolation:
            if tentativa == TENTATIVAS - 1:
                raise
            continue
        if said[-1]:
            return Ditas(conversation_id, len(novas))
    return Ditas(None, 0)


async def hint(db: Database, chatwoot_id: int, msg_id: int | None = None) -> bool:
    """Ask for a look at a thread, from the message `msg_id` on; tell whether it is one of ours."""
    [rows] = await db.round_trip(Step(_HINT, {"chatwoot_id": chatwoot_id, "msg_id": msg_id}, writes=True))
    return bool(rows)


async def claim_due(db: Database, limite: int, lease_s: float, so: int | None = None) -> list[Row]:
    """Claim up to `limite` threads to look at, each for this caller alone; `so`: that one, if it is due and free."""
    params = {"claim": uuid4(), "limite": limite, "lease_s": lease_s, "so": so}
    [rows] = await db.round_trip(Step(_CLAIM, params, writes=True))
    return rows


async def look(db: Database, row: Row) -> Row | None:
    """Return what ours says of a claimed thread; None when the claim is gone, or the doctor's conversation closed."""
    [rows] = await db.round_trip(Step(_LOOK, _held(row)))
    return rows[0] if rows else None


async def intend(db: Database, row: Row, *, base: bool, pessoa: bool) -> bool:
    """Say that we are about to write `pessoa` there; False when ours has changed meanwhile, or the claim is gone."""
    params = _held(row) | {"base": base, "pessoa": pessoa}
    [rows] = await db.round_trip(Step(_INTEND, params, writes=True))
    return bool(rows)


async def agree(db: Database, row: Row, *, pessoa: bool) -> None:
    """Move what both sides agree on to `pessoa`, where ours says the same at that moment or it was our own write."""
    await db.round_trip(Step(_AGREE, _held(row) | {"pessoa": pessoa}, writes=True))


async def rest(db: Database, row: Row, *, ultima_msg_id: int | None, outra: bool) -> None:
    """End a look; `outra` asks for the next one at once."""
    params = _held(row) | {
        "lida": row["ultima_msg_id"],
        "nova": ultima_msg_id,
        "inicio": row["inicio"],
        "outra": outra,
        "varredura_s": VARREDURA_S,
    }
    await db.round_trip(Step(_REST, params, writes=True))


async def retry(db: Database, row: Row, espera_s: float) -> None:
    """End a look that failed: the next one not before `espera_s`."""
    await db.round_trip(Step(_RETRY, _held(row) | {"espera_s": espera_s}, writes=True))


async def learn(db: Database, lid: str, telefone: str) -> str | None:
    """Link a LID, given in lower case, to the phone that people entered; return it as we write it, None if unknown."""
    params = {"lid": lid, "telefone": telefone}
    known, _ = await db.round_trip(Step(_LID, params, writes=True), Step(_PHONE, params))
    return known[0]["lid"] if known else None


def _held(row: Row) -> Row:
    return {"conversation_id": row["conversation_id"], "claim": row["claim"]}
