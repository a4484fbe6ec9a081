"""What Meta's stand-in knows beyond the chats: keys, templates, files, who hides the phone."""

import hashlib
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

from lib.sandbox.jid import create_jid, phone_of
from lib.sandbox.world import Instance, NumeroMeta, World

ORIGEM: Final = "meta"
CONTA: Final = NumeroMeta().conta
APP: Final = "500000000000001"
JANELA_S: Final = 24 * 3600.0
RAJADA: Final = 45
PAR_S: Final = 6.0
_ID_DIGITS: Final = 10**15


@dataclass(frozen=True, slots=True)
class MetaKeys:
    """The secrets that both sides know, where its webhooks go, and how the sandbox itself is reached."""

    token: str = "sandbox-meta-token"  # noqa: S105 - opens nothing but the sandbox
    app_secret: str = "sandbox-meta-app-secret"  # noqa: S105 - as above
    verify_token: str = "sandbox-meta-verify-token"  # noqa: S105 - as above
    api_url: str = "http://127.0.0.1:8000"
    server_url: str = "http://127.0.0.1:8080"

    @property
    def webhook(self) -> str:
        """Where events are posted."""
        return f"{self.api_url.rstrip('/')}/webhooks/meta"


def new_id() -> str:
    """A number as the Graph API names its objects."""
    return str(_ID_DIGITS + uuid.uuid4().int % (9 * _ID_DIGITS))


@dataclass(slots=True)
class Template:
    """A message template; `corpo` has its values as {{1}}, {{2}}."""

    nome: str
    idioma: str
    corpo: str
    categoria: str = "UTILITY"
    status: str = "APPROVED"
    id: str = field(default_factory=new_id)

    @property
    def parametros(self) -> int:
        """How many values it wants."""
        return sum(f"{{{{{n}}}}}" in self.corpo for n in range(1, 21))


@dataclass(frozen=True, slots=True)
class Media:
    """A stored file."""

    id: str
    mimetype: str
    content: bytes


@dataclass(slots=True)
class _Pair:
    left: float
    at_s: float


def default_templates() -> dict[tuple[str, str], Template]:
    """The templates that every account has from the start."""
    listed = (
        Template(
            "convite_plantao_v1",
            "pt_BR",
            "Olá, {{1}}! Aqui é a Júlia, assistente virtual. Temos plantões na sua área. Posso enviar as opções?",
            "MARKETING",
        ),
        Template("retomada_v1", "pt_BR", "Olá, {{1}}! Podemos continuar nossa conversa sobre plantões?", "UTILITY"),
        Template("aviso_simples_v1", "pt_BR", "Temos novidades sobre plantões. Responda para saber mais."),
    )
    return {(template.nome, template.idioma): template for template in listed}


@dataclass(slots=True)
class MetaWorld:
    """State of the stand-in. Chats and accepted messages are in the shared world; a restart forgets the rest.

    By number and address: `bloqueados` are the users whose messages do not reach us, `sem_marketing` those who stopped
    marketing by WhatsApp's own menu. `ocultos` are the addresses of users with a username, whose phone Meta does not
    tell. `leituras` are the ids of messages marked as read, `digitando` those answered with "typing".
    """

    world: World
    keys: MetaKeys = field(default_factory=MetaKeys)
    templates: dict[tuple[str, str], Template] = field(default_factory=default_templates)
    media: dict[str, Media] = field(default_factory=dict)
    ocultos: set[str] = field(default_factory=set)
    inscritas: set[str] = field(default_factory=set)
    bloqueados: set[tuple[str, str]] = field(default_factory=set)
    sem_marketing: set[tuple[str, str]] = field(default_factory=set)
    codigos: dict[str, str] = field(default_factory=dict)
    leituras: list[str] = field(default_factory=list)
    digitando: list[str] = field(default_factory=list)
    _ids: dict[str, str] = field(default_factory=dict)
    _pairs: dict[tuple[str, str], _Pair] = field(default_factory=dict)

    def clear(self) -> None:
        """Back to the start."""
        for part in (self.media, self.ocultos, self.inscritas, self.bloqueados, self.codigos, self._ids, self._pairs):
            part.clear()
        self.sem_marketing.clear()
        self.leituras.clear()
        self.digitando.clear()
        self.templates = default_templates()

    def instance(self, phone_number_id: str) -> Instance | None:
        """The number of this id, if it is Meta's."""
        found = self.world.instances.get(phone_number_id)
        return found if found is not None and found.provedor == ORIGEM else None

    def user_id(self, jid: str) -> str:
        """The one business-scoped id of an address, the same after a restart."""
        digest = int.from_bytes(hashlib.blake2s(jid.encode(), digest_size=9).digest())
        named = f"BR.{digest % 10**20:020d}"
        self._ids[named] = jid
        return named

    def jid_of(self, user_id: str) -> str | None:
        """The address behind a user id, among all that ever wrote."""
        if user_id not in self._ids:
            for _, jid in list(self.world.chats):
                self.user_id(jid)
        return self._ids.get(user_id)

    def open_window(self, instance: str, jid: str) -> bool:
        """Whether this user wrote to this number in the last 24 hours."""
        since = time.time() - JANELA_S
        return any(
            not said.from_me and said.at_s > since for said in reversed(self.world.chats.get((instance, jid), []))
        )

    def too_fast(self, instance: str, jid: str) -> bool:
        """Whether the pair's burst of 45 is used up; it fills again by one every 6 seconds."""
        now = time.time()
        pair = self._pairs.setdefault((instance, jid), _Pair(float(RAJADA), now))
        pair.left = min(RAJADA, pair.left + (now - pair.at_s) / PAR_S)
        pair.at_s = now
        if pair.left < 1:
            return True
        pair.left -= 1
        return False

    def contact(self, jid: str, nome: str | None = None) -> dict[str, Any]:
        """A user as webhooks show one: the phone only where it is not hidden."""
        phone = {} if jid in self.ocultos else {"wa_id": phone_of(jid)}
        profile = {"profile": {"name": nome}} if nome else {}
        return {**profile, **phone, "user_id": self.user_id(jid)}

    def hide(self, telefone: str, *, oculto: bool = True) -> None:
        """Give a user a username, which hides the phone, or take it away."""
        (self.ocultos.add if oculto else self.ocultos.discard)(create_jid(telefone))
