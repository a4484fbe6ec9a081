"""Evolution's group routes. Every code of 22 letters and digits leads to a group, but for those that say otherwise."""

import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

from fastapi import Request, Response

from lib.sandbox.evolution_send import dead, refuse_unless_open
from lib.sandbox.evolution_wire import Desk, Endpoint, RefusalError, guarded, route
from lib.sandbox.jid import create_jid
from lib.sandbox.replies import json_reply
from lib.sandbox.world import Instance

REVOGADO: Final = "Revogado"
CHEIO: Final = "Cheio"
"""How a code begins that was revoked, or whose group is full."""
_CODE: Final = re.compile(r"[a-zA-Z0-9]{22}")
_MEMBERS: Final = 3
_BORN: Final = 1_760_000_000

Resposta = Callable[[Desk, Request, Instance], object]


def group_routes(desk: Desk) -> tuple[tuple[str, str, Endpoint], ...]:
    """(method, path, endpoint) of everything about groups."""
    table: tuple[tuple[str, str, Resposta], ...] = (
        ("GET", "inviteInfo", _info),
        ("GET", "acceptInviteCode", _accept),
        ("GET", "fetchAllGroups", _every),
        ("GET", "findGroupInfos", _one),
        ("GET", "participants", _participants),
        ("GET", "inviteCode", _invite),
        ("DELETE", "leaveGroup", _leave),
    )
    return tuple(
        (method, f"/group/{name}/{{instance}}", route(desk, f"evolution.{name}", _bound(desk, answer)))
        for method, name, answer in table
    )


def _bound(desk: Desk, answer: Resposta) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        return json_reply(answer(desk, request, guarded(desk.world, request)))

    return endpoint


def _info(_desk: Desk, request: Request, instance: Instance) -> object:
    code = _code(request)
    if instance.state != "open" or code.startswith(REVOGADO):
        raise RefusalError(404, ["No invite info", code])
    return _metadata(code, members=True)


def _every(desk: Desk, request: Request, instance: Instance) -> object:
    wanted = request.query_params.get("getParticipants")
    if wanted is None:
        raise RefusalError(400, ["The getParticipants needs to be informed in the query"])
    if instance.state != "open":
        text = "Connection Closed" if instance.had_socket else "Cannot convert undefined or null to object"
        raise RefusalError(500, text)
    return [_metadata(code, members=wanted == "true") for code in _joined(desk, instance).values()]


def _one(desk: Desk, request: Request, instance: Instance) -> object:
    return _metadata(_member_of(desk, request, instance, "Error fetching group"), members=True)


def _participants(desk: Desk, request: Request, instance: Instance) -> object:
    code = _member_of(desk, request, instance, "No participants")
    return {"participants": _metadata(code, members=True)["participants"]}


def _invite(desk: Desk, request: Request, instance: Instance) -> object:
    code = _member_of(desk, request, instance, "No invite code")
    return {"inviteUrl": f"https://chat.whatsapp.com/{code}", "inviteCode": code}


def _leave(desk: Desk, request: Request, instance: Instance) -> object:
    jid = _jid(request)
    if instance.state != "open":
        raise RefusalError(400, ["Unable to leave the group", dead(instance, "groupLeave")])
    if _joined(desk, instance).pop(jid, None) is None:
        raise RefusalError(400, ["Unable to leave the group", "Error: item-not-found"])
    return {"groupJid": jid, "leave": True}


def _joined(desk: Desk, instance: Instance) -> dict[str, str]:
    return desk.memory.grupos[instance.id]


def _code(request: Request) -> str:
    code = request.query_params.get("inviteCode")
    if code is None:
        example = 'ex: "inviteCode=F1EX5QZxO181L3TMVP31gY" (Obtained from group join link)'
        raise RefusalError(400, ["The group invite code id needs to be informed in the query", example])
    if not _CODE.fullmatch(code):
        raise RefusalError(400, [['inviteCode does not match pattern "^[a-zA-Z0-9]{22}$"']])
    return code


def _jid(request: Request) -> str:
    """The group asked for; bare digits are taken too, as recorded."""
    jid = request.query_params.get("groupJid")
    if jid is None:
        raise RefusalError(400, ["The group id needs to be informed in the query", 'ex: "groupJid=120362@g.us"'])
    return create_jid(jid)


def _accept(desk: Desk, request: Request, instance: Instance) -> object:
    """Join; each failure is a 404 whose second text alone tells why."""
    code = _code(request)
    joined, jid = _joined(desk, instance), jid_of(code)
    reason = None
    if instance.state != "open":
        reason = dead(instance, "groupAcceptInvite")
    elif code.startswith(REVOGADO):
        reason = "Error: gone"
    elif code.startswith(CHEIO):
        reason = "Error: resource-limit"
    elif jid in joined:
        reason = "Error: conflict"
    if reason:
        raise RefusalError(404, ["Accept invite error", reason])
    joined[jid] = code
    return {"accepted": True, "groupJid": jid}


def _member_of(desk: Desk, request: Request, instance: Instance, title: str) -> str:
    jid = _jid(request)
    refuse_unless_open(instance, 404, "Error: {error}", "groupMetadata", listed=True)
    code = _joined(desk, instance).get(jid)
    if code is None:
        raise RefusalError(404, [title, "Error: item-not-found"])
    return code


def jid_of(code: str) -> str:
    """The one group a code leads to, stable across restarts."""
    number = int.from_bytes(hashlib.blake2s(code.encode(), digest_size=6).digest()) % 10**12
    return f"120363{number:012d}@g.us"


def _metadata(code: str, *, members: bool) -> dict[str, Any]:
    """A group as Baileys describes it; its members are invented phones of the test range."""
    first = int(jid_of(code)[6:10]) % 9_000
    phones = [f"551190002{first + number:04d}@s.whatsapp.net" for number in range(_MEMBERS)]
    people = [{"id": phone, "admin": "superadmin" if not number else None} for number, phone in enumerate(phones)]
    return {
        "id": jid_of(code),
        "subject": f"Plantões {code[:4]}",
        "subjectOwner": phones[0],
        "subjectTime": _BORN,
        "pictureUrl": None,
        "size": _MEMBERS,
        "creation": _BORN,
        "owner": phones[0],
        "desc": "Grupo fictício do sandbox",
        "descId": code[:8],
        "restrict": False,
        "announce": False,
    } | ({"participants": people} if members else {})
