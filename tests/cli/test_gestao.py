"""`agente diretriz`, `agente conhecimento`, `agente memoria`: what managers write, see and take back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from typer.testing import CliRunner

from lib.cli import conhecimento, diretriz, memoria
from lib.settings import Settings, variable

FONE = "+5511900010001"


@pytest.fixture
def run(settings: Settings) -> CliRunner:
    values = {
        "database_url": settings.database_url.get_secret_value(),
        "evolution_url": settings.evolution_url,
        "evolution_api_key": "chave",
        "evolution_webhook_secret": "s" * 40,
        "anthropic_api_key": "chave",
    }
    return CliRunner(env={variable(name): value for name, value in values.items()} | {"COLUMNS": "250"})


@pytest.fixture
def banco(pg_url: str) -> str:
    """A database with a doctor, two hospitals of like names, two specialties and a shift."""
    with psycopg.connect(pg_url) as connection:
        connection.execute("INSERT INTO medico (telefone, nome) VALUES (%s, 'Helena Prado')", (FONE,))
        connection.execute(
            "INSERT INTO hospital (nome, nome_normalizado, cidade, uf) VALUES"
            " ('Santa Clara', 'santa clara', 'São Paulo', 'SP'),"
            " ('Santa Clara Norte', 'santa clara norte', 'Recife', 'PE')"
        )
        connection.execute(
            "INSERT INTO especialidade (nome, nome_normalizado) VALUES ('Pediatria', 'pediatria'), ('UTI', 'uti'),"
            " ('UTI Pediátrica', 'uti pediatrica')"
        )
        connection.execute(
            "INSERT INTO vaga (hospital_id, especialidade_id, inicio, fim, valor_centavos)"
            " VALUES (1, 1, now(), now() + interval '12 hours', 100)"
        )
    return pg_url


def linhas(url: str, sql: str) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        return connection.execute(sql.encode()).fetchall()


@pytest.mark.parametrize(
    ("alvo", "escopo", "id_"),
    [
        ([], "geral", None),
        (["--medico", "11 90001-0001"], "medico", 1),
        (["--hospital", "Santa Clara"], "hospital", 1),
        (["--hospital", "clara norte"], "hospital", 2),
        (["--hospital", "2"], "hospital", 2),
        (["--especialidade", "uti"], "especialidade", 2),
        (["--especialidade", "UTI pediátrica"], "especialidade", 3),
        (["--vaga", "1"], "vaga", 1),
    ],
)
def test_a_directive_is_stored_for_what_it_names(
    run: CliRunner, banco: str, alvo: list[str], escopo: str, id_: int | None
) -> None:
    made = run.invoke(diretriz.app, ["criar", "margem_negociacao", "até 10%", *alvo, "--por", "rosa", "--json"])
    assert made.exit_code == 0, made.stderr
    said = json.loads(made.stdout)
    assert (said["escopo"], said["escopo_id"], said["conteudo"]) == (escopo, id_, "10")
    [row] = linhas(banco, "SELECT escopo, escopo_id, conteudo, criada_por FROM diretriz")
    assert row == {"escopo": escopo, "escopo_id": id_, "conteudo": "10", "criada_por": "rosa"}


@pytest.mark.parametrize(
    ("args", "motivo"),
    [
        (["margem_negociacao", "muito"], "por exemplo: 10%"),
        (["midia", "robô"], "pessoa"),
        (["evitar", "  "], "vazio"),
        (["evitar", "x", "--medico", "11 90001-9999"], "não encontrei"),
        (["evitar", "x", "--medico", "abc"], "não entendi"),
        (["evitar", "x", "--hospital", "santa"], "use o id"),
        (["evitar", "x", "--especialidade", "%"], "não entendi"),
        (["evitar", "x", "--vaga", "99"], "não encontrei"),
        (["evitar", "x", "--vaga", "1", "--hospital", "1"], "um alvo só"),
        (["evitar", "x", "--expira", "01/01/2020"], "já passou"),
        (["evitar", "x", "--expira", "31/02/2030"], "não entendi"),
        (["evitar", "x", "--expira", "logo"], "7d ou 12h"),
    ],
)
def test_a_wrong_directive_is_refused_with_what_to_write_and_nothing_is_stored(
    run: CliRunner, banco: str, args: list[str], motivo: str
) -> None:
    done = run.invoke(diretriz.app, ["criar", *args])
    assert done.exit_code == 2
    assert motivo in done.stderr
    assert done.stderr.count("\n") == 1
    assert linhas(banco, "SELECT id FROM diretriz") == []


@pytest.mark.parametrize(
    ("escrito", "instante"),
    [("31/12/2099", "2100-01-01 02:59:59+00:00"), ("2099-12-31 18:00", "2099-12-31 21:00:00+00:00")],
)
def test_an_expiry_is_read_in_sao_paulo_and_a_date_lasts_to_its_end(
    run: CliRunner, banco: str, escrito: str, instante: str
) -> None:
    assert run.invoke(diretriz.app, ["criar", "evitar", "x", "--expira", escrito]).exit_code == 0
    [row] = linhas(banco, "SELECT (expira_em AT TIME ZONE 'UTC')::text || '+00:00' AS ate FROM diretriz")
    assert row["ate"] == instante


def test_a_dry_run_checks_everything_and_stores_nothing(run: CliRunner, banco: str) -> None:
    done = run.invoke(
        diretriz.app, ["criar", "evitar", "não fale de UTI", "--hospital", "1", "--seco", "--expira", "7d"]
    )
    assert "nada gravado" in done.stdout
    assert linhas(banco, "SELECT id FROM diretriz") == []


def test_directives_are_listed_with_whom_they_hold_for_and_ended_once(run: CliRunner, banco: str) -> None:
    assert "Nenhuma diretriz" in run.invoke(diretriz.app, ["listar"]).stdout
    run.invoke(diretriz.app, ["criar", "evitar", "não fale de UTI", "--medico", FONE])
    listed = run.invoke(diretriz.app, ["listar"]).stdout
    assert "medico: Helena Prado" in listed
    assert run.invoke(diretriz.app, ["encerrar", "1"]).exit_code == 0
    assert run.invoke(diretriz.app, ["encerrar", "1"]).exit_code == 1
    assert "encerrada" in run.invoke(diretriz.app, ["listar", "--todas"]).stdout
    assert json.loads(run.invoke(diretriz.app, ["listar", "--json"]).stdout) == []
    assert len(linhas(banco, "SELECT id FROM diretriz")) == 1


PECA = "---\ntipo: geral\ngatilhos: estacionamento\n---\n## Estacionar\nNão há informação.\n"


def test_a_folder_is_imported_once_listed_and_found(run: CliRunner, pg_url: str, tmp_path: Path) -> None:
    pasta = tmp_path / "saberes"
    (pasta / "sub").mkdir(parents=True)
    (pasta / "um.md").write_text(PECA)
    (pasta / "sub" / "dois.md").write_text(PECA.replace("Estacionar", "Outra"))
    (pasta / "leia.txt").write_text("não é lido")
    dry = run.invoke(conhecimento.app, ["importar", str(pasta), "--seco"])
    assert dry.stdout == "Seriam 2 novas, 0 mudadas, 0 iguais, 0 removidas (2 peças em 'saberes/').\n"
    assert linhas(pg_url, "SELECT id FROM conhecimento") == []
    done = json.loads(run.invoke(conhecimento.app, ["importar", str(pasta), "--json"]).stdout)
    assert (done["novas"], done["removidas"]) == (2, 0)
    again = json.loads(run.invoke(conhecimento.app, ["importar", str(pasta), "--json"]).stdout)
    assert (again["novas"], again["mudadas"], again["iguais"]) == (0, 0, 2)
    assert "saberes/sub/dois.md" in run.invoke(conhecimento.app, ["listar"]).stdout
    assert "Estacionar" in run.invoke(conhecimento.app, ["buscar", "tem estacionamento?"]).stdout
    assert (
        run.invoke(conhecimento.app, ["buscar", "xyz"]).stdout
        == "Nada encontrado. Veja o que existe com `agente conhecimento listar`.\n"
    )


def test_all_faults_of_a_folder_are_told_at_once_and_nothing_is_imported(
    run: CliRunner, pg_url: str, tmp_path: Path
) -> None:
    (tmp_path / "a.md").write_text(PECA)
    (tmp_path / "b.md").write_text("sem cabeçalho")
    (tmp_path / "c.md").write_bytes(b"\xff\xfe")
    done = run.invoke(conhecimento.app, ["importar", str(tmp_path)])
    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        "erro: b.md: falta o cabeçalho: comece com '---', 'tipo: …' e feche com '---'", "erro: c.md: não está em UTF-8"
    ]  # fmt: skip
    assert linhas(pg_url, "SELECT id FROM conhecimento") == []


@pytest.mark.parametrize("onde", ["nao-existe", "."])
def test_a_folder_without_files_is_refused(run: CliRunner, tmp_path: Path, onde: str) -> None:
    assert run.invoke(conhecimento.app, ["importar", str(tmp_path / onde)]).exit_code == 2


def test_what_is_remembered_is_shown_with_its_source_and_forgotten_on_request(run: CliRunner, banco: str) -> None:
    assert "Nada guardado" in run.invoke(memoria.app, ["ver", FONE]).stdout
    with psycopg.connect(banco) as connection:
        connection.execute(
            "INSERT INTO memoria (medico_id, tipo, assunto, texto, fonte) VALUES"
            " (1, 'preferencia', 'turno', 'prefere noite', 'conversa'),"
            " (1, 'restricao', 'regiao', 'só zona sul', 'conversa')"
        )
    seen = run.invoke(memoria.app, ["ver", "11 90001 0001"])
    assert "prefere noite" in seen.stdout
    assert "conversa" in seen.stdout
    assert run.invoke(memoria.app, ["esquecer", FONE, "--assunto", "turno"], input="n\n").exit_code == 1
    gone = run.invoke(memoria.app, ["esquecer", FONE, "--assunto", "turno", "--sim"])
    assert gone.stdout == "1 informação esquecida.\n"
    assert [row["texto"] for row in json.loads(run.invoke(memoria.app, ["ver", FONE, "--json"]).stdout)] == [
        "só zona sul"
    ]
    assert "esquecida" in run.invoke(memoria.app, ["ver", FONE, "--todas"]).stdout
    assert [row["texto"] for row in linhas(banco, "SELECT texto FROM memoria ORDER BY id")] == [None, "só zona sul"]


@pytest.mark.parametrize(("fone", "saida"), [("abc", 2), ("11 90001-9999", 1)])
def test_a_phone_that_is_none_or_nobodys_is_said_without_printing_it(
    run: CliRunner, banco: str, fone: str, saida: int
) -> None:
    done = run.invoke(memoria.app, ["ver", fone])
    assert done.exit_code == saida
    assert "90001-9999" not in done.stderr
