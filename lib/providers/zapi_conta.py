"""Z-API beyond messages: pairing, webhooks, the queue, number checks and groups. Errors are `GatewayError`s."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from lib.domain.telefone import digitos
from lib.providers.chamada import Resposta
from lib.providers.evolution_json import items, words
from lib.providers.whatsapp import GatewayError
from lib.providers.zapi_chamada import Acesso
from lib.providers.zapi_forma import (
    ConviteZapi,
    GrupoZapi,
    NaFila,
    NumeroZapi,
    Situacao,
    group_of,
    invitation,
    number_of,
    queue_page,
    queued,
    situation,
)

PAGINA: Final = 100
PAGINAS_MAX: Final = 20  # twice what a queue holds
LOTE_MAX: Final = 50_000
QR_MAX: Final = 400_000  # characters


class Conta(Acesso):
    """An account's calls about its instances."""

    __slots__ = ()

    async def situation(self, instancia: str) -> Situacao:
        """Return whether the instance is connected. Safe to repeat."""
        answer = await self.other(instancia, "status", "GET", "/status", segura=True, erro_descreve=True)
        if not isinstance(answer.objeto.get("connected"), bool):
            raise GatewayError("zapi status: no state in the answer", status=answer.status)
        return situation(answer.objeto)

    async def qr_code(self, instancia: str) -> str:
        """Return the QR code's content, good for 20 s; ask every 10 to 20 s, three times at most. Safe to repeat."""
        return _value(await self.other(instancia, "qr-code", "GET", "/qr-code", segura=True, texto=True))

    async def qr_code_image(self, instancia: str) -> str:
        """Return the QR code as an image's `data:` address. Safe to repeat."""
        return _value(await self.other(instancia, "qr-code/image", "GET", "/qr-code/image", segura=True, texto=True))

    async def phone_code(self, instancia: str, telefone: str) -> str:
        """Return the code that a person types into the phone instead of scanning. Safe to repeat."""
        path = f"/phone-code/{digitos(telefone)}"
        return _value(await self.other(instancia, "phone-code", "GET", path, segura=True))

    async def restart(self, instancia: str) -> None:
        """Restart the instance. A GET that does something: not safe to repeat."""
        await self.other(instancia, "restart", "GET", "/restart", segura=False)

    async def disconnect(self, instancia: str) -> None:
        """End the WhatsApp session; a person has to pair again. A GET that does something: not safe to repeat."""
        await self.other(instancia, "disconnect", "GET", "/disconnect", segura=False)

    async def set_webhooks(self, instancia: str, url: str) -> None:
        """Send all events, those of messages from the phone itself too, to this HTTPS address. Safe to repeat."""
        body = {"value": url, "notifySentByMe": True}
        await self.other(instancia, "update-every-webhooks", "PUT", "/update-every-webhooks", segura=True, body=body)

    async def list_queue(self, instancia: str) -> Sequence[NaFila]:
        """Return what waits to be sent, oldest first as Z-API has it. Safe to repeat."""
        found: dict[str, NaFila] = {}
        for page in range(1, PAGINAS_MAX + 1):
            params = {"page": page, "pageSize": PAGINA}
            answer = await self.other(instancia, "queue", "GET", "/queue", segura=True, params=params)
            rows = queue_page(answer.corpo)
            if rows is None:
                raise GatewayError("zapi queue: not a list of messages", status=answer.status)
            known = len(found)
            found |= {row.zaap_id: row for row in map(queued, rows) if row is not None}
            if len(rows) < PAGINA or len(found) == known:
                break
        return tuple(found.values())

    async def clear_queue(self, instancia: str) -> None:
        """Drop everything that waits to be sent. Safe to repeat."""
        await self.other(instancia, "queue", "DELETE", "/queue", segura=True, texto=True)

    async def delete_queued(self, instancia: str, zaap_id: str) -> None:
        """Drop one waiting message. Safe to repeat."""
        path = f"/queue/{quote(zaap_id, safe='')}"
        await self.other(instancia, "queue", "DELETE", path, segura=True, texto=True)

    async def phone_exists(self, instancia: str, telefone: str) -> NumeroZapi:
        """Look one number up. Not before every send: Z-API checks by itself then. Safe to repeat."""
        path = f"/phone-exists/{digitos(telefone)}"
        answer = await self.other(instancia, "phone-exists", "GET", path, segura=True)
        rows = items(answer.corpo) or [answer.objeto]
        if not isinstance(rows[0], dict) or "exists" not in rows[0]:
            raise GatewayError("zapi phone-exists: no result in the answer", status=answer.status)
        return number_of(rows[0], digitos(telefone))

    async def phones_exist(self, instancia: str, telefones: Sequence[str]) -> Sequence[NumeroZapi]:
        """Look up to 50 000 numbers up; one result for each, those left unanswered do not exist. Safe to repeat."""
        if len(telefones) > LOTE_MAX:
            raise GatewayError(f"zapi phone-exists-batch: more than {LOTE_MAX} numbers")
        asked = [digitos(telefone) for telefone in telefones]
        answer = await self.other(
            instancia, "phone-exists-batch", "POST", "/phone-exists-batch", segura=True, body={"phones": asked}
        )
        if not isinstance(answer.corpo, list):
            raise GatewayError("zapi phone-exists-batch: not a list of results", status=answer.status)
        named = {digitos(str(row.get("inputPhone"))): row for row in answer.corpo if isinstance(row, dict)}
        return tuple(number_of(named.get(one), one) for one in asked)

    async def list_groups(self, instancia: str, pagina: int = 1) -> Sequence[GrupoZapi]:
        """Return one page of the number's groups, 100 at most. Safe to repeat."""
        params = {"page": pagina, "pageSize": PAGINA}
        answer = await self.other(instancia, "groups", "GET", "/groups", segura=True, params=params)
        if not isinstance(answer.corpo, list):
            raise GatewayError("zapi groups: not a list", status=answer.status)
        return tuple(group for group in map(group_of, answer.corpo) if group is not None)

    async def invitation(self, instancia: str, url: str) -> ConviteZapi:
        """Return what a group's invitation leads to, without accepting it. Safe to repeat."""
        path = "/group-invitation-metadata"
        answer = await self.other(instancia, path[1:], "GET", path, segura=True, params={"url": url})
        return invitation(answer.objeto)

    async def accept_invitation(self, instancia: str, url: str) -> bool:
        """Join a group and tell whether it worked. A GET that does something: not safe to repeat."""
        path = "/accept-invite-group"
        answer = await self.other(instancia, path[1:], "GET", path, segura=False, params={"url": url})
        return answer.objeto.get("success") is True


def _value(answer: Resposta) -> str:
    """Return a code, which comes as a value in JSON, as a JSON string, or bare.

    Raises:
        GatewayError: there is none: most likely connected already.
    """
    body: Any = answer.corpo
    if isinstance(body, dict):
        body = body.get("value") or body.get("code")
    elif not answer.json:
        body = answer.texto
    code = words(body, QR_MAX)
    if code is None:
        reason = "connected already" if answer.objeto.get("connected") is True else "no code in the answer"
        raise GatewayError(f"zapi: {reason}", status=answer.status)
    return code
