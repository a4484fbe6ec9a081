"""The sandbox's control endpoints: a doctor writes, and what WhatsApp accepted is read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from lib.errors import AgenteError
from lib.log import mask


class SandboxError(AgenteError):
    """The sandbox refused or did not answer."""


class Aceita(BaseModel):
    """A message of ours that the sandbox's WhatsApp took, in the order of `seq`; `em_s` is Unix time."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    seq: int
    instance: str
    numero: str
    texto: str
    id: str
    em_s: float


class _Aceitas(BaseModel):
    aceitas: list[Aceita]


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The control on a pooled client whose base address is the sandbox's."""

    client: httpx.AsyncClient

    async def write_burst(
        self, instancia: str, telefone: str, textos: Sequence[str], *, intervalo_ms: int, nome: str
    ) -> None:
        """Let a doctor write several messages to one of our numbers; returns when the last one is written."""
        body = {
            "instance": instancia,
            "telefone": telefone,
            "textos": list(textos),
            "intervalo_ms": intervalo_ms,
            "nome": nome,
        }
        await self._ask("POST", "/_sandbox/medicos/rajada", json=body)

    async def write(self, instancia: str, telefone: str, texto: str, *, nome: str) -> str:
        """Let a doctor write one message to one of our numbers; return its id."""
        body = {"instance": instancia, "telefone": telefone, "texto": texto, "nome": nome}
        answer = await self._ask("POST", "/_sandbox/medicos/mensagem", json=body)
        return str(answer.json()["id"])

    async def send_media(
        self, instancia: str, telefone: str, message: Mapping[str, Any], *, nome: str, agora: datetime
    ) -> str:
        """Let a doctor send what is no text, as WhatsApp's own `message` object; return its id."""
        msg_id = f"3A{uuid4().hex[:18].upper()}"
        data = {
            "key": {"remoteJid": f"{telefone}@s.whatsapp.net", "fromMe": False, "id": msg_id},
            "pushName": nome,
            "message": dict(message),
            "messageType": next(iter(message)),
            "messageTimestamp": int(agora.timestamp()),
        }
        body = {"instance": instancia, "evento": "messages.upsert", "dados": data}
        await self._ask("POST", "/_sandbox/eventos", json=body)
        return msg_id

    async def accepted(self, telefone: str, *, after: int = 0) -> Sequence[Aceita]:
        """Return what was accepted for this number after the given `seq`."""
        answer = await self._ask("GET", "/_sandbox/aceitas", params={"telefone": telefone, "depois_de": after})
        try:
            return TypeAdapter(_Aceitas).validate_json(answer.content).aceitas
        except ValidationError as cause:
            raise SandboxError("the sandbox's answer cannot be read") from cause

    async def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            answer = await self.client.request(method, path, **request)
        except httpx.HTTPError as cause:
            raise SandboxError(f"the sandbox was not reached: {type(cause).__name__}") from cause
        if not answer.is_success:
            raise SandboxError(mask(f"sandbox {answer.status_code}: {answer.text[:200]}"))
        return answer
