"""Prefect's REST API: starts runs and reads them, without importing Prefect (seconds of CPU and 150 MB)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import UUID

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from lib.errors import AgenteError

T = TypeVar("T")


class PrefectError(AgenteError):
    """Prefect refused or did not answer. `status` is its HTTP status, None when it was not reached."""

    def __init__(self, reason: str, *, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class Deployment(BaseModel):
    """A deployment as listed; `name` is without its flow."""

    id: UUID
    name: str
    paused: bool = False
    tags: tuple[str, ...] = ()


class Execucao(BaseModel):
    """Where a run stands; the type is one of SCHEDULED, PENDING, RUNNING, COMPLETED, FAILED, CANCELLED, CRASHED…."""

    state_type: str
    state_name: str
    message: str | None = None

    @property
    def terminou(self) -> bool:
        """Whether the state is final."""
        return self.state_type in {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}


class Artefato(BaseModel):
    """The newest artifact of a key; a table's `data` is JSON text."""

    id: UUID
    key: str | None = None
    type: str | None = None
    description: str | None = None
    data: Any = None
    flow_run_id: UUID | None = None


class _Id(BaseModel):
    id: UUID


class _State(BaseModel):
    type: str
    name: str
    message: str | None = None


class _Run(BaseModel):
    state: _State | None = None


@dataclass(slots=True)
class PrefectApi:
    """The API on a pooled client whose base address ends in `/api`. Nothing retries here.

    Deployment ids are kept per name: a deployment keeps its id as long as it lives.
    """

    client: httpx.AsyncClient
    auth_string: str | None = None
    _ids: dict[str, UUID] = field(default_factory=dict)

    async def find_deployment(self, nome: str) -> UUID:
        """Return the id of `flow/deployment`.

        Raises:
            PrefectError: with status 404 when there is none.
        """
        known = self._ids.get(nome)
        if known is None:
            path = "/".join(quote(part, safe="") for part in nome.split("/", 1))
            known = (await self._ask("GET", f"/deployments/name/{path}", _Id)).id
            self._ids[nome] = known
        return known

    async def create_run(self, deployment_id: UUID, parametros: Mapping[str, Any], idempotency_key: str) -> UUID:
        """Start a run and return its id. Safe to repeat: the same key gives the same run.

        Raises:
            PrefectError: with status 404 when the deployment is gone, 409 or 422 when the parameters are refused.
        """
        body = {"parameters": dict(parametros), "idempotency_key": idempotency_key}
        try:
            return (await self._ask("POST", f"/deployments/{deployment_id}/create_flow_run", _Id, body)).id
        except PrefectError as failure:
            if failure.status == HTTPStatus.NOT_FOUND:
                self._ids = {name: id_ for name, id_ in self._ids.items() if id_ != deployment_id}
            raise

    async def read_run(self, run_id: UUID) -> Execucao:
        """Return where a run stands. Safe to repeat."""
        state = (await self._ask("GET", f"/flow_runs/{run_id}", _Run)).state
        if state is None:
            return Execucao(state_type="PENDING", state_name="Pending")
        return Execucao(state_type=state.type, state_name=state.name, message=state.message)

    async def list_deployments(self) -> Sequence[Deployment]:
        """Return the first 200 deployments by name. Safe to repeat."""
        return await self._ask("POST", "/deployments/filter", list[Deployment], {"limit": 200, "sort": "NAME_ASC"})

    async def artifact_latest(self, key: str) -> Artefato | None:
        """Return the newest artifact of this key, or None. Safe to repeat."""
        try:
            return await self._ask("GET", f"/artifacts/{quote(key, safe='')}/latest", Artefato)
        except PrefectError as failure:
            if failure.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    async def _ask(self, method: str, path: str, shape: type[T], body: Mapping[str, Any] | None = None) -> T:
        auth = (
            httpx.BasicAuth(*self.auth_string.split(":", 1)) if self.auth_string and ":" in self.auth_string else None
        )
        try:
            answer = await self.client.request(method, path, json=body, auth=auth)
        except httpx.HTTPError as cause:
            raise PrefectError(f"prefect not reached: {type(cause).__name__}") from cause
        if not answer.is_success:
            raise PrefectError(f"prefect {answer.status_code}: {answer.text[:200]}", status=answer.status_code)
        try:
            return TypeAdapter(shape).validate_json(answer.content)
        except ValidationError as cause:
            raise PrefectError("prefect's answer cannot be read", status=answer.status_code) from cause
