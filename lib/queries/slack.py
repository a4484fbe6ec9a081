"""Slack users with their roles, their sessions with the managers' agent, and the acts that wait for a button."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import text

from lib.auth import Papel
from lib.db import Database, Row, Step

_USER = text("""-- slack.user
SELECT usuario, nome, papel FROM slack_usuario WHERE usuario = :usuario AND revogado_em IS NULL
""")

_AUTHORIZE = text("""-- slack.authorize
INSERT INTO slack_usuario (usuario, nome, papel, criado_em) VALUES (:usuario, :nome, :papel, :agora)
ON CONFLICT (usuario) DO UPDATE SET papel = excluded.papel, nome = coalesce(excluded.nome, slack_usuario.nome),
  criado_em = CASE WHEN slack_usuario.revogado_em IS NULL THEN slack_usuario.criado_em ELSE excluded.criado_em END,
  revogado_em = NULL
""")

_REVOKE = text("""-- slack.revoke
UPDATE slack_usuario SET revogado_em = :agora WHERE usuario = :usuario AND revogado_em IS NULL RETURNING usuario
""")

_USERS = text("""-- slack.users
SELECT usuario, nome, papel, criado_em, revogado_em FROM slack_usuario
WHERE :todos OR revogado_em IS NULL ORDER BY revogado_em IS NOT NULL, papel, usuario
""")

_LOCK = text("-- slack.lock\nSELECT pg_advisory_xact_lock(hashtext('agente.slack'), hashtext(:usuario))")

# A message too soon after another of the same user, in whatever channel, touches nothing. The same instant is the same
# message, met again after a crash.
_OPEN = text("""-- slack.open_session
INSERT INTO slack_sessao (usuario, canal, mensagens, ativa_ate)
SELECT :usuario, :canal, '[]', CAST(:ate AS timestamptz)
WHERE NOT EXISTS (SELECT FROM slack_sessao s WHERE s.usuario = :usuario AND s.ativa_ate <> :ate
  AND s.ativa_ate > CAST(:ate AS timestamptz) - CAST(:espera AS interval)
  AND s.ativa_ate < CAST(:ate AS timestamptz) + CAST(:espera AS interval))
ON CONFLICT (usuario, canal) DO UPDATE SET
  mensagens = CASE WHEN slack_sessao.ativa_ate > :agora THEN slack_sessao.mensagens ELSE '[]' END,
  ativa_ate = greatest(slack_sessao.ativa_ate, excluded.ativa_ate)
RETURNING mensagens
""")

# What this message wrote before, if it was met already, gives way; the newest stay.
_APPEND = text("""-- slack.append
UPDATE slack_sessao SET mensagens = coalesce((
  SELECT jsonb_agg(m.dita ORDER BY m.n) FROM (
    SELECT dita, n FROM jsonb_array_elements(
      coalesce((SELECT jsonb_agg(e) FROM jsonb_array_elements(mensagens) e WHERE e ->> 'chave' <> :chave), '[]')
        || CAST(:novas AS jsonb)) WITH ORDINALITY AS x(dita, n)
    ORDER BY n DESC LIMIT :maximo) m), '[]')
WHERE usuario = :usuario AND canal = :canal
""")

_PROPOSE = text("""-- slack.propose
INSERT INTO slack_confirmacao (id, usuario, canal, ferramenta, args, hash, criada_em, expira_em)
VALUES (:id, :usuario, :canal, :ferramenta, :args, :hash, :agora, :expira_em) ON CONFLICT (id) DO NOTHING
""")

# Once, by its own user, in time, for the very arguments that were shown; else nothing changes.
_DECIDE = text("""-- slack.decide
UPDATE slack_confirmacao SET decidida_em = :agora, decisao = :decisao, resultado = :resultado
WHERE id = :id AND usuario = :usuario AND encode(hash, 'hex') LIKE :prefixo || '%' AND expira_em > :agora
  AND decidida_em IS NULL
RETURNING id
""")

_READ = text("""-- slack.confirmation
SELECT id, usuario, canal, ferramenta, args, hash, criada_em, expira_em, decidida_em, decisao, resultado
FROM slack_confirmacao WHERE id = :id
""")

_SETTLE = text("""-- slack.settle
UPDATE slack_confirmacao SET resultado = :resultado WHERE id = :id AND decidida_em IS NOT NULL
""")

_WAITING = text("""-- slack.waiting
SELECT EXISTS (SELECT FROM slack_confirmacao
  WHERE usuario = :usuario AND canal = :canal AND decidida_em IS NULL AND expira_em > :agora) AS ha
""")


@dataclass(frozen=True, slots=True)
class UsuarioSlack:
    """A Slack user who may do something."""

    usuario: str
    nome: str | None
    papel: Papel


@dataclass(frozen=True, slots=True)
class Confirmacao:
    """An act that waits for its button; `hash` covers the tool and `args` as shown.

    `resultado` is what the decision came to: {"webhook": …} while it runs, then what was answered.
    """

    id: UUID
    usuario: str
    canal: str
    ferramenta: str
    args: Mapping[str, Any]
    hash: bytes
    criada_em: datetime
    expira_em: datetime
    decidida_em: datetime | None = None
    decisao: str | None = None
    resultado: Mapping[str, Any] | None = None


async def find_user(db: Database, usuario: str) -> UsuarioSlack | None:
    """Return a user who has a role that was not revoked."""
    [rows] = await db.round_trip(Step(_USER, {"usuario": usuario}))
    return UsuarioSlack(rows[0]["usuario"], rows[0]["nome"], Papel(rows[0]["papel"])) if rows else None


async def authorize(db: Database, usuario: str, nome: str | None, papel: Papel, agora: datetime) -> None:
    """Give a user this role; a name that is not given stays as it was."""
    params = {"usuario": usuario, "nome": nome, "papel": papel.value, "agora": agora}
    await db.round_trip(Step(_AUTHORIZE, params, writes=True))


async def revoke(db: Database, usuario: str, agora: datetime) -> bool:
    """Take a user's role away; False when there was none."""
    [rows] = await db.round_trip(Step(_REVOKE, {"usuario": usuario, "agora": agora}, writes=True))
    return bool(rows)


async def list_users(db: Database, *, todos: bool) -> list[Row]:
    """Return who has a role; `todos` also those who had one."""
    [rows] = await db.round_trip(Step(_USERS, {"todos": todos}))
    return rows


async def open_session(
    db: Database, usuario: str, canal: str, agora: datetime, *, dura: timedelta, espera: timedelta
) -> list[dict[str, Any]] | None:
    """Keep a session open for `dura` and return what was said in it; None: less than `espera` after another message.

    `agora` is when the message came in: met again, it opens the same session.
    """
    params = {"usuario": usuario, "canal": canal, "agora": agora, "ate": agora + dura, "espera": espera}
    _, rows = await db.round_trip(Step(_LOCK, {"usuario": usuario}), Step(_OPEN, params, writes=True))
    return list(rows[0]["mensagens"]) if rows else None


async def append(
    db: Database, usuario: str, canal: str, chave: str, novas: Sequence[Mapping[str, Any]], maximo: int
) -> None:
    """Add what was said on account of `chave`, keeping the newest `maximo`."""
    marked = [{**nova, "chave": chave} for nova in novas]
    params = {"usuario": usuario, "canal": canal, "chave": chave, "novas": Jsonb(marked), "maximo": maximo}
    await db.round_trip(Step(_APPEND, params, writes=True))


async def propose(db: Database, nova: Confirmacao) -> Confirmacao:
    """Store an act that waits, unless its id is known; return what is stored."""
    params = {
        "id": nova.id,
        "usuario": nova.usuario,
        "canal": nova.canal,
        "ferramenta": nova.ferramenta,
        "args": Jsonb(dict(nova.args)),
        "hash": nova.hash,
        "agora": nova.criada_em,
        "expira_em": nova.expira_em,
    }
    _, [row] = await db.round_trip(Step(_PROPOSE, params, writes=True), Step(_READ, {"id": nova.id}))
    return Confirmacao(**row)


async def decide(
    db: Database, id_: UUID, usuario: str, prefixo: str, decisao: str, resultado: Mapping[str, Any], agora: datetime
) -> tuple[bool, Confirmacao | None]:
    """Decide an act once and return it as it stands; the first is whether this very call decided it.

    It is not decided by anybody but its user, after its time, for another hash (`prefixo`, hex digits), or twice.
    """
    key = {"id": id_, "usuario": usuario, "prefixo": prefixo, "decisao": decisao, "agora": agora}
    decided, rows = await db.round_trip(
        Step(_DECIDE, key | {"resultado": Jsonb(dict(resultado))}, writes=True), Step(_READ, {"id": id_})
    )
    return bool(decided), Confirmacao(**rows[0]) if rows else None


async def settle(db: Database, id_: UUID, resultado: Mapping[str, Any]) -> None:
    """Keep what a decided act came to, for whoever presses its button again."""
    await db.round_trip(Step(_SETTLE, {"id": id_, "resultado": Jsonb(dict(resultado))}, writes=True))


async def waiting(db: Database, usuario: str, canal: str, agora: datetime) -> bool:
    """Tell whether an act of this user waits for its button in this channel."""
    [[row]] = await db.round_trip(Step(_WAITING, {"usuario": usuario, "canal": canal, "agora": agora}))
    return bool(row["ha"])
