"""Faults on demand: what fails, how, how often."""

import asyncio
import random
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Annotated, Any

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from lib.sandbox.replies import CutReply, json_reply, vendor_error

Milliseconds = Annotated[int, Field(ge=0, le=600_000)]
Share = Annotated[float, Field(ge=0, le=1)]


class Falha(BaseModel):
    """One fault of one operation; `alvo` is like `evolution.sendText`, `anthropic.messages` or `evolution.*`."""

    model_config = ConfigDict(extra="forbid")

    alvo: str = Field(min_length=1)
    instancia: str | None = Field(None, description="só para esta instância")
    modelo: str | None = Field(None, description="só quando o pedido é para este modelo")
    latencia_ms: Milliseconds = 0
    status: int | None = Field(None, ge=400, le=599)
    corpo: Any = Field(None, description="corpo da resposta; sem ele, o erro típico do fornecedor")
    cabecalhos: dict[str, str] = Field(default_factory=dict)
    depois_de_aceitar: bool = Field(default=False, description="a operação acontece de verdade e só então falha")
    cortar: bool = Field(default=False, description="derruba a conexão sem responder")
    probabilidade: Share = 1.0
    vezes: int | None = Field(None, ge=1, description="quantas vezes ainda; sem valor, sempre")

    async def strike(self, vendor: str) -> Response | None:
        """Wait its latency, then the answer it forces in this vendor's shape; None when it only slows down."""
        if self.latencia_ms:
            await asyncio.sleep(self.latencia_ms / 1000)
        if self.cortar:
            return CutReply()
        if self.status is None:
            return None
        headers = {name.lower(): value for name, value in self.cabecalhos.items()}
        if isinstance(self.corpo, str):
            return Response(self.corpo, self.status, headers, media_type="text/plain")
        if self.corpo is not None:
            return json_reply(self.corpo, self.status, headers)
        return vendor_error(vendor, self.status, headers, accepted=self.depois_de_aceitar)


class Faults:
    """The faults that are switched on, asked once per operation."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._active: list[Falha] = []

    def put(self, faults: Iterable[Falha]) -> None:
        """Switch on; the new faults of an operation replace its old ones."""
        fresh = list(faults)
        targets = {(fault.alvo, fault.instancia, fault.modelo) for fault in fresh}
        kept = [fault for fault in self._active if (fault.alvo, fault.instancia, fault.modelo) not in targets]
        self._active = kept + fresh

    def clear(self, alvo: str | None = None) -> None:
        """Switch off one operation's faults, or all."""
        self._active = [fault for fault in self._active if alvo is not None and fault.alvo != alvo]

    def active(self) -> list[Falha]:
        """What is switched on, with what is left of `vezes`."""
        return list(self._active)

    def take(self, alvo: str, instance: str | None, model: str | None = None) -> Falha | None:
        """The first fault that hits this call, if any; the draw and the count are spent."""
        for fault in self._active:
            if not fnmatchcase(alvo, fault.alvo):
                continue
            if fault.instancia not in {None, instance} or fault.modelo not in {None, model}:
                continue
            if fault.probabilidade < 1 and self._rng.random() >= fault.probabilidade:
                continue
            if fault.vezes is not None:
                fault.vezes -= 1
                if fault.vezes <= 0:
                    self._active.remove(fault)
            return fault
        return None
