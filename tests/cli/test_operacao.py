"""The operator's commands on a real database, and a chat with Júlia through the running API and the sandbox."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

from api.app import create_app
from lib.cli.conversa_falar import numero_de
from lib.cli.programa import build
from lib.db import Database
from lib.domain.telefone import normalizar
from lib.sandbox.app import create_app as create_sandbox
from lib.sandbox.config import SandboxConfig
from lib.settings import Settings, variable
from tests.builders import gravar
from tests.conftest import WEBHOOK_SECRET
from tests.providers.caixa import serving
from tests.queries.fabrica import Pessoa, chega, chip_que_envia, consulta, ingerir, pessoas, resposta

pytestmark = pytest.mark.anyio
FORA = "http://127.0.0.1:9"


def ambiente(pg_url: str, **over: str) -> dict[str, str]:
    """The environment of a command, without a stack of this checkout."""
    values = {
        "ambiente": "teste", "database_url": pg_url, "evolution_url": FORA, "anthropic_url": FORA,
        "evolution_api_key": "sandbox-evolution-key", "evolution_webhook_secret": WEBHOOK_SECRET,
        "anthropic_api_key": "sandbox-anthropic-key",
    } | over  # fmt: skip
    return {variable(name): value for name, value in values.items()} | {"COLUMNS": "200"}


class Terminal:
    """Runs commands beside the test's loop."""

    def __init__(self, env: dict[str, str]) -> None:
        self.runner = CliRunner(env=env)

    async def __call__(self, *words: str, entra: str | None = None) -> Result:
        return await asyncio.to_thread(lambda: self.runner.invoke(build(), list(words), entra))

    async def json(self, *words: str) -> Any:
        done = await self(*words, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


@pytest.fixture
def agente(pg_url: str) -> Terminal:
    return Terminal(ambiente(pg_url))


async def a_conversation(db: Database) -> Pessoa:
    """A doctor who wrote, was answered, edited, deleted, and waits."""
    [chip] = await gravar(db, chip_que_envia(instancia="julia-01"))
    [pessoa] = await pessoas(db, 1, conversa={"chip_id": chip.id})
    await consulta(db, "UPDATE medico SET telefone = '+5511900010001', nome = 'Helena Prado'")
    pessoa.medico.telefone = "+5511900010001"
    ids = (pessoa.conversa_id, pessoa.medico_id)
    for n, (direcao, autor, texto, entrega, extra) in enumerate(
        [
            ("entrada", "medico", "Tem plantão?", None, "editada_em"),
            ("saida", "julia", "Tenho sim!", "lida", None),
            ("entrada", "medico", "", None, "apagada_em"),
            ("saida", "humano", "Aqui é a Ana, da equipe.", "entregue", None),
        ]
    ):
        column = f", {extra}" if extra else ""
        await consulta(
            db,
            f"INSERT INTO interacao (conversation_id, medico_id, direcao, autor, texto, entrega, em{column})"  # noqa: S608
            f" VALUES (%s, %s, %s, %s, %s, %s, now() - make_interval(mins => {10 - n}){', now()' if extra else ''})",
            *ids, direcao, autor, texto, entrega,
        )  # fmt: skip
    await ingerir(db, chega("julia-01", "+5511900010001", "M9", "alô?"))
    return pessoa


async def test_a_conversation_is_shown_with_who_wrote_what_and_how_far_it_got(agente: Terminal, db: Database) -> None:
    pessoa = await a_conversation(db)
    shown = await agente("conversa", "ver", "11 90001-0001")
    assert shown.exit_code == 0, shown.output
    for part in (
        "Helena Prado, +55 11 9****-0001", "médico: Tem plantão?  (editada)", "Júlia: Tenho sim!  (✓✓ lida)",
        "médico:   (apagada)", "pessoa: Aqui é a Ana, da equipe.  (✓✓)", "médico: alô?  (por ler)",
    ):  # fmt: skip
        assert part in shown.stdout, (part, shown.stdout)
    assert "900010001" not in shown.stdout
    read = await agente.json("conversa", "ver", "+5511900010001")
    assert [m["autor"] for m in read["mensagens"]] == ["medico", "julia", "medico", "humano"]
    assert read["telefone"] == "+55 11 9****-0001"
    missing = await agente("conversa", "ver", "11 90009-9999")
    assert (missing.exit_code, missing.stderr) == (1, "erro: nenhuma conversa com 11 90009-9999.\n")
    assert (await agente("conversa", "ver", "abc")).exit_code == 2
    # Lists show masked phones, so a conversation is found by the number that they show.
    by_id = await agente("conversa", "ver", f"c{pessoa.conversa_id}")
    assert by_id.stdout == shown.stdout
    assert (await agente("memoria", "ver", f"c{pessoa.conversa_id}")).stdout.startswith("Nada guardado de c")
    assert (await agente("memoria", "ver", "c999")).stderr == "erro: nenhum médico em c999.\n"


async def test_a_photo_with_a_caption_is_shown_as_one(agente: Terminal, db: Database) -> None:
    pessoa = await a_conversation(db)
    await consulta(db, "UPDATE interacao SET midia = 'imagem', texto = 'meu CRM' WHERE texto = 'Tem plantão?'")
    assert "médico: [imagem] meu CRM" in (await agente("conversa", "ver", f"c{pessoa.conversa_id}")).stdout


async def test_what_programs_read_holds_no_line_of_a_log(pg_url: str, db: Database) -> None:
    pessoa = await a_conversation(db)
    [sent] = await gravar(db, resposta(pessoa, state="dead", motivo="recusada"))
    run = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", "from lib.cli import main; main()", "mensagem", "reprocessar", f"s{sent.id}", "--json"],
        env=os.environ | ambiente(pg_url), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [one["feita"] for one in json.loads(run.stdout)] == [True]
    assert run.stderr == ""


@pytest.mark.parametrize("noun", ["aviso", "conhecimento", "conversa", "diretriz", "memoria", "mensagem"])
async def test_every_command_of_the_conversation_has_an_example(agente: Terminal, noun: str) -> None:
    group = get_command(build()).commands[noun]  # type: ignore[attr-defined]
    for name in group.commands:
        told = (await agente(noun, name, "--help")).stdout
        assert f"agente {noun} {name}" in told.split("Options:")[1], told


async def test_a_person_takes_and_returns_from_the_terminal(agente: Terminal, db: Database) -> None:
    pessoa = await a_conversation(db)
    taken = await agente("conversa", "assumir", "11 90001-0001", "--por", "ana")
    assert taken.stdout.startswith(f"Conversa {pessoa.conversa_id} com ana (transferência ")
    back = await agente("conversa", "devolver", f"c{pessoa.conversa_id}", "--por", "ana", "--notas", "tudo certo")
    assert "com a Júlia de novo" in back.stdout
    again = await agente("conversa", "devolver", f"c{pessoa.conversa_id}")
    assert (again.exit_code, again.stderr) == (1, "erro: a conversa já está com a Júlia, ou encerrada.\n")
    assert (await agente("conversa", "assumir", "c999")).exit_code == 1
    assert await consulta(db, "SELECT assumida_por, resolvida_por, notas FROM transferencia") == [
        {"assumida_por": "ana", "resolvida_por": "ana", "notas": "tudo certo"}
    ]


async def test_pausing_says_what_waits_and_going_on_ends_it(agente: Terminal, db: Database) -> None:
    pessoa = await a_conversation(db)
    await gravar(db, resposta(pessoa))
    paused = await agente("pausar", "--motivo", "número em revisão", "--por", "ana")
    assert paused.exit_code == 0
    assert "por ana: número em revisão. Na fila: 1; conversas por ler: 1." in paused.stdout
    assert (await agente("retomar")).stdout.startswith("Em operação. Na fila: 1")


async def test_notices_are_listed_and_seen(agente: Terminal, db: Database) -> None:
    assert (await agente("aviso", "listar")).stdout == "Nenhum aviso.\n"
    pessoa = await a_conversation(db)
    await consulta(db, "INSERT INTO aviso (chave, tipo, conversation_id, texto) VALUES ('a', 'interesse', %s, 'quer')",
                   pessoa.conversa_id)  # fmt: skip
    [row] = await agente.json("aviso", "listar")
    assert (row["tipo"], row["telefone"]) == ("interesse", "+55 11 9****-0001")
    assert "Helena Prado" in (await agente("aviso", "listar")).stdout
    assert (await agente("aviso", "visto", str(row["id"]), "--por", "ana")).exit_code == 0
    assert await agente.json("aviso", "listar") == []
    assert (
        await agente("aviso", "visto", "999")
    ).stderr == "erro: não há aviso 999. Veja `agente aviso listar --todos`.\n"


async def test_what_went_no_further_is_listed_and_reprocessed(agente: Terminal, db: Database) -> None:
    assert (await agente("mensagem", "mortas")).stdout == "Nada parado.\n"
    pessoa = await a_conversation(db)
    sent = await gravar(db, *(resposta(pessoa, state="dead", motivo=f"recusada {n}") for n in range(3)))
    listed = await agente("mensagem", "mortas", "--limite", "2")
    assert "envio_morto: veja o motivo e reprocesse" in listed.stdout
    assert "Há mais: agente mensagem mortas --depois-de '" in listed.stdout
    first = await agente.json("mensagem", "mortas", "--limite", "2")
    rest = await agente.json("mensagem", "mortas", "--depois-de", first["proxima"])
    assert len(first["itens"] + rest["itens"]) == 3
    dry = await agente("mensagem", "reprocessar", "--todas", "--seco")
    assert dry.stdout.endswith("3 envio_morto: nada foi mudado.\n")
    one = await agente("mensagem", "reprocessar", f"s{sent[0].id}")
    assert one.stdout == f"s{sent[0].id} (envio_morto): a mensagem voltou à fila.\n"
    done = await agente.json("mensagem", "reprocessar", "--todas", "--classe", "envio_morto")
    assert [entry["feita"] for entry in done] == [True, True]
    gone = await agente("mensagem", "reprocessar", f"s{sent[0].id}")
    assert (gone.exit_code, "não está na lista" in gone.stderr) == (1, True)
    for wrong in (["reprocessar"], ["reprocessar", "e1", "--todas"], ["reprocessar", "x"], ["ver", "z"]):
        assert (await agente("mensagem", *wrong)).exit_code == 2
    assert (await agente("mensagem", "mortas", "--depois-de", "ontem")).exit_code == 2
    assert (await agente("mensagem", "ver", "e999")).stderr == "erro: não há mensagem e999.\n"


async def test_without_a_stack_a_chat_says_so_and_how_to_get_one(agente: Terminal) -> None:
    said = await agente("conversa", "falar", entra="oi\n")
    assert said.exit_code == 1
    assert said.stderr.startswith("erro: o gateway não responde. Suba a pilha com `agente up`")


async def chat(agente: Terminal, linhas: Sequence[str], nome: str) -> Result:
    return await agente(
        "conversa", "falar", "--medico", nome, "--espera", "40", entra="".join(f"{linha}\n" for linha in linhas)
    )


async def test_a_chat_through_the_sandbox_is_answered_and_each_message_explains_itself(
    settings: Settings, db: Database, pg_url: str
) -> None:
    await gravar(db, chip_que_envia(instancia="julia-01"))
    async with serving(create_sandbox(SandboxConfig(pair_ms=10))) as gateway:
        urls = {"evolution_url": gateway, "anthropic_url": gateway}
        async with serving(create_app(settings.model_copy(update=urls))) as api:
            agente = Terminal(ambiente(pg_url, **urls, api_url=api))
            said = await chat(
                agente, ["Oi, tudo bem?", "/foto", "/nada", "você é um robô?", "/sair", "nunca"], "Rui Sá"
            )
            assert said.exit_code == 0, said.output
            told = said.stdout.splitlines()
            assert told[0].startswith("Você é Rui Sá (+55 11 9****-")
            assert "nunca" not in said.stdout.split("Você: ")[-1]
            answers = [line for line in told if line.startswith("Júlia: ")]
            assert len(answers) >= 2
            assert any("automatizada" in line or "assistente" in line for line in told)
            assert any(line.startswith("Não conheço /nada") for line in told)
            # The same name is the same doctor next time.
            number = normalizar(numero_de("Rui Sá"))
            assert number
            [medico] = await consulta(db, "SELECT nome, telefone FROM medico")
            assert medico == {"nome": "Rui Sá", "telefone": number}
            [first] = await consulta(db, "SELECT min(id) AS id FROM inbox WHERE tipo = 'mensagem'")
            shown = await agente("mensagem", "ver", str(first["id"]))
            assert shown.exit_code == 0, shown.output
            for part in (
                "desfecho",
                "respondida",
                "Para onde foi o tempo",
                "aceita pelo gateway",
                "era o único que podia",
            ):
                assert part in shown.stdout, (part, shown.stdout)
            read = await agente.json("mensagem", "ver", f"e{first['id']}")
            assert read["envios"][0]["estado"] == "sent"
            assert number not in shown.stdout + json.dumps(read)
