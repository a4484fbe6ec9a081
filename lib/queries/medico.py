"""Doctors as managers look for them, and the one fact of an opt-out as a person sets and lifts it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.queries.vaga import like_literal

_ABERTA = "c.status IN ('active', 'paused', 'escalated')"
_SEM_ACENTO = "translate(lower(d.nome), 'áàâãäéêëíïóôõöúüç', 'aaaaaeeeiioooouuc')"

_FICHA = f"""
SELECT d.id, d.nome, d.telefone, d.crm, d.cidade, d.uf, d.criado_em, e.nome AS especialidade, s.permissao,
  s.temperatura, s.ciclo, s.objecao, s.objecao_resolvida_em, s.cooling_off_ate, s.proximo_contato_em,
  s.ultima_entrada_em, s.ultima_saida_em, s.parada_perguntada_em, c.id AS conversation_id, c.controle, c.status, c.modo
FROM medico d LEFT JOIN doctor_state s ON s.medico_id = d.id LEFT JOIN especialidade e ON e.id = d.especialidade_id
LEFT JOIN LATERAL (SELECT * FROM conversa c WHERE c.medico_id = d.id
  ORDER BY {_ABERTA} DESC, c.id DESC LIMIT 1) c ON true"""  # noqa: S608 — a constant of this module

_BY_ID = text(f"-- medico.by_id{_FICHA}\nWHERE d.id = :id")
_BY_PHONE = text(f"-- medico.by_phone{_FICHA}\nWHERE d.telefone = :telefone")
_BY_CRM = text(
    f"-- medico.by_crm{_FICHA}\n"
    "WHERE ltrim(regexp_replace(d.crm, '[^0-9]', '', 'g'), '0') = :numero"
    " AND (CAST(:uf AS text) IS NULL OR d.crm ILIKE '%' || :uf || '%' OR d.uf = :uf) ORDER BY d.id LIMIT :limite"
)
_BY_NAME = text(
    f"-- medico.by_name{_FICHA}\nWHERE {_SEM_ACENTO} LIKE '%' || :nome || '%' ORDER BY d.nome LIMIT :limite"
)

_FILTROS = {
    "responderam_hoje": "s.ultima_entrada_em >= :hoje",
    # Warm, willing, and with nothing against us.
    "positivos": "s.permissao = 'active' AND s.temperatura >= 0.66"
    " AND (s.objecao IS NULL OR s.objecao_resolvida_em IS NOT NULL)",
    "sem_resposta": "s.ultima_saida_em IS NOT NULL AND coalesce(s.ultima_entrada_em < s.ultima_saida_em, true)"
    " AND s.permissao <> 'opted_out'",
    "novos": "d.criado_em >= :recente",
    "todos": "true",
}
_LIST_OF = f"""-- medico.list
SELECT f.*, count(*) OVER () AS total FROM ({_FICHA}
WHERE {{filtro}}) f ORDER BY f.ultima_entrada_em DESC NULLS LAST, f.id DESC LIMIT :limite
"""  # noqa: S608 — constants of this module
_LISTS = {nome: text(_LIST_OF.format(filtro=filtro)) for nome, filtro in _FILTROS.items()}

_HISTORY = text("""-- medico.history
SELECT i.em, i.direcao, i.autor, i.midia, CASE WHEN i.apagada_em IS NULL THEN i.texto END AS texto, i.entrega,
  count(*) OVER () AS total
FROM interacao i WHERE i.medico_id = :medico_id ORDER BY i.em DESC, i.id DESC LIMIT :limite
""")

# `lib.domain.estado.apply` of an `OptOut`, written as a set: what was queued is discarded, the state set. Locked in
# everybody's order: outbox rows, the doctor's state. What is being thought meets the opt-out at the send gate.
_DISCARD = text("""-- medico.discard
UPDATE outbox SET state = 'cancelled', motivo = 'opted_out'
WHERE medico_id = :medico_id AND state IN ('pending', 'parked') AND NOT isenta_optout RETURNING id
""")
_BLOCK = text("""-- medico.block
WITH s AS (
  INSERT INTO doctor_state (medico_id, permissao) SELECT id, 'opted_out' FROM medico WHERE id = :medico_id
  ON CONFLICT (medico_id) DO UPDATE SET permissao = 'opted_out', cooling_off_ate = NULL
  WHERE doctor_state.permissao <> 'opted_out' RETURNING medico_id)
SELECT count(*) AS mudou FROM s
""")

# The doctor is known again as far as he was before: whether he may be written to first is the gate's to say.
_UNBLOCK = text("""-- medico.unblock
UPDATE doctor_state SET permissao = CASE WHEN ultima_entrada_em IS NOT NULL THEN 'active'
  WHEN ultima_saida_em IS NOT NULL THEN 'initial' ELSE 'none' END, cooling_off_ate = NULL
WHERE medico_id = :medico_id AND permissao = 'opted_out' RETURNING permissao
""")

# One conversation is open at most: two of us at once meet at its unique index.
_OPEN_OF = f"""-- medico.open_conversation
WITH d AS (
  SELECT m.id FROM medico m LEFT JOIN doctor_state s ON s.medico_id = m.id
  WHERE m.id = :medico_id AND s.permissao IS DISTINCT FROM 'opted_out'),
estado AS (INSERT INTO doctor_state (medico_id) SELECT id FROM d ON CONFLICT DO NOTHING)
INSERT INTO conversa (medico_id) SELECT d.id FROM d
WHERE NOT EXISTS (SELECT FROM conversa c WHERE c.medico_id = d.id AND {_ABERTA})
ON CONFLICT (medico_id) WHERE status IN ('active', 'paused', 'escalated') DO NOTHING
"""  # noqa: S608 — a constant of this module
_OPEN = text(_OPEN_OF)
_WRITE_OF = f"""-- medico.write
WITH novo AS (
  INSERT INTO outbox (conversation_id, medico_id, cause, body, body_hash, tipo, proativa, prioridade, autor, autor_nome,
    criada_em)
  SELECT c.id, c.medico_id, :cause, :body, sha256(convert_to(:body, 'UTF8')), :tipo, :proativa, :prioridade, 'humano',
    :autor_nome, :agora
  FROM conversa c JOIN doctor_state s ON s.medico_id = c.medico_id AND s.permissao <> 'opted_out'
  WHERE c.medico_id = :medico_id AND {_ABERTA}
  ON CONFLICT (cause) DO NOTHING RETURNING id)
SELECT id, true AS nova FROM novo UNION ALL SELECT id, false FROM outbox WHERE cause = :cause
"""  # noqa: S608 — a constant of this module
_WRITE = text(_WRITE_OF)

_CONTACTS = text("""-- medico.contacts
SELECT coalesce(array_agg(enviando_em), '{}') AS contatos FROM outbox
WHERE medico_id = :medico_id AND proativa AND state IN ('sending', 'unknown', 'sent', 'parked')
  AND enviando_em > :desde
""")


@dataclass(frozen=True, slots=True)
class Escrita:
    """What a person writes to a doctor; `cause` names the confirmation, so that it leaves once."""

    medico_id: int
    cause: str
    body: str
    tipo: str
    proativa: bool
    prioridade: int
    autor_nome: str


async def by_id(db: Database, medico_id: int) -> list[Row]:
    """Return the doctor with this id, or nobody."""
    [rows] = await db.round_trip(Step(_BY_ID, {"id": medico_id}))
    return rows


async def by_phone(db: Database, telefone: str) -> list[Row]:
    """Return the doctor with this E.164 number, or nobody."""
    [rows] = await db.round_trip(Step(_BY_PHONE, {"telefone": telefone}))
    return rows


async def by_crm(db: Database, numero: str, uf: str | None, limite: int) -> list[Row]:
    """Return doctors with this registration, digits without leading zeros; `uf` None asks in every state."""
    [rows] = await db.round_trip(Step(_BY_CRM, {"numero": numero.lstrip("0"), "uf": uf, "limite": limite}))
    return rows


async def by_name(db: Database, nome: str, limite: int) -> list[Row]:
    """Return doctors whose name, folded, holds these folded words."""
    [rows] = await db.round_trip(Step(_BY_NAME, {"nome": like_literal(nome), "limite": limite}))
    return rows


async def page(db: Database, filtro: str, hoje: datetime, recente: datetime, limite: int) -> list[Row]:
    """Return doctors of a filter, who wrote last first, each with the filter's `total`.

    Raises:
        KeyError: there is no such filter.
    """
    [rows] = await db.round_trip(Step(_LISTS[filtro], {"hoje": hoje, "recente": recente, "limite": limite}))
    return rows


async def history(db: Database, medico_id: int, limite: int) -> list[Row]:
    """Return a doctor's last messages of all conversations, newest first, each with the `total`."""
    [rows] = await db.round_trip(Step(_HISTORY, {"medico_id": medico_id, "limite": limite}))
    return rows


async def block(db: Database, medico_id: int) -> tuple[bool, int]:
    """Opt a doctor out; tell whether that is new, and how many queued messages were discarded."""
    key = {"medico_id": medico_id}
    discarded, [row] = await db.round_trip(Step(_DISCARD, key, writes=True), Step(_BLOCK, key))
    return bool(row["mudou"]), len(discarded)


async def unblock(db: Database, medico_id: int) -> bool:
    """Lift an opt-out; False when there was none."""
    [rows] = await db.round_trip(Step(_UNBLOCK, {"medico_id": medico_id}, writes=True))
    return bool(rows)


async def write(db: Database, escrita: Escrita, agora: datetime) -> int | None:
    """Queue a person's message, once per cause, in the doctor's open conversation or a new one; return its id.

    None: the doctor opted out, and nothing was queued.
    """
    params = {name: getattr(escrita, name) for name in Escrita.__slots__} | {"agora": agora}
    _, rows = await db.round_trip(
        Step(_OPEN, {"medico_id": escrita.medico_id}, writes=True), Step(_WRITE, params, writes=True)
    )
    return int(rows[0]["id"]) if rows else None


async def contacts(db: Database, medico_id: int, desde: datetime) -> tuple[datetime, ...]:
    """Return the instants of a doctor's proactive messages since then."""
    [[row]] = await db.round_trip(Step(_CONTACTS, {"medico_id": medico_id, "desde": desde}))
    return tuple(row["contatos"])
