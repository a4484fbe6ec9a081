"""The activator under `/ativador`: one number at a time, seconds instead of minutes, everything in memory.

When it asks for a code WhatsApp sends one by SMS, and that one alone activates the number. `ativador.enqueue` failing
after acceptance is its known fault (500, and yet queued); `clear` is its restart, after which it knows nothing of what
it was doing.
"""

import asyncio
import secrets
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi import Request, Response

from lib.sandbox.evolution_wire import Desk, Endpoint
from lib.sandbox.replies import json_reply
from lib.sandbox.rota import RecusadaError, json_object, vendor_route

FILA_MAX: Final = 10
SMS: Final = "Seu codigo do WhatsApp: {}-{}. Nao o compartilhe com ninguem."
GUARDA_S: Final = 3_600.0
_ESPERA_PASSOS: Final = 240
_CODIGOS: Final = 999_999
_TERMINAIS: Final = frozenset({"success", "failed", "timeout"})
_LISTA: Final = {"queued": "pending", "success": "completed", "failed": "failed", "timeout": "failed"}

Call = Callable[["AtivadorWorld", Request], Awaitable[Response]]


@dataclass(slots=True)
class Ativacao:
    """One activation; `desde_s` is when its present step began, `esperado` the code that WhatsApp sends."""

    id: str
    telefone: str
    desde_s: float
    esperado: str
    status: str = "queued"
    step: str | None = None
    codigo: str | None = None
    error: str | None = None

    def row(self) -> dict[str, Any]:
        """The activation as it is shown."""
        messages = {"queued": "Na fila", "waiting_sms": "Aguardando código SMS", "success": "Ativado"}
        row = {"id": self.id, "status": self.status, "message": messages.get(self.status, "Em andamento")}
        return row | ({"step": self.step} if self.step else {}) | ({"error": self.error} if self.error else {})


class AtivadorWorld:
    """The emulator and its queue. A step takes `passo_s`; without a code it waits for `espera_s` and gives up.

    `sms(phone, text)` is the way of WhatsApp's text messages. While it `ocupa`, the automation blocks the event loop:
    nothing is answered as long as an activation runs.
    """

    def __init__(self, api_key: str, sms: Callable[[str, str], object], passo_s: float = 1.0) -> None:
        self.api_key = api_key
        self.ativacoes: dict[str, Ativacao] = {}
        self.comeco_s = time.time()
        self._sms, self._passo_s = sms, passo_s
        self._alarm: asyncio.TimerHandle | None = None
        self._free = asyncio.Event()
        self.pace()

    def clear(self) -> None:
        """Back to the start."""
        self.pace()
        self.restart()

    def pace(self, passo_s: float | None = None, espera_s: float | None = None, *, ocupa: bool = False) -> None:
        """Set how it works; without values as at the start."""
        self.passo_s = self._passo_s if passo_s is None else passo_s
        self.espera_s = _ESPERA_PASSOS * self._passo_s if espera_s is None else espera_s
        self.ocupa = ocupa

    def restart(self) -> None:
        """Restart it: all that it was doing is forgotten."""
        self.ativacoes.clear()
        self.comeco_s = time.time()
        self.advance()

    def advance(self) -> None:
        """Let the time pass that has passed, and wake up for the next step."""
        now = time.time()
        for old in [
            one for one in self.ativacoes.values() if one.status in _TERMINAIS and now - one.desde_s > GUARDA_S
        ]:
            del self.ativacoes[old.id]
        current = self._current(now)
        if current and current.status == "running" and self.ocupa:
            self._free.clear()
        else:
            self._free.set()
        if self._alarm:
            self._alarm.cancel()
        self._alarm = self._wake(self._due_s(current) - now) if current else None

    async def free(self) -> None:
        """Wait until the event loop is not blocked."""
        self.advance()
        await self._free.wait()

    def enqueue(self, telefone: str) -> Ativacao | None:
        """Put a number into the queue; None when it is full."""
        if sum(one.status == "queued" for one in self.ativacoes.values()) >= FILA_MAX:
            return None
        ativacao = Ativacao(str(uuid.uuid4()), telefone, time.time(), f"{secrets.randbelow(_CODIGOS) + 1:06d}")
        self.ativacoes[ativacao.id] = ativacao
        self._wake(0.0)  # after the answer, which says that it is queued
        return ativacao

    def _current(self, now: float) -> Ativacao | None:
        """The activation under way, after all that is over by now."""
        for ativacao in self.ativacoes.values():
            if ativacao.status in _TERMINAIS:
                continue
            self._run(ativacao, now)
            if ativacao.status not in _TERMINAIS:
                return ativacao
        return None

    def _due_s(self, ativacao: Ativacao) -> float:
        return ativacao.desde_s + (self.espera_s if ativacao.status == "waiting_sms" else self.passo_s)

    def _wake(self, wait_s: float) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, wait_s), self.advance)

    def _run(self, ativacao: Ativacao, now: float) -> None:
        if ativacao.status == "queued":
            self._to(ativacao, "running", "request_sms", now)
        if ativacao.status == "running" and now >= self._due_s(ativacao):
            if ativacao.codigo is None:
                self._to(ativacao, "waiting_sms", "request_sms", now)
                self._sms(ativacao.telefone, SMS.format(ativacao.esperado[:3], ativacao.esperado[3:]))
            elif ativacao.codigo == ativacao.esperado:
                self._to(ativacao, "success", "done", now)
            else:
                ativacao.error = "Código incorreto"
                self._to(ativacao, "failed", "confirm_code", now)
        if ativacao.status == "waiting_sms":
            if ativacao.codigo is not None:
                self._to(ativacao, "running", "confirm_code", now)
            elif now >= self._due_s(ativacao):
                self._to(ativacao, "timeout", "request_sms", now)

    def _to(self, ativacao: Ativacao, status: str, step: str, now: float) -> None:
        ativacao.status, ativacao.step, ativacao.desde_s = status, step, now


def ativador_error(status: int, detail: object) -> Response:
    """FastAPI's error body."""
    return json_reply({"detail": detail}, status)


def ativador_routes(desk: Desk, mundo: AtivadorWorld) -> Iterable[tuple[str, str, Endpoint]]:
    """(method, path, endpoint) of everything under `/ativador`."""
    calls: tuple[tuple[str, str, str, Call], ...] = (
        ("POST", "/activate", "enqueue", _enqueue),
        ("POST", "/activate/{id}/sms", "send_sms_code", _sms),
        ("GET", "/activate/{id}", "status", _status),
        ("GET", "/queue", "queue", _queue),
    )
    for method, path, name, call in calls:
        yield method, f"/ativador{path}", vendor_route(desk, f"ativador.{name}", _guarded(mundo, call), _tipico)

    async def health(_request: Request) -> Response:
        return await _health(mundo)

    yield "GET", "/ativador/health", vendor_route(desk, "ativador.health", health, _tipico)


def _tipico(status: int) -> tuple[object, Mapping[str, str]]:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.SERVICE_UNAVAILABLE:
        return "Internal Server Error", {}
    details = {401: "API Key invalida", 403: "API Key ausente. Use header X-API-Key.", 404: "Not Found"}
    return {"detail": details.get(status, "Fila cheia")}, {}


def _guarded(mundo: AtivadorWorld, call: Call) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        await request.body()  # it has arrived even if its caller does not wait for the answer
        await mundo.free()
        key = request.headers.get("x-api-key")
        if key is None:
            return ativador_error(403, "API Key ausente. Use header X-API-Key.")
        if key != mundo.api_key:
            return ativador_error(401, "API Key invalida")
        return await call(mundo, request)

    return answer


async def _enqueue(mundo: AtivadorWorld, request: Request) -> Response:
    body = await json_object(request)
    telefone = body.get("phone_number")
    if not isinstance(telefone, str) or not telefone.isdigit():
        raise RecusadaError(_missing("phone_number"))
    ativacao = mundo.enqueue(telefone)
    if ativacao is None:
        return ativador_error(503, "Fila cheia")
    position = sum(one.status == "queued" for one in mundo.ativacoes.values())
    return json_reply({"id": ativacao.id, "status": "queued", "message": "Na fila", "position": position})


async def _sms(mundo: AtivadorWorld, request: Request) -> Response:
    ativacao, code = _known(mundo, request), (await json_object(request)).get("code")
    if not isinstance(code, str):
        raise RecusadaError(_missing("code"))
    ativacao.codigo = code
    mundo.advance()
    return json_reply({"message": "Codigo SMS registrado", "activation_id": ativacao.id})


async def _status(mundo: AtivadorWorld, request: Request) -> Response:
    return json_reply(_known(mundo, request).row())


async def _queue(mundo: AtivadorWorld, _request: Request) -> Response:
    lists: dict[str, list[dict[str, Any]]] = {"pending": [], "processing": [], "completed": [], "failed": []}
    for one in mundo.ativacoes.values():
        row = {"id": one.id, "phone_number": one.telefone, "status": one.status}
        lists[_LISTA.get(one.status, "processing")].append(row)
    current = next((row["id"] for row in lists["processing"]), None)
    return json_reply({**lists, "current_activation_id": current})


async def _health(mundo: AtivadorWorld) -> Response:
    await mundo.free()
    waiting = sum(one.status == "queued" for one in mundo.ativacoes.values())
    up = int(time.time() - mundo.comeco_s)
    status = {"status": "healthy", "emulator": True, "appium": True, "queue_size": waiting, "last_activation": None}
    return json_reply({**status, "uptime_seconds": up})


def _known(mundo: AtivadorWorld, request: Request) -> Ativacao:
    ativacao = mundo.ativacoes.get(request.path_params["id"])
    if ativacao is None:
        raise RecusadaError(ativador_error(404, "Not Found"))
    return ativacao


def _missing(name: str) -> Response:
    return ativador_error(422, [{"loc": ["body", name], "msg": "field required", "type": "value_error.missing"}])
