"""Meta's numbers as it rates them: quality, status, messaging limit; what it tells of a change, and their list."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from fastapi import Request, Response

from lib.sandbox.evolution_wire import Desk
from lib.sandbox.meta_wire import MetaRefusalError, account, invalid, paged, post_change
from lib.sandbox.meta_world import CONTA, ORIGEM, MetaWorld
from lib.sandbox.replies import json_reply
from lib.sandbox.world import Instance, NumeroMeta

LIMITES: Final = ("TIER_250", "TIER_1K", "TIER_2K", "TIER_10K", "TIER_100K", "TIER_UNLIMITED")
PAGINA_MAX: Final = 100
ESTADOS: Final = {"open": "CONNECTED", "connecting": "PENDING", "close": "DISCONNECTED"}
BANIDO: Final = frozenset({402, 403, 406})
RESTRICAO_S: Final = 7 * 24 * 3600
_PADRAO: Final = ("verified_name", "display_phone_number", "quality_rating", "id")


def rate(desk: Desk, meta: MetaWorld, instance: Instance, changes: Mapping[str, str]) -> None:
    """Rate a number anew and tell what Meta tells of it; what `changes` leaves out stays.

    The limit is one for all numbers of an account: whoever joins takes it over, whoever changes it changes it for all.
    """
    before, status = instance.meta, number_status(instance)
    wanted = replace(before, **changes)
    if wanted.status == "CONNECTED":
        wanted = replace(wanted, status=None)
    others = [one for one in numbers_of(meta, wanted.conta) if one is not instance]
    if others and "limite" not in changes:
        wanted = replace(wanted, limite=others[0].meta.limite)
    instance.meta = wanted
    desk.world.save(instance)
    for other in others:
        other.meta = replace(other.meta, limite=wanted.limite)
        desk.world.save(other)
    if event := _quality_event(before, wanted):
        _tell_quality(desk, meta, instance, before, event)
    if number_status(instance) != status:
        post_change(desk, meta, "account_update", _status_event(instance, status), conta=wanted.conta)


def numbers_of(meta: MetaWorld, conta: str) -> list[Instance]:
    """The numbers of an account by their id."""
    found = [one for one in meta.world.instances.values() if one.provedor == ORIGEM and account(one) == conta]
    return sorted(found, key=lambda one: one.name)


def number_status(instance: Instance) -> str:
    """Meta's word for how a number is: what it decided, else what follows of its registration."""
    if instance.meta.status:
        return instance.meta.status
    banned = instance.state == "close" and instance.reason_code in BANIDO
    return "BANNED" if banned else ESTADOS.get(instance.state, "DISCONNECTED")


def number_rating(instance: Instance) -> dict[str, str]:
    """What can be rated, as it is now."""
    rated = instance.meta
    return {
        "conta": rated.conta,
        "qualidade": rated.qualidade,
        "status": number_status(instance),
        "limite": rated.limite,
    }


def number_row(instance: Instance) -> dict[str, Any]:
    """All that a number's node shows."""
    return {
        "display_phone_number": f"+{instance.number or '5511900000000'}",
        "verified_name": "Agente Júlia",
        "quality_rating": instance.meta.qualidade,
        "status": number_status(instance),
        "name_status": "APPROVED",
        "messaging_limit_tier": instance.meta.limite,
        "throughput": {"level": "STANDARD"},
        "id": instance.name,
    }


async def list_numbers(_desk: Desk, meta: MetaWorld, request: Request) -> Response:
    """One page of an account's numbers, with the fields asked for."""
    conta = str(request.path_params["id"])
    listed = numbers_of(meta, conta)
    if not listed and conta != CONTA:
        raise MetaRefusalError(400, 100, f"Unsupported get request. Object with ID '{conta}' does not exist")
    fields = [name for name in request.query_params.get("fields", "").split(",") if name] or list(_PADRAO)
    rows = [number_row(one) for one in listed]
    for name in fields:
        if any(name not in row for row in rows):
            raise invalid(f"Tried accessing nonexisting field ({name})")
    shown = [{name: row[name] for name in dict.fromkeys([*fields, "id"])} for row in rows]
    return json_reply(paged(meta, request, shown, PAGINA_MAX))


def _quality_event(before: NumeroMeta, now: NumeroMeta) -> str | None:
    """What Meta calls the change; between GREEN and YELLOW it says nothing."""
    if "RED" in {before.qualidade, now.qualidade} and before.qualidade != now.qualidade:
        return "FLAGGED" if now.qualidade == "RED" else "UNFLAGGED"
    if before.limite != now.limite:
        return "UPGRADE" if LIMITES.index(now.limite) > LIMITES.index(before.limite) else "DOWNGRADE"
    return None


def _tell_quality(desk: Desk, meta: MetaWorld, instance: Instance, before: NumeroMeta, event: str) -> None:
    now = instance.meta
    value: dict[str, Any] = {"display_phone_number": instance.number or "5511900000000", "event": event}
    if before.limite != now.limite:
        value["old_limit"] = before.limite
    post_change(
        desk, meta, "phone_number_quality_update", value | {"current_limit": now.limite}, conta=account(instance)
    )


def _status_event(instance: Instance, before: str) -> dict[str, Any]:
    """What Meta says of the account when a number's status changed."""
    phone: dict[str, Any] = {"phone_number": instance.number or "5511900000000"}
    match number_status(instance), before:
        case "BANNED", _:
            day = time.strftime("%Y-%m-%d", time.gmtime())
            ban = {"waba_ban_state": "DISABLE", "waba_ban_date": day}
            return phone | {"event": "DISABLED_UPDATE", "ban_info": ban}
        case "RESTRICTED", _:
            ends = int(time.time()) + RESTRICAO_S
            kinds = [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": ends}]
            return phone | {"event": "ACCOUNT_RESTRICTION", "restriction_info": kinds}
        case "FLAGGED", _:
            return phone | {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "SPAM"}}
        case _, "BANNED":
            return phone | {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}}
        case _:
            return phone | {"event": "ACCOUNT_RESTRICTION", "restriction_info": []}
