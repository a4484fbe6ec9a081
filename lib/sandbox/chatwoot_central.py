"""What is done in Chatwoot, over REST or by a person at its screen, and the events it sends of it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from lib.sandbox.chatwoot_wire import event_contact, event_conversation, event_message
from lib.sandbox.chatwoot_world import (
    ABERTA,
    ATIVIDADE,
    ENTRA,
    GESTORA_ID,
    RESOLVIDA,
    SAI,
    ChatwootWorld,
    ContatoCw,
    ConversaCw,
    MensagemCw,
    WebhookCw,
)
from lib.sandbox.courier import Remessa
from lib.sandbox.evolution_wire import Desk
from lib.sandbox.world import iso

PRAZO_S: Final = 5.0
REABRE: Final = frozenset({RESOLVIDA, "snoozed"})


class Central:
    """The acts. Each changes the world first and then tells the webhooks, once each, without a second try."""

    def __init__(self, desk: Desk, mundo: ChatwootWorld) -> None:
        self.mundo = mundo
        self._desk = desk

    def novo_contato(self, nome: str, telefone: str | None, identificador: str | None, **resto: Any) -> ContatoCw:
        """Add a contact; whoever calls has made sure that phone and identifier are free."""
        contato = ContatoCw(self.mundo.novo_id(), nome, telefone, identificador, time.time(), **resto)
        self.mundo.contatos[contato.id] = contato
        self._emit("contact_created", event_contact(self.mundo, contato))
        return contato

    def nova_conversa(
        self, contato: ContatoCw, source_id: str, status: str = ABERTA, atributos: dict[str, Any] | None = None
    ) -> ConversaCw:
        """Open a conversation, or give the last one where the inbox is locked to a single one."""
        if self.mundo.trava_unica:
            for conversa in reversed(list(self.mundo.conversas.values())):
                if conversa.contato_id == contato.id:
                    return conversa
        now = time.time()
        conversa = ConversaCw(
            self.mundo.novo_id(), contato.id, self.mundo.caixa, source_id, now, now, status, atributos=atributos or {}
        )
        self.mundo.conversas[conversa.id] = conversa
        self._emit("conversation_created", event_conversation(self.mundo, conversa))
        return conversa

    def escrever(
        self,
        conversa_id: int,
        texto: str | None,
        *,
        tipo: int = SAI,
        privada: bool = False,
        autor_id: int = GESTORA_ID,
        atributos: dict[str, Any] | None = None,
        source_id: str | None = None,
        echo_id: str | None = None,
    ) -> MensagemCw:
        """Write a message as a user, or as the contact; what a contact writes opens what was resolved.

        Raises:
            KeyError: no such conversation.
        """
        conversa = self.mundo.conversas[conversa_id]
        mensagem = MensagemCw(
            self.mundo.novo_id(),
            conversa_id,
            texto,
            tipo,
            privada,
            None if tipo == ENTRA else autor_id,
            atributos or {},
            source_id,
            time.time(),
            echo_id,
        )
        self.mundo.mensagens[mensagem.id] = mensagem
        conversa.mudou_s = mensagem.criada_s
        copies = 2 if self.mundo.duplicar else 1
        self._emit("message_created", event_message(self.mundo, mensagem), copies=copies)
        if tipo == ENTRA and not privada and conversa.status in REABRE:
            self.mudar_status(conversa_id, ABERTA, None)
        return mensagem

    def mudar_status(self, conversa_id: int, status: str, autor_id: int | None = GESTORA_ID) -> None:
        """Set a status; both events of it fire.

        Raises:
            KeyError: no such conversation.
        """
        conversa = self.mundo.conversas[conversa_id]
        before, conversa.status = conversa.status, status
        if before == status:
            return
        self._activity(conversa, f"Conversa marcada como {status}", autor_id)
        self._changed(conversa, {"status": (before, status)}, "conversation_status_changed")
        self._changed(conversa, {"status": (before, status)})

    def resolver(self, conversa_id: int, autor_id: int | None = GESTORA_ID) -> None:
        """Resolve a conversation.

        Raises:
            KeyError: no such conversation.
        """
        self.mudar_status(conversa_id, RESOLVIDA, autor_id)

    def atribuir(self, conversa_id: int, pessoa_id: int | None, autor_id: int | None = GESTORA_ID) -> None:
        """Give a conversation to a user; to nobody when there is no such user.

        Raises:
            KeyError: no such conversation.
        """
        conversa = self.mundo.conversas[conversa_id]
        before = conversa.responsavel_id
        conversa.responsavel_id = pessoa_id if pessoa_id in self.mundo.pessoas else None
        if conversa.responsavel_id != before:
            self._activity(conversa, "Responsável alterado", autor_id)
            self._changed(conversa, {"assignee_id": (before, conversa.responsavel_id)})

    def etiquetar(self, conversa_id: int, nome: str, *, presente: bool) -> None:
        """Put a label on or take it off, as a person does.

        Raises:
            KeyError: no such conversation.
        """
        others = [label for label in self.mundo.conversas[conversa_id].labels if label != nome]
        self.trocar_labels(conversa_id, [*others, nome] if presente else others)

    def trocar_labels(self, conversa_id: int, labels: list[str], autor_id: int | None = GESTORA_ID) -> None:
        """Replace the whole list; nothing fires when the same labels stay.

        Raises:
            KeyError: no such conversation.
        """
        conversa = self.mundo.conversas[conversa_id]
        before, conversa.labels = conversa.labels, list(dict.fromkeys(labels))
        if set(before) != set(conversa.labels):
            self._activity(conversa, "Etiquetas alteradas", autor_id)
            self._changed(conversa, {"label_list": (before, list(conversa.labels))})

    def definir_telefone(self, contato_id: int, telefone: str | None) -> None:
        """Write a contact's phone, E.164 with a plus.

        Raises:
            KeyError: no such contact.
        """
        contato = self.mundo.contatos[contato_id]
        before, contato.telefone = contato.telefone, telefone
        if before != telefone:
            body = event_contact(self.mundo, contato)
            self._emit("contact_updated", body | _changes({"phone_number": (before, telefone)}))

    def _activity(self, conversa: ConversaCw, texto: str, autor_id: int | None) -> None:
        """The line that tells of an act: in the list of messages, never in a webhook."""
        pessoa = self.mundo.pessoas.get(autor_id or 0)
        said = f"{texto} por {pessoa.nome}" if pessoa else texto
        row = MensagemCw(
            self.mundo.novo_id(),
            conversa.id,
            said,
            ATIVIDADE,
            privada=False,
            autor_id=None,
            atributos={},
            source_id=None,
            criada_s=time.time(),
        )
        self.mundo.mensagens[row.id] = row

    def _changed(
        self, conversa: ConversaCw, changes: Mapping[str, tuple[Any, Any]], event: str = "conversation_updated"
    ) -> None:
        before, conversa.mudou_s = conversa.mudou_s, time.time()
        stamps = {"updated_at": (iso(before), iso(conversa.mudou_s))}
        self._emit(event, event_conversation(self.mundo, conversa) | _changes({**changes, **stamps}))

    def _emit(self, event: str, body: dict[str, Any], *, copies: int = 1) -> None:
        content = orjson.dumps(body | {"event": event})
        courier, rng = self._desk.courier(), self._desk.world.rng
        for webhook in self.mundo.webhooks.values():
            if event not in webhook.eventos:
                continue
            parcel = Remessa("chatwoot", event, webhook.url, content, _signer(webhook, content), prazo_s=PRAZO_S)
            for _ in range(copies):
                if self.mundo.embaralhar_s:
                    delay = rng.uniform(0, self.mundo.embaralhar_s)
                    asyncio.get_running_loop().call_later(delay, courier.dispatch, parcel)
                else:
                    courier.dispatch(parcel)


def _signer(webhook: WebhookCw, content: bytes) -> Callable[[int], Mapping[str, str]]:
    """Headers of one delivery: its own id, and its signature where the webhook has a secret."""

    def headers(_attempt: int) -> Mapping[str, str]:
        plain = {"content-type": "application/json", "accept": "application/json"}
        if webhook.segredo is None:
            return plain
        stamp = str(int(time.time()))
        signature = hmac.new(webhook.segredo.encode(), stamp.encode() + b"." + content, hashlib.sha256).hexdigest()
        return plain | {
            "x-chatwoot-timestamp": stamp,
            "x-chatwoot-signature": f"sha256={signature}",
            "x-chatwoot-delivery": str(uuid.uuid4()),
        }

    return headers


def _changes(changes: Mapping[str, tuple[Any, Any]]) -> dict[str, Any]:
    rows = [{name: {"previous_value": old, "current_value": new}} for name, (old, new) in changes.items()]
    return {"changed_attributes": rows}
