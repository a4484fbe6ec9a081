"""What both ways of the bridge to Chatwoot share: the calls it makes, and how it finds again what it posted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from lib.clock import Clock
from lib.db import Database
from lib.providers.chatwoot import Contato, ConversaChatwoot, MensagemChatwoot

ESPERA_MAX_S = 60.0


class Api(Protocol):
    """The calls of `lib.providers.chatwoot.Chatwoot` that the bridge makes; every error is a `ProviderError`."""

    @property
    def caixa(self) -> int:
        """The inbox that is ours."""

    async def eu(self) -> int:
        """Return our own user's id."""

    async def find_contact(self, telefone: str | None, identificador: str, /) -> Contato | None:
        """Find a contact by phone, else by identifier."""

    async def create_contact(self, nome: str, telefone: str | None, identificador: str, /) -> Contato:
        """Create a contact; a known one is a `DuplicateContactError`."""

    async def link_inbox(self, contato_id: int, /) -> str:
        """Give a contact an address in our inbox."""

    async def conversations_of(self, contato_id: int, /) -> Sequence[ConversaChatwoot]:
        """Return a contact's conversations in our inbox, newest first."""

    async def create_conversation(self, contato_id: int, source_id: str, agente_id: str, /) -> int:
        """Open a conversation that carries our conversation's id."""

    async def get_conversation(self, conversa_id: int, /) -> ConversaChatwoot:
        """Return a conversation as it is now."""

    async def list_messages(self, conversa_id: int, /, after: int | None = None) -> Sequence[MensagemChatwoot]:
        """Return messages, oldest first: up to 100 after an id, or the latest 20."""

    async def post_message(
        self, conversa_id: int, texto: str, tipo: str, eco_id: str, /, privada: bool = False
    ) -> MensagemChatwoot:
        """Post a message marked as ours."""

    async def set_status(self, conversa_id: int, status: str, /) -> None:
        """Set a conversation's status."""

    async def assign(self, conversa_id: int, responsavel_id: int | None, /) -> None:
        """Give a conversation to a person, or to nobody."""

    async def set_label(self, conversa_id: int, nome: str, /, presente: bool) -> tuple[str, ...]:
        """Put a label on or take it off, keeping the others."""


PAGINA = 100
PAGINAS_MAX = 20


@dataclass(slots=True)
class Ponte:
    """One process's end of the bridge. What it knows besides the database is our own user's id."""

    db: Database
    api: Api
    clock: Clock
    _eu: int | None = field(default=None)

    async def eu(self) -> int:
        """Return our own user's id, asked for once.

        Raises:
            ProviderError: it could not be asked.
        """
        if self._eu is None:
            self._eu = await self.api.eu()
        return self._eu

    async def messages_after(self, conversa_id: int, after: int) -> list[MensagemChatwoot]:
        """Return everything written in a conversation after a message, oldest first, 2 000 messages at most.

        Raises:
            ProviderError: it could not be read.
        """
        found: list[MensagemChatwoot] = []
        for _ in range(PAGINAS_MAX):
            page = [one for one in await self.api.list_messages(conversa_id, after=after) if one.id > after]
            found += page
            if len(page) < PAGINA:
                break
            after = page[-1].id
        return found

    async def find_echo(self, conversa_id: int, eco_id: str, after: int) -> MensagemChatwoot | None:
        """Return what was posted under a mark of ours after a message; None when it is not there.

        Raises:
            ProviderError: it could not be looked up.
        """
        listed = await self.messages_after(conversa_id, after)
        return next((one for one in listed if eco_id in {one.eco_id, one.source_id}), None)


def espera_s(desde: datetime, agora: datetime) -> float:
    """Return how long to wait before asking again about what has waited since `desde`: half of that, 2 to 60 s."""
    return min(ESPERA_MAX_S, max(2.0, (agora - desde).total_seconds() / 2))
