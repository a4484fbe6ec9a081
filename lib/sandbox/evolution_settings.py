"""Evolution's routes about an instance's settings, its own presence, and profiles."""

from typing import Any, Final

from fastapi import Request, Response

from lib.sandbox.evolution_send import refuse_unless_open
from lib.sandbox.evolution_wire import (
    Desk,
    Endpoint,
    RefusalError,
    guarded,
    read_body,
    require,
    route,
    settings_block,
)
from lib.sandbox.jid import create_jid
from lib.sandbox.replies import json_reply

_SETTINGS: Final = ("rejectCall", "groupsIgnore", "alwaysOnline", "readMessages", "readStatus", "syncFullHistory")
_PRESENCES: Final = ("unavailable", "available", "composing", "recording", "paused")


def settings_routes(desk: Desk) -> tuple[tuple[str, str, Endpoint], ...]:
    """(method, path, endpoint) of settings, own presence and profiles."""

    async def set_all(request: Request) -> Response:
        body = await read_body(request)
        instance = guarded(desk.world, request)
        require(body, *_SETTINGS)
        wrong = [f"{name} is not of a type(s) boolean" for name in _SETTINGS if not isinstance(body[name], bool)]
        if wrong:
            raise RefusalError(400, [wrong])
        wanted: dict[str, Any] = {"rejectCall": body["rejectCall"], "msgCall": str(body.get("msgCall", ""))}
        wanted |= {name: body[name] for name in _SETTINGS}
        desk.memory.ajustes[instance.id] = wanted
        instance.groups_ignore = body["groupsIgnore"]
        desk.world.save(instance)
        return json_reply({"settings": {"instanceName": instance.name, "settings": wanted}}, 201)

    async def find(request: Request) -> Response:
        instance = guarded(desk.world, request)
        return json_reply(settings_block(instance, desk.memory.ajustes.get(instance.id)))

    async def presence(request: Request) -> Response:
        body = await read_body(request)
        instance = guarded(desk.world, request)
        require(body, "presence")
        if body["presence"] not in _PRESENCES:
            raise RefusalError(400, [[f"presence is not one of enum values: {','.join(_PRESENCES)}"]])
        kind = "Error" if instance.had_socket else "TypeError"
        refuse_unless_open(instance, 400, kind + ": {error}", "sendPresenceUpdate", listed=True)
        return json_reply({"presence": body["presence"]}, 201)

    return (
        ("POST", "/settings/set/{instance}", route(desk, "evolution.settingsSet", set_all)),
        ("GET", "/settings/find/{instance}", route(desk, "evolution.settingsFind", find)),
        ("POST", "/instance/setPresence/{instance}", route(desk, "evolution.setPresence", presence)),
        *_profile_routes(desk),
    )


def _profile_routes(desk: Desk) -> tuple[tuple[str, str, Endpoint], ...]:
    async def picture(request: Request) -> Response:
        body = await read_body(request)
        guarded(desk.world, request)
        require(body, "number")
        return json_reply({"wuid": create_jid(str(body["number"])), "profilePictureUrl": None})

    async def profile(request: Request) -> Response:
        body = await read_body(request)
        guarded(desk.world, request)
        require(body, "number")
        who = {"wuid": create_jid(str(body["number"])), "name": "Dra. Fictícia", "numberExists": True}
        return json_reply(who | {"picture": None, "status": {"status": "Disponível"}, "isBusiness": False})

    def update(field: str) -> Endpoint:
        async def change(request: Request) -> Response:
            body = await read_body(request)
            instance = guarded(desk.world, request)
            require(body, field)
            refuse_unless_open(instance, 500, "Error updating profile: {error}", "updateProfile", listed=True)
            return json_reply({"update": "success"})

        return change

    changes = tuple(
        (
            "POST",
            f"/chat/updateProfile{name}/{{instance}}",
            route(desk, f"evolution.updateProfile{name}", update(field)),
        )
        for name, field in (("Name", "name"), ("Status", "status"), ("Picture", "picture"))
    )
    return (
        ("POST", "/chat/fetchProfilePictureUrl/{instance}", route(desk, "evolution.fetchProfilePictureUrl", picture)),
        ("POST", "/chat/fetchProfile/{instance}", route(desk, "evolution.fetchProfile", profile)),
        *changes,
    )
