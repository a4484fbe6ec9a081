"""What the Chatwoot of the sandbox holds: people, contacts, conversations, messages, webhooks, and its bad habits."""

from __future__ import annotations

import itertools
import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

ABERTA: Final = "open"
RESOLVIDA: Final = "resolved"
STATUS: Final = (ABERTA, RESOLVIDA, "pending", "snoozed")
ENTRA, SAI, ATIVIDADE, MODELO = range(4)
EVENTOS: Final = (
    *("conversation_created", "conversation_status_changed", "conversation_updated", "message_created"),
    *("message_updated", "contact_created", "contact_updated", "webwidget_triggered"),
    *("conversation_typing_on", "conversation_typing_off"),
)
BUSCAS_POR_MINUTO: Final = 100
CAIXA_NOME: Final = "WhatsApp Júlia"
CONTA_NOME: Final = "Plantões Exemplo"
ADMIN: Final = "administrator"
ROBO_ID: Final = 1
GESTORA_ID: Final = 5
_MINUTO_S: Final = 60.0


@dataclass(slots=True)
class Pessoa:
    """A user of the account; `papel` is agent or administrator."""

    id: int
    nome: str
    email: str
    papel: str


@dataclass(slots=True)
class ContatoCw:
    """A contact; `enderecos` are its (inbox, source_id), oldest first."""

    id: int
    nome: str
    telefone: str | None
    identificador: str | None
    criado_s: float
    email: str | None = None
    atributos: dict[str, Any] = field(default_factory=dict)
    enderecos: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class ConversaCw:
    """A conversation by its display id."""

    id: int
    contato_id: int
    caixa_id: int
    source_id: str
    criada_s: float
    mudou_s: float
    status: str = ABERTA
    labels: list[str] = field(default_factory=list)
    responsavel_id: int | None = None
    atributos: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class MensagemCw:
    """A message; `tipo` 0 incoming, 1 outgoing, 2 activity, 3 template. `autor_id` is a user's on the way out."""

    id: int
    conversa_id: int
    texto: str | None
    tipo: int
    privada: bool
    autor_id: int | None
    atributos: dict[str, Any]
    source_id: str | None
    criada_s: float
    echo_id: str | None = None


@dataclass(slots=True)
class WebhookCw:
    """An account webhook; without `segredo` it is not signed, as on old servers."""

    id: int
    url: str
    eventos: list[str]
    segredo: str | None
    nome: str | None = None


class ChatwootWorld:
    """One account with one API inbox, one token of `papel`, and the webhook to the program where `url` is given.

    `embaralhar_s` spreads the events of the next acts over so many seconds, each by chance: their order is lost.
    `duplicar` delivers each new message twice under two delivery ids. `trava_unica` is an inbox locked to a single
    conversation. `limite_filtro` holds `contacts/filter` to the searches' 100 a minute too.

    Ids begin at `primeiro_id`: one that grows with time names nothing twice, although a restart forgets all.
    """

    def __init__(
        self,
        token: str = "sandbox-chatwoot-token",  # noqa: S107 - the sandbox's own, known to all
        segredo: str | None = "sandbox-chatwoot-webhook-secret",
        url: str | None = None,
        *,
        conta: int = 1,
        caixa: int = 1,
        papel: str = ADMIN,
        primeiro_id: int = 100,
    ) -> None:
        self.primeiro_id = primeiro_id
        self.token, self.segredo, self.url = token, segredo, url
        self.conta, self.caixa, self.papel = conta, caixa, papel
        self.clear()

    def clear(self) -> None:
        """Back to an account nobody has used; the bad habits go too."""
        self.pessoas = {
            ROBO_ID: Pessoa(ROBO_ID, "Agente Júlia", "julia@example.test", self.papel),
            GESTORA_ID: Pessoa(GESTORA_ID, "Gestora Fictícia", "gestora@example.test", "agent"),
            GESTORA_ID + 1: Pessoa(GESTORA_ID + 1, "Gestor Fictício", "gestor@example.test", "agent"),
        }
        self.tokens = {self.token: ROBO_ID}
        self.labels = ["humano", "concluido", "urgente"]
        self.contatos: dict[int, ContatoCw] = {}
        self.conversas: dict[int, ConversaCw] = {}
        self.mensagens: dict[int, MensagemCw] = {}
        self.webhooks: dict[int, WebhookCw] = {}
        self.embaralhar_s = 0.0
        self.duplicar = self.trava_unica = self.limite_filtro = False
        self.buscas: deque[float] = deque()
        self._ids: Iterator[int] = itertools.count(self.primeiro_id)
        if self.url:
            self.inscrever(self.url, list(EVENTOS), "Agente Júlia")

    def novo_id(self) -> int:
        """Return an id never given before; messages get growing ones."""
        return next(self._ids)

    def inscrever(self, url: str, eventos: list[str], nome: str | None = None) -> WebhookCw:
        """Add a webhook, signed with the account's one secret."""
        webhook = WebhookCw(self.novo_id(), url, eventos, self.segredo, nome)
        self.webhooks[webhook.id] = webhook
        return webhook

    def contato_com(self, *, telefone: str | None = None, identificador: str | None = None) -> ContatoCw | None:
        """Return the contact that has this phone, or this identifier."""
        for contato in self.contatos.values():
            if telefone and contato.telefone == telefone:
                return contato
            if identificador and contato.identificador == identificador:
                return contato
        return None

    def endereco(self, caixa_id: int, source_id: str) -> ContatoCw | None:
        """Return the contact that has this address."""
        found = (one for one in self.contatos.values() if (caixa_id, source_id) in one.enderecos)
        return next(found, None)

    def enderecar(self, contato: ContatoCw, source_id: str | None) -> str:
        """Give a contact an address in the inbox, of its own choice or a new one."""
        source_id = source_id or str(uuid.uuid4())
        if (self.caixa, source_id) not in contato.enderecos:
            contato.enderecos.append((self.caixa, source_id))
        return source_id

    def da_conversa(self, conversa_id: int) -> list[MensagemCw]:
        """Return a conversation's messages, oldest first."""
        return [one for one in self.mensagens.values() if one.conversa_id == conversa_id]

    def busca_cabe(self, now_s: float | None = None) -> bool:
        """Count a search of contacts; tell whether it is within 100 a minute."""
        now_s = time.monotonic() if now_s is None else now_s
        while self.buscas and self.buscas[0] <= now_s - _MINUTO_S:
            self.buscas.popleft()
        if len(self.buscas) >= BUSCAS_POR_MINUTO:
            return False
        self.buscas.append(now_s)
        return True
