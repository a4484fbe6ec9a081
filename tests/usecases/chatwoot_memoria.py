"""A Chatwoot in memory that speaks the client's calls: each call yields to the test first, as each HTTP call would."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NoReturn

import httpx
import orjson

from lib.providers.chamada import Chamada, Falha, ProviderError, Resposta
from lib.providers.chatwoot import Contato, ConversaChatwoot, DuplicateContactError, MensagemChatwoot

EU, CAIXA = 99, 7
PAGINA = 100


async def _quieto(_nome: str) -> None:
    """Nothing happens between two calls."""


@dataclass(slots=True)
class Memoria:
    """Contacts, conversations and messages; `antes` is awaited before each call takes effect."""

    contatos: dict[int, Contato] = field(default_factory=dict)
    conversas: dict[int, ConversaChatwoot] = field(default_factory=dict)
    mensagens: list[MensagemChatwoot] = field(default_factory=list)
    chamadas: list[str] = field(default_factory=list)
    falhas: dict[str, deque[tuple[Falha, bool, int | None]]] = field(default_factory=lambda: defaultdict(deque))
    antes: Callable[[str], Awaitable[None]] = _quieto
    caixa: int = CAIXA
    etiquetas: frozenset[str] | None = None

    def falhar(self, nome: str, falha: Falha, *, feito: bool = False, status: int | None = None) -> None:
        """Let the next call of this name fail, before or, `feito`, after it took effect."""
        self.falhas[nome].append((falha, feito, status))

    async def eu(self) -> int:
        await self._chega("eu")
        return EU

    async def find_contact(self, telefone: str | None, identificador: str) -> Contato | None:
        await self._chega("find_contact")
        known = self.contatos.values()
        return next((c for c in known if telefone is not None and c.telefone == telefone), None) or next(
            (c for c in known if c.identificador == identificador), None
        )

    async def create_contact(self, nome: str, telefone: str | None, identificador: str) -> Contato:
        await self._chega("create_contact")
        taken = [
            c for c in self.contatos.values() if (c.telefone or "") == telefone or c.identificador == identificador
        ]
        if taken:
            answer = Resposta(422, httpx.Headers(), {"attributes": ["phone_number"]}, "", json=True)
            raise DuplicateContactError(_chamada("create_contact"), answer, ("phone_number",))
        key = len(self.contatos) + 1
        self.contatos[key] = Contato(key, nome, telefone, identificador, f"fonte-{key}")
        self._sai("create_contact")
        return self.contatos[key]

    async def link_inbox(self, contato_id: int) -> str:
        await self._chega("link_inbox")
        return f"fonte-{contato_id}"

    async def conversations_of(self, contato_id: int) -> Sequence[ConversaChatwoot]:
        await self._chega("conversations_of")
        return sorted((c for c in self.conversas.values() if c.contato_id == contato_id), key=lambda c: -c.id)

    async def create_conversation(self, contato_id: int, source_id: str, agente_id: str) -> int:
        await self._chega("create_conversation")
        assert source_id
        key = self.abre(contato_id, agente_id)
        self._sai("create_conversation")
        return key

    async def get_conversation(self, conversa_id: int) -> ConversaChatwoot:
        await self._chega("get_conversation")
        self._sabe(conversa_id, "get_conversation")
        return self.conversas[conversa_id]

    async def list_messages(
        self, conversa_id: int, after: int | None = None, before: int | None = None
    ) -> Sequence[MensagemChatwoot]:
        await self._chega("list_messages")
        assert before is None
        found = [m for m in self.mensagens if m.conversa_id == conversa_id]
        return found[-20:] if after is None else [m for m in found if m.id > after][:PAGINA]

    async def post_message(
        self, conversa_id: int, texto: str, tipo: str, eco_id: str, privada: bool = False
    ) -> MensagemChatwoot:
        await self._chega("post_message")
        self._sabe(conversa_id, "post_message")
        made = self.diz(conversa_id, texto, tipo=tipo, privada=privada, eco_id=eco_id)
        if tipo == "incoming":
            self.muda(conversa_id, status="open")
        self._sai("post_message")
        return made

    async def set_status(self, conversa_id: int, status: str) -> None:
        await self._chega("set_status")
        self.muda(conversa_id, status=status)
        self._sai("set_status")

    async def assign(self, conversa_id: int, responsavel_id: int | None) -> None:
        await self._chega("assign")
        self.muda(conversa_id, responsavel_id=responsavel_id)
        self._sai("assign")

    async def set_label(self, conversa_id: int, nome: str, presente: bool) -> tuple[str, ...]:
        await self._chega("get_labels")
        now = self.conversas[conversa_id].labels
        if (nome in now) is presente:
            return now
        wanted = (*now, nome) if presente else tuple(label for label in now if label != nome)
        await self._chega("set_labels")
        if self.etiquetas is not None:
            wanted = tuple(label for label in wanted if label in self.etiquetas)
        self.muda(conversa_id, labels=wanted)  # the whole list, whatever happened to it meanwhile
        self._sai("set_labels")
        return wanted

    def abre(self, contato_id: int, agente_id: str | None = None) -> int:
        """A conversation begins."""
        key = max(self.conversas, default=0) + 1
        contato = self.contatos.get(contato_id)
        telefone = contato.telefone if contato else None
        self.conversas[key] = ConversaChatwoot(key, "open", (), None, contato_id, telefone, self.caixa, agente_id)
        return key

    def muda(self, conversa_id: int, **over: Any) -> None:
        """Something of a conversation changes."""
        self.conversas[conversa_id] = replace(self.conversas[conversa_id], **over)

    def diz(
        self,
        conversa_id: int,
        texto: str | None,
        *,
        tipo: str = "outgoing",
        privada: bool = False,
        autor: str | None = "user",
        eco_id: str | None = None,
        em: datetime | None = None,
        anexos: bool = False,
        apagada: bool = False,
    ) -> MensagemChatwoot:
        """Somebody writes; a person of the company unless told otherwise."""
        at = em or datetime.now(UTC)
        made = MensagemChatwoot(
            len(self.mensagens) + 1, texto, tipo, privada, autor, "Ana", eco_id, eco_id, conversa_id, at,
            anexos, apagada,
        )  # fmt: skip
        self.mensagens.append(made)
        return made

    def da_conversa(self, conversa_id: int, *, privadas: bool = False) -> list[tuple[str, str | None]]:
        """What stands in a conversation: (kind, words)."""
        return [(m.tipo, m.texto) for m in self.mensagens if m.conversa_id == conversa_id and m.privada is privadas]

    def _sabe(self, conversa_id: int, nome: str) -> None:
        if conversa_id not in self.conversas:
            raise ProviderError(_chamada(nome), Falha.PERMANENTE, "Resource could not be found", status=404)

    async def _chega(self, nome: str) -> None:
        await self.antes(nome)
        self.chamadas.append(nome)
        if self.falhas[nome] and not self.falhas[nome][0][1]:
            self._falha(nome)

    def _sai(self, nome: str) -> None:
        if self.falhas[nome]:
            self._falha(nome)

    def _falha(self, nome: str) -> NoReturn:
        falha, _, status = self.falhas[nome].popleft()
        raise ProviderError(_chamada(nome), falha, "asked for by the test", status=status)


def _chamada(nome: str) -> Chamada:
    return Chamada("chatwoot", nome, segura=False, prazo_s=1)


def conversa_mudou(conversa: ConversaChatwoot) -> bytes:
    """The webhook of a change, with the conversation as it was at that moment."""
    return orjson.dumps({"event": "conversation_updated", **_conversa(conversa), "changed_attributes": []})


def mensagem_criada(mensagem: MensagemChatwoot, conversa: ConversaChatwoot) -> bytes:
    """The webhook of a message."""
    sender = {"id": 5, "name": mensagem.autor_nome, "type": mensagem.autor_tipo} if mensagem.autor_tipo else None
    return orjson.dumps(
        {
            "event": "message_created",
            "id": mensagem.id,
            "content": mensagem.texto,
            "message_type": mensagem.tipo,
            "private": mensagem.privada,
            "source_id": mensagem.source_id,
            "content_attributes": {"agente_eco": mensagem.eco_id} if mensagem.eco_id else {},
            "attachments": [{"id": 1, "file_type": "file"}] if mensagem.anexos else [],
            "created_at": mensagem.em.isoformat() if mensagem.em else None,
            "sender": sender,
            "conversation": _conversa(conversa),
        }
    )


def contato_mudou(contato: Contato) -> bytes:
    """The webhook of a contact that people edited."""
    return orjson.dumps(
        {
            "event": "contact_updated",
            "id": contato.id,
            "name": contato.nome,
            "phone_number": contato.telefone,
            "identifier": contato.identificador,
        }
    )


def _conversa(conversa: ConversaChatwoot) -> dict[str, Any]:
    assignee = {"id": conversa.responsavel_id, "type": "user"} if conversa.responsavel_id else None
    return {
        "id": conversa.id,
        "status": conversa.status,
        "labels": list(conversa.labels),
        "inbox_id": conversa.caixa_id,
        "meta": {"assignee": assignee, "sender": {"id": conversa.contato_id, "phone_number": conversa.telefone}},
    }
