"""A person's message into a chat, by the gateway of the number, and a number put into a state."""

import time
import uuid
from dataclasses import dataclass
from typing import Final

from lib.sandbox.evolution_instances import make_webhook, new_instance
from lib.sandbox.evolution_sessao import Sessoes
from lib.sandbox.evolution_wire import upsert_payload
from lib.sandbox.jid import create_jid
from lib.sandbox.meta_messages import doctor_says, person_types
from lib.sandbox.mundos import Mundos
from lib.sandbox.world import ChatMessage, Instance, Webhook, iso, row_id
from lib.sandbox.zapi_world import CALLBACKS, deliver

PROVEDORES: Final = ("evolution", "zapi", "meta")


@dataclass(frozen=True, slots=True)
class Fala:
    """What is written in a chat. `minha`: on the number's own phone, not by the doctor. `oculto`: Meta only."""

    telefone: str
    texto: str
    nome: str = "Dra. Fictícia"
    minha: bool = False
    id: str | None = None
    em_s: float | None = None
    copias: int = 1
    oculto: bool | None = None


def find_number(mundos: Mundos, name: str) -> Instance | None:
    """The number of this instance; Z-API's are there as soon as they are asked for."""
    return mundos.world.instances.get(name) or mundos.zapi.instance(name)


def say(mundos: Mundos, instance: Instance, fala: Fala) -> str:
    """Put a message into the chat and tell the program as the number's gateway does; returns its id."""
    if instance.provedor == "meta":
        return _say_meta(mundos, instance, fala)
    desk = mundos.desk
    message_id = fala.id or f"3A{uuid.uuid4().hex[:18].upper()}"
    at_s = time.time() if fala.em_s is None else fala.em_s
    name = "Você" if fala.minha else fala.nome
    jid = create_jid(fala.telefone)
    said = ChatMessage(message_id, instance.name, jid, fala.minha, fala.texto, name, at_s)
    desk.world.receive(said)
    if instance.provedor == "zapi":
        deliver(desk, instance, said, fala.copias)
    else:
        desk.courier().emit(instance, "messages.upsert", upsert_payload(said, instance.id), copies=fala.copias)
    return message_id


def _say_meta(mundos: Mundos, instance: Instance, fala: Fala) -> str:
    if fala.minha:
        return person_types(mundos.desk, mundos.meta, instance, fala.telefone, fala.texto, at_s=fala.em_s)
    return doctor_says(
        mundos.desk,
        mundos.meta,
        instance,
        fala.telefone,
        fala.texto,
        nome=fala.nome,
        message_id=fala.id,
        at_s=fala.em_s,
        oculto=fala.oculto,
        copies=fala.copias,
    )


@dataclass(frozen=True, slots=True)
class Estado:
    """A number as it shall be; what is None stays as it is. `token` is Z-API's of the instance."""

    estado: str = "open"
    motivo: int | None = None
    numero: str | None = None
    webhook: dict[str, object] | None = None
    token: str | None = None


def put_number(mundos: Mundos, name: str, provedor: str | None, wanted: Estado) -> Instance:
    """Make the number if it is not there, set its webhook and move it to a state.

    Raises:
        ValueError: the number is another gateway's.
    """
    world = mundos.world
    existing = world.instances.get(name) or (mundos.zapi.instance(name) if provedor in {None, "zapi"} else None)
    if existing and provedor not in {None, existing.provedor}:
        raise ValueError(f"{name} já existe e é de {existing.provedor}")
    instance = existing or _made(mundos, name, provedor or "evolution", wanted)
    instance.number = wanted.numero or instance.number
    if instance.provedor == "zapi":
        _put_zapi(mundos, instance, wanted)
    else:
        _put_other(mundos, instance, wanted)
    return instance


def _made(mundos: Mundos, name: str, provedor: str, wanted: Estado) -> Instance:
    if provedor == "evolution":
        return new_instance(name, {"number": wanted.numero})
    now = iso(time.time())
    token = wanted.token or f"sandbox-{provedor}-token"
    if provedor == "zapi":
        mundos.zapi.tokens.setdefault(name, token)
    return Instance(name, name, token, now, now, provedor=provedor)


def _put_zapi(mundos: Mundos, instance: Instance, wanted: Estado) -> None:
    mundos.zapi.tokens.setdefault(instance.name, instance.token)
    if wanted.webhook:
        mundos.zapi.subscribe(instance, str(wanted.webhook["url"]), CALLBACKS, from_me=True)
    mundos.zapi.move(instance, "open" if wanted.estado == "open" else "close")


def _put_other(mundos: Mundos, instance: Instance, wanted: Estado) -> None:
    """Evolution tells of the change; Meta's numbers have no address of their own and no such event."""
    reason = wanted.motivo or (401 if wanted.estado == "close" else 200)
    if instance.provedor == "evolution":
        if wanted.webhook:
            instance.webhook = make_webhook(wanted.webhook, instance.webhook)
        instance.banned = instance.banned and wanted.estado != "open"
        Sessoes(mundos.desk).move(instance, wanted.estado, reason)
        return
    now = iso(time.time())
    instance.state, instance.had_socket, instance.updated_at = wanted.estado, True, now
    instance.reason_code = reason if wanted.estado == "close" else None
    instance.webhook = Webhook(row_id(), mundos.meta.keys.webhook, [], now, now)
    mundos.world.save(instance)
