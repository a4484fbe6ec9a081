"""Prefect's REST API as this program uses it."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
import respx

from lib.http import HttpPool, Upstream
from lib.providers.prefect_api import PrefectApi, PrefectError

pytestmark = pytest.mark.anyio

BASE = "http://prefect.test/api"
DEPLOYMENT = UUID("11111111-1111-4111-8111-111111111111")
RUN = UUID("22222222-2222-4222-8222-222222222222")


@pytest.fixture
async def api() -> AsyncIterator[PrefectApi]:
    pool = HttpPool({"prefect": Upstream("prefect", BASE)})
    yield PrefectApi(pool.get_http_client("prefect"), "admin:segredo:com:dois")
    await pool.close_http_client()


@respx.mock
async def test_a_deployment_is_looked_up_once(api: PrefectApi) -> None:
    route = respx.get(f"{BASE}/deployments/name/trust-score/trust-score").respond(json={"id": str(DEPLOYMENT)})
    assert [await api.find_deployment("trust-score/trust-score") for _ in range(3)] == [DEPLOYMENT] * 3
    assert route.call_count == 1
    expected = "Basic " + base64.b64encode(b"admin:segredo:com:dois").decode()
    assert route.calls.last.request.headers["authorization"] == expected


@respx.mock
async def test_a_run_is_started_with_its_parameters_and_its_key(api: PrefectApi) -> None:
    route = respx.post(f"{BASE}/deployments/{DEPLOYMENT}/create_flow_run").respond(201, json={"id": str(RUN)})
    assert await api.create_run(DEPLOYMENT, {"modo": "simular"}, "demo-1") == RUN
    body = json.loads(route.calls.last.request.content)
    assert body == {"parameters": {"modo": "simular"}, "idempotency_key": "demo-1"}


@respx.mock
async def test_a_deployment_that_is_gone_is_looked_up_again(api: PrefectApi) -> None:
    found = respx.get(f"{BASE}/deployments/name/a/b").respond(json={"id": str(DEPLOYMENT)})
    respx.post(f"{BASE}/deployments/{DEPLOYMENT}/create_flow_run").respond(404, json={"detail": "Deployment not found"})
    with pytest.raises(PrefectError) as gone:
        await api.create_run(await api.find_deployment("a/b"), {}, "k")
    await api.find_deployment("a/b")
    assert (gone.value.status, found.call_count) == (404, 2)


@respx.mock
async def test_a_runs_state_is_read(api: PrefectApi) -> None:
    state = {"type": "FAILED", "name": "Failed", "message": "2 de 10 falharam"}
    respx.get(f"{BASE}/flow_runs/{RUN}").respond(json={"id": str(RUN), "state": state})
    run = await api.read_run(RUN)
    assert (run.state_type, run.state_name, run.message) == ("FAILED", "Failed", "2 de 10 falharam")
    assert run.terminou
    respx.get(f"{BASE}/flow_runs/{RUN}").respond(json={"id": str(RUN), "state": None})
    assert not (await api.read_run(RUN)).terminou


@respx.mock
async def test_deployments_are_listed(api: PrefectApi) -> None:
    row = {"id": str(DEPLOYMENT), "name": "trust-score", "paused": False, "tags": ["chip"], "version": "1"}
    respx.post(f"{BASE}/deployments/filter").respond(json=[row])
    [one] = await api.list_deployments()
    assert (one.id, one.name, one.tags) == (DEPLOYMENT, "trust-score", ("chip",))


@respx.mock
async def test_the_newest_artifact_of_a_key_is_read_or_absent(api: PrefectApi) -> None:
    row = {"id": str(RUN), "key": "trust-score-latest", "type": "table", "data": "[]", "flow_run_id": None}
    respx.get(f"{BASE}/artifacts/trust-score-latest/latest").respond(json=row)
    respx.get(f"{BASE}/artifacts/outro/latest").respond(404, json={"detail": "Artifact not found."})
    artifact = await api.artifact_latest("trust-score-latest")
    assert artifact is not None
    assert (artifact.key, artifact.data) == ("trust-score-latest", "[]")
    assert await api.artifact_latest("outro") is None


@respx.mock
async def test_a_prefect_that_refuses_or_is_away_says_so(api: PrefectApi) -> None:
    respx.get(f"{BASE}/flow_runs/{RUN}").mock(side_effect=httpx.ConnectError("x"))
    with pytest.raises(PrefectError) as away:
        await api.read_run(RUN)
    assert away.value.status is None
    respx.get(f"{BASE}/flow_runs/{RUN}").respond(200, text="<html>")
    with pytest.raises(PrefectError):
        await api.read_run(RUN)
    respx.get(f"{BASE}/flow_runs/{RUN}").respond(401)
    with pytest.raises(PrefectError) as refused:
        await api.read_run(RUN)
    assert refused.value.status == 401
