"""Salvy: virtual numbers that can receive text messages. Renting one costs money; a test key rents nothing real.

Version 3 of the API is spoken. Where its routes are not there, version 2 is, from then on for the life of the client.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx

from lib.providers.chamada import Chamada, Falha, ProviderError, Resposta, call
from lib.providers.salvy_forma import (
    ESTADO_INVALIDO,
    TESTE,
    Ddd,
    Motivo,
    Numero,
    Pagina,
    Situacao,
    ddds,
    judge,
    no_route,
    numero,
    pagina,
    rows,
    understood,
)
from lib.providers.salvy_sms import Sms, sms

T = TypeVar("T")

PRAZO_S: Final = 30.0
POR_PAGINA: Final = 100
PAGINAS_MAX: Final = 100
V2: Final = "/api/v2/virtual-phone-accounts"
V3: Final = "/api/v3/phone-accounts"


class NoKeyError(ProviderError):
    """A purchase that may be repeated is not to be had from this vendor (any more)."""


def chave_de_teste(key: str) -> bool:
    """Tell whether a key belongs to the vendor's sandbox; keys without a prefix are old ones of production."""
    return key.startswith(TESTE)


@dataclass(slots=True)
class _Versao:
    """Which version answers; version 2 is never left again."""

    dois: bool = False


@dataclass(frozen=True, slots=True)
class Salvy:
    """The API on its pooled client, within `prazo_s` for each call."""

    client: httpx.AsyncClient = field(repr=False)
    api_key: str = field(repr=False)
    prazo_s: float = PRAZO_S
    versao: _Versao = field(default_factory=_Versao, repr=False, compare=False)

    async def area_codes(self) -> tuple[Ddd, ...]:
        """Return the area codes and whether there are numbers of each. Safe to repeat.

        Raises:
            ProviderError: it was not answered.
        """
        chamada = self._chamada("area_codes")

        async def v3() -> Resposta:
            return await self._call(chamada, "GET", "/api/v3/area-codes", params={"productType": "mobile-did"})

        async def v2() -> Resposta:
            return await self._call(chamada, "GET", f"{V2}/area-codes")

        return understood(chamada, await self._versioned(v3, v2), ddds)

    async def create(self, ddd: int, nome: str, chave: str) -> Numero:
        """Rent a number over version 3. Safe to repeat with the same `chave`.

        Raises:
            NoKeyError: version 3 is not there; nothing was done, and `create_unkeyed` is the way.
            ProviderError: it was refused, or nobody knows; a 429 was not executed.
        """
        chamada = self._chamada("create")
        if self.versao.dois:
            raise NoKeyError(chamada, Falha.PERMANENTE, "version 3 is not there")
        body, headers = {"areaCode": ddd, "name": nome}, {"idempotency-key": chave}
        try:
            answer = await self._call(chamada, "POST", f"{V3}/mobile-did", body=body, headers=headers)
        except ProviderError as gone:
            if not no_route(gone):
                raise
            self.versao.dois = True
            raise NoKeyError(chamada, Falha.PERMANENTE, "version 3 is not there", status=gone.status) from gone
        return understood(chamada, answer, numero)

    async def create_unkeyed(self, ddd: int, nome: str) -> Numero:
        """Rent a number over version 2. Not safe to repeat: it has no key to make it so.

        After a failure that is INCERTA `find_by_name` must say that there is none before it is asked for again; names
        are therefore to be unique.

        Raises:
            ProviderError: it was refused, or nobody knows; a 429 was not executed.
        """
        chamada = self._chamada("create", segura=False)
        answer = await self._call(chamada, "POST", V2, body={"areaCode": ddd, "name": nome})
        return understood(chamada, answer, numero)

    async def page(self, numero_da_pagina: int = 1) -> Pagina:
        """Return one page of the numbers, the first is 1; version 2 has one only. Safe to repeat.

        Raises:
            ProviderError: it was not answered.
        """
        chamada = self._chamada("list")

        async def v3() -> Resposta:
            params = {"page": numero_da_pagina, "pageSize": POR_PAGINA, "productType": "mobile-did"}
            return await self._call(chamada, "GET", V3, params=params)

        async def v2() -> Resposta:
            return await self._call(chamada, "GET", V2)

        return understood(chamada, await self._versioned(v3, v2), pagina)

    async def find_by_name(self, nome: str) -> Numero | None:
        """Return the number with exactly this name that is not cancelled, the newest of several. Safe to repeat.

        Raises:
            ProviderError: a page was not answered: then nothing is known.
        """
        named: list[Numero] = []
        for page in range(1, PAGINAS_MAX + 1):
            answer = await self.page(page)
            named += [n for n in answer.numeros if n.nome == nome and n.situacao is not Situacao.CANCELADA]
            if page >= answer.paginas:
                break
        return max(named, key=lambda n: n.criado_em.timestamp() if n.criado_em else 0.0, default=None)

    async def get(self, id_: str) -> Numero:
        """Return a number as it stands. Safe to repeat.

        Raises:
            ProviderError: there is none (PERMANENTE, `resource-not-found`), or it was not answered.
        """
        chamada, name = self._chamada("get"), quote(id_, safe="")

        async def v3() -> Resposta:
            return await self._call(chamada, "GET", f"{V3}/{name}")

        async def v2() -> Resposta:
            return await self._call(chamada, "GET", f"{V2}/{name}")

        return understood(chamada, await self._versioned(v3, v2), numero)

    async def cancel(self, id_: str, motivo: Motivo, detalhe: str | None = None) -> None:
        """Give a number back at once; its month is billed in full. Safe to repeat: one given back already is fine.

        Raises:
            ProviderError: it was refused, or not answered.
        """
        chamada, name = self._chamada("cancel"), quote(id_, safe="")
        reason = {"reasonDetail": detalhe} if detalhe else {}

        async def v3() -> Resposta:
            body = {"type": "immediate", "reason": motivo.value, **reason}
            return await self._call(chamada, "POST", f"{V3}/{name}/cancel", body=body)

        async def v2() -> Resposta:
            return await self._call(chamada, "DELETE", f"{V2}/{name}", body={"reason": motivo.v2})

        try:
            await self._versioned(v3, v2)
        except ProviderError as refused:
            if refused.codigo != ESTADO_INVALIDO or (await self.get(id_)).situacao is not Situacao.CANCELADA:
                raise

    async def list_sms(self, id_: str) -> tuple[Sms, ...]:
        """Return the newest text messages of a number, a hundred at most. Safe to repeat.

        Raises:
            ProviderError: it was not answered.
        """
        chamada, name = self._chamada("list_sms"), quote(id_, safe="")

        async def v3() -> Resposta:
            params = {"page": 1, "pageSize": POR_PAGINA}
            return await self._call(chamada, "GET", f"{V3}/{name}/sms-messages", params=params)

        async def v2() -> Resposta:
            return await self._call(chamada, "GET", f"{V2}/{name}/sms-messages")

        found = understood(chamada, await self._versioned(v3, v2), lambda corpo: rows(corpo, "data", "smsMessages"))
        return tuple(sms(one, id_) for one in found if isinstance(one, dict))

    async def simulate_sms(self, id_: str, texto: str, origem: str) -> None:
        """Have a number of the sandbox get a text message (160 characters). Each call is one more: not safe to repeat.

        Raises:
            ProviderError: it was refused (a key of production always is), or nobody knows.
        """
        chamada, name = self._chamada("simulate_sms", segura=False), quote(id_, safe="")
        body = {"rawText": texto, "originPhoneNumber": origem}

        async def v3() -> Resposta:
            return await self._call(chamada, "POST", f"{V3}/{name}/sms", body=body)

        async def v2() -> Resposta:
            return await self._call(chamada, "POST", f"{V2}/{name}/sms", body=body)

        await self._versioned(v3, v2)

    async def create_webhook(self, url: str, eventos: Sequence[str], descricao: str, chave: str) -> str | None:
        """Register an address for events and return its signing secret, told this once. Safe to repeat with `chave`.

        Raises:
            ProviderError: it was refused, or not answered; version 2 has it on the vendor's panel only.
        """
        chamada = self._chamada("create_webhook")
        body = {"url": url, "eventTypes": list(eventos), "description": descricao}
        headers = {"idempotency-key": chave}
        answer = await self._call(chamada, "POST", "/api/v3/webhook-endpoints", body=body, headers=headers)
        secret = answer.objeto.get("secret")
        return secret if isinstance(secret, str) else None

    async def _versioned(self, v3: Callable[[], Awaitable[T]], v2: Callable[[], Awaitable[T]]) -> T:
        if not self.versao.dois:
            try:
                return await v3()
            except ProviderError as gone:
                if not no_route(gone):
                    raise
            self.versao.dois = True
        return await v2()

    async def _call(
        self,
        chamada: Chamada,
        method: str,
        path: str,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Resposta:
        told = {"authorization": f"Bearer {self.api_key}", **(headers or {})}
        return await call(self.client, chamada, method, path, julga=judge, headers=told, body=body, params=params)

    def _chamada(self, nome: str, *, segura: bool = True) -> Chamada:
        return Chamada("salvy", nome, segura, self.prazo_s)
