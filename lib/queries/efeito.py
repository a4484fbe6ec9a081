"""What a tool writes: once per cause, under the fence, with its recorded result, in one round trip.

`_LOCK` holds the mailbox row of a fence that is still ours; `_OPEN` then records the effect with an empty result,
unless it is recorded already. Every statement of the effect carries `NOVO` in its WHERE, so that a lost fence or a
repeat writes nothing. `_CLOSE` stores the result that the effect did not store itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
from psycopg.types.json import Jsonb
from sqlalchemy import text

from lib.db import Database, Step

_LOCK = text("""-- efeito.lock
SELECT fence FROM mailbox WHERE conversation_id = :conversation_id AND fence = :fence FOR UPDATE
""")

# The empty result never outlives its transaction.
_OPEN = text("""-- efeito.open
INSERT INTO tool_effect (cause, tool, args_hash, resultado)
SELECT :efeito_cause, :efeito_tool, :efeito_hash, 'null'
FROM mailbox WHERE conversation_id = :conversation_id AND fence = :fence
ON CONFLICT (cause, tool, args_hash) DO NOTHING
""")

NOVO = """EXISTS (SELECT FROM tool_effect novo WHERE novo.cause = :efeito_cause AND novo.tool = :efeito_tool
    AND novo.args_hash = :efeito_hash AND novo.resultado = 'null')"""

_CLOSE = text("""-- efeito.close
UPDATE tool_effect SET resultado = :efeito_resultado
WHERE cause = :efeito_cause AND tool = :efeito_tool AND args_hash = :efeito_hash AND resultado = 'null'
""")

_READ = text("""-- efeito.read
SELECT resultado FROM tool_effect WHERE cause = :efeito_cause AND tool = :efeito_tool AND args_hash = :efeito_hash
""")


@dataclass(frozen=True, slots=True)
class Chave:
    """What makes an effect unique, and the fence it is written under."""

    conversation_id: int
    fence: int
    cause: str
    tool: str
    args_hash: bytes

    def params(self) -> dict[str, Any]:
        """Return the parameters that `NOVO` names."""
        return {"efeito_cause": self.cause, "efeito_tool": self.tool, "efeito_hash": self.args_hash}


def args_hash(args: Mapping[str, Any]) -> bytes:
    """Hash arguments as canonical JSON: the order of the keys does not matter."""
    return sha256(orjson.dumps(args, option=orjson.OPT_SORT_KEYS)).digest()


async def once(db: Database, chave: Chave, resultado: Mapping[str, Any], *efeitos: Step) -> dict[str, Any] | None:
    """Write the effects and their result, or return the result stored when they were written before.

    None: the fence is lost and nothing was written. An effect whose result depends on what it finds stores it in
    `tool_effect` itself; else `resultado` is stored.
    """
    lock = {"conversation_id": chave.conversation_id, "fence": chave.fence}
    key = chave.params()
    locked, *_, stored = await db.round_trip(
        Step(_LOCK, lock),
        Step(_OPEN, key | lock, writes=True),
        *(Step(step.sql, {**step.params, **key}, writes=True) for step in efeitos),
        Step(_CLOSE, key | {"efeito_resultado": Jsonb(dict(resultado))}),
        Step(_READ, key),
    )
    return dict(stored[0]["resultado"]) if locked and stored else None
