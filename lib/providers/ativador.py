"""The activator: a program on a server of our own that registers a number in WhatsApp, one at a time, in minutes.

Its transport is a self-signed certificate, pinned by its upstream. While it works it may not answer at all, and a
restart forgets everything: a time-out says nothing of it, and an activation it does not know has not failed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import httpx

from lib.providers.chamada import Chamada, Falha, ProviderError, Resposta, by_status, call, failed, not_json, unclear

PRAZO_S: Final = 30.0
BRASIL: Final = "55"
FILAS: Final = ("pending", "processing", "completed", "failed")


class Etapa(StrEnum):
    """How far an activation is."""

    NA_FILA = "queued"
    RODANDO = "running"
    ESPERA_SMS = "waiting_sms"
    SUCESSO = "success"
    FALHA = "failed"
    ESGOTADA = "timeout"
    ESQUECIDA = "esquecida"
    """Not known to it (any more): it may be running, done or lost. Never a reason to use up another code."""
    DESCONHECIDA = "desconhecida"
    """A status that nobody knows yet; whoever waits needs a deadline of his own."""

    @property
    def terminou(self) -> bool:
        """Whether nothing more will come of it."""
        return self in {Etapa.SUCESSO, Etapa.FALHA, Etapa.ESGOTADA}


@dataclass(frozen=True, slots=True)
class Ativacao:
    """One activation. `passo` and `erro` are the activator's own words, for people."""

    id: str
    etapa: Etapa
    passo: str | None = None
    erro: str | None = None


@dataclass(frozen=True, slots=True)
class NaFila:
    """A number in one of the activator's lists; `telefone` is digits without country code."""

    id: str
    telefone: str = field(repr=False)
    etapa: Etapa


@dataclass(frozen=True, slots=True)
class Fila:
    """The activator's lists. `nomeia` is false when it tells only how many: then nothing can be found in it."""

    itens: tuple[NaFila, ...]
    nomeia: bool
    atual_id: str | None


@dataclass(frozen=True, slots=True)
class Procura:
    """What a look for a number found. `conclusiva` false and nothing found: it may be there all the same."""

    item: NaFila | None
    conclusiva: bool


@dataclass(frozen=True, slots=True)
class Saude:
    """How it says it is: `healthy`, `degraded`, `unhealthy` or something new."""

    estado: str
    fila: int | None


@dataclass(frozen=True, slots=True)
class Ativador:
    """The activator on its own client, within `prazo_s` for each call."""

    client: httpx.AsyncClient = field(repr=False)
    api_key: str = field(repr=False)
    prazo_s: float = PRAZO_S

    async def enqueue(self, telefone: str) -> Ativacao:
        """Put a Brazilian number (E.164) into the queue. Not safe to repeat, and it has no key to make it so.

        It is known to answer 500 after it did it: a failure that is INCERTA is looked up with `find_in_queue`.

        Raises:
            ProviderError: its queue is full (REPETIR), it refused, or nobody knows.
            ValueError: the number is not Brazilian.
        """
        chamada = self._chamada("enqueue", segura=False)
        body = {"phone_number": nacional(telefone), "country_code": BRASIL}
        answer = await self._call(chamada, "POST", "/activate", body)
        id_ = answer.objeto.get("id")
        if not isinstance(id_, str) or not id_:
            raise failed(chamada, answer, unclear(chamada), "an answer without an id")
        return _ativacao(id_, answer.objeto)

    async def find_in_queue(self, telefone: str, *, menos: Collection[str] = ()) -> Procura:
        """Look for a number (E.164) in the activator's lists, waiting, running or over. Safe to repeat.

        Activations named in `menos` are left out. One that is alive goes before one that is over.

        Raises:
            ProviderError: it was not answered.
            ValueError: the number is not Brazilian.
        """
        wanted, fila = nacional(telefone), await self.queue()
        found = [item for item in fila.itens if item.telefone == wanted and item.id not in menos]
        alive = [item for item in found if not item.etapa.terminou]
        return Procura(next(iter(alive or found), None), fila.nomeia)

    async def send_sms_code(self, id_: str, codigo: str) -> None:
        """Hand over the code that WhatsApp sent. Not safe to repeat: after INCERTA, `status` tells if it is awaited.

        Raises:
            ProviderError: it refused, or nobody knows; PERMANENTE with status 404 when it does not know the activation.
        """
        chamada = self._chamada("send_sms_code", segura=False)
        await self._call(chamada, "POST", f"/activate/{quote(id_, safe='')}/sms", {"code": codigo})

    async def status(self, id_: str) -> Ativacao:
        """Return how far an activation is; one it does not know is ESQUECIDA. Safe to repeat.

        Raises:
            ProviderError: it was not answered, which is usual while it works.
        """
        try:
            answer = await self._call(self._chamada("status"), "GET", f"/activate/{quote(id_, safe='')}")
        except ProviderError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return Ativacao(id_, Etapa.ESQUECIDA)
            raise
        return _ativacao(id_, answer.objeto)

    async def queue(self) -> Fila:
        """Return its lists. Safe to repeat.

        Raises:
            ProviderError: it was not answered.
        """
        body = (await self._call(self._chamada("queue"), "GET", "/queue")).objeto
        lists = [(name, body[name]) for name in FILAS if isinstance(body.get(name), list)]
        itens = tuple(_item(name, one) for name, rows in lists for one in rows if isinstance(one, dict))
        current = body.get("current_activation_id")
        return Fila(itens, len(lists) == len(FILAS), current if isinstance(current, str) else None)

    async def health(self) -> Saude:
        """Return how it says it is. Safe to repeat; no answer does not mean that it is down.

        Raises:
            ProviderError: it was not answered.
        """
        answer = await call(self.client, self._chamada("health"), "GET", "/health", julga=judge)
        size = answer.objeto.get("queue_size")
        return Saude(str(answer.objeto.get("status") or "")[:40], size if isinstance(size, int) else None)

    async def _call(self, chamada: Chamada, method: str, path: str, body: object = None) -> Resposta:
        headers = {"x-api-key": self.api_key}
        return await call(self.client, chamada, method, path, julga=judge, headers=headers, body=body)

    def _chamada(self, nome: str, *, segura: bool = True) -> Chamada:
        return Chamada("ativador", nome, segura, self.prazo_s)


def judge(chamada: Chamada, resposta: Resposta) -> ProviderError | None:
    """Tell what an answer means. Only the program itself says that its queue is full; a proxy's 503 says nothing."""
    if HTTPStatus.OK <= resposta.status < HTTPStatus.MULTIPLE_CHOICES:
        missing = not_json(chamada, resposta)
        if missing is None and not isinstance(resposta.corpo, dict):
            return failed(chamada, resposta, unclear(chamada), "not an object")
        return missing
    detail = resposta.objeto.get("detail")
    if resposta.status == HTTPStatus.SERVICE_UNAVAILABLE and isinstance(detail, str):
        return failed(chamada, resposta, Falha.REPETIR, detail)
    return by_status(chamada, resposta, _told(detail) or f"HTTP {resposta.status}")


def nacional(telefone: str) -> str:
    """Return a Brazilian E.164 number's digits without its country code.

    Raises:
        ValueError: it is not one.
    """
    digits = telefone.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and digits.startswith(BRASIL) and len(digits) in {12, 13}):
        raise ValueError("not a Brazilian number")
    return digits.removeprefix(BRASIL)


def _ativacao(id_: str, body: Mapping[str, Any]) -> Ativacao:
    return Ativacao(id_, _etapa(body.get("status")), _words(body.get("step")), _words(body.get("error")))


def _etapa(value: object) -> Etapa:
    ours = {Etapa.ESQUECIDA.value, Etapa.DESCONHECIDA.value}
    known = {one.value for one in Etapa} - ours
    return Etapa(value) if isinstance(value, str) and value in known else Etapa.DESCONHECIDA


def _item(name: str, row: Mapping[str, Any]) -> NaFila:
    digits = "".join(sign for sign in str(row.get("phone_number") or "") if sign.isdigit())
    country = len(digits) > 11 and digits.startswith(BRASIL)  # noqa: PLR2004 - area code and nine digits
    usual = {"pending": Etapa.NA_FILA, "processing": Etapa.RODANDO, "completed": Etapa.SUCESSO, "failed": Etapa.FALHA}
    etapa = _etapa(row.get("status"))
    return NaFila(
        id=str(row.get("id") or ""),
        telefone=digits[2:] if country else digits,
        etapa=usual[name] if etapa is Etapa.DESCONHECIDA else etapa,
    )


def _words(value: object) -> str | None:
    return value[:200] if isinstance(value, str) else None


def _told(detail: object) -> str:
    """Return FastAPI's reason; of a refused body the places and why, never what was there."""
    if isinstance(detail, str):
        return detail
    errors = [one for one in detail if isinstance(one, dict)] if isinstance(detail, list) else []
    return "; ".join(f"{'.'.join(map(str, one.get('loc') or ()))}: {one.get('msg')}" for one in errors)
