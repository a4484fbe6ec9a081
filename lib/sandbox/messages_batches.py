"""Message batches: taken at once, worked off a little later, results in another order than asked."""

import re
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from fastapi import Request, Response

from lib.sandbox.faults import Faults
from lib.sandbox.messages_api import Endpoint, Oracle, answered, guarded, read_body
from lib.sandbox.messages_rules import InvalidRequestError, check
from lib.sandbox.replies import json_reply, new_request_id
from lib.sandbox.world import iso

MAIOR_CORPO: Final = 256 * 1024 * 1024
PEDIDOS_MAX: Final = 100_000
VALIDADE_S: Final = 86_400.0
_NOME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass(slots=True)
class LoteSandbox:
    """One batch; `resultados` is empty until it ended."""

    id: str
    pedidos: list[dict[str, Any]]
    criado_s: float
    cancelado_s: float | None = None
    terminado_s: float | None = None
    resultados: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class LotesWorld:
    """All batches, oldest first. Each ends `espera_s` after it was made; a cancelled one at the next look."""

    espera_s: float = 1.0
    lotes: dict[str, LoteSandbox] = field(default_factory=dict)

    def clear(self) -> None:
        """Forget all batches."""
        self.lotes.clear()


def batch_routes(oracle: Oracle, faults: Faults, mundo: LotesWorld) -> Iterable[tuple[str, str, Endpoint]]:
    """(method, path, endpoint) of the batches; they go before `/v1/messages/{...}` routes of any kind."""

    async def create(request: Request) -> Response:
        requests = _requests(await read_body(request, MAIOR_CORPO))
        lote = LoteSandbox(f"msgbatch_{uuid.uuid4().hex[:24]}", requests, time.time())
        mundo.lotes[lote.id] = lote
        return _reply(_row(lote, request))

    async def listed(request: Request) -> Response:
        newest = list(reversed(mundo.lotes.values()))
        after, limit = request.query_params.get("after_id"), int(request.query_params.get("limit", "20"))
        ids = [lote.id for lote in newest]
        start = ids.index(after) + 1 if after in ids else 0
        shown = [_settled(mundo, oracle, lote) for lote in newest[start : start + limit]]
        rows = [_row(lote, request) for lote in shown]
        ends = {"first_id": rows[0]["id"] if rows else None, "last_id": rows[-1]["id"] if rows else None}
        return _reply({"data": rows, "has_more": len(newest) > start + limit, **ends})

    async def get(request: Request) -> Response:
        return _reply(_row(_settled(mundo, oracle, _lote(mundo, request)), request))

    async def cancel(request: Request) -> Response:
        lote = _settled(mundo, oracle, _lote(mundo, request))
        if lote.terminado_s is None:
            lote.cancelado_s = time.time()
        return _reply(_row(lote, request))

    async def results(request: Request) -> Response:
        lote = _settled(mundo, oracle, _lote(mundo, request))
        if lote.terminado_s is None:
            raise InvalidRequestError(f"Batch {lote.id} has no available results", 404)
        lines = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in reversed(lote.resultados))
        return Response(lines, headers={"request-id": new_request_id()}, media_type="application/x-jsonl")

    base = "/v1/messages/batches"
    return (
        ("POST", base, guarded(faults, "anthropic.create_batch", create)),
        ("GET", base, guarded(faults, "anthropic.list_batches", listed)),
        ("GET", f"{base}/{{lote}}", guarded(faults, "anthropic.get_batch", get)),
        ("POST", f"{base}/{{lote}}/cancel", guarded(faults, "anthropic.cancel_batch", cancel)),
        ("GET", f"{base}/{{lote}}/results", guarded(faults, "anthropic.batch_results", results)),
    )


def _reply(body: object) -> Response:
    return json_reply(body, headers={"request-id": new_request_id()})


def _requests(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The requests of a batch; what is wrong inside one of them shows in its result only."""
    requests = body.get("requests")
    if not isinstance(requests, list) or not 0 < len(requests) <= PEDIDOS_MAX:
        raise InvalidRequestError("requests: List should have at least 1 item")
    names = set()
    for index, row in enumerate(requests):
        name = row.get("custom_id") if isinstance(row, dict) else None
        if not isinstance(name, str) or not _NOME.fullmatch(name) or not isinstance(row.get("params"), dict):
            raise InvalidRequestError(
                f"requests.{index}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
            )
        if name in names:
            raise InvalidRequestError(f"requests.{index}.custom_id: must be unique")
        names.add(name)
    return requests


def _lote(mundo: LotesWorld, request: Request) -> LoteSandbox:
    wanted = request.path_params["lote"]
    if wanted not in mundo.lotes:
        raise InvalidRequestError(f"Batch {wanted} not found", 404)
    return mundo.lotes[wanted]


def _settled(mundo: LotesWorld, oracle: Oracle, lote: LoteSandbox) -> LoteSandbox:
    """The batch, worked off if its time has come."""
    over = time.time() - lote.criado_s >= mundo.espera_s
    if lote.terminado_s is None and (over or lote.cancelado_s is not None):
        lote.terminado_s = time.time()
        lote.resultados = [
            {"custom_id": row["custom_id"], "result": _result(oracle, lote, row["params"])} for row in lote.pedidos
        ]
    return lote


def _result(oracle: Oracle, lote: LoteSandbox, params: Mapping[str, Any]) -> dict[str, Any]:
    if lote.cancelado_s is not None:
        return {"type": "canceled"}
    try:
        check(params)
    except InvalidRequestError as refusal:
        kind = "not_found_error" if refusal.status == 404 else "invalid_request_error"  # noqa: PLR2004 - HTTP
        error = {"type": "error", "error": {"type": kind, "message": refusal.message}, "request_id": new_request_id()}
        return {"type": "errored", "error": error}
    return {"type": "succeeded", "message": answered(oracle, params, new_request_id())}


def _row(lote: LoteSandbox, request: Request) -> dict[str, Any]:
    counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
    for row in lote.resultados:
        counts[row["result"]["type"]] += 1
    ended = lote.terminado_s is not None
    if not ended:
        counts["processing"] = len(lote.pedidos)
    status = "ended" if ended else "canceling" if lote.cancelado_s is not None else "in_progress"
    base = str(request.base_url).rstrip("/")
    return {
        "id": lote.id,
        "type": "message_batch",
        "processing_status": status,
        "request_counts": counts,
        "created_at": iso(lote.criado_s),
        "expires_at": iso(lote.criado_s + VALIDADE_S),
        "ended_at": iso(lote.terminado_s) if lote.terminado_s is not None else None,
        "cancel_initiated_at": iso(lote.cancelado_s) if lote.cancelado_s is not None else None,
        "archived_at": None,
        "results_url": f"{base}/v1/messages/batches/{lote.id}/results" if ended else None,
    }
