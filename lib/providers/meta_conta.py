"""A WhatsApp Business account at Meta: its templates, numbers, files, webhooks and blocked users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lib.providers import meta_forma as forma
from lib.providers.baixar import Arquivo, Baixador, BaixarError
from lib.providers.evolution_json import items, tree, words
from lib.providers.meta import CAMPOS, Meta, done, quoted
from lib.providers.meta_forma import EstadoNumero, MidiaMeta, ModeloLido
from lib.providers.whatsapp import GatewayError

HOSTS_MIDIA: Final = frozenset({"lookaside.fbsbx.com"})
PAGINA: Final = 100
PAGINAS_MAX: Final = 50
CAMPOS_MODELO: Final = "name,language,status,category,components"


@dataclass(frozen=True, slots=True)
class MetaConta:
    """What is done for an account rather than for a message. All methods raise `GatewayError` but where they say so."""

    meta: Meta

    async def templates(self, conta: str) -> Sequence[ModeloLido]:
        """Return all templates of the account, whatever their status. Safe to repeat.

        Paged by cursor: Meta's own `next` address carries our token and is never followed.
        """
        rows = await self._all("templates", f"{quoted(conta)}/message_templates", CAMPOS_MODELO)
        return [modelo for row in rows if (modelo := forma.read_template(row))]

    async def numbers(self, conta: str) -> Mapping[str, EstadoNumero]:
        """Return the state of each number of the account by its phone number id. Safe to repeat."""
        rows = await self._all("numbers", f"{quoted(conta)}/phone_numbers", f"id,{CAMPOS}")
        found = {words(tree(row).get("id"), 60): forma.read_number(tree(row)) for row in rows}
        if None in found:
            raise GatewayError("meta numbers: a number without an id")
        return {name: state for name, state in found.items() if name}

    async def _all(self, nome: str, path: str, campos: str) -> list[Any]:
        """Return the rows of all pages of a list."""
        found: list[Any] = []
        after: str | None = None
        for _ in range(PAGINAS_MAX):
            params = {"fields": campos, "limit": PAGINA} | ({"after": after} if after else {})
            body = (await self.meta.ask(nome, "GET", path, safe=True, params=params)).objeto
            if not isinstance(body.get("data"), list):
                raise GatewayError(f"meta {nome}: no list came")
            found += body["data"]
            paging = tree(body.get("paging"))
            cursor = words(tree(paging.get("cursors")).get("after"), 2_000)
            if "next" not in paging or cursor is None:
                return found
            if cursor == after:
                raise GatewayError(f"meta {nome}: the same page again")
            after = cursor
        raise GatewayError(f"meta {nome}: more than {PAGINAS_MAX * PAGINA}")

    async def subscribe(self, conta: str) -> None:
        """Have the account's events sent to our app; without it none comes. Safe to repeat."""
        done(await self.meta.ask("subscribe", "POST", f"{quoted(conta)}/subscribed_apps", safe=True), "subscribe")

    async def subscribed_apps(self, conta: str) -> Sequence[str]:
        """Return the ids of the apps that get the account's events. Safe to repeat."""
        answer = await self.meta.ask("subscribed_apps", "GET", f"{quoted(conta)}/subscribed_apps", safe=True)
        apps = [tree(tree(row).get("whatsapp_business_api_data")) for row in items(answer.objeto.get("data"))]
        return [app_id for app in apps if (app_id := words(app.get("id"), 60))]

    async def add_number(self, conta: str, ddi: str, numero: str, nome: str) -> str:
        """Put a number on the account and return its phone number id. Not safe to repeat."""
        body = {"cc": ddi, "phone_number": numero, "verified_name": nome}
        answer = await self.meta.ask("add_number", "POST", f"{quoted(conta)}/phone_numbers", safe=False, body=body)
        return _id(answer.objeto.get("id"), "add_number")

    async def request_code(self, instancia: str, metodo: str, idioma: str = "pt_BR") -> None:
        """Ask for the code by `SMS` or `VOICE`. Not safe to repeat: few are allowed in three days."""
        body = {"code_method": metodo, "language": idioma}
        path = f"{quoted(instancia)}/request_code"
        done(await self.meta.ask("request_code", "POST", path, safe=False, body=body), "request_code")

    async def verify_code(self, instancia: str, codigo: str) -> None:
        """Give the code back. Not safe to repeat: wrong codes are counted."""
        path = f"{quoted(instancia)}/verify_code"
        done(await self.meta.ask("verify_code", "POST", path, safe=False, body={"code": codigo}), "verify_code")

    async def register(self, instancia: str, pin: str) -> None:
        """Register a verified number for the Cloud API under its two-step PIN. Safe to repeat."""
        body = {"messaging_product": "whatsapp", "pin": pin}
        path = f"{quoted(instancia)}/register"
        done(await self.meta.ask("register", "POST", path, safe=True, body=body), "register")

    async def deregister(self, instancia: str) -> None:
        """Take a number off the Cloud API. Safe to repeat."""
        done(await self.meta.ask("deregister", "POST", f"{quoted(instancia)}/deregister", safe=True), "deregister")

    async def block_users(self, instancia: str, numeros: Sequence[str]) -> None:
        """Block users by digits or user id. Safe to repeat."""
        await self._block("POST", instancia, numeros)

    async def unblock_users(self, instancia: str, numeros: Sequence[str]) -> None:
        """Let blocked users write again. Safe to repeat."""
        await self._block("DELETE", instancia, numeros)

    async def upload_media(self, instancia: str, nome: str, mimetype: str, conteudo: bytes) -> str:
        """Store a file at Meta for 30 days and return its id. Safe to repeat: a second copy costs nothing."""
        answer = await self.meta.ask(
            "upload_media",
            "POST",
            f"{quoted(instancia)}/media",
            safe=True,
            data={"messaging_product": "whatsapp", "type": mimetype},
            files={"file": (nome, conteudo, mimetype)},
        )
        return _id(answer.objeto.get("id"), "upload_media")

    async def media(self, media_id: str, instancia: str) -> MidiaMeta:
        """Return where a received file lies, for about five minutes. Safe to repeat."""
        params = {"phone_number_id": instancia}
        answer = await self.meta.ask("media", "GET", quoted(media_id), safe=True, params=params)
        found = forma.read_media(answer.objeto)
        if found is None:
            raise GatewayError("meta media: no address came")
        return found

    async def download_media(self, baixador: Baixador, media_id: str, instancia: str) -> Arquivo:
        """Fetch a received file through the guarded downloader, which must know Meta's host. Safe to repeat.

        Raises:
            GatewayError: Meta does not give its address, or the file could not be fetched.
        """
        found = await self.media(media_id, instancia)
        try:
            return await baixador.fetch(found.url, {"authorization": f"Bearer {self.meta.token}"})
        except BaixarError as cause:
            raise GatewayError(f"meta download_media: {cause}") from cause

    async def _block(self, method: str, instancia: str, numeros: Sequence[str]) -> None:
        users = [{"user_id" if forma.USER_ID.fullmatch(numero) else "user": numero} for numero in numeros]
        body = {"messaging_product": "whatsapp", "block_users": users}
        await self.meta.ask("block_users", method, f"{quoted(instancia)}/block_users", safe=True, body=body)


def _id(value: object, nome: str) -> str:
    found = words(value, 100)
    if found is None:
        raise GatewayError(f"meta {nome}: no id came")
    return found
