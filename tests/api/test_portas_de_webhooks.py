"""All doors of the real application in one table: who is let in, what is kept, and what everybody else is told."""

from __future__ import annotations

import asyncio
import io
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import text
from starlette.routing import Route

from api.app import DIRETAS, WEBHOOKS, create_app
from lib import log
from lib.db import Database, Step
from lib.domain.chip import Gateway
from lib.settings import Settings
from tests.api.portas import (
    AGORA,
    COM_CORPO,
    EVOLUTION,
    META,
    PORTAS,
    ZAPI,
    Batida,
    Porta,
    ajustes,
    provas,
    segredos,
)
from tests.api.viva import Api
from tests.builders import gravar, um_chip
from tests.providers.caixa import serving

pytestmark = pytest.mark.anyio

NADA: Mapping[str, int] = {"inbox": 0, "webhook": 0, "delivery_event": 0}
FUNDO = b'{"a":' * 65 + b"1" + b"}" * 65
ESTRANHO = b"\x00\xff nem JSON"
# Slack looks at the certificate with a GET that carries no signature; it is told nothing, and nothing is kept.
SEM_PROVA = {("/webhooks/slack", "GET")}


@pytest.fixture
def abertas(settings: Settings) -> Settings:
    return Settings.model_validate({**settings.model_dump(), **ajustes()})


@asynccontextmanager
async def living(settings: Settings) -> AsyncIterator[Api]:
    """The application at the table's instant."""
    app = create_app(settings)
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=30) as client:
        app.state.resources = replace(app.state.resources, clock=lambda: AGORA)
        yield Api(app, client)


@pytest.fixture
async def api(abertas: Settings, db: Database) -> AsyncIterator[Api]:
    chips = (
        um_chip(instancia=EVOLUTION),
        um_chip(instancia=ZAPI, gateway=Gateway.ZAPI),
        um_chip(instancia=META, gateway=Gateway.META, conta="100000000000001"),
    )
    await gravar(db, *chips)
    async with living(abertas) as running:
        yield running


async def knock(api: Api, batida: Batida, **extra: str) -> httpx.Response:
    headers = batida.headers | {name.replace("_", "-"): value for name, value in extra.items()}
    return await api.client.request(batida.method, batida.path, headers=headers, content=batida.body)


async def knock_all(api: Api, batidas: Mapping[str, Batida], **extra: str) -> dict[str, int]:
    """Return what each door answered, after a look that a refusal is a problem that tells nothing of the inside."""
    answers: dict[str, int] = {}
    for nome, batida in batidas.items():
        answer = await knock(api, batida, **extra)
        answers[nome] = answer.status_code
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", nome
            assert set(answer.json()) == {"type", "title", "status", "request_id"}, nome
    return answers


async def kept(db: Database) -> dict[str, int]:
    return {table: await count(db, table) for table in NADA}


async def count(db: Database, table: str) -> int:
    [[row]] = await db.round_trip(Step(text(f"SELECT count(*) AS n FROM {table}")))  # noqa: S608 - our own names
    return int(row["n"])


def all_answer(portas: tuple[Porta, ...], status: int) -> dict[str, int]:
    return {porta.nome: status for porta in portas}


async def test_no_route_is_without_a_row_in_this_table(api: Api) -> None:
    declared = {(path, "POST") for path in DIRETAS}
    declared |= {(path, method) for path, (_, methods) in WEBHOOKS.items() for method in methods}
    listed = {(porta.rota, porta.method) for porta in PORTAS} | SEM_PROVA
    assert declared <= listed
    assert {path for path, _ in declared} == {porta.rota for porta in PORTAS}
    served = {route.path for route in api.app.routes if isinstance(route, Route) and "webhook" in route.path}
    assert served == {porta.rota for porta in PORTAS}


async def test_without_a_proof_nobody_comes_in(api: Api, db: Database) -> None:
    assert await knock_all(api, {porta.nome: porta.nua() for porta in PORTAS}) == all_answer(PORTAS, 401)
    assert (await kept(db), api.app.state.recusados) == (NADA, len(PORTAS))


async def test_a_key_that_is_none_of_ours_is_401(api: Api, db: Database) -> None:
    wrong = {porta.nome: porta.bate(segredo=2) for porta in PORTAS}
    assert await knock_all(api, wrong) == all_answer(PORTAS, 401)
    assert await kept(db) == NADA


async def test_a_key_that_is_another_instances_or_vendors_is_401(api: Api, db: Database) -> None:
    assert await knock_all(api, {porta.nome: porta.alheia() for porta in PORTAS}) == all_answer(PORTAS, 401)
    assert await kept(db) == NADA


async def test_each_part_of_a_proof_is_needed_and_none_may_be_changed(api: Api, db: Database) -> None:
    spoiled: dict[str, Batida] = {}
    for porta in COM_CORPO:
        good = porta.bate()
        for name in [name for name in good.headers if name != "content-type"]:
            rest = {key: value for key, value in good.headers.items() if key != name}
            spoiled[f"{porta.nome} without {name}"] = replace(good, headers=rest)
            if name != "x-chatwoot-delivery":  # names the delivery, and is no part of what is signed
                longer = rest | {name: f"{good.headers[name]}0"}
                spoiled[f"{porta.nome} with another {name}"] = replace(good, headers=longer)
    assert len(spoiled) > 30
    assert await knock_all(api, spoiled) == dict.fromkeys(spoiled, 401)
    assert await kept(db) == NADA


async def test_both_secrets_of_a_rotation_open_and_the_second_time_nothing_is_added(api: Api, db: Database) -> None:
    for segredo in (0, 1):
        batidas = {porta.nome: porta.bate(segredo=segredo) for porta in PORTAS}
        assert await knock_all(api, batidas) == {porta.nome: porta.aceito for porta in PORTAS}
        expected = Counter(porta.guarda for porta in PORTAS if porta.guarda)
        assert await kept(db) == {**NADA, **expected}


@pytest.mark.parametrize("seconds", [-301, 301, -300, 300, -299, 299])
async def test_a_replay_is_refused_when_it_is_older_than_five_minutes(api: Api, db: Database, seconds: int) -> None:
    timed = tuple(porta for porta in PORTAS if porta.janela)
    assert {porta.fornecedor for porta in timed} == {"chatwoot", "slack", "salvy"}
    when = AGORA + timedelta(seconds=seconds)
    answers = await knock_all(api, {porta.nome: porta.bate(em=when) for porta in timed})
    if abs(seconds) > 300:
        assert (answers, await kept(db)) == (all_answer(timed, 401), NADA)
    else:
        assert answers == {porta.nome: porta.aceito for porta in timed}


async def test_the_same_body_a_hundred_times_at_once_is_one_row(api: Api, db: Database) -> None:
    for porta in PORTAS:
        before = await kept(db)
        answers = await asyncio.gather(*(knock(api, porta.bate()) for _ in range(100)))
        statuses = {answer.status_code for answer in answers}
        assert porta.aceito in statuses, porta.nome
        assert statuses <= {porta.aceito, 503}, porta.nome  # asked to come again is right too
        added = {table: count - before[table] for table, count in (await kept(db)).items()}
        assert added == {**NADA, **({porta.guarda: 1} if porta.guarda else {})}, porta.nome


async def test_the_same_meaning_in_other_bytes_is_not_what_was_signed(api: Api, db: Database) -> None:
    signed = tuple(porta for porta in PORTAS if porta.assinada)
    anew = {porta.nome: replace(porta.bate(), body=porta.refeito) for porta in signed}
    assert all(porta.refeito and porta.refeito != porta.corpo for porta in signed)
    assert await knock_all(api, anew) == all_answer(signed, 401)
    assert await kept(db) == NADA


async def test_a_compressed_body_is_415_and_one_that_nests_too_deep_413(api: Api, db: Database) -> None:
    packed = {porta.nome: porta.bate() for porta in COM_CORPO}
    assert await knock_all(api, packed, content_encoding="gzip") == all_answer(COM_CORPO, 415)
    assert await kept(db) == NADA
    shut = tuple(porta for porta in COM_CORPO if porta.fundo == 413)
    assert {porta.nome for porta in COM_CORPO} - {porta.nome for porta in shut} == {"evolution"}
    assert await knock_all(api, {porta.nome: porta.bate(FUNDO) for porta in shut}) == all_answer(shut, 413)
    assert await kept(db) == NADA


async def test_authentic_bytes_that_say_nothing_are_accepted_and_kept_where_somebody_looks(
    api: Api, db: Database
) -> None:
    batidas = {porta.nome: porta.bate(ESTRANHO) for porta in COM_CORPO}
    assert await knock_all(api, batidas) == {porta.nome: porta.aceito for porta in COM_CORPO}
    # Slack's is what other people say in channels: what is not for us is not kept.
    expected = Counter(porta.estranho for porta in COM_CORPO if porta.estranho)
    assert await kept(db) == {**NADA, **expected}


async def test_without_a_database_nothing_that_has_to_be_kept_is_accepted(abertas: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    away = {**abertas.model_dump(), "database_url": f"postgresql://x:y@127.0.0.1:{port}/z", "drenagem_s": 0}
    async with living(Settings.model_validate(away)) as api:
        needs = {porta.nome: 503 if porta.guarda else 200 for porta in PORTAS}
        assert await knock_all(api, {porta.nome: porta.bate() for porta in PORTAS}) == needs
        again = [(await knock(api, porta.bate())).headers.get("retry-after") for porta in PORTAS if porta.guarda]
        assert all(int(after or 0) > 0 for after in again)
        assert await knock_all(api, {porta.nome: porta.nua() for porta in PORTAS}) == all_answer(PORTAS, 401)


async def test_a_vendor_that_is_not_set_up_lets_nobody_in(settings: Settings, db: Database) -> None:
    async with living(settings) as api:
        others = tuple(porta for porta in PORTAS if porta.nome != "evolution")
        for segredo in range(3):
            knocks = {porta.nome: porta.bate(segredo=segredo) for porta in others}
            assert await knock_all(api, knocks) == all_answer(others, 401)
    assert await kept(db) == NADA


async def test_no_key_token_or_signature_is_in_a_log_or_an_answer(api: Api, abertas: Settings) -> None:
    out, said, secret = io.StringIO(), list[str](), [*segredos(), "senha-do-banco"]
    away = Settings.model_validate(
        {**abertas.model_dump(), "database_url": "postgresql://x:senha-do-banco@127.0.0.1:9/z", "drenagem_s": 0}
    )
    log.configure(json=True, stream=out)
    try:
        async with living(away) as without_db:
            for porta in PORTAS:
                knocks = [porta.bate(segredo=n) for n in range(3)] + [porta.nua(), porta.alheia()]
                if porta in COM_CORPO:
                    knocks += [porta.bate(ESTRANHO), porta.bate(FUNDO), porta.bate(b"x" * 4_000_000)]
                for batida in knocks:
                    secret += provas(batida)
                    for where in (api, without_db):
                        answer = await knock(where, batida)
                        said.append(f"{answer.headers}{answer.text}")
    finally:
        log.configure(json=True)  # closes what was open, so that all is written
    lines = out.getvalue()
    assert lines.count("webhook refused") > len(PORTAS)
    assert lines.count("request refused") > len(PORTAS) / 2
    shown = "".join([lines, *said])
    assert [one for one in secret if one in shown] == []


@pytest.mark.parametrize("porta", COM_CORPO, ids=lambda porta: porta.nome)
async def test_the_log_lines_of_a_refusal_say_who_and_why(api: Api, porta: Porta) -> None:
    out = io.StringIO()
    log.configure(json=True, stream=out)
    try:
        await knock(api, porta.nua())
    finally:
        log.configure(json=True)
    [line] = [line for raw in out.getvalue().splitlines() if (line := json.loads(raw))["event"] == "webhook refused"]
    assert (line["fornecedor"], line["level"], line["total"]) == (porta.rota.split("/")[2], "warning", 1)
    assert line["motivo"]


async def test_a_body_of_a_byte_a_second_is_given_up_with_408(api: Api, db: Database) -> None:
    place = urlsplit(str(api.client.base_url))

    async def drip(porta: Porta) -> bytes:
        batida = porta.bate()
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        named = {**batida.headers, "host": "localhost", "content-length": str(len(batida.body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
        writer.write(f"POST {batida.path} HTTP/1.1\r\n{head}\r\n".encode())
        answer = asyncio.create_task(reader.read(4096))
        for byte in batida.body:
            writer.write(bytes([byte]))
            done, _ = await asyncio.wait({answer}, timeout=1)
            if done:
                break
        writer.close()
        return await answer

    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(drip(porta) for porta in COM_CORPO))
    got = {porta.nome: answer[:13] for porta, answer in zip(COM_CORPO, answers, strict=True)}
    assert got == {porta.nome: b"HTTP/1.1 408 " for porta in COM_CORPO}
    assert await kept(db) == NADA


async def test_who_is_refused_before_the_body_came_cannot_keep_the_connection(api: Api) -> None:
    place = urlsplit(str(api.client.base_url))

    async def drip(path: str) -> tuple[int, bool]:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000\r\n\r\nx".encode())
        async with asyncio.timeout(15):
            answer = await reader.read()  # to its end: the connection is closed
        writer.close()
        return int(answer.split()[1]), answer.lower().count(b"connection: close") == 1

    early = [
        porta.nua().path for porta in COM_CORPO if porta.fornecedor != "salvy"
    ]  # its headers are read after the body
    answers = await asyncio.gather(*(drip(path) for path in [*early, "/nada"]))
    assert answers == [(401, True)] * len(early) + [(404, True)]
