"""Orders for new numbers: read whole, and moved from step to step by whoever finds them where they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import text

from lib.db import Database, Row, Step
from lib.domain.chip import StatusChip
from lib.domain.provisao import DIA, EtapaProvisao
from lib.models.provisao import ABERTA

ATOR: Final = "fluxo:provisionar-chip"

_CREATE = text("""-- provisao.create
INSERT INTO provisao (ddd, nome, chave, pedida_por, criada_em, mudada_em, prazo_em)
VALUES (:ddd, :nome, :chave, :por, :agora, :agora, :prazo_em) RETURNING id
""")

# With the activation under way, how many of the number's were asked for within a day, and whether all is paused.
_READ = text("""-- provisao.read
SELECT p.id, p.ddd, p.nome, p.chave, p.etapa, p.motivo, p.comprando_em, p.sem_chave, p.salvy_id, p.telefone, p.chip_id,
  p.pedida_por, p.criada_em, p.mudada_em, p.prazo_em, p.parada_em, k.instancia, k.status AS chip_status,
  a.id AS ativacao_id, a.pedida_em, a.ativador_id, a.sms_id, a.sms_em, a.codigo_em,
  (SELECT count(*) FROM provisao_ativacao v JOIN provisao q ON q.id = v.provisao_id
    WHERE (q.id = p.id OR q.telefone = p.telefone) AND v.pedida_em > :desde) AS ativacoes,
  ARRAY(SELECT v.ativador_id FROM provisao_ativacao v WHERE v.provisao_id = p.id AND v.desfecho IS NOT NULL
    AND v.ativador_id IS NOT NULL) AS acabadas,
  coalesce((SELECT valor = 'true' OR valor ->> 'ativo' = 'true' FROM flag WHERE chave = 'pausa'), false) AS pausado
FROM provisao p LEFT JOIN chip k ON k.id = p.chip_id
LEFT JOIN provisao_ativacao a ON a.provisao_id = p.id AND a.desfecho IS NULL
WHERE p.id = :id
""")

_OPEN = text(f"""-- provisao.open
SELECT id, etapa, motivo FROM provisao WHERE {ABERTA} AND parada_em IS NULL
  AND (CAST(:id AS bigint) IS NULL OR id = :id) ORDER BY id
""")  # noqa: S608 - a constant of the schema

# An instance that was paired after its order had stopped: there is something to do again.
_REOPEN = text("""-- provisao.reopen_paired
UPDATE provisao p SET parada_em = NULL, motivo = NULL, prazo_em = :prazo_em FROM chip k
WHERE k.id = p.chip_id AND p.etapa = 'instanciada' AND k.status = 'warming' AND k.status_desde > p.parada_em
RETURNING p.id
""")

_LIST = text(f"""-- provisao.page
SELECT p.id, p.ddd, p.etapa, p.motivo, p.telefone, p.pedida_por, p.criada_em, p.mudada_em, p.prazo_em, p.parada_em,
  k.instancia, k.status AS chip_status, (SELECT count(*) FROM provisao_ativacao v WHERE v.provisao_id = p.id)
    AS ativacoes
FROM provisao p LEFT JOIN chip k ON k.id = p.chip_id
WHERE (:todos OR p.{ABERTA}) ORDER BY p.id DESC LIMIT :limite
""")  # noqa: S608 - a constant of the schema

# Only one of two who read the same may ask the vendor.
_BUYING = text("""-- provisao.buying
UPDATE provisao SET comprando_em = :agora, sem_chave = sem_chave OR :sem_chave, mudada_em = :agora
WHERE id = :id AND etapa = 'pedida' AND salvy_id IS NULL AND parada_em IS NULL
  AND comprando_em IS NOT DISTINCT FROM :visto
RETURNING id
""")

_NOT_BOUGHT = text("""-- provisao.not_bought
UPDATE provisao SET comprando_em = NULL, sem_chave = false, mudada_em = :agora
WHERE id = :id AND etapa = 'pedida' AND salvy_id IS NULL AND comprando_em = :visto
""")

_BOUGHT = text("""-- provisao.bought
UPDATE provisao SET salvy_id = :salvy_id, telefone = :telefone, motivo = NULL, mudada_em = :agora,
  etapa = CASE WHEN CAST(:telefone AS text) IS NULL THEN etapa ELSE 'comprada' END
WHERE id = :id AND etapa = 'pedida' AND coalesce(salvy_id, :salvy_id) = :salvy_id
""")

_BACK = text("""-- provisao.step_back
UPDATE provisao SET etapa = :para, motivo = :motivo, mudada_em = :agora WHERE id = :id AND etapa = :de
""")

_NOTE = text("""-- provisao.note
UPDATE provisao SET motivo = :motivo WHERE id = :id AND parada_em IS NULL AND motivo IS DISTINCT FROM :motivo
""")

_STOP = text(f"""-- provisao.stop
WITH p AS (UPDATE provisao SET parada_em = :agora, motivo = :motivo, mudada_em = :agora
  WHERE id = :id AND {ABERTA} AND parada_em IS NULL RETURNING id)
INSERT INTO aviso (chave, tipo, texto)
SELECT 'pedido:' || id || ':' || CAST(extract(epoch FROM CAST(:agora AS timestamptz)) AS bigint), 'chip', :aviso FROM p
ON CONFLICT (chave) DO NOTHING
""")  # noqa: S608 - a constant of the schema

_HOLD = text(f"""-- provisao.hold
UPDATE provisao SET parada_em = coalesce(parada_em, :agora), motivo = :motivo, mudada_em = :agora
WHERE id = :id AND {ABERTA} RETURNING id
""")  # noqa: S608 - a constant of the schema

_RESUME = text(f"""-- provisao.resume
WITH p AS (UPDATE provisao SET parada_em = NULL, prazo_em = :prazo_em, motivo = NULL, mudada_em = :agora,
    etapa = CASE WHEN :ativada AND etapa IN ('comprada', 'na_fila') THEN 'ativada' ELSE etapa END
  WHERE id = :id AND {ABERTA} RETURNING id, etapa),
a AS (UPDATE provisao_ativacao v SET desfecho = 'sucesso', terminada_em = :agora FROM p
  WHERE v.provisao_id = p.id AND v.desfecho IS NULL AND p.etapa = 'ativada')
SELECT id, etapa FROM p
""")  # noqa: S608 - a constant of the schema

_GIVE_UP = text(f"""-- provisao.give_up
WITH p AS (UPDATE provisao SET etapa = 'desistida', motivo = :motivo, mudada_em = :agora, parada_em = NULL
  WHERE id = :id AND {ABERTA} RETURNING id, chip_id),
k AS (UPDATE chip SET status = 'cancelled', status_motivo = :motivo, status_ator = :ator, status_desde = :agora,
    conectado = false, conexao_em = :agora
  FROM p WHERE chip.id = p.chip_id AND chip.status = 'provisioned'),
a AS (UPDATE provisao_ativacao v SET desfecho = 'perdida', terminada_em = :agora FROM p
  WHERE v.provisao_id = p.id AND v.desfecho IS NULL)
SELECT id FROM p
""")  # noqa: S608 - a constant of the schema


@dataclass(frozen=True, slots=True)
class EmAtivacao:
    """The activation under way. Without `ativador_id` it was asked for and nobody knows what came of it."""

    id: int
    pedida_em: datetime
    ativador_id: str | None
    sms_id: str | None
    sms_em: datetime | None
    codigo_em: datetime | None


@dataclass(frozen=True, slots=True)
class Pedido:
    """An order as it stands. `telefone` is E.164; `ativacoes` its number's in 24 h; `acabadas` the activator's ids."""

    id: int
    ddd: int
    nome: str
    chave: str
    etapa: EtapaProvisao
    motivo: str | None
    comprando_em: datetime | None
    sem_chave: bool
    salvy_id: str | None
    telefone: str | None = field(repr=False)
    chip_id: int | None
    instancia: str | None
    chip_status: StatusChip | None
    pedida_por: str
    criada_em: datetime
    mudada_em: datetime
    prazo_em: datetime
    parada_em: datetime | None
    ativacao: EmAtivacao | None
    ativacoes: int
    acabadas: frozenset[str]
    pausado: bool


async def create(db: Database, ddd: int, nome: str, chave: str, por: str, agora: datetime, prazo_em: datetime) -> int:
    """Make an order and return its id."""
    params = {"ddd": ddd, "nome": nome, "chave": chave, "por": por, "agora": agora, "prazo_em": prazo_em}
    [[row]] = await db.round_trip(Step(_CREATE, params, writes=True))
    return int(row["id"])


async def read(db: Database, pedido_id: int, agora: datetime) -> Pedido | None:
    """Return an order as it stands."""
    [rows] = await db.round_trip(Step(_READ, {"id": pedido_id, "desde": agora - DIA}))
    return _pedido(rows[0]) if rows else None


def _pedido(row: Row) -> Pedido:
    plain = {
        name: row[name] for name in Pedido.__slots__ if name not in {"etapa", "chip_status", "ativacao", "acabadas"}
    }
    asked = {name: row[name] for name in EmAtivacao.__slots__ if name != "id"}
    return Pedido(
        **plain,
        etapa=EtapaProvisao(row["etapa"]),
        chip_status=StatusChip(row["chip_status"]) if row["chip_status"] else None,
        ativacao=EmAtivacao(row["ativacao_id"], **asked) if row["ativacao_id"] else None,
        acabadas=frozenset(row["acabadas"]),
    )


async def open_ids(db: Database, pedido_id: int | None = None) -> list[Row]:
    """Return the orders that a run may work on, or this one of them: `id`, `etapa`, `motivo`."""
    [rows] = await db.round_trip(Step(_OPEN, {"id": pedido_id}))
    return rows


async def reopen_paired(db: Database, prazo_em: datetime) -> int:
    """Take up again the stopped orders whose instance was paired since; return how many."""
    [rows] = await db.round_trip(Step(_REOPEN, {"prazo_em": prazo_em}, writes=True))
    return len(rows)


async def page(db: Database, *, todos: bool, limite: int) -> Sequence[Row]:
    """Return the newest orders, the open ones alone unless `todos`."""
    [rows] = await db.round_trip(Step(_LIST, {"todos": todos, "limite": limite}))
    return rows


async def buying(db: Database, pedido: Pedido, agora: datetime, *, sem_chave: bool) -> bool:
    """Note that the vendor is about to be asked; False when somebody else has moved the order meanwhile."""
    params = {"id": pedido.id, "agora": agora, "visto": pedido.comprando_em, "sem_chave": sem_chave}
    [rows] = await db.round_trip(Step(_BUYING, params, writes=True))
    return bool(rows)


async def not_bought(db: Database, pedido_id: int, visto: datetime, agora: datetime) -> None:
    """Note that what was asked for at `visto` was refused, so that nothing is in doubt."""
    await db.round_trip(Step(_NOT_BOUGHT, {"id": pedido_id, "visto": visto, "agora": agora}, writes=True))


async def bought(db: Database, pedido_id: int, salvy_id: str, telefone: str | None, agora: datetime) -> None:
    """Keep the number; while the vendor has not told it, only its id."""
    params = {"id": pedido_id, "salvy_id": salvy_id, "telefone": telefone, "agora": agora}
    await db.round_trip(Step(_BOUGHT, params, writes=True))


async def step_back(
    db: Database, pedido_id: int, de: EtapaProvisao, para: EtapaProvisao, motivo: str, agora: datetime
) -> None:
    """Take an order back a step, if it is still there."""
    params = {"id": pedido_id, "de": de.value, "para": para.value, "motivo": motivo, "agora": agora}
    await db.round_trip(Step(_BACK, params, writes=True))


async def note(db: Database, pedido_id: int, motivo: str | None) -> None:
    """Keep what an order waits for."""
    await db.round_trip(Step(_NOTE, {"id": pedido_id, "motivo": motivo}, writes=True))


async def stop(db: Database, pedido_id: int, motivo: str, aviso: str, agora: datetime) -> None:
    """Leave an order to a person, who is told once."""
    params = {"id": pedido_id, "motivo": motivo, "aviso": aviso, "agora": agora}
    await db.round_trip(Step(_STOP, params, writes=True))


async def hold(db: Database, pedido_id: int, motivo: str, agora: datetime) -> bool:
    """Have whoever works on an order stop at the next look; False when it is not open."""
    [rows] = await db.round_trip(Step(_HOLD, {"id": pedido_id, "motivo": motivo, "agora": agora}, writes=True))
    return bool(rows)


async def resume(
    db: Database, pedido_id: int, agora: datetime, prazo_em: datetime, *, ativada: bool
) -> EtapaProvisao | None:
    """Have an order go on, as a person wants; `ativada` says that its number is in WhatsApp. None when not open."""
    params = {"id": pedido_id, "agora": agora, "prazo_em": prazo_em, "ativada": ativada}
    [rows] = await db.round_trip(Step(_RESUME, params, writes=True))
    return EtapaProvisao(rows[0]["etapa"]) if rows else None


async def give_up(db: Database, pedido_id: int, motivo: str, ator: str, agora: datetime) -> bool:
    """End an order, and its chip with it where it is at no work; False when it had ended before."""
    params = {"id": pedido_id, "motivo": motivo, "ator": ator, "agora": agora}
    [rows] = await db.round_trip(Step(_GIVE_UP, params, writes=True))
    return bool(rows)
