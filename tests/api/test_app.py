"""The application as a whole: who gets in, and how errors look."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from sqlalchemy import text

from api.app import ABERTAS, DOCUMENTACAO, create_app, newest_revisions, refuse_undeclared
from api.deps import rotas
from lib.auth import Papel, new_token, token_hash
from lib.db import Database, Step
from lib.queries import token
from lib.settings import Settings
from tests.api.viva import Api
from tests.providers.caixa import serving

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]


class Corpo(BaseModel):
    """A body with one field."""

    dias: int


def with_routes(settings: Settings) -> FastAPI:
    """The application with a router of every role, as later endpoints will be."""
    app = create_app(settings)
    for papel in Papel:
        router = rotas(f"/teste/{papel.value}", papel)

        @router.get("/coisa")
        async def read() -> dict[str, bool]:
            return {"ok": True}

        @router.post("/coisa")
        async def write(corpo: Corpo) -> dict[str, int]:
            return {"dias": corpo.dias}

        @router.get("/quebra")
        async def broken() -> None:
            raise LookupError("SELECT * FROM medico WHERE telefone = '5511900000001'")

        app.include_router(router)
    refuse_undeclared(app)
    return app


@pytest.fixture
async def guarded(settings: Settings) -> AsyncIterator[Api]:
    app = with_routes(settings)
    async with serving(app) as url, httpx.AsyncClient(base_url=url, timeout=10) as client:
        yield Api(app, client)


async def bearer(db: Database, papel: Papel, *, ends_in: timedelta = timedelta(days=1)) -> dict[str, str]:
    """A stored token of this role, as the header that carries it."""
    fresh, now = new_token(), datetime.now(UTC)
    await token.create(db, "teste", papel, token_hash(fresh), now, now + ends_in)
    return {"authorization": f"Bearer {fresh}"}


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path of the application, routers included."""
    found: list[tuple[str, str]] = []
    for route in app.routes:
        router = getattr(route, "original_router", None)
        inner: list[Any] = [route] if router is None else router.routes
        found += [(method, one.path) for one in inner for method in one.methods or ()]
    return found


async def test_no_route_answers_without_a_token_except_those_on_the_open_list(guarded: Api) -> None:
    closed = [(method, path) for method, path in routes(guarded.app) if path not in ABERTAS | DOCUMENTACAO]
    assert len(closed) >= 3 * len(Papel)
    for method, path in closed:
        for headers in ({}, {"authorization": "Bearer agj_errado"}, {"authorization": "Basic YTpi"}):
            answer = await guarded.client.request(method, path, headers=headers)
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_role_lets_in_who_holds_it_or_one_that_includes_it(guarded: Api, db: Database) -> None:
    let_in: dict[str, set[str]] = {}
    for held in Papel:
        headers = await bearer(db, held)
        for needed in Papel:
            answer = await guarded.client.get(f"/teste/{needed.value}/coisa", headers=headers)
            assert answer.status_code in {200, 403}
            if answer.status_code == 200:
                let_in.setdefault(held.value, set()).add(needed.value)
    assert let_in == {
        "viewer": {"viewer"},
        "operator": {"viewer", "operator"},
        "admin": {"viewer", "operator", "admin"},
        "dpo": {"viewer", "dpo"},
    }


async def test_an_ended_or_revoked_token_is_no_token(guarded: Api, db: Database) -> None:
    ended = await bearer(db, Papel.ADMIN, ends_in=timedelta(seconds=-1))
    assert (await guarded.client.get("/teste/viewer/coisa", headers=ended)).status_code == 401
    alive = await bearer(db, Papel.ADMIN)
    assert (await guarded.client.get("/teste/viewer/coisa", headers=alive)).status_code == 200
    await token.revoke(db, "teste", datetime.now(UTC))
    assert (await guarded.client.get("/teste/viewer/coisa", headers=alive)).status_code == 401


def test_a_route_without_a_declared_policy_stops_the_start(settings: Settings) -> None:
    app = create_app(settings)
    router = APIRouter()
    router.add_api_route("/esquecida", lambda: None)
    app.include_router(router)
    with pytest.raises(RuntimeError):
        refuse_undeclared(app)
    app = create_app(settings)
    app.add_api_route("/esquecida", lambda: None)
    with pytest.raises(RuntimeError):
        refuse_undeclared(app)


async def test_every_error_is_a_problem_with_a_request_id_and_nothing_of_the_inside(guarded: Api, db: Database) -> None:
    headers = await bearer(db, Papel.ADMIN) | {"x-request-id": "pedido-0001"}
    client = guarded.client
    answers = {
        404: await client.get("/nada", headers=headers),
        405: await client.delete("/livez", headers=headers),
        422: await client.post("/teste/viewer/coisa", json={"dias": "muitos"}, headers=headers),
        401: await client.get("/teste/viewer/coisa", headers={"x-request-id": "pedido-0001"}),
        403: await client.get("/teste/dpo/coisa", headers=headers),
        500: await client.get("/teste/viewer/quebra", headers=headers),
        400: await client.get("/teste/viewer/coisa", headers={**headers, "host": "outro.exemplo"}),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-request-id"] == "pedido-0001"
        body = answer.json()
        assert (body["status"], body["request_id"], body["type"]) == (status, "pedido-0001", "about:blank")
        assert "SELECT" not in answer.text
        assert "Traceback" not in answer.text
    assert answers[422].json()["erros"][0]["campo"] == "body.dias"
    assert "muitos" not in answers[422].text
    assert answers[405].headers["allow"]


async def test_every_answer_has_the_security_headers_once(guarded: Api) -> None:
    for path in ("/livez", "/nada", "/livez"):
        answer = await guarded.client.get(path)
        for name in ("x-content-type-options", "x-frame-options", "referrer-policy", "x-request-id"):
            assert len(answer.headers.get_list(name)) == 1, (path, name)
        assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_request_id_that_is_no_id_is_replaced(guarded: Api) -> None:
    for wrong in ("x", "a b c d e f g h", "é" * 10, "x" * 65):
        answer = await guarded.client.get("/livez", headers={b"x-request-id": wrong.encode()})
        assert answer.headers["x-request-id"] != wrong


def in_production(settings: Settings, **changes: object) -> Settings:
    """The same settings, as production would have them."""
    shown = settings.model_dump()
    keys = {"evolution_api_key": "uma-chave", "anthropic_api_key": "outra-chave", "hosts": "api.exemplo"}
    return Settings.model_validate({**shown, "ambiente": "producao", **keys, **changes})


async def test_production_shows_no_documentation_and_asks_for_tls(settings: Settings) -> None:
    async with serving(create_app(in_production(settings))) as url, httpx.AsyncClient(base_url=url) as client:
        for path in DOCUMENTACAO:
            assert (await client.get(path)).status_code == 404
        assert "strict-transport-security" in (await client.get("/livez")).headers
        assert (await client.get("/nada", headers={"host": "API.exemplo:443"})).status_code == 404
        assert (await client.get("/nada", headers={"host": "outro.exemplo"})).status_code == 400
        assert (await client.get("/livez", headers={"host": "10.0.0.7:8000"})).status_code == 200


async def test_development_shows_the_documentation(guarded: Api) -> None:
    assert "swagger" in (await guarded.client.get("/docs")).text
    paths = (await guarded.client.get("/openapi.json")).json()["paths"]
    assert paths["/teste/viewer/coisa"]["get"]["security"] == [{"HTTPBearer": []}]


async def test_the_newest_revision_is_the_one_the_migrations_reach(db: Database) -> None:
    [rows] = await db.round_trip(Step(text("SELECT version_num FROM alembic_version")))
    assert newest_revisions() == tuple(row["version_num"] for row in rows)


def test_missing_settings_are_named_one_to_a_line_and_end_with_2(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("AGENTE_")}
    program = "from api.app import create_app; create_app()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        cwd=tmp_path,
        env={**env, "PYTHONPATH": str(ROOT), "AGENTE_DATABASE_URL": "", "AGENTE_LEASE_S": "muito"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert "AGENTE_DATABASE_URL: is missing" in lines
    assert "AGENTE_ANTHROPIC_API_KEY: is missing" in lines
    assert any(line.startswith("AGENTE_LEASE_S: ") for line in lines)
    assert not any("Traceback" in line for line in lines)
