"""The commands on one chip, with the sandbox's Evolution, our API for its webhooks, and a person with a phone."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import Result

from api.app import create_app
from lib.cli.programa import build
from lib.db import Database, Row
from lib.domain.chip import Gateway, StatusChip, TipoChip
from lib.sandbox.app import create_app as create_sandbox
from lib.sandbox.config import SandboxConfig
from lib.settings import Settings
from tests.builders import gravar, um_chip
from tests.cli.test_operacao import Terminal, ambiente
from tests.providers.caixa import Sandbox, serving
from tests.queries.fabrica import consulta

pytestmark = pytest.mark.anyio

TELEFONE, JULIA = "11 90000-0101", "julia-01"
COMANDOS = ("criar", "qr", "estado", "reiniciar", "sair", "apagar", "pausar", "retomar", "aprovar", "rearmar")


@dataclass
class Palco:
    """A terminal, the sandbox and our API, each knowing the other's address."""

    agente: Terminal
    sandbox: Sandbox
    db: Database

    async def chip(self, instancia: str = JULIA) -> Row:
        [row] = await consulta(self.db, "SELECT * FROM chip WHERE instancia = %s", instancia)
        return row

    async def ate(self, verdade: Callable[[], Awaitable[object]]) -> None:
        async with asyncio.timeout(10):
            while not await verdade():  # noqa: ASYNC110 - what is waited for comes over a socket
                await asyncio.sleep(0.02)

    async def ate_status(self, status: str, instancia: str = JULIA) -> None:
        async def there() -> bool:
            return bool((await self.chip(instancia))["status"] == status)

        await self.ate(there)

    async def mostrado(self, instancia: str = JULIA) -> dict[str, Any]:
        """Wait for a code to be shown at the gateway."""
        found: list[dict[str, Any]] = []

        async def shown() -> bool:
            found[:] = [await self.sandbox.control("GET", f"/instancias/{instancia}/qr")]
            return bool(found[0]["codigo"])

        await self.ate(shown)
        return found[0]

    async def enquanto(self, *words: str, faz: Callable[[], Awaitable[object]]) -> Result:
        """Run a command, and do something once it is under way."""
        running = asyncio.create_task(self.agente(*words))
        await faz()
        return await running

    async def ligado(self, instancia: str = JULIA, **over: Any) -> None:
        """A chip at work whose session is open and reports to us."""
        await gravar(self.db, um_chip(instancia=instancia, telefone="+5511900000101", conectado=False, **over))
        assert (await self.agente("chip", "criar", instancia)).exit_code == 0
        await self.sandbox.control("PUT", f"/instancias/{instancia}", {"estado": "open"})

        async def open_() -> bool:
            return bool((await self.chip(instancia))["conectado"])

        await self.ate(open_)


@pytest.fixture
async def palco(settings: Settings, pg_url: str, db: Database) -> AsyncIterator[Palco]:
    async with serving(create_sandbox(SandboxConfig(pair_ms=-1, qr_ms=20, retry_s=0.05))) as sandbox_url:
        given = settings.model_copy(update={"evolution_url": sandbox_url})
        async with serving(create_app(given)) as api_url:
            env = ambiente(pg_url, evolution_url=sandbox_url, api_url=api_url)
            yield Palco(Terminal(env), Sandbox(sandbox_url), db)


async def atos(db: Database) -> list[tuple[str, str]]:
    return [(row["acao"], row["resultado"]) for row in await consulta(db, "SELECT * FROM auditoria ORDER BY id")]


async def test_a_new_number_is_entered_paired_by_picture_and_begins_to_warm_up(palco: Palco, tmp_path: Path) -> None:
    made = await palco.agente("chip", "criar", "--telefone", TELEFONE, "--por", "rita")
    assert made.stdout == ("julia-01: cadastrado; instância criada. Agora pareie: agente chip qr julia-01\n"), (
        made.output
    )
    assert (await palco.chip())["status"] == "provisioned"
    again = await palco.agente("chip", "criar", JULIA)
    assert again.stdout.startswith("julia-01: já estava cadastrado; instância já existia, webhook em dia.")
    picture = tmp_path / "qr.png"

    async def scan() -> None:
        shown = await palco.mostrado()
        await palco.ate(lambda: asyncio.to_thread(picture.exists))
        await palco.sandbox.control("POST", f"/instancias/{JULIA}/leitura", {"codigo": shown["codigo"]})

    done = await palco.enquanto("chip", "qr", JULIA, "--imagem", str(picture), "--por", "rita", faz=scan)
    assert done.exit_code == 0, done.output
    assert "█" in done.stdout
    assert "Código 1. No celular: WhatsApp, Aparelhos conectados" in done.stdout
    assert done.stdout.endswith("julia-01: conectado.\n")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert stat.S_IMODE(picture.stat().st_mode) == 0o600
    row = await palco.chip()
    assert (row["status"], row["conectado"], row["aquecimento_desde"] is not None) == ("warming", True, True)
    assert await atos(palco.db) == [
        ("chip.criar", "feito"),
        ("chip.criar", "feito"),
        ("chip.parear", "começou"),
        ("chip.parear", "conectado"),
    ]
    already = await palco.agente("chip", "qr", JULIA)
    assert (already.exit_code, already.stdout) == (0, "julia-01: já estava conectado.\n")


async def test_a_number_is_paired_by_a_code_to_type_even_after_a_picture_was_asked_for(palco: Palco) -> None:
    await palco.agente("chip", "criar", JULIA, "--telefone", TELEFONE)
    assert (await palco.agente("chip", "qr", JULIA, "--espera", "5")).exit_code == 1

    async def type_in() -> None:
        async def shown() -> bool:
            code = (await palco.sandbox.control("GET", f"/instancias/{JULIA}/qr"))["pareamento"]
            return bool(code) and bool(
                await palco.sandbox.control("POST", f"/instancias/{JULIA}/leitura", {"codigo": code})
            )

        await palco.ate(shown)

    done = await palco.enquanto("chip", "qr", JULIA, "--codigo", "--json", faz=type_in)
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["fim"], said["outro_numero"]) == ("conectado", None)


async def test_a_working_session_that_reconnects_is_not_ended_for_a_code_to_type(palco: Palco) -> None:
    await palco.ligado()
    await palco.sandbox.control("POST", f"/instancias/{JULIA}/queda", {"ms": 60_000})
    refused = await palco.agente("chip", "qr", JULIA, "--codigo")
    assert refused.exit_code == 1
    assert "está reconectando sozinho" in refused.stderr
    assert (await palco.chip())["status"] == "active"


async def test_codes_are_renewed_and_the_gateways_limit_is_told(palco: Palco) -> None:
    await palco.agente("chip", "criar", JULIA, "--telefone", TELEFONE)
    await palco.sandbox.control("PUT", "/evolution", {"qr_troca_ms": 1_500, "qr_limite": 2})
    done = await palco.agente("chip", "qr", JULIA)
    assert done.exit_code == 1
    assert "Código 2. No celular" in done.stdout
    assert done.stderr.startswith("erro: 2 códigos foram mostrados e ninguém leu nenhum; o gateway parou")
    assert (await palco.chip())["status"] == "provisioned"


async def test_who_scans_with_another_phone_is_told_so(palco: Palco) -> None:
    await palco.agente("chip", "criar", JULIA, "--telefone", TELEFONE)

    async def scan() -> None:
        await palco.mostrado()
        await palco.sandbox.control("POST", f"/instancias/{JULIA}/leitura", {"numero": "5511900000999"})

    done = await palco.enquanto("chip", "qr", JULIA, faz=scan)
    assert done.exit_code == 0
    assert "o celular que leu é de outro número (+55 11 9****-0999)" in done.stderr


async def test_a_gateway_without_codes_is_told_apart_from_nobody_scanning(palco: Palco) -> None:
    await palco.agente("chip", "criar", JULIA, "--telefone", TELEFONE)
    await palco.sandbox.control("PUT", "/evolution", {"qr_ms": -1})
    none = await palco.agente("chip", "qr", JULIA, "--espera", "5")
    assert (none.exit_code, "nenhum código em 5 segundos" in none.stderr) == (1, True)


async def test_ending_a_session_pauses_the_chip_first_so_that_it_is_no_ban(palco: Palco) -> None:
    await palco.ligado()
    out = await palco.agente("chip", "sair", JULIA, "--motivo", "celular trocado", "--por", "rita")
    assert out.stdout == "julia-01: sessão encerrada; pausado antes.\n", out.output

    async def told() -> bool:
        return bool((await palco.chip())["queda_codigo"])

    await palco.ate(told)
    row = await palco.chip()
    assert (row["status"], row["conectado"], row["queda_codigo"]) == ("paused", False, 401)
    assert (row["status_motivo"], row["status_ator"]) == ("celular trocado", "pessoa:rita")
    assert await consulta(palco.db, "SELECT 1 FROM aviso") == []
    repeated = await palco.agente("chip", "sair", JULIA)
    assert repeated.stdout == "julia-01: não havia sessão.\n"
    back = await palco.agente("chip", "retomar", JULIA, "--por", "rita")
    assert back.stdout == "julia-01: pausado → em produção.\n"
    assert ("chip.sair", "feito") in await atos(palco.db)


async def test_a_session_that_the_phone_ends_is_a_ban_and_only_a_person_arms_the_number_again(palco: Palco) -> None:
    await palco.ligado(trust_score=90, pode_prospectar=True, limite_dia=100)
    await palco.sandbox.control("PUT", f"/instancias/{JULIA}/banimento", {"motivo": 403})
    await palco.ate_status("banned")
    for words in (("qr",), ("criar",)):
        refused = await palco.agente("chip", *words, JULIA)
        assert refused.exit_code == 1
        assert "foi banido; para começar de novo com ele: agente chip rearmar" in refused.stderr
    assert (await palco.agente("chip", "retomar", JULIA)).stderr == (
        "erro: o chip julia-01 está banido; veja `agente chip rearmar julia-01`.\n"
    )
    armed = await palco.agente("chip", "rearmar", JULIA, "--motivo", "recurso aceito", "--por", "rita")
    assert armed.stdout == "julia-01: banido → sem sessão. Agora pareie: agente chip qr julia-01\n"
    row = await palco.chip()
    assert (row["fase"], row["aquecimento_desde"], row["queda_codigo"]) == ("repouso", None, None)
    assert (row["trust_score"], row["pode_prospectar"], row["limite_dia"], row["status_anterior"]) == (
        0,
        False,
        0,
        None,
    )
    await palco.sandbox.control("DELETE", f"/instancias/{JULIA}/banimento")

    async def scan() -> None:
        await palco.mostrado()
        await palco.sandbox.control("POST", f"/instancias/{JULIA}/leitura", {})

    assert (await palco.enquanto("chip", "qr", JULIA, faz=scan)).exit_code == 0
    await palco.ate_status("warming")
    assert (await palco.agente("chip", "rearmar", JULIA, "--motivo", "engano")).exit_code == 1


async def test_a_short_drop_leaves_the_status_and_the_connection_comes_back(palco: Palco) -> None:
    await palco.ligado()
    await palco.sandbox.control("POST", f"/instancias/{JULIA}/queda", {"ms": 300})

    async def back() -> bool:
        [seen] = [one for one in await palco.sandbox.control("GET", "/instancias") if one["nome"] == JULIA]
        return bool(seen["estado"] == "open")

    await palco.ate(back)
    assert (await palco.chip())["status"] == "active"
    again = await palco.agente("chip", "reiniciar", JULIA)
    assert again.stdout == "julia-01: sessão reaberta.\n", again.output
    await palco.agente("chip", "sair", JULIA)
    closed = await palco.agente("chip", "reiniciar", JULIA)
    assert (closed.exit_code, "só um código a reabre (agente chip qr julia-01)" in closed.stderr) == (1, True)


async def test_deleting_wants_a_yes_waits_for_the_end_of_the_session_and_leaves_no_zombie(palco: Palco) -> None:
    await palco.ligado()
    unsure = await palco.agente("chip", "apagar", JULIA)
    assert (unsure.exit_code, "Confirme com --sim" in unsure.stderr) == (2, True)
    assert (await palco.chip())["status"] == "active"
    await palco.sandbox.control("POST", f"/instancias/{JULIA}/queda", {"ms": 60_000})  # it is connecting now
    gone = await palco.agente("chip", "apagar", JULIA, "--sim", "--por", "rita")
    assert gone.stdout == "julia-01: instância apagada, chip cancelado.\n", gone.output
    assert (await palco.sandbox.control("GET", "/evolution"))["zumbis"] == []
    assert (await palco.chip())["status"] == "cancelled"
    assert [
        (row["de"], row["para"]) for row in await consulta(palco.db, "SELECT * FROM chip_transicao ORDER BY id")
    ] == [
        ("active", "paused"),
        ("paused", "cancelled"),
    ]
    assert (await palco.agente("chip", "apagar", JULIA, "--sim")).stdout == "julia-01: já estava cancelado.\n"
    anew = await palco.agente("chip", "criar", JULIA)
    assert anew.stdout.startswith("julia-01: cadastrado; instância criada."), anew.output
    assert (await palco.chip())["status"] == "provisioned"


async def test_a_session_that_does_not_end_keeps_its_instance_and_the_chip_stays_paused(palco: Palco) -> None:
    await palco.ligado()
    await palco.sandbox.control("PUT", "/falhas", {"alvo": "evolution.logout", "status": 500, "vezes": 1})
    failed = await palco.agente("chip", "apagar", JULIA, "--sim")
    assert failed.exit_code == 1
    assert failed.stderr.startswith("erro: o gateway não fez o que foi pedido: ")
    assert (await palco.chip())["status"] == "paused"
    assert (await palco.agente("chip", "apagar", JULIA, "--sim")).exit_code == 0


async def test_an_adopted_listener_is_approved_and_reports_to_us(palco: Palco) -> None:
    await palco.sandbox.open_instance("grupos")
    waiting = um_chip(
        instancia="grupos", status=StatusChip.PENDING, tipo=TipoChip.LISTENER, telefone="+5511900000100", conectado=True
    )
    await gravar(palco.db, waiting)
    done = await palco.agente("chip", "aprovar", "grupos", "--por", "rita")
    assert done.stdout == "grupos: espera aprovação → em produção.\n", done.output
    row = await palco.chip("grupos")
    assert (row["tipo"], row["status"]) == ("listener", "active")
    again = await palco.agente("chip", "aprovar", "grupos")
    assert again.stdout == "grupos: já estava em produção; nada mudou.\n"
    await palco.sandbox.control("PUT", "/instancias/grupos/banimento", {"motivo": 403})
    await palco.ate_status("banned", "grupos")


async def test_what_was_adopted_may_be_approved_as_julias_and_warms_up(palco: Palco) -> None:
    await palco.sandbox.open_instance("grupos")
    [chip] = await gravar(
        palco.db, um_chip(instancia="grupos", status=StatusChip.PENDING, tipo=TipoChip.LISTENER, conectado=True)
    )
    done = await palco.agente("chip", "aprovar", str(chip.id), "--como", "julia", "--json")
    assert json.loads(done.stdout) == {"instancia": "grupos", "de": "pending", "para": "warming", "mudou": True}
    row = await palco.chip("grupos")
    assert (row["tipo"], row["aquecimento_desde"] is not None) == ("julia", True)


async def test_a_gateway_that_cannot_be_told_where_to_report_leaves_the_chip_waiting(palco: Palco) -> None:
    await gravar(palco.db, um_chip(instancia="grupos", status=StatusChip.PENDING, tipo=TipoChip.LISTENER))
    await palco.sandbox.control("PUT", "/falhas", {"alvo": "evolution.create", "status": 500, "vezes": 1})
    assert (await palco.agente("chip", "aprovar", "grupos")).exit_code == 1
    assert (await palco.chip("grupos"))["status"] == "pending"


@pytest.mark.parametrize("status", [StatusChip.WARMING, StatusChip.READY, StatusChip.ACTIVE, StatusChip.DEGRADED])
async def test_a_pause_is_ended_where_it_began(palco: Palco, status: StatusChip) -> None:
    await gravar(palco.db, um_chip(instancia=JULIA, status=status))
    missing = await palco.agente("chip", "pausar", JULIA)
    assert missing.exit_code == 2  # a pause wants a reason
    paused = await palco.agente("chip", "pausar", JULIA, "--motivo", "manutenção", "--por", "rita", "--json")
    assert json.loads(paused.stdout) == {"instancia": JULIA, "de": status, "para": "paused", "mudou": True}
    assert (await palco.agente("chip", "pausar", JULIA, "--motivo", "x")).stdout.endswith("nada mudou.\n")
    assert (await palco.agente("chip", "retomar", JULIA)).exit_code == 0
    assert (await palco.chip())["status"] == status
    assert await atos(palco.db) == [("chip.pausar", "feito"), ("chip.retomar", "feito")]


async def test_a_pause_of_a_restricted_number_does_not_end_the_restriction(palco: Palco) -> None:
    await gravar(palco.db, um_chip(instancia=JULIA, status=StatusChip.WARMING))
    await consulta(
        palco.db,
        "UPDATE chip SET status = 'restricted', status_motivo = '463', status_ator = 'gateway:evolution',"
        " reply_only_until = now() + interval '9 hours', rampup_parte = 25",
    )
    await palco.agente("chip", "pausar", JULIA, "--motivo", "x")
    await palco.agente("chip", "retomar", JULIA)
    row = await palco.chip()
    assert (row["status"], row["reply_only_until"] is not None, row["rampup_parte"]) == ("warming", True, 25)


async def test_what_cannot_be_entered_is_said_with_what_to_do(palco: Palco) -> None:
    await gravar(palco.db, um_chip(instancia=JULIA, telefone="+5511900000101"))
    await palco.sandbox.open_instance("alheia")
    for words, said in {
        ("nova",): "é novo: diga o número dele com --telefone",
        ("nova", "--telefone", "123"): "não é um número do Brasil",
        ("nova", "--telefone", TELEFONE): "já é do chip julia-01",
        (JULIA, "--telefone", "11 90000-0102"): "já é do chip julia-01",
        ("alheia", "--telefone", "11 90000-0102"): "a Evolution já tem uma instância alheia que ninguém cadastrou",
        ("--telefone", "11 90000-0102", "--gateway", "zapi"): "o id que o fornecedor deu",
        ("2001", "--telefone", "11 90000-0102", "--gateway", "meta"): "precisa da conta",
    }.items():
        refused = await palco.agente("chip", "criar", *words)
        assert (refused.exit_code, said in refused.stderr) == (1, True), (words, refused.output)
    assert len(await consulta(palco.db, "SELECT 1 FROM chip")) == 1


async def test_a_gateway_that_failed_half_way_is_asked_again_with_the_same_words(palco: Palco) -> None:
    await palco.sandbox.control("PUT", "/falhas", {"alvo": "evolution.create", "status": 500, "vezes": 1})
    assert (await palco.agente("chip", "criar", JULIA, "--telefone", TELEFONE)).exit_code == 1
    again = await palco.agente("chip", "criar", JULIA, "--telefone", TELEFONE)
    assert again.stdout.startswith("julia-01: já estava cadastrado; instância criada.")
    assert len(await consulta(palco.db, "SELECT 1 FROM chip")) == 1


async def test_metas_numbers_have_no_code_and_unknown_chips_are_said_so(palco: Palco) -> None:
    await gravar(palco.db, um_chip(instancia="2001", gateway=Gateway.META, conta="1"))
    for verb in ("qr", "reiniciar", "sair"):
        refused = await palco.agente("chip", verb, "2001")
        assert (refused.exit_code, "é da Meta: ali não há QR code" in refused.stderr) == (1, True)
        unknown = await palco.agente("chip", verb, "ninguem")
        assert (unknown.exit_code, unknown.stderr) == (1, "erro: não há chip ninguem; veja `agente chip estado`.\n")
    gone = await palco.agente("chip", "apagar", "2001", "--sim")
    assert "O número continua na conta da Meta" in gone.stdout


async def test_outside_production_only_the_sandbox_is_touched(pg_url: str, db: Database) -> None:
    bare = Terminal(ambiente(pg_url))
    await gravar(db, um_chip(instancia=JULIA))
    for words in (("qr",), ("sair",), ("reiniciar",), ("criar",), ("apagar", "--sim")):
        refused = await bare("chip", words[0], JULIA, *words[1:])
        assert (refused.exit_code, "não é o sandbox; confirme com --gateway-real" in refused.stderr) == (1, True)
    assert await consulta(db, "SELECT status FROM chip") == [{"status": "active"}]


async def test_the_pool_is_shown_with_what_holds_each_number(pg_url: str, db: Database) -> None:
    agente = Terminal(ambiente(pg_url))
    assert "Nenhum chip. Cadastre um" in (await agente("chip", "estado")).stdout
    limits = {"limite_hora": 20, "limite_dia": 81, "trust_score": 71}
    [chip, _, _] = await gravar(
        db,
        um_chip(instancia=JULIA, telefone="+5511900000101", rampup_parte=25, qualidade="RED", **limits),
        um_chip(instancia="escuta-01", tipo=TipoChip.LISTENER, conectado=False, queda_codigo=428),
        um_chip(instancia="velho", status=StatusChip.CANCELLED),
    )
    await consulta(
        db,
        "UPDATE chip SET reply_only_until = now() + interval '3 hours', cooldown_ate = now() + interval '1 hour',"
        " cooldown_motivo = 'a Meta recusou o número' WHERE id = %s",
        chip.id,
    )
    await consulta(
        db,
        "INSERT INTO disjuntor (chip_id, gateway, aberto_ate, em)"
        " VALUES (%s, 'evolution', now() + interval '5 minutes', now())",
        chip.id,
    )
    shown = (await agente("chip", "estado")).stdout
    for part in ("em produção", "escuta-01", "(listener)", "0/5", "0/20", "25 % dos limites", "qualidade RED", "(428)"):
        assert part in shown, (part, shown)
    assert "velho" not in shown
    assert "velho" in (await agente("chip", "estado", "--todos")).stdout
    listed = await agente.json("chip", "estado")
    assert {row["instancia"]: (row["telefone"], row["limite_hora"]) for row in listed}[JULIA] == (
        "+55 11 9****-0101",
        5,
    )
    await agente("chip", "pausar", JULIA, "--motivo", "manutenção", "--por", "rita")
    one = (await agente("chip", "estado", JULIA)).stdout
    assert "em produção → pausado: manutenção (pessoa:rita)" in one
    detail = await agente.json("chip", "estado", str(chip.id))
    assert [change["para"] for change in detail["historico"]] == ["paused"]
    assert detail["disjuntor_ate"]
    missing = await agente("chip", "estado", "ninguem")
    assert (missing.exit_code, missing.stderr) == (1, "erro: não há chip ninguem; veja `agente chip estado`.\n")


@pytest.mark.parametrize("nome", COMANDOS)
async def test_every_command_of_a_chip_has_an_example(pg_url: str, nome: str) -> None:
    assert nome in get_command(build()).commands["chip"].commands  # type: ignore[attr-defined]
    told = (await Terminal(ambiente(pg_url))("chip", nome, "--help")).stdout
    assert f"agente chip {nome}" in told.split("Options:")[1], told
