"""Two rows that are one doctor become one: what was known by a LID alone goes to whom the phone names."""

from __future__ import annotations

from sqlalchemy import TextClause, text

from lib.db import Database, Step
from lib.queries.quem import compose, settle

# `d` is the pair, `c` its open conversations: empty when there is nothing to join any more, and nothing is done.
_PAR = """WITH d AS (SELECT p.id AS fica, s.id AS sai FROM medico p, medico s
  WHERE p.telefone = :telefone AND s.lid = :lid AND s.telefone IS NULL AND p.id <> s.id),
c AS (SELECT f.id AS fica, s.id AS sai FROM d
  JOIN conversa f ON f.medico_id = d.fica AND f.status IN {abertas}
  JOIN conversa s ON s.medico_id = d.sai AND s.status IN {abertas})"""


def _step(nome: str, sql: str) -> TextClause:
    """Name a statement and give it the pair; all parts are constants."""
    return compose(f"-- fusao.{nome}\n{_PAR}\n{sql}")


# In the order of everybody: mailboxes, outbox rows, the doctors' states, conversations. Once the conversations are
# locked, whatever lands in the one about to be closed has either been seen or waits and is found closed.
_TRANCAS = (
    _step("lock_mailbox", "SELECT FROM mailbox x, d WHERE x.conversation_id IN (SELECT id FROM conversa v"
          " WHERE v.medico_id IN (d.fica, d.sai)) ORDER BY x.conversation_id FOR UPDATE OF x"),
    _step("lock_outbox", "SELECT FROM outbox x, d WHERE x.medico_id IN (d.fica, d.sai) ORDER BY x.id FOR UPDATE OF x"),
    _step("lock_state", "SELECT FROM doctor_state x, d WHERE x.medico_id IN (d.fica, d.sai) ORDER BY x.medico_id"
          " FOR UPDATE OF x"),
    _step("lock_conversa", "SELECT FROM conversa x, d WHERE x.medico_id IN (d.fica, d.sai) ORDER BY x.id"
          " FOR UPDATE OF x"),
)  # fmt: skip

_ABRE = (
    _step("state", "INSERT INTO doctor_state (medico_id) SELECT fica FROM d ON CONFLICT DO NOTHING"),
    _step(
        "open",
        """INSERT INTO conversa (medico_id, chip_id)
SELECT d.fica, (SELECT s.chip_id FROM conversa s WHERE s.medico_id = d.sai ORDER BY s.id DESC LIMIT 1) FROM d
ON CONFLICT (medico_id) WHERE status IN {abertas} DO NOTHING""",
    ),
)

# The stricter permission of the two survives: an opt-out said under either address is an opt-out.
_ESTADO = _step(
    "merge_state",
    """UPDATE doctor_state f SET
  permissao = (ARRAY['none', 'initial', 'active', 'cooling_off', 'opted_out'])[greatest(
    array_position(ARRAY['none', 'initial', 'active', 'cooling_off', 'opted_out'], CAST(f.permissao AS text)),
    array_position(ARRAY['none', 'initial', 'active', 'cooling_off', 'opted_out'], CAST(s.permissao AS text)))],
  cooling_off_ate = greatest(f.cooling_off_ate, s.cooling_off_ate),
  temperatura = greatest(f.temperatura, s.temperatura),
  ultima_entrada_em = greatest(f.ultima_entrada_em, s.ultima_entrada_em),
  ultima_saida_em = greatest(f.ultima_saida_em, s.ultima_saida_em),
  ultima_saida_ator = CASE WHEN s.ultima_saida_em > coalesce(f.ultima_saida_em, '-infinity')
    THEN s.ultima_saida_ator ELSE f.ultima_saida_ator END,
  proximo_contato_em = greatest(f.proximo_contato_em, s.proximo_contato_em),
  parada_perguntada_em = greatest(f.parada_perguntada_em, s.parada_perguntada_em),
  objecao = CASE WHEN leva THEN s.objecao ELSE f.objecao END,
  objecao_severidade = CASE WHEN leva THEN s.objecao_severidade ELSE f.objecao_severidade END,
  objecao_em = CASE WHEN leva THEN s.objecao_em ELSE f.objecao_em END,
  objecao_resolvida_em = CASE WHEN leva THEN s.objecao_resolvida_em ELSE f.objecao_resolvida_em END,
  ciclo = CASE WHEN f.ciclo = 'novo' THEN s.ciclo ELSE f.ciclo END
FROM d, doctor_state s, LATERAL (SELECT s.objecao IS NOT NULL AND s.objecao_resolvida_em IS NULL
  OR EXISTS (SELECT FROM doctor_state y WHERE y.medico_id = d.fica AND y.objecao IS NULL) AS leva) l
WHERE f.medico_id = d.fica AND s.medico_id = d.sai""",
)

_CONVERSA = _step(
    "merge_conversa",
    """UPDATE conversa f SET
  controle = CASE WHEN s.controle = 'humano' THEN 'humano' ELSE f.controle END,
  status = CASE WHEN s.controle = 'humano' THEN 'escalated' ELSE f.status END,
  humano_em = greatest(f.humano_em, s.humano_em),
  ultima_entrada_em = greatest(f.ultima_entrada_em, s.ultima_entrada_em),
  ultima_saida_em = greatest(f.ultima_saida_em, s.ultima_saida_em),
  estagio = CASE WHEN s.estagio = 'optout' OR f.estagio = 'novo' THEN s.estagio ELSE f.estagio END
FROM c, conversa s WHERE f.id = c.fica AND s.id = c.sai""",
)

# A send under way stays where its uniqueness is kept when the other conversation has one under way too.
_MUDANCAS = (
    _step("move_inbox", "UPDATE inbox x SET conversation_id = c.fica FROM c WHERE x.conversation_id = c.sai"),
    _step("move_interacao", "UPDATE interacao x SET conversation_id = c.fica FROM c WHERE x.conversation_id = c.sai"),
    _step("move_espelho", "UPDATE espelho x SET conversation_id = c.fica FROM c WHERE x.conversation_id = c.sai"
          " AND x.estado IN ('pendente', 'enviando', 'incerto')"),
    _step("move_outbox", """UPDATE outbox x SET conversation_id = c.fica FROM c WHERE x.conversation_id = c.sai
  AND (x.state NOT IN ('sending', 'unknown') OR NOT EXISTS (SELECT FROM outbox o
    WHERE o.conversation_id = c.fica AND o.state IN ('sending', 'unknown')))"""),
    _step("move_aviso", "UPDATE aviso x SET conversation_id = c.fica FROM c WHERE x.conversation_id = c.sai"),
    _step("move_interesse", "UPDATE interesse x SET conversation_id = c.fica FROM c WHERE x.conversation_id = c.sai"),
    _step("end_transferencia", """UPDATE transferencia x SET status = 'resolvida', resolvida_em = now(),
  resolvida_por = 'fusão de cadastros' FROM c WHERE x.conversation_id = c.sai AND x.status <> 'resolvida'
  AND EXISTS (SELECT FROM transferencia o WHERE o.conversation_id = c.fica AND o.status <> 'resolvida')"""),
    _step("move_transferencia", "UPDATE transferencia x SET conversation_id = c.fica FROM c"
          " WHERE x.conversation_id = c.sai"),
    _step("sleep_mailbox", "UPDATE mailbox x SET fence = x.fence + 1, claim = NULL, lease_until = NULL,"
          " primeira_em = NULL, due_at = NULL, dead = NULL, tries = 0 FROM c WHERE x.conversation_id = c.sai"),
    _step("wake_mailbox", """INSERT INTO mailbox (conversation_id, due_at, fence)
SELECT c.fica, (SELECT now() WHERE EXISTS (SELECT FROM inbox i WHERE i.conversation_id = c.fica AND i.turn_id IS NULL
  AND i.tipo = 'mensagem' AND i.desfecho IS NULL)), 1 FROM c
ON CONFLICT (conversation_id) DO UPDATE SET fence = mailbox.fence + 1, claim = NULL, lease_until = NULL, dead = NULL,
  tries = 0, due_at = excluded.due_at"""),
    _step("close_conversa", "UPDATE conversa x SET status = 'abandoned', encerrada_em = now() FROM c"
          " WHERE x.id = c.sai"),
)  # fmt: skip

_HERANCA = (
    _step("give_conversa", "UPDATE conversa x SET medico_id = d.fica FROM d WHERE x.medico_id = d.sai"),
    _step("give_interacao", "UPDATE interacao x SET medico_id = d.fica FROM d WHERE x.medico_id = d.sai"),
    _step("give_outbox", "UPDATE outbox x SET medico_id = d.fica FROM d WHERE x.medico_id = d.sai"),
    _step("give_turno", "UPDATE turno x SET medico_id = d.fica FROM d WHERE x.medico_id = d.sai"),
    _step("give_vaga", "UPDATE vaga x SET medico_id = d.fica FROM d WHERE x.medico_id = d.sai"),
    _step("give_diretriz", "UPDATE diretriz x SET escopo_id = d.fica FROM d"
          " WHERE x.escopo = 'medico' AND x.escopo_id = d.sai"),
    _step("same_interesse", "DELETE FROM interesse x USING d WHERE x.medico_id = d.sai"
          " AND EXISTS (SELECT FROM interesse o WHERE o.medico_id = d.fica AND o.vaga_id = x.vaga_id)"),
    _step("give_interesse", "UPDATE interesse x SET medico_id = d.fica FROM d WHERE x.medico_id = d.sai"),
    # Of two facts on one subject the later one holds, as if the doctor had said it to one of us.
    _step("older_memoria", """UPDATE memoria x SET substituida_em = now(), substituida_por = o.id FROM d, memoria o
WHERE x.medico_id IN (d.fica, d.sai) AND o.medico_id IN (d.fica, d.sai) AND x.medico_id <> o.medico_id
  AND x.assunto = o.assunto AND x.assunto <> 'outro' AND (x.criada_em, x.id) < (o.criada_em, o.id)
  AND x.substituida_em IS NULL AND x.esquecida_em IS NULL AND o.substituida_em IS NULL AND o.esquecida_em IS NULL"""),
    _step("give_memoria", "UPDATE memoria x SET medico_id = d.fica FROM d WHERE x.medico_id = d.sai"),
    _step("give_medico", """UPDATE medico f SET nome = coalesce(f.nome, s.nome), crm = coalesce(f.crm, s.crm),
  especialidade_id = coalesce(f.especialidade_id, s.especialidade_id), cidade = coalesce(f.cidade, s.cidade),
  uf = coalesce(f.uf, s.uf), anos_pratica = coalesce(f.anos_pratica, s.anos_pratica)
FROM d, medico s WHERE f.id = d.fica AND s.id = d.sai"""),
    _step("drop_state", "DELETE FROM doctor_state x USING d WHERE x.medico_id = d.sai"),
    _step("drop_medico", "DELETE FROM medico x USING d WHERE x.id = d.sai"),
)  # fmt: skip

_LID = text("""-- fusao.learn
UPDATE medico m SET lid = :lid WHERE m.telefone = :telefone AND m.lid IS NULL
  AND NOT EXISTS (SELECT FROM medico o WHERE o.lid = :lid)
""")

STATEMENTS = (*_TRANCAS, *_ABRE, _ESTADO, _CONVERSA, *_MUDANCAS, *_HERANCA, _LID)

_REABRE = compose("""-- fusao.reopen
INSERT INTO conversa (medico_id, chip_id) SELECT medico_id, chip_id FROM conversa
WHERE id = :conversation_id AND status NOT IN {abertas}
ON CONFLICT (medico_id) WHERE status IN {abertas} DO NOTHING
""")

_RECOLHE = compose("""-- fusao.collect
WITH v AS (
  SELECT x.id AS fechada, o.id AS aberta FROM conversa x
  JOIN conversa o ON o.medico_id = x.medico_id AND o.status IN {abertas}
  WHERE x.id = :conversation_id AND x.status NOT IN {abertas}),
i AS (
  UPDATE inbox SET conversation_id = v.aberta FROM v
  WHERE inbox.conversation_id = v.fechada AND turn_id IS NULL AND tipo = 'mensagem' AND desfecho IS NULL
  RETURNING v.aberta),
b AS (
  UPDATE mailbox SET fence = fence + 1, claim = NULL, lease_until = NULL, due_at = NULL, primeira_em = NULL
  FROM v WHERE conversation_id = v.fechada)
INSERT INTO mailbox (conversation_id, due_at) SELECT DISTINCT aberta, now() FROM i
ON CONFLICT (conversation_id) DO UPDATE SET due_at = CASE WHEN mailbox.claim IS NULL OR mailbox.lease_until <= now()
  THEN now() ELSE mailbox.due_at END
""")

_TRANCA = text("-- fusao.lock_closed\nSELECT fence FROM mailbox WHERE conversation_id = :conversation_id FOR UPDATE")


async def fundir(db: Database, lid: str, telefone: str) -> None:
    """Join the doctor known by `lid` alone into the one known by `telefone`, in one round trip; nothing without both.

    The phone's doctor survives with both histories and the stricter permission. The other's open messages go to the
    survivor's conversation, whose turn is due at once; the other's conversation is closed as abandoned. What is being
    thought for either is stale.
    """
    key = {"lid": lid, "telefone": telefone}
    await settle(db, [Step(sql, key, writes=True) for sql in STATEMENTS])


async def recolher(db: Database, conversation_id: int) -> None:
    """Bring the open messages of a closed conversation to its doctor's open one, in one round trip."""
    key = {"conversation_id": conversation_id}
    await db.round_trip(Step(_TRANCA, key), Step(_REABRE, key, writes=True), Step(_RECOLHE, key))
