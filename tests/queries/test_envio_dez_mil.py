"""Ten thousand sends by thirty-two claimers over fifty chips, numbers banned in the middle: the audit is SQL alone."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime

import pytest

from lib.db import Database, Row
from lib.domain.chip import Gateway, StatusChip, TipoChip
from lib.domain.chip_ciclo import Perda
from lib.errors import DatabaseUnavailableError
from lib.queries import conexao, envio_desfecho
from lib.queries.conexao import Dito
from lib.queries.envio import Judged
from tests.builders import gravar
from tests.queries.fabrica import chip_que_envia, consulta, reivindicar
from tests.rodadas import RODADAS

ENVIOS = 1_000 * RODADAS
CLAIMERS = 32
CHIPS = 50
LOTE = 8
BANIDOS = 6

# Every send that began, with what its chip was and had sent at that instant; kept by the database, not by the claimers.
VIGIA = """
CREATE TABLE saida (outbox_id bigint, chip_id bigint, em timestamptz, status text, tipo text, envio text);
CREATE FUNCTION registrar() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO saida SELECT NEW.id, k.id, clock_timestamp(), k.status, k.tipo, NEW.tipo FROM chip k
  WHERE k.id = NEW.chip_id;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER registra AFTER UPDATE ON outbox DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.state = 'sending' AND OLD.state <> 'sending') EXECUTE FUNCTION registrar();
"""
ENFILEIRA = """
WITH m AS (
  INSERT INTO medico (telefone, nome, uf) SELECT '+55117' || lpad(n::text, 8, '0'), 'M', 'SP'
  FROM generate_series(1, %s) n RETURNING id),
s AS (INSERT INTO doctor_state (medico_id) SELECT id FROM m),
c AS (INSERT INTO conversa (medico_id) SELECT id FROM m RETURNING id, medico_id)
INSERT INTO outbox (conversation_id, medico_id, cause, body, body_hash, tipo, proativa, prioridade, criada_em)
SELECT id, medico_id, 'mil:' || id, 'oi', '', CASE WHEN id %% 3 = 0 THEN 'prospeccao' ELSE 'resposta' END, id %% 3 = 0,
  CASE WHEN id %% 3 = 0 THEN 3 ELSE 10 END, now() FROM c
"""
AUDITORIA = """
SELECT (SELECT count(*) FROM saida) AS envios,
  (SELECT count(*) FROM (SELECT chip_id, em, count(*) OVER (PARTITION BY chip_id ORDER BY em
      RANGE BETWEEN '1 hour' PRECEDING AND CURRENT ROW) AS n FROM saida) x JOIN chip k ON k.id = x.chip_id
    WHERE x.n > k.limite_hora) AS acima_da_hora,
  (SELECT count(*) FROM (SELECT chip_id, em, count(*) OVER (PARTITION BY chip_id ORDER BY em
      RANGE BETWEEN '1 day' PRECEDING AND CURRENT ROW) AS n FROM saida) x JOIN chip k ON k.id = x.chip_id
    WHERE x.n > k.limite_dia) AS acima_do_dia,
  (SELECT count(*) FROM saida WHERE status = 'banned') AS por_banido,
  (SELECT count(*) FROM saida WHERE tipo = 'listener') AS por_listener,
  (SELECT count(*) FROM saida WHERE status NOT IN ('active', 'warming')) AS por_outro_status,
  (SELECT count(*) FROM saida s WHERE s.envio = 'prospeccao' AND EXISTS (SELECT FROM chip k
    WHERE k.id = s.chip_id AND k.trust_score < 80)) AS prospeccao_sem_trust,
  (SELECT count(*) FROM (SELECT outbox_id FROM saida GROUP BY 1 HAVING count(*) > 1) x) AS repetidos,
  (SELECT count(*) FROM saida s LEFT JOIN chip_decisao d ON d.outbox_id = s.outbox_id AND d.chip_id = s.chip_id
    WHERE d.id IS NULL) AS sem_decisao,
  (SELECT count(DISTINCT chip_id) FROM saida) AS chips_usados,
  (SELECT count(*) FROM chip k WHERE k.limite_hora = (SELECT count(*) FROM saida s WHERE s.chip_id = k.id))
    AS no_limite,
  (SELECT count(*) FROM chip WHERE status = 'banned') AS banidos
"""


async def insistente(db: Database) -> Judged:
    """Claim; on a machine so busy that the lock is not had in time, claim again."""
    for _ in range(50):
        try:
            return await reivindicar(db, LOTE)
        except DatabaseUnavailableError:
            await asyncio.sleep(0.05)
    raise AssertionError("the lock was never had")


async def envia(db: Database, alvo: int, feitos: list[int]) -> None:
    """Claim and send until the target is reached or nothing more can go."""
    secos = 0
    while len(feitos) < alvo and secos < 4:
        judged = await insistente(db)
        secos = 0 if judged.claimed else secos + 1
        if judged.claimed:
            sent = [(row["id"], row["fence"], f"P{row['id']}") for row in judged.claimed]
            await envio_desfecho.mark_sent(db, sent, 0)
            feitos += [row["id"] for row in judged.claimed]


async def dizer(db: Database, lost: Dito) -> None:
    """Tell of a ban as a gateway does: again, where it was not taken."""
    for _ in range(20):
        try:
            await conexao.say(db, [lost], datetime.now(UTC))
        except DatabaseUnavailableError:
            continue
        return
    raise AssertionError("the ban was never taken")


async def bane(db: Database, rng: random.Random, feitos: list[int], alvo: int) -> None:
    """Ban numbers at random while others send."""
    for n in range(BANIDOS):
        while len(feitos) < alvo * (n + 1) // (BANIDOS + 2):  # noqa: ASYNC110 - the claimers share a list, no event
            await asyncio.sleep(0.01)
        active = await consulta(db, "SELECT instancia FROM chip WHERE status = 'active' AND tipo = 'julia' ORDER BY id")
        lost = Dito(Gateway.EVOLUTION, rng.choice(active)["instancia"], conectado=False, perda=Perda.BANIDO, codigo=403)
        await dizer(db, lost)


@pytest.mark.parametrize("seed", [7])
async def test_no_cap_is_exceeded_and_none_goes_through_a_banned_or_listener_chip(
    pg_url: str, db: Database, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(seed)
    por_chip = ENVIOS // 36
    await gravar(
        db,
        *(
            chip_que_envia(
                tipo=TipoChip.LISTENER if n % 12 == 11 else TipoChip.JULIA,
                status=StatusChip.WARMING if n % 12 == 10 else StatusChip.ACTIVE,
                trust_score=rng.choice((95, 85, 80, 70, 45)),
                limite_hora=rng.randint(por_chip // 2, por_chip * 2),
                limite_dia=por_chip * 2,
            )
            for n in range(CHIPS)
        ),
    )
    await consulta(db, VIGIA)
    await consulta(db, ENFILEIRA, ENVIOS * 2)
    feitos: list[int] = []
    outro = Database.open(pg_url, size=CLAIMERS, name="enviadores", wait_s=60)
    try:
        await asyncio.gather(*(envia(outro, ENVIOS, feitos) for _ in range(CLAIMERS)), bane(db, rng, feitos, ENVIOS))
    finally:
        await outro.close()
    [audit] = await consulta(db, AUDITORIA)
    with capsys.disabled():
        print_audit(audit)
    assert audit["envios"] >= min(len(feitos), ENVIOS) * 0.9
    assert audit["banidos"] == BANIDOS
    assert audit["chips_usados"] > CHIPS // 2
    wrong = {
        name: n for name, n in audit.items() if name not in {"envios", "chips_usados", "banidos", "no_limite"} and n
    }
    assert wrong == {}


def print_audit(audit: Row) -> None:
    """Show what the database itself says of the run."""
    print("\n" + "\n".join(f"  {name:24}{n:>8}" for name, n in audit.items()))  # noqa: T201 - the audit is the point
