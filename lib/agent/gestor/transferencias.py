"""Conversations that people have, take, and give back."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from pydantic import Field

from lib.agent.gestor.contrato import Argumentos, Ferramenta, Previa, Quem, Resultado, erro
from lib.agent.gestor.telas import fone, hora, lista
from lib.auth import Papel
from lib.db import Row
from lib.domain.anonimo import como_dado
from lib.domain.referencia import ID_MAX
from lib.queries import conversa, transferencia
from lib.resources import Resources
from lib.usecases import transferir
from lib.usecases.transferir import NoSuchConversationError, WrongStateError

_FECHADA = "a conversa está encerrada"


class Status(StrEnum):
    """Which hand-offs."""

    PENDENTE = "pendente"
    ASSUMIDA = "assumida"
    RESOLVIDO = "resolvido"
    TODOS = "todos"


_ESTADOS: MappingProxyType[Status, str | None] = MappingProxyType(
    {Status.PENDENTE: "pendente", Status.ASSUMIDA: "assumida", Status.RESOLVIDO: "resolvida", Status.TODOS: None}
)


class BuscarHandoffs(Argumentos):
    """Which hand-offs, and how many."""

    status: Status = Field(Status.PENDENTE, description="Em que situação.")
    limite: int = Field(10, ge=1, le=30, description="Quantas mostrar.")


class Assumir(Argumentos):
    """Which conversation."""

    conversa: int = Field(ge=1, le=ID_MAX, description="O número da conversa, como as listas mostram.")


class Devolver(Assumir):
    """Which conversation, and what Júlia should know."""

    notas: str | None = Field(None, description="O que a Júlia deve saber ao voltar; ela lê isto.")


async def buscar(resources: Resources, args: BuscarHandoffs, _: Quem) -> Resultado:
    """List hand-offs, newest first."""
    rows = await transferencia.page(resources.db, ID_MAX, args.limite, _ESTADOS[args.status])
    if not rows:
        return Resultado("Transferências: nenhuma nessa situação.")
    title = f"Transferências ({args.status}): {len(rows)}"
    lines = [_line(row) for row in rows]
    nota = f"As {len(rows)} mais novas." if len(rows) == args.limite else None
    return Resultado("\n".join([title, *map(como_dado, lines)]), lista(title, lines, nota))


def _line(row: Row) -> str:
    com = f", com {row['assumida_por']}" if row["assumida_por"] and row["status"] != "resolvida" else ""
    who = f"{row['medico'] or 'sem nome'}, {fone(row['telefone'])}"
    return f"Conversa {row['conversation_id']}: {who}; {row['motivo']}; {row['status']}{com}; {hora(row['aberta_em'])}"


async def _named(resources: Resources, conversation_id: int) -> Row | Resultado:
    row = await conversa.of(resources.db, conversation_id)
    if row is None:
        return erro(f"Não há conversa {conversation_id}. Veja `/julia handoffs` ou `/julia medico`.")
    if row["status"] in {"completed", "abandoned"}:
        return erro(f"Não dá: {_FECHADA}.")
    return row


def _who(row: Row) -> str:
    return f"conversa {row['id']}, de {row['medico'] or 'sem nome'}, {fone(row['telefone'])}"


async def prever_assumir(resources: Resources, args: Assumir, quem: Quem) -> Previa | Resultado:
    """Say whose conversation it is and what taking it means."""
    row = await _named(resources, args.conversa)
    if isinstance(row, Resultado):
        return row
    texto = f"Assumir a {_who(row)}, em nome de {quem.por}: a Júlia para de responder a este médico."
    return Previa(texto, {"conversa": args.conversa}, f"conversa:{args.conversa}")


async def assumir(resources: Resources, args: Assumir, quem: Quem) -> Resultado:
    """Put the conversation into this person's hands."""
    try:
        await transferir.assumir(resources.db, args.conversa, quem.por, quem.agora)
    except NoSuchConversationError:
        return erro(f"Não há conversa {args.conversa}.")
    except WrongStateError as wrong:
        return erro(f"Não dá: {wrong}.")
    return Resultado(f"A conversa {args.conversa} está com {quem.por}.", alvo=f"conversa:{args.conversa}")


async def prever_devolver(resources: Resources, args: Devolver, _: Quem) -> Previa | Resultado:
    """Say whose conversation it is and what giving it back means."""
    row = await _named(resources, args.conversa)
    if isinstance(row, Resultado):
        return row
    if row["controle"] != "humano":
        return erro(f"A {_who(row)} já está com a Júlia.")
    notas = f"\nA Júlia lerá: “{args.notas}”" if args.notas else ""
    texto = f"Devolver à Júlia a {_who(row)}: ela volta a responder.{notas}"
    return Previa(texto, args.model_dump(exclude_none=True), f"conversa:{args.conversa}")


async def devolver(resources: Resources, args: Devolver, quem: Quem) -> Resultado:
    """Give the conversation back to Júlia."""
    try:
        await transferir.devolver(resources.db, args.conversa, quem.por, args.notas, quem.agora)
    except NoSuchConversationError:
        return erro(f"Não há conversa {args.conversa}.")
    except WrongStateError as wrong:
        return erro(f"Não dá: {wrong}.")
    return Resultado(f"A conversa {args.conversa} voltou para a Júlia.", alvo=f"conversa:{args.conversa}")


BUSCAR_HANDOFFS = Ferramenta(
    "buscar_handoffs",
    "Lista as conversas passadas a pessoas: pendentes, assumidas, resolvidas ou todas.",
    BuscarHandoffs,
    Papel.VIEWER,
    buscar,
)
ASSUMIR = Ferramenta(
    "assumir",
    "Pede para assumir uma conversa: a Júlia para de responder. Só acontece depois do botão Confirmar.",
    Assumir,
    Papel.OPERATOR,
    assumir,
    prever_assumir,
    repetivel=True,
)
DEVOLVER = Ferramenta(
    "devolver",
    "Pede para devolver uma conversa à Júlia. Só acontece depois do botão Confirmar.",
    Devolver,
    Papel.OPERATOR,
    devolver,
    prever_devolver,
)
