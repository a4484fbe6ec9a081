"""Slack's workspace as the sandbox keeps it: people, channels, messages, files, views, and what calls may still do."""

import secrets
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

EQUIPE: Final = "T00000001"
APP: Final = "A00000001"
ROBO: Final = "U0BOT0001"
BOT: Final = "B00000001"
HOOK_USOS: Final = 5
HOOK_S: Final = 1800.0
GATILHO_S: Final = 3.0
# Calls a minute; postMessage is counted for each channel, about one a second.
LIMITES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "chat.postMessage": 60,
        "chat.update": 50,
        "conversations.history": 50,
        "conversations.list": 20,
        "chat.postEphemeral": 100,
        "views.open": 100,
        "users.info": 100,
        "files.getUploadURLExternal": 100,
        "files.completeUploadExternal": 100,
    }
)


@dataclass(slots=True)
class Pessoa:
    """A member of the workspace."""

    id: str
    nome: str
    robo: bool = False
    ativo: bool = True


@dataclass(slots=True)
class Canal:
    """A channel; a direct one with the app is named after its user. `membro`: whether the app is in it."""

    id: str
    nome: str
    membro: bool = True
    arquivado: bool = False
    usuario: str | None = None


@dataclass(slots=True)
class Mensagem:
    """One message. `para` is the only user who sees an ephemeral one, which no history shows."""

    canal: str
    ts: str
    usuario: str
    texto: str
    blocos: list[Any] = field(default_factory=list)
    metadata: Mapping[str, Any] | None = None
    thread_ts: str | None = None
    para: str | None = None
    editada: bool = False
    arquivos: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Arquivo:
    """A file, shown to nobody until it is completed in a channel."""

    id: str
    nome: str
    tamanho: int
    conteudo: bytes | None = None
    titulo: str = ""
    canal: str | None = None


@dataclass(slots=True)
class Tela:
    """An open view of one user."""

    id: str
    usuario: str
    view: Mapping[str, Any]
    aberta: bool = True


@dataclass(slots=True)
class Gancho:
    """A response_url: where its answers show, and how often it may still be used."""

    canal: str
    usuario: str
    mensagem_ts: str | None
    ate_s: float
    usos: int = HOOK_USOS


@dataclass(slots=True)
class Gatilho:
    """A trigger_id: whose it is, and until when it opens one view."""

    usuario: str
    ate_s: float
    usado: bool = False


class SlackWorld:
    """State of one workspace with the app in it. `historico_atraso_s` hides the newest messages from the history.

    `esperas_s` are the pauses before an event is sent again; `prazo_s` is how long Slack waits for an answer.
    """

    def __init__(self, token: str, signing_secret: str, api_url: str, server_url: str) -> None:
        self.token, self.signing_secret = token, signing_secret
        self.webhook_url = f"{api_url.rstrip('/')}/webhooks/slack"
        self.server_url = server_url.rstrip("/")
        self.limites = dict(LIMITES)
        self.historico_atraso_s = 0.0
        self.esperas_s: tuple[float, ...] = (0.0, 60.0, 300.0)
        self.prazo_s = 3.0
        self.clear()

    def clear(self) -> None:
        """Begin anew: two people, two channels, nothing said."""
        self.pessoas = {
            ROBO: Pessoa(ROBO, "julia", robo=True),
            "U00000002": Pessoa("U00000002", "gestora"),
            "U00000003": Pessoa("U00000003", "visitante"),
        }
        self.canais = {
            "C00000001": Canal("C00000001", "julia-ops"),
            "C00000002": Canal("C00000002", "julia-critico"),
        }
        self.mensagens: list[Mensagem] = []
        self.arquivos: dict[str, Arquivo] = {}
        self.telas: dict[str, Tela] = {}
        self.ganchos: dict[str, Gancho] = {}
        self.gatilhos: dict[str, Gatilho] = {}
        self._chamadas: defaultdict[str, deque[float]] = defaultdict(deque)
        self._ts = 0

    def new_ts(self) -> str:
        """Return a message's ts: seconds and microseconds, never twice, always growing."""
        self._ts = max(self._ts + 1, int(time.time() * 1_000_000))
        return f"{self._ts // 1_000_000}.{self._ts % 1_000_000:06d}"

    def say(self, canal: str, usuario: str, texto: str, **more: Any) -> Mensagem:
        """Put a message into a channel."""
        message = Mensagem(canal, self.new_ts(), usuario, texto, **more)
        self.mensagens.append(message)
        return message

    def find(self, canal: str, ts: str) -> Mensagem | None:
        """Return a message of a channel."""
        return next((m for m in reversed(self.mensagens) if m.ts == ts and m.canal == canal), None)

    def channel(self, name: str) -> Canal | None:
        """Return a channel by its id, or by `#name`; a user's id opens the direct one."""
        if name in self.canais:
            return self.canais[name]
        if name in self.pessoas:
            return self.direct(name)
        return next((c for c in self.canais.values() if name.removeprefix("#") == c.nome and c.usuario is None), None)

    def direct(self, usuario: str) -> Canal:
        """Return the direct channel between a user and the app."""
        canal = Canal(f"D{usuario[1:]}", f"dm-{usuario}", usuario=usuario)
        return self.canais.setdefault(canal.id, canal)

    def hook(self, canal: str, usuario: str, mensagem_ts: str | None = None) -> str:
        """Make a response_url and return it."""
        token = secrets.token_hex(12)
        self.ganchos[token] = Gancho(canal, usuario, mensagem_ts, time.time() + HOOK_S)
        return f"{self.server_url}/slack/hooks/{EQUIPE}/{token}"

    def trigger(self, usuario: str) -> str:
        """Make a trigger_id."""
        made = f"{time.time_ns()}.{secrets.randbelow(10**9)}.{secrets.token_hex(8)}"
        self.gatilhos[made] = Gatilho(usuario, time.time() + GATILHO_S)
        return made

    def wait_s(self, metodo: str, canal: str) -> int | None:
        """Count a call; when its minute is full, return in how many seconds it may be made again."""
        limit = self.limites.get(metodo)
        if limit is None:
            return None
        calls = self._chamadas[f"{metodo}:{canal}" if metodo == "chat.postMessage" else metodo]
        now = time.monotonic()
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if len(calls) >= limit:
            return max(1, int(calls[0] + 60 - now) + 1)
        calls.append(now)
        return None
