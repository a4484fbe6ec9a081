"""Slack's Web API: posts, changes, private answers, views, files, and what was posted already.

A channel is its id (`C…`, `G…`, `D…`), never its name: only posting takes names. Slack has no idempotency for posts:
an unclear one is looked for by its metadata (`find_posted`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from lib.providers.chamada import Chamada, Falha, Julga, ProviderError, Resposta, call, failed, unclear
from lib.providers.slack_blocos import TEXTO_MAX, Bloco, checked, fit
from lib.providers.slack_erros import judge, judge_hook, judge_upload

FORNECEDOR: Final = "slack"
PAGINA: Final = 200
PAGINAS_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class Origens:
    """Where besides the Web API requests may go, as `scheme://host[:port]`: late answers and files."""

    resposta: str = "https://hooks.slack.com"
    upload: str = "https://files.slack.com"

    @classmethod
    def of(cls, url: str) -> Origens:
        """Return Slack's own where `url` is Slack's, else the sandbox's: where `url` is."""
        parts = urlsplit(url)
        return cls() if parts.hostname == "slack.com" else cls(*2 * (f"{parts.scheme}://{parts.netloc}",))


@dataclass(frozen=True, slots=True)
class Identidade:
    """Whose token this is."""

    equipe: str
    usuario: str
    bot: str | None


@dataclass(frozen=True, slots=True)
class UsuarioSlack:
    """A member of the workspace. `nome` is what people see."""

    id: str
    nome: str
    robo: bool
    ativo: bool


@dataclass(frozen=True, slots=True)
class Slack:
    """The Web API on a pooled client whose base address is `https://slack.com/api`. Nothing retries here.

    Every text is escaped and cut to Slack's limit here; `lib.providers.slack_blocos` makes the blocks. `origens` None
    means: those that belong to the client's base address.
    """

    client: httpx.AsyncClient = field(repr=False)
    token: str = field(repr=False)
    prazo_s: float = 10.0
    origens: Origens | None = None

    async def post_message(
        self,
        canal: str,
        texto: str,
        blocos: Sequence[Bloco] = (),
        thread_ts: str | None = None,
        evento: tuple[str, str] | None = None,
    ) -> str:
        """Post and return the message's ts. Not safe to repeat: `evento`, (kind, id), is how to find it.

        `texto` is what notifications and old clients show; 4000 characters.

        Raises:
            ProviderError: it was not posted, or that is not known.
            ValueError: more than 50 blocks.
        """
        body: dict[str, Any] = {"channel": canal, **_content(texto, blocos), "unfurl_links": False}
        if thread_ts is not None:
            body["thread_ts"] = thread_ts
        if evento is not None:
            body["metadata"] = {"event_type": evento[0], "event_payload": {"id": evento[1]}}
        return _text(*await self._write("chat.postMessage", body, segura=False), "ts")

    async def update(self, canal: str, ts: str, texto: str, blocos: Sequence[Bloco] = ()) -> None:
        """Replace one of our messages. Safe to repeat.

        Raises:
            ProviderError: it stands as it was, or that is not known.
        """
        body = {"channel": canal, "ts": ts, **_content(texto, blocos), "blocks": checked(blocos)}
        await self._write("chat.update", body, segura=True)

    async def post_ephemeral(self, canal: str, usuario: str, texto: str, blocos: Sequence[Bloco] = ()) -> None:
        """Post what only one user sees and nobody can look up. Not safe to repeat.

        Raises:
            ProviderError: it was not shown, or that is not known.
        """
        body = {"channel": canal, "user": usuario, **_content(texto, blocos)}
        await self._write("chat.postEphemeral", body, segura=False)

    async def open_view(self, trigger_id: str, view: Bloco) -> str:
        """Open a view for whoever caused `trigger_id`, within its 3 s; return its id. Not safe to repeat.

        Raises:
            ProviderError: it did not open, or that is not known.
        """
        chamada, answer = await self._write("views.open", {"trigger_id": trigger_id, "view": view}, segura=False)
        return _text(chamada, answer, "view", "id")

    async def upload(self, canal: str, nome: str, conteudo: bytes, titulo: str) -> str:
        """Put a file into a channel and return its id. Not safe to repeat once Slack was asked to show it.

        Raises:
            ProviderError: it is not there, or that is not known. The address to send it to was not Slack's.
        """
        asked = {"filename": nome, "length": len(conteudo)}
        chamada, answer = await self._read("files.getUploadURLExternal", asked)
        address, file_id = _text(chamada, answer, "upload_url"), _text(chamada, answer, "file_id")
        if _origin(address) != self._origens().upload:
            raise failed(chamada, answer, Falha.PERMANENTE, "an upload address of another host")
        sending = self._chamada("files.upload", segura=True)
        kind = {"content-type": "application/octet-stream"}
        await call(self.client, sending, "POST", address, julga=judge_upload, headers=kind, content=conteudo)
        body = {"files": [{"id": file_id, "title": fit(titulo, 255)}], "channel_id": canal}
        await self._write("files.completeUploadExternal", body, segura=False)
        return file_id

    async def find_posted(self, canal: str, evento: tuple[str, str], desde: datetime) -> str | None:
        """Return the ts of the message with this metadata among the first 1000 since `desde`. Safe to repeat.

        None is no proof at once: Slack's history may lag by seconds.

        Raises:
            ProviderError: the history could not be read.
        """
        cursor = ""
        for _ in range(PAGINAS_MAX):
            asked: dict[str, Any] = {"channel": canal, "oldest": f"{desde.timestamp():.6f}", "limit": PAGINA}
            params = {**asked, "inclusive": "true", "include_all_metadata": "true"} | (
                {"cursor": cursor} if cursor else {}
            )
            _, answer = await self._read("conversations.history", params)
            messages = answer.objeto.get("messages")
            for message in messages if isinstance(messages, list) else ():
                if _event(message) == evento and isinstance(message.get("ts"), str):
                    return str(message["ts"])
            metadata = answer.objeto.get("response_metadata")
            cursor = str(metadata.get("next_cursor") or "") if isinstance(metadata, dict) else ""
            if not cursor:
                break
        return None

    async def auth_test(self) -> Identidade:
        """Tell whose token this is. Safe to repeat.

        Raises:
            ProviderError: the token is not good, or Slack did not answer.
        """
        chamada, answer = await self._write("auth.test", {}, segura=True)
        bot = answer.objeto.get("bot_id")
        team, user = _text(chamada, answer, "team_id"), _text(chamada, answer, "user_id")
        return Identidade(team, user, bot if isinstance(bot, str) else None)

    async def users_info(self, usuario: str) -> UsuarioSlack:
        """Return a member. Safe to repeat.

        Raises:
            ProviderError: with code `user_not_found` when there is none; or Slack did not answer.
        """
        chamada, answer = await self._read("users.info", {"user": usuario})
        user = answer.objeto.get("user")
        known: Mapping[str, Any] = user if isinstance(user, dict) else {}
        profile = known.get("profile") if isinstance(known.get("profile"), dict) else {}
        names = ((profile or {}).get("display_name"), known.get("real_name"), known.get("name"))
        nome = next((name for name in names if isinstance(name, str) and name), usuario)
        ativo = known.get("deleted") is not True
        return UsuarioSlack(_text(chamada, answer, "user", "id"), nome, known.get("is_bot") is True, ativo)

    async def respond(self, response_url: str, payload: Mapping[str, Any]) -> None:
        """Answer a command or a button late: 5 times within 30 minutes. Not safe to repeat. Sends no token.

        Raises:
            ProviderError: refused, unclear, or the address is not Slack's: then nothing was sent.
        """
        chamada = self._chamada("response_url", segura=False)
        if _origin(response_url) != self._origens().resposta:
            raise ProviderError(chamada, Falha.PERMANENTE, "a response address of another host")
        body = dict(payload)
        if isinstance(body.get("text"), str):
            body["text"] = fit(body["text"], TEXTO_MAX)
        if "blocks" in body:
            body["blocks"] = checked(body["blocks"])
        await call(self.client, chamada, "POST", response_url, julga=judge_hook, body=body)

    def _origens(self) -> Origens:
        return self.origens or Origens.of(str(self.client.base_url))

    def _chamada(self, nome: str, *, segura: bool) -> Chamada:
        return Chamada(FORNECEDOR, nome, segura, self.prazo_s)

    async def _write(self, metodo: str, body: Mapping[str, Any], *, segura: bool) -> tuple[Chamada, Resposta]:
        kind = {"content-type": "application/json; charset=utf-8"}
        return await self._call("POST", metodo, segura, judge, headers=kind, body=body)

    async def _read(self, metodo: str, params: Mapping[str, Any]) -> tuple[Chamada, Resposta]:
        return await self._call("GET", metodo, True, judge, headers={}, params=params)  # noqa: FBT003 - reading is safe

    async def _call(
        self, method: str, metodo: str, segura: bool, julga: Julga, *, headers: Mapping[str, str], **extra: Any
    ) -> tuple[Chamada, Resposta]:
        chamada = self._chamada(metodo, segura=segura)
        signed = {**headers, "authorization": f"Bearer {self.token}"}
        return chamada, await call(self.client, chamada, method, f"/{metodo}", julga=julga, headers=signed, **extra)


def _content(texto: str, blocos: Sequence[Bloco]) -> dict[str, Any]:
    content: dict[str, Any] = {"text": fit(texto, TEXTO_MAX)}
    return {**content, "blocks": checked(blocos)} if blocos else content


def _text(chamada: Chamada, resposta: Resposta, *path: str) -> str:
    """Return the text at `path` of the answer.

    Raises:
        ProviderError: it is not there: what was asked may have been done all the same.
    """
    value: Any = resposta.objeto
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, str) or not value:
        raise failed(chamada, resposta, unclear(chamada), f"an answer without {'.'.join(path)}")
    return value


def _event(message: Any) -> tuple[str, str] | None:
    metadata = message.get("metadata") if isinstance(message, dict) else None
    if not isinstance(metadata, dict) or not isinstance(payload := metadata.get("event_payload"), dict):
        return None
    return str(metadata.get("event_type")), str(payload.get("id"))


def _origin(url: str) -> str | None:
    """Return `scheme://host[:port]`; None for an address that is none, or carries a user."""
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        return None
    if parts.userinfo or parts.scheme not in {"http", "https"}:
        return None
    return f"{parts.scheme}://{parts.netloc.decode('ascii', 'replace')}"
