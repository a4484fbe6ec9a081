"""What stands behind Salvy's routes: numbers, their text messages, and webhooks sent the way Svix sends them."""

import base64
import hashlib
import hmac
import re
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from lib.sandbox.courier import Remessa
from lib.sandbox.evolution_wire import Desk
from lib.sandbox.world import iso

POR_MINUTO: Final = 300
DDD: Final = 41
ORIGEM_WHATSAPP: Final = "WhatsApp"
DDDS: Final = (11, 21, 31, DDD, 51, 61)
ESPERAS_S: Final = (5.0, 300.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 36_000.0)
PRAZO_S: Final = 15.0
_PRIMEIRA_S: Final = ESPERAS_S[0]
_CODIGO: Final = re.compile(r"(?<!\d)(\d{3})-?(\d{3})(?!\d)")
_LEMBRADOS: Final = 200


@dataclass(slots=True)
class NumeroSalvy:
    """A rented number; `v2` ones are active at once, the others wait for their first use."""

    id: str
    nome: str | None
    telefone: str
    ddd: int
    criado_em: str
    status: str
    cancelado_em: str | None = None
    motivo: str | None = None
    sms: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_LEMBRADOS))


@dataclass(frozen=True, slots=True)
class Destino:
    """Where webhooks go; no kinds means all of them."""

    url: str
    segredo: str
    tipos: tuple[str, ...] = ()


class SalvyWorld:
    """The sandbox of Salvy. Its first pause before a webhook comes again is `retry_s`; the others keep Svix's ratio."""

    def __init__(self, desk: Desk, api_key: str, segredo: str, webhook_url: str) -> None:
        self.api_key = api_key
        self.numeros: dict[str, NumeroSalvy] = {}
        self.feitos: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self.destinos: list[Destino] = []
        self.estoque: set[int] = {DDD}
        self._desk = desk
        self._proprio = Destino(webhook_url, segredo)
        self._janela = (0, 0)
        self._seq = 0

    def clear(self) -> None:
        """Back to no numbers; addresses registered through the API go too."""
        self.numeros.clear()
        self.feitos.clear()
        self.destinos.clear()
        self.estoque = {DDD}
        self._janela, self._seq = (0, 0), 0

    def spend(self, now_s: float) -> int:
        """Take one of the minute's requests; how many are left, -1 when there was none."""
        minute = int(now_s // 60)
        used = self._janela[1] + 1 if self._janela[0] == minute else 1
        self._janela = (minute, min(used, POR_MINUTO + 1))
        return POR_MINUTO - used if used <= POR_MINUTO else -1

    def rent(self, ddd: int, nome: str | None, status: str) -> NumeroSalvy:
        """A new number, of nobody."""
        self._seq += 1
        telefone = f"+55{ddd}9000{self._seq:05d}"
        numero = NumeroSalvy(str(uuid.uuid4()), nome, telefone, ddd, iso(time.time()), status)
        self.numeros[numero.id] = numero
        return numero

    def cancel(self, numero: NumeroSalvy, motivo: str) -> None:
        """Give a number back and tell of it."""
        numero.status, numero.cancelado_em, numero.motivo = "canceled", iso(time.time()), motivo
        self.emit("phone-account.canceled", {"phoneAccountId": numero.id})

    def receive_sms(self, numero: NumeroSalvy, texto: str, origem: str) -> dict[str, Any]:
        """Have a number get a text message and tell of it."""
        code = _CODIGO.search(texto) if "whatsapp" in texto.lower() else None
        row = {
            "id": str(uuid.uuid4()),
            "receivedAt": iso(time.time()),
            "originPhoneNumber": origem,
            "destinationPhoneNumber": numero.telefone,
            "message": texto,
            "detections": {"whatsapp": {"verificationCode": code[1] + code[2]}} if code else {},
        }
        numero.sms.appendleft(row)
        self.emit("sms.received", {**row, "virtualPhoneAccountId": numero.id, "phoneAccountId": numero.id})
        return row

    def send_sms(self, telefone: str, texto: str) -> bool:
        """Have WhatsApp write to a phone, with or without country code; False when it is none of our numbers."""
        for numero in self.numeros.values():
            if numero.status != "canceled" and numero.telefone.removeprefix("+55") == telefone.removeprefix("55"):
                self.receive_sms(numero, texto, ORIGEM_WHATSAPP)
                return True
        return False

    def emit(self, tipo: str, data: Mapping[str, Any]) -> None:
        """Send a webhook to every address that wants its kind; to our own while nobody registered one."""
        content = orjson.dumps({"type": tipo, "timestamp": iso(time.time()), "data": data})
        scale = self._desk.world.config.retry_s / _PRIMEIRA_S
        pauses = tuple(pause * scale for pause in ESPERAS_S)
        for destino in self.destinos or [self._proprio]:
            if not destino.tipos or tipo in destino.tipos:
                headers = _signer(destino.segredo, f"msg_{uuid.uuid4().hex[:27]}", content)
                remessa = Remessa("salvy", tipo, destino.url, content, headers, pauses, prazo_s=PRAZO_S)
                self._desk.courier().dispatch(remessa)


def new_secret() -> str:
    """A signing secret as Svix makes them."""
    return f"whsec_{base64.b64encode(uuid.uuid4().bytes + uuid.uuid4().bytes[:8]).decode()}"


def _signer(segredo: str, msg_id: str, content: bytes) -> Callable[[int], Mapping[str, str]]:
    """Headers of one webhook: the same id at every attempt, the time of the attempt."""
    try:
        key = base64.b64decode(segredo.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = segredo.encode()

    def headers(_attempt: int) -> Mapping[str, str]:
        timestamp = str(int(time.time()))
        digest = hmac.digest(key, f"{msg_id}.{timestamp}.".encode() + content, hashlib.sha256)
        return {
            "content-type": "application/json",
            "user-agent": "Svix-Webhooks/1.62",
            "svix-id": msg_id,
            "svix-timestamp": timestamp,
            "svix-signature": f"v1,{base64.b64encode(digest).decode()}",
        }

    return headers
