from __future__ import annotations

import threading
from datetime import UTC, datetime

import psycopg

from lib.queries.seed import TABELAS
from lib.seed.chips import Escolha, frota
from lib.seed.plano import Plano
from lib.seed.semear import conversas_ate, lotes, semear

QUARTA = datetime(2026, 3, 11, 14, tzinfo=UTC)


def test_the_whole_default_business_is_one_copy_for_each_table_in_one_transaction(pg_url: str) -> None:
    """A statement trigger counts the statements that insert, however many rows each brings."""
    with psycopg.connect(pg_url) as connection:
        connection.execute("CREATE TABLE comando (tabela text, transacao xid8)")
        connection.execute(
            "CREATE FUNCTION contar() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO comando VALUES (TG_TABLE_NAME, pg_current_xact_id()); RETURN NULL; END $$"
        )
        for table in (*TABELAS, "conhecimento", "flag"):
            connection.execute(
                f"CREATE TRIGGER contar AFTER INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION contar()"
            )
    feito = semear(pg_url, Plano(), QUARTA)
    with psycopg.connect(pg_url) as connection:
        commands = connection.execute("SELECT tabela, count(*), count(DISTINCT transacao) FROM comando GROUP BY 1")
        assert {table: n for table, n, _ in commands} == dict.fromkeys((*feito.counts, "flag"), 1)
        assert connection.execute("SELECT count(DISTINCT transacao) FROM comando").fetchone() == (1,)
    assert feito.counts["interacao"] > 12_000


def test_a_large_business_is_handed_over_in_batches_of_bounded_size() -> None:
    plano = Plano(medicos=3_000, conversas=12_000)
    sizes = [lote.tamanho for lote in lotes(plano, QUARTA, Escolha(frota(plano, QUARTA)), ("Hospital Jangada",))]
    assert sum(sizes) > 80_000
    assert len(sizes) >= 4
    assert max(sizes) < 21_000


def test_conversations_are_dealt_out_to_the_last_one() -> None:
    for plano in (Plano(), Plano(medicos=7, conversas=3), Plano(medicos=100_000, conversas=2_000)):
        dealt = [conversas_ate(plano, n) for n in range(0, plano.medicos + 1, max(1, plano.medicos // 50))]
        assert dealt == sorted(dealt)
        assert conversas_ate(plano, plano.medicos) == plano.conversas


def test_two_at_once_seed_it_once(pg_url: str) -> None:
    plano = Plano(medicos=40, chips=4, hospitais=4, vagas=10, conversas=80)
    made: list[bool] = []
    threads = [threading.Thread(target=lambda: made.append(semear(pg_url, plano, QUARTA).ja_estava)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, True]
