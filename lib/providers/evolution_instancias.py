"""Evolution's instances: making, pairing, watching and ending them, and where they report."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from time import monotonic
from typing import Any, Final

from lib.providers.chamada import Resposta
from lib.providers.evolution_json import items, tree, whole, words
from lib.providers.evolution_linha import Linha, malformed, segment
from lib.providers.whatsapp import EstadoConexao, GatewayError, Instancia

# What the ingest understands. Evolution awaits the delivery of an edit before it goes on: while our door is shut an
# edit holds back what follows it on that instance, which comes late but is not lost. An edit never heard of is.
EVENTOS: Final = (
    "MESSAGES_UPSERT",
    "MESSAGES_UPDATE",
    "MESSAGES_EDITED",
    "MESSAGES_DELETE",
    "SEND_MESSAGE",
    "CONNECTION_UPDATE",
)
PAREAMENTO_S: Final = 30.0  # a call that connects sleeps 2 s, and 5 s where it waits for a QR code
FECHA_S: Final = 10.0
SONDAGEM_S: Final = 0.25
SEM_SESSAO: Final = "is not connected"
SEM_NOME: Final = "instance does not exist"


@dataclass(frozen=True, slots=True)
class Pareamento:
    """How far an instance is with connecting. Nothing but `aberta=False`: no code yet, ask again."""

    aberta: bool
    qr: str | None = field(default=None, repr=False)
    imagem: str | None = field(default=None, repr=False)
    codigo: str | None = field(default=None, repr=False)
    """Typed on the phone in place of scanning."""


@dataclass(frozen=True, slots=True)
class Destino:
    """Where an instance reports, and what; its headers are secret and left out."""

    url: str
    eventos: tuple[str, ...]
    ligado: bool
    por_evento: bool


@dataclass(frozen=True, slots=True)
class Ajustes:
    """An instance's settings, whole: Evolution refuses a part of them."""

    recusa_ligacoes: bool = False
    ignora_grupos: bool = True
    sempre_online: bool = False
    le_mensagens: bool = False
    le_status: bool = False
    historico_inteiro: bool = False


class Controle(Linha):
    """Instances, their webhook and settings, and our own profile. All raise `GatewayError`."""

    __slots__ = ()

    async def create_instance(self, instancia: str, numero: str | None, url: str, headers: Mapping[str, str]) -> None:
        """Create it without waiting for a QR code; an existing name is status 403. Safe to repeat.

        A 404 of another call is no reason to come here: with a wrong key the name may be missing all the same.
        `has_instance` asks for certain.
        """
        body = {
            "instanceName": instancia,
            "integration": "WHATSAPP-BAILEYS",
            "qrcode": False,
            "webhook": _webhook(url, headers),
        }
        number = {"number": numero} if numero else {}
        await self.ask("create", "POST", "/instance/create", body=body | number, prazo_s=PAREAMENTO_S)

    async def has_instance(self, instancia: str) -> bool:
        """Tell whether the instance exists, on the one route that looks at the key first. Safe to repeat."""
        return await self.find_instance(instancia) is not None

    async def find_instance(self, instancia: str) -> Instancia | None:
        """Return one instance as listed, None when there is none. Safe to repeat."""
        params = {"instanceName": instancia}
        try:
            answer = await self.ask("fetchInstances", "GET", "/instance/fetchInstances", params=params)
        except GatewayError as missing:
            if missing.status == HTTPStatus.NOT_FOUND and "not found" in missing.reason:
                return None
            raise
        return next((one for one in _rows(answer) if one.nome == instancia), None)

    async def connect(self, instancia: str) -> None:
        """Start connecting; Evolution takes 2 s to answer. Safe to repeat."""
        await self.pair(instancia)

    async def pair(self, instancia: str, numero: str | None = None) -> Pareamento:
        """Start connecting, or show the code of a connection under way. Safe to repeat.

        With `numero` (digits) the code is one to type; Evolution heeds it only while the state is `close`.
        """
        params = {"number": numero} if numero else None
        path = f"/instance/connect/{segment(instancia)}"
        return _pareamento("connect", await self.ask("connect", "GET", path, params=params, prazo_s=PAREAMENTO_S))

    async def restart(self, instancia: str) -> Pareamento:
        """Open the connection anew; one that is closed is an error, for which Evolution answers 200. Safe to repeat."""
        path = f"/instance/restart/{segment(instancia)}"
        return _pareamento("restart", await self.ask("restart", "POST", path, prazo_s=PAREAMENTO_S))

    async def connection_state(self, instancia: str) -> EstadoConexao:
        """Return the state in Evolution's memory, which is the true one. Safe to repeat."""
        answer = await self.ask("connectionState", "GET", f"/instance/connectionState/{segment(instancia)}")
        state = tree(answer.objeto.get("instance")).get("state")
        if not isinstance(state, str):
            raise malformed("connectionState", answer, "no state")
        return _estado(state)

    async def fetch_instances(self) -> Sequence[Instancia]:
        """Return all instances, with the state of Evolution's database, which lags. Safe to repeat."""
        return _rows(await self.ask("fetchInstances", "GET", "/instance/fetchInstances"))

    async def logout(self, instancia: str) -> bool:
        """End the session; False when there was none. The state follows later. Safe to repeat."""
        try:
            await self.ask("logout", "DELETE", f"/instance/logout/{segment(instancia)}")
        except GatewayError as refused:
            if refused.status == HTTPStatus.BAD_REQUEST and SEM_SESSAO in refused.reason:
                return False
            raise
        return True

    async def remove_instance(self, instancia: str, *, espera_s: float = FECHA_S) -> None:
        """End the session, wait until it is closed, then delete the instance. Safe to repeat, also when it is gone.

        Deleting while it connects leaves a loop that reconnects until Evolution itself is restarted, so one that does
        not close in `espera_s` stays, and that is an error.
        """
        try:
            if await self.logout(instancia):
                await self.wait_closed(instancia, espera_s)
            await self.ask("delete", "DELETE", f"/instance/delete/{segment(instancia)}")
        except GatewayError as failure:
            if failure.status != HTTPStatus.NOT_FOUND or SEM_NOME not in failure.reason:
                raise

    async def wait_closed(self, instancia: str, espera_s: float = FECHA_S) -> None:
        """Wait until the session is closed; that it does not close in `espera_s` is an error."""
        until = monotonic() + espera_s
        while await self.connection_state(instancia) is not EstadoConexao.FECHADA:
            if monotonic() > until:
                raise GatewayError("evolution: the session did not close")
            await asyncio.sleep(SONDAGEM_S)

    async def set_webhook(self, instancia: str, url: str, headers: Mapping[str, str]) -> None:
        """Set the webhook, nested and with its events named, as Evolution wants it. Safe to repeat."""
        body = {"webhook": _webhook(url, headers)}
        await self.ask("webhookSet", "POST", f"/webhook/set/{segment(instancia)}", body=body)

    async def find_webhook(self, instancia: str) -> Destino | None:
        """Return where the instance reports; None when nowhere yet. Safe to repeat."""
        answer = await self.ask("webhookFind", "GET", f"/webhook/find/{segment(instancia)}")
        row = answer.objeto
        url = row.get("url")
        if not isinstance(url, str):
            return None
        events = tuple(str(event) for event in items(row.get("events")))
        by_event = row.get("webhookByEvents", row.get("byEvents")) is True
        return Destino(url, events, row.get("enabled") is True, by_event)

    async def set_settings(self, instancia: str, ajustes: Ajustes) -> None:
        """Set all settings. Safe to repeat."""
        body = {
            "rejectCall": ajustes.recusa_ligacoes,
            "msgCall": "",
            "groupsIgnore": ajustes.ignora_grupos,
            "alwaysOnline": ajustes.sempre_online,
            "readMessages": ajustes.le_mensagens,
            "readStatus": ajustes.le_status,
            "syncFullHistory": ajustes.historico_inteiro,
        }
        await self.ask("settingsSet", "POST", f"/settings/set/{segment(instancia)}", body=body)

    async def find_settings(self, instancia: str) -> Ajustes:
        """Return the settings. Safe to repeat."""
        answer = await self.ask("settingsFind", "GET", f"/settings/find/{segment(instancia)}")
        row = answer.objeto
        if not isinstance(row.get("groupsIgnore"), bool):
            raise malformed("settingsFind", answer, "no settings")
        return Ajustes(
            recusa_ligacoes=row.get("rejectCall") is True,
            ignora_grupos=row["groupsIgnore"],
            sempre_online=row.get("alwaysOnline") is True,
            le_mensagens=row.get("readMessages") is True,
            le_status=row.get("readStatus") is True,
            historico_inteiro=row.get("syncFullHistory") is True,
        )

    async def set_presence(self, instancia: str, *, disponivel: bool) -> None:
        """Show our own number as online or not. Safe to repeat."""
        body = {"presence": "available" if disponivel else "unavailable"}
        await self.ask("setPresence", "POST", f"/instance/setPresence/{segment(instancia)}", body=body)

    async def update_profile(
        self, instancia: str, *, nome: str | None = None, recado: str | None = None, foto: str | None = None
    ) -> None:
        """Change what our own number shows; `foto` is an address or base64. One call for each. Safe to repeat."""
        wanted = (("Name", "name", nome), ("Status", "status", recado), ("Picture", "picture", foto))
        for route, field_name, value in wanted:
            if value is not None:
                path = f"/chat/updateProfile{route}/{segment(instancia)}"
                await self.ask(f"updateProfile{route}", "POST", path, body={field_name: value})


def _webhook(url: str, headers: Mapping[str, str]) -> dict[str, object]:
    """`events` must be there: without it Evolution answers 500."""
    events = list(EVENTOS)
    return {"enabled": True, "url": url, "events": events, "headers": dict(headers), "byEvents": False, "base64": False}


def _pareamento(nome: str, answer: Resposta) -> Pareamento:
    """Read what a call that connects says: open already, a code, or only how many codes there were: none."""
    body = answer.objeto
    instance = tree(body.get("instance"))
    state = instance.get("state", instance.get("status"))  # a restart of 2.3.7 says `status`
    if state is not None:
        return Pareamento(aberta=state == EstadoConexao.ABERTA)
    nested: Any = body.get("qrcode")
    code = nested if isinstance(nested, dict) else body
    if whole(code.get("count")) is None and not code.get("code"):
        raise malformed(nome, answer, "neither a state nor a code")
    return Pareamento(
        aberta=False,
        qr=words(code.get("code")),
        imagem=code["base64"] if isinstance(code.get("base64"), str) else None,
        codigo=words(code.get("pairingCode"), 20),
    )


def _rows(answer: Resposta) -> tuple[Instancia, ...]:
    if not isinstance(answer.corpo, list):
        raise malformed("fetchInstances", answer, "no list of instances")
    found = [tree(row) for row in answer.corpo]
    if not all(words(row.get("name")) for row in found):
        raise malformed("fetchInstances", answer, "an instance without a name")
    return tuple(map(_instancia, found))


def _instancia(row: Mapping[str, Any]) -> Instancia:
    owner, number = words(row.get("ownerJid"), 60), row.get("number")
    return Instancia(
        nome=str(row["name"]),
        estado=_known(row.get("connectionStatus")),
        numero=str(number) if number else None,
        dono=owner.partition("@")[0].partition(":")[0] if owner else None,
        codigo=whole(row.get("disconnectionReasonCode")),
        caiu_em=_instant(row.get("disconnectionAt")),
    )


def _instant(value: object) -> datetime | None:
    """Read an instant as Evolution's database writes it; one without a zone is none."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return read if read is not None and read.tzinfo is not None else None


def _estado(value: object) -> EstadoConexao:
    """Read a state; one that is not known does not send."""
    return _known(value) or EstadoConexao.FECHADA


def _known(value: object) -> EstadoConexao | None:
    return EstadoConexao(value) if isinstance(value, str) and value in set(EstadoConexao) else None
