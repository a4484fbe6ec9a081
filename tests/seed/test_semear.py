from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from lib.domain.cadencia import CADENCIA
from lib.domain.chip import FaseWarmup, StatusChip
from lib.domain.estado import Permissao
from lib.domain.guardrails import CAP_CONTATOS, CAP_JANELA
from lib.domain.horario import janela_proativa
from lib.domain.optout import Parada, classificar_parada
from lib.queries.seed import TABELAS
from lib.seed.plano import Plano
from lib.seed.semear import SeedRefusedError, Semeado, semear
from lib.stack.postgres import criar_banco

QUARTA = datetime(2026, 3, 11, 14, 37, tzinfo=UTC)
SEGUNDA_CEDO = datetime(2026, 3, 16, 9, 5, tzinfo=UTC)
PEQUENO = Plano(medicos=60, chips=20, hospitais=8, vagas=40, conversas=200)


class Negocio:
    """A database with the default plan, as of an hour."""

    def __init__(self, url: str, agora: datetime, feito: Semeado) -> None:
        self.agora, self.feito = agora.replace(minute=0, second=0, microsecond=0), feito
        self._url = url

    def rows(self, query: str, **params: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._url) as connection:
            return connection.execute(query, {"agora": self.agora, **params}).fetchall()

    def count(self, query: str, **params: Any) -> int:
        return int(self.rows(query, **params)[0][0])


@pytest.fixture(scope="module", params=[QUARTA, SEGUNDA_CEDO], ids=["quarta", "segunda-cedo"])
def negocio(request: pytest.FixtureRequest, server_url: str, template: str) -> Iterator[Negocio]:
    name = f"s_{uuid4().hex}"
    url = criar_banco(server_url, name, template)
    yield Negocio(url, request.param, semear(url, Plano(), request.param))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def fingerprint(url: str) -> dict[str, str]:
    """A hash of every row of every table."""
    with psycopg.connect(url) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        hashed = "SELECT count(*) || md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), ''))"
        return {
            table: str(connection.execute(f"{hashed} FROM {table} t").fetchall()[0][0]) for table in (*TABELAS, "flag")
        }


def test_the_default_plan_makes_what_it_promises_and_says_how_much(negocio: Negocio) -> None:
    counts = negocio.feito.counts
    expected = {"medico": 500, "doctor_state": 500, "chip": 20, "hospital": 30, "vaga": 300, "conversa": 2_000}
    assert expected.items() <= counts.items()
    assert counts["especialidade"] == 12
    assert 6 <= counts["interacao"] / counts["conversa"] <= 10
    for table, said in counts.items():
        assert negocio.count(f"SELECT count(*) FROM {table}") == said  # noqa: S608 - our own names


def test_no_doctor_has_two_open_conversations_and_only_ended_ones_have_an_end(negocio: Negocio) -> None:
    opened = negocio.rows(
        "SELECT medico_id, count(*) FROM conversa WHERE status IN ('active','paused','escalated') GROUP BY 1"
    )
    assert len(opened) > 250
    assert {n for _, n in opened} == {1}
    assert not negocio.count(
        "SELECT count(*) FROM conversa WHERE (encerrada_em IS NULL) <> (status IN ('active','paused','escalated'))"
        " OR encerrada_em > %(agora)s OR encerrada_em < coalesce(greatest(ultima_entrada_em, ultima_saida_em))"
    )
    assert not negocio.count(
        "SELECT count(*) FROM conversa a JOIN conversa b ON a.medico_id = b.medico_id AND a.id < b.id"
        " AND a.encerrada_em > b.criada_em"
    )


def test_conversations_and_states_agree_with_their_messages(negocio: Negocio) -> None:
    assert not negocio.count(
        "SELECT count(*) FROM conversa c JOIN (SELECT conversation_id, min(em) primeira,"
        " max(em) FILTER (WHERE direcao='entrada') e, max(em) FILTER (WHERE direcao='saida') s"
        " FROM interacao GROUP BY 1) i ON i.conversation_id = c.id"
        " WHERE (c.ultima_entrada_em, c.ultima_saida_em, c.criada_em) IS DISTINCT FROM (i.e, i.s, i.primeira)"
    )
    assert not negocio.count(
        "SELECT count(*) FROM doctor_state d LEFT JOIN (SELECT medico_id,"
        " max(em) FILTER (WHERE direcao='entrada') e, max(em) FILTER (WHERE direcao='saida') s"
        " FROM interacao GROUP BY 1) i USING (medico_id)"
        " WHERE (d.ultima_entrada_em, d.ultima_saida_em) IS DISTINCT FROM (i.e, i.s)"
    )
    assert not negocio.count(
        "SELECT count(*) FROM conversa c WHERE NOT EXISTS (SELECT FROM interacao WHERE conversation_id = c.id)"
    )
    assert not negocio.count("SELECT count(*) FROM interacao WHERE em > %(agora)s")
    assert not negocio.count(
        "SELECT count(*) FROM interacao i JOIN conversa c ON c.id = i.conversation_id"
        " WHERE (i.medico_id, i.chip_id) IS DISTINCT FROM (c.medico_id, c.chip_id)"
    )
    assert not negocio.count(
        "SELECT count(*) FROM interacao i JOIN medico m ON m.id = i.medico_id WHERE i.em < m.criado_em"
    )


def test_who_asked_to_stop_is_opted_out_and_nobody_else_is(negocio: Negocio) -> None:
    said = {
        medico
        for medico, texto in negocio.rows("SELECT medico_id, texto FROM interacao WHERE direcao='entrada'")
        if classificar_parada(texto) is Parada.EXPLICITA
    }
    marked = {medico for (medico,) in negocio.rows("SELECT medico_id FROM doctor_state WHERE permissao='opted_out'")}
    assert len(said) >= 10
    assert marked == said
    assert not negocio.count(
        "SELECT count(*) FROM conversa c JOIN doctor_state d USING (medico_id) WHERE d.permissao='opted_out'"
        " AND c.status IN ('active','paused','escalated')"
    )


def test_every_kind_of_permission_stage_of_life_and_warmth_occurs(negocio: Negocio) -> None:
    assert {p for (p,) in negocio.rows("SELECT DISTINCT permissao FROM doctor_state")} == set(Permissao)
    assert negocio.count("SELECT count(DISTINCT ciclo) FROM doctor_state") == 6
    assert negocio.count("SELECT count(DISTINCT width_bucket(temperatura, ARRAY[0.33, 0.66])) FROM doctor_state") == 3
    cooling = "SELECT count(*) FROM doctor_state WHERE permissao='cooling_off' AND cooling_off_ate"
    assert negocio.count(f"{cooling} > %(agora)s") >= 3
    assert negocio.count(f"{cooling} <= %(agora)s") >= 3
    assert (
        negocio.count(
            "SELECT count(*) FROM doctor_state WHERE ciclo <> 'churned'"
            " AND ultima_entrada_em < %(agora)s - interval '90 days'"
        )
        >= 5
    )
    assert (
        negocio.count(
            "SELECT count(*) FROM doctor_state WHERE temperatura > 0 AND permissao <> 'opted_out'"
            " AND greatest(ultimo_decaimento_em, ultima_entrada_em) <= %(agora)s - interval '1 day'"
        )
        >= 80
    )


def test_dozens_of_conversations_are_due_for_each_step_of_the_cadence(negocio: Negocio) -> None:
    for passo in CADENCIA:
        due = negocio.count(
            "SELECT count(*) FROM conversa c JOIN doctor_state d USING (medico_id) WHERE c.status='active'"
            " AND c.controle='ai' AND c.estagio=%(de)s AND c.ultima_saida_em <= %(ate)s AND c.pausada_ate IS NULL"
            " AND (c.ultima_entrada_em IS NULL OR c.ultima_entrada_em < c.ultima_saida_em)"
            " AND d.permissao NOT IN ('opted_out','cooling_off')",
            de=passo.de,
            ate=negocio.agora - passo.espera,
        )
        assert due >= 30, passo.chave


def test_enough_ended_conversations_wait_for_their_judgement(negocio: Negocio) -> None:
    assert (
        negocio.count(
            "SELECT count(*) FROM conversa c WHERE status IN ('completed','abandoned')"
            " AND ultima_entrada_em IS NOT NULL"
            " AND NOT EXISTS (SELECT FROM avaliacao_qualidade WHERE conversation_id = c.id)"
        )
        >= 60
    )


def test_the_fleet_has_every_phase_and_status_and_eight_numbers_ready_to_send(negocio: Negocio) -> None:
    assert {f for (f,) in negocio.rows("SELECT DISTINCT fase FROM chip")} == set(FaseWarmup)
    assert {s for (s,) in negocio.rows("SELECT DISTINCT status FROM chip")} == set(StatusChip)
    assert negocio.count("SELECT count(*) FROM chip WHERE tipo='listener'") == 2
    assert (
        negocio.count(
            "SELECT count(*) FROM chip WHERE tipo='julia' AND status='active' AND conectado AND fase='operacao'"
            " AND pode_responder AND limite_hora=30 AND limite_dia=100 AND trust_score >= 80"
            " AND aquecimento_desde < %(agora)s - interval '30 days'"
        )
        >= 8
    )
    assert negocio.rows("SELECT instancia, telefone FROM chip WHERE id = 1") == [("julia-01", "+5511900000100")]
    assert not negocio.count(
        "SELECT count(*) FROM interacao i JOIN chip c ON c.id = i.chip_id"
        " WHERE i.em < c.aquecimento_desde OR c.tipo = 'listener' OR c.aquecimento_desde IS NULL"
    )
    assert not negocio.count(
        "SELECT count(*) FROM conversa c JOIN chip p ON p.id = c.chip_id"
        " WHERE c.status IN ('active','paused','escalated') AND (p.status <> 'active' OR NOT p.conectado)"
    )


def test_the_hourly_and_daily_limits_of_the_sending_numbers_are_mostly_free(negocio: Negocio) -> None:
    used = negocio.rows(
        "SELECT count(*) FILTER (WHERE enviando_em > %(agora)s - interval '1 hour'), count(*) FROM outbox"
        " WHERE state='sent' AND enviando_em > %(agora)s - interval '1 day' GROUP BY chip_id"
    )
    assert all(hour <= 10 and day <= 60 for hour, day in used)


def test_what_we_wrote_first_kept_the_hours_and_the_cap(negocio: Negocio) -> None:
    proactive = negocio.rows(
        "SELECT i.em, m.uf, i.medico_id FROM interacao i JOIN medico m ON m.id = i.medico_id WHERE i.proativa"
    )
    assert len(proactive) > 1_500
    assert all(janela_proativa(em, uf) for em, uf, _ in proactive)
    recent = [medico for em, _, medico in proactive if em > negocio.agora - CAP_JANELA]
    assert recent
    assert max(recent.count(medico) for medico in set(recent)) <= CAP_CONTATOS
    assert negocio.count("SELECT count(*) FROM outbox WHERE proativa AND state='sent'") == len(recent)


def test_the_sends_of_the_last_days_stand_in_the_outbox_once(negocio: Negocio) -> None:
    assert not negocio.count(
        "SELECT count(*) FROM interacao i LEFT JOIN outbox o ON o.id = i.outbox_id"
        " WHERE i.autor = 'julia' AND i.em > %(corte)s"
        " AND (o.state, o.enviada_em, o.body, o.provider_msg_id, o.proativa)"
        " IS DISTINCT FROM ('sent', i.em, i.texto, i.provider_msg_id, i.proativa)",
        corte=negocio.agora - timedelta(days=7),
    )
    assert not negocio.count("SELECT count(*) FROM outbox WHERE body_hash <> sha256(convert_to(body, 'UTF8'))")
    assert negocio.count("SELECT count(*) FROM outbox WHERE falhou_em IS NOT NULL AND state='dead'") >= 5
    assert not negocio.count("SELECT count(*) FROM outbox WHERE state NOT IN ('sent','dead')")


def test_shifts_lie_in_the_next_thirty_days_and_past_ones_are_over(negocio: Negocio) -> None:
    assert not negocio.count(
        "SELECT count(*) FROM vaga WHERE status IN ('aberta','reservada','confirmada','fechada') AND"
        " (inicio <= %(agora)s OR inicio > %(agora)s + interval '31 days')"
    )
    assert not negocio.count("SELECT count(*) FROM vaga WHERE status='realizada' AND fim > %(agora)s")
    assert negocio.count("SELECT count(*) FROM vaga WHERE status='realizada'") >= 10
    assert negocio.count("SELECT count(DISTINCT especialidade_id) FROM vaga WHERE status='aberta'") == 12
    assert negocio.count("SELECT count(DISTINCT valor_tipo) + count(DISTINCT criticidade) FROM vaga") == 6
    turns = negocio.rows("SELECT DISTINCT extract(epoch FROM fim - inicio)::int / 3600 FROM vaga ORDER BY 1")
    assert turns == [(12,), (24,)]
    assert negocio.rows(
        "SELECT DISTINCT extract(hour FROM v.inicio AT TIME ZONE 'America/Manaus')::int FROM vaga v"
        " JOIN hospital h ON h.id = v.hospital_id WHERE h.uf = 'AM' ORDER BY 1"
    ) == [(7,), (19,)]


def test_numbers_are_fictional_and_states_of_the_whole_country_occur(negocio: Negocio) -> None:
    assert not negocio.count(
        "SELECT count(*) FROM (SELECT telefone FROM medico UNION ALL SELECT telefone FROM chip) t"
        " WHERE telefone !~ '^\\+5511900[0-9]{6}$'"
    )
    assert negocio.rows("SELECT min(telefone) FROM medico") == [("+5511900010000",)]
    assert negocio.count("SELECT count(DISTINCT uf) FROM medico") == 27
    assert negocio.count("SELECT count(DISTINCT texto) FROM interacao WHERE direcao='entrada'") >= 40


def test_new_rows_get_the_next_numbers(pg_url: str) -> None:
    feito = semear(pg_url, PEQUENO, QUARTA)
    with psycopg.connect(pg_url) as connection:
        for table in ("medico", "chip", "hospital", "especialidade", "vaga", "conversa", "interacao", "outbox"):
            row = connection.execute(f"SELECT nextval(pg_get_serial_sequence('{table}', 'id'))").fetchone()
            assert row == (feito.counts[table] + 1,), table


def test_the_same_seed_and_hour_make_the_same_rows_and_another_seed_others(pg_url: str) -> None:
    semear(pg_url, PEQUENO, QUARTA)
    first = fingerprint(pg_url)
    semear(pg_url, PEQUENO, QUARTA + timedelta(minutes=10), limpar=True)
    assert fingerprint(pg_url) == first
    semear(pg_url, Plano(medicos=60, chips=20, hospitais=8, vagas=40, conversas=200, semente=60), QUARTA, limpar=True)
    assert fingerprint(pg_url)["interacao"] != first["interacao"]


def test_a_second_run_changes_nothing_even_hours_later(pg_url: str) -> None:
    made = semear(pg_url, PEQUENO, QUARTA)
    before = fingerprint(pg_url)
    again = semear(pg_url, PEQUENO, QUARTA + timedelta(hours=5))
    assert again.ja_estava
    assert again.counts == made.counts
    assert fingerprint(pg_url) == before


def test_other_data_is_refused_and_kept_unless_it_is_to_be_cleared(pg_url: str) -> None:
    with psycopg.connect(pg_url) as connection:
        connection.execute("INSERT INTO medico (telefone) VALUES ('+5511999990000')")
    before = fingerprint(pg_url)
    with pytest.raises(SeedRefusedError, match="--limpar"):
        semear(pg_url, PEQUENO, QUARTA)
    assert fingerprint(pg_url) == before
    assert semear(pg_url, PEQUENO, QUARTA, limpar=True).counts["medico"] == 60
    with pytest.raises(SeedRefusedError, match="outro seed"):
        semear(pg_url, Plano(), QUARTA)


def test_production_is_refused_before_anything_is_touched(pg_url: str) -> None:
    semear(pg_url, PEQUENO, QUARTA)
    before = fingerprint(pg_url)
    with pytest.raises(SeedRefusedError, match="produção"):
        semear(pg_url, PEQUENO, QUARTA, limpar=True, producao=True)
    assert fingerprint(pg_url) == before


def test_a_database_without_tables_is_named_as_the_reason(server_url: str) -> None:
    with pytest.raises(SeedRefusedError, match="não tem as tabelas"):
        semear(criar_banco(server_url, "vazio_para_seed"), PEQUENO, QUARTA)


def test_the_smallest_business_is_a_business(pg_url: str) -> None:
    counts = semear(pg_url, Plano(1, 1, 1, 0, 3), QUARTA).counts
    assert (counts["medico"], counts["conversa"], counts["vaga"]) == (1, 3, 0)


@pytest.mark.parametrize("wrong", [{"medicos": 0}, {"medicos": 990_001}, {"chips": 0}, {"conversas": -1}])
def test_a_plan_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Plano(**wrong)
