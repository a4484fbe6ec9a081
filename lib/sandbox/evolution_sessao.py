"""The life of an instance's session: paired, dropped and back again, logged out, banned, deleted too early."""

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import orjson

from lib.sandbox.courier import wants
from lib.sandbox.evolution_qr import data_uri, new_pairing, new_qr
from lib.sandbox.evolution_wire import Desk
from lib.sandbox.jid import create_jid
from lib.sandbox.world import Coluna, Instance, iso

LOGGED_OUT: Final = 401
ENDS: Final = frozenset({401, 402, 403, 406})
REMOVAL_S: Final = 0.3
_CONNECTION_CLOSED: Final = 428
_BURST: Final = 20
_BURST_MS: Final = 100
_PAUSE_MS: Final = 5_000


class Sessoes:
    """Moves instances between `close`, `connecting` and `open`, telling their webhooks.

    It holds nothing itself: what is to happen later is dropped when the instance moved or went meanwhile.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def start(self, instance: Instance, number: str | None = None) -> None:
        """Open the socket of a closed session and wait to be paired; with `number` there is a code to type too."""
        instance.pairing_number = number
        self.move(instance, "connecting", 200)
        self._await_pairing(instance)

    def scan(self, instance: Instance, codigo: str | None = None, numero: str | None = None) -> None:
        """Let a phone scan the QR code or type the pairing code; without `codigo` the one that is shown.

        `numero` is the phone, which becomes the instance's own.

        Raises:
            ValueError: no code is shown, this is not it, or WhatsApp banned the number.
        """
        if instance.banned:
            raise ValueError(f"o número de {instance.name} está banido")
        if instance.state != "connecting" or instance.qr_code is None:
            raise ValueError(f"{instance.name} não mostra nenhum código")
        if codigo not in {None, instance.qr_code, instance.pairing_code}:
            raise ValueError("código vencido ou errado")
        if numero:
            instance.owner_jid, instance.pairing_number = create_jid(numero), None
        self.move(instance, "open", 200)

    def drop(self, instance: Instance, away_ms: int) -> None:
        """Lose the connection for so long; it comes back by itself and never says `close`.

        Raises:
            ValueError: there is none.
        """
        if instance.state != "open":
            raise ValueError(f"{instance.name} não está conectada")
        instance.back_at_s = time.time() + away_ms / 1000
        self.move(instance, "connecting", 200)
        self._await_return(instance)

    def end(self, instance: Instance, reason: int) -> None:
        """End the session for good: the phone logged it out, or WhatsApp did.

        Raises:
            ValueError: there is none.
        """
        if instance.state == "close":
            raise ValueError(f"{instance.name} já está desconectada")
        self.move(instance, "close", reason)

    def ban(self, instance: Instance, reason: int) -> None:
        """End the session, if there is one, and let no code ever open one again."""
        instance.banned = True
        if instance.state == "close":
            self._desk.world.save(instance)
        else:
            self.move(instance, "close", reason)

    def pardon(self, instance: Instance) -> None:
        """Undo a ban; the session stays closed."""
        instance.banned = False
        self._desk.world.save(instance)

    def lock(self, instance: Instance, until_s: float | None) -> None:
        """Keep the number from writing to anybody first until then; None lifts it."""
        instance.locked_until_s = until_s
        self._desk.world.save(instance)

    def logout(self, instance: Instance) -> None:
        """End the session a moment later, as recorded."""
        self._after(REMOVAL_S * 1000, instance, partial(self.move, state="close", reason=LOGGED_OUT))

    def delete(self, instance: Instance) -> None:
        """Remove it a moment later; while it connects its socket goes on without it."""
        if instance.state == "connecting" and instance.id not in self._desk.world.zumbis:
            self._desk.world.haunt(instance)
            self._haunt(instance)
        asyncio.get_running_loop().call_later(REMOVAL_S, self._remove, instance)

    def resume(self) -> None:
        """Go on with what a restart of the sandbox interrupted."""
        for instance in self._desk.world.instances.values():
            if instance.provedor != "evolution" or instance.state != "connecting":
                continue
            if instance.back_at_s is None:
                self._await_pairing(instance)
            else:
                self._await_return(instance)
        for instance in self._desk.world.zumbis.values():
            self._haunt(instance)

    def move(self, instance: Instance, state: str, reason: int) -> None:
        """Set a state, keep it and emit what Evolution says of it."""
        self._set(instance, state)
        instance.reason_code = reason if state == "close" else None
        ended: Coluna | None = None
        data: dict[str, Any] = {"instance": instance.name}
        if state == "open":
            data |= {"wuid": instance.owner_jid, "profileName": "Júlia", "profilePictureUrl": None}
            self._write(instance, Coluna("open"))
        elif state == "close":
            ended = _closed(reason)
            self._write(instance, ended)
        self._desk.world.save(instance)
        if ended and reason in ENDS:
            self._tell_end(instance, ended)
        self._desk.courier().emit(instance, "connection.update", data | {"state": state, "statusReason": reason})

    def _set(self, instance: Instance, state: str) -> None:
        """Change the state and what hangs on it: codes, whose number it is, when it comes back."""
        instance.state, instance.had_socket, instance.updated_at = state, True, iso(time.time())
        instance.moves += 1
        instance.qr_code, instance.qr_count, instance.pairing_code = None, 0, None
        if state == "open":
            asked = instance.owner_jid or create_jid(instance.number or _invented_number(instance))
            instance.owner_jid = create_jid(instance.pairing_number) if instance.pairing_number else asked
        if state != "connecting":
            instance.back_at_s = instance.pairing_number = None

    def _await_pairing(self, instance: Instance) -> None:
        ritmo = self._desk.world.ritmo
        if ritmo.qr_ms >= 0:
            self._after(ritmo.qr_ms, instance, self._show)
        if ritmo.parear_ms >= 0 and not instance.banned:
            self._after(ritmo.parear_ms, instance, partial(self.move, state="open", reason=200))

    def _await_return(self, instance: Instance) -> None:
        left_ms = max(0.0, ((instance.back_at_s or 0.0) - time.time()) * 1000)
        self._after(_BURST_MS, instance, self._burst)
        self._after(left_ms, instance, partial(self.move, state="open", reason=200))

    def _burst(self, instance: Instance, said: int = 1) -> None:
        """Say `connecting` again and again: twenty times in two seconds, then ever more calmly."""
        self._say_connecting(instance)
        self._after(_pause_ms(said), instance, partial(self._burst, said=said + 1))

    def _haunt(self, instance: Instance, said: int = 1) -> None:
        if self._desk.world.zumbis.get(instance.id) is instance:
            self._say_connecting(instance)
            asyncio.get_running_loop().call_later(_pause_ms(said) / 1000, self._haunt, instance, said + 1)

    def _say_connecting(self, instance: Instance) -> None:
        data = {"instance": instance.name, "state": "connecting", "statusReason": 200}
        self._desk.courier().emit(instance, "connection.update", data)

    def _show(self, instance: Instance) -> None:
        """Show the next code, or give up after the last one."""
        world, webhook = self._desk.world, instance.webhook
        if instance.qr_count >= world.ritmo.qr_limite:
            self._give_up(instance)
            return
        instance.qr_count += 1
        instance.qr_code = new_qr()
        instance.pairing_code = new_pairing() if instance.pairing_number else None
        self._write(instance, replace(instance.coluna or Coluna("close"), status="connecting"))
        world.save(instance)
        self._after(world.ritmo.qr_troca_ms, instance, self._show)
        if webhook and wants(webhook, "qrcode.updated"):
            shown = {"instance": instance.name, "pairingCode": instance.pairing_code, "code": instance.qr_code}
            data = {"qrcode": shown | {"base64": data_uri(instance.qr_code)}}
            self._desk.courier().emit(instance, "qrcode.updated", data)

    def _give_up(self, instance: Instance) -> None:
        """Nobody scanned any code. The socket is closed, and only `refused` says so."""
        self._set(instance, "close")
        self._write(instance, replace(instance.coluna or Coluna("close"), status="close"))
        self._desk.world.save(instance)
        courier = self._desk.courier()
        limit = {"message": "QR code limit reached, please login again", "statusCode": 500}
        courier.emit(instance, "qrcode.updated", limit)
        data = {"instance": instance.name, "state": "refused", "statusReason": _CONNECTION_CLOSED}
        courier.emit(instance, "connection.update", data)

    def _tell_end(self, instance: Instance, coluna: Coluna) -> None:
        data = {
            "instance": instance.name,
            "status": "closed",
            "disconnectionAt": coluna.disconnected_at,
            "disconnectionReasonCode": coluna.reason_code,
            "disconnectionObject": coluna.reason_object,
        }
        self._desk.courier().emit(instance, "status.instance", data)
        self._desk.courier().emit(instance, "logout.instance", None)

    def _write(self, instance: Instance, coluna: Coluna) -> None:
        """Write to Evolution's database: at once, or when it gets round to it."""
        lag_ms = self._desk.world.ritmo.coluna_ms
        if lag_ms:
            instance.coluna = instance.coluna or Coluna("close")
            asyncio.get_running_loop().call_later(lag_ms / 1000, self._written, instance, coluna)
        else:
            instance.coluna = coluna

    def _written(self, instance: Instance, coluna: Coluna) -> None:
        if self._desk.world.instances.get(instance.name) is instance:
            instance.coluna = coluna
            self._desk.world.save(instance)

    def _remove(self, instance: Instance) -> None:
        if self._desk.world.instances.get(instance.name) is instance:
            self._desk.world.remove(instance.name)

    def _after(self, delay_ms: float, instance: Instance, act: Callable[[Instance], None]) -> None:
        """Do it to an instance that is then still here and has not moved."""
        moves = instance.moves

        def due() -> None:
            if instance.moves == moves and self._desk.world.instances.get(instance.name) is instance:
                act(instance)

        asyncio.get_running_loop().call_later(delay_ms / 1000, due)


def _pause_ms(said: int) -> int:
    return _BURST_MS if said < _BURST else _PAUSE_MS


def _closed(reason: int) -> Coluna:
    """What the database says of a session that ended now."""
    now = iso(time.time())
    payload = {"statusCode": reason, "error": _phrase(reason), "message": "Connection Failure"}
    output = {"statusCode": reason, "payload": payload, "headers": {}}
    error = {"data": None, "isBoom": True, "isServer": False, "output": output}
    return Coluna("close", reason, orjson.dumps({"error": error, "date": now}).decode(), now)


def _phrase(reason: int) -> str:
    try:
        return HTTPStatus(reason).phrase
    except ValueError:
        return "Unknown"


def _invented_number(instance: Instance) -> str:
    return f"551190000{uuid.UUID(instance.id).int % 10_000:04d}"
