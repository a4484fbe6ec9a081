"""A conversation with its turn claimed, as the tools meet it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
from pydantic import ValidationError

from lib import ledger
from lib.agent.tools import TOOLS, ToolContext, ToolResult
from lib.db import Database, Row
from lib.models import Inbox, Mailbox
from lib.models.fila import TipoInbox
from tests.builders import AGORA, gravar, id_of, um_chip, um_estado, um_medico, uma_conversa

CERCA = 7
TUDO = ("tool_effect", "outbox", "memoria", "interesse", "aviso", "transferencia")


async def um_turno(db: Database, **medico: Any) -> ToolContext:
    """Store a doctor with an open conversation and one message, claimed; return what its tools are given."""
    [chip] = await gravar(db, um_chip())
    [person] = await gravar(db, um_medico(**medico))
    await gravar(db, um_estado(id_of(person)))
    [conversa] = await gravar(db, uma_conversa(id_of(person)))
    conversation_id = id_of(conversa)
    await gravar(db, Mailbox(conversation_id=conversation_id, fence=CERCA))
    message = Inbox(
        source="evolution",
        chip_id=id_of(chip),
        provider_msg_id=f"m{conversation_id}",
        conversation_id=conversation_id,
        tipo=TipoInbox.MENSAGEM,
        raw=b"{}",
    )
    [stored] = await gravar(db, message)
    assert stored.id is not None
    return ToolContext(
        db=db,
        agora=AGORA,
        conversation_id=conversation_id,
        medico_id=id_of(person),
        fence=CERCA,
        cause=f"turno:{stored.id}",
        inbox_id=stored.id,
        especialidade_id=medico.get("especialidade_id"),
        uf="SP",
    )


async def usar(contexto: ToolContext, nome: str, /, **args: Any) -> ToolResult:
    """Call a tool as the model does; arguments that do not fit are an error, one round trip is the most it may take."""
    tool = next(tool for tool in TOOLS if tool.nome == nome)
    try:
        arguments = tool.argumentos.model_validate(args)
    except ValidationError:
        return ToolResult("argumentos inválidos", erro=True)
    with ledger.measure("ferramenta") as conta:
        result = await tool.executar(contexto, arguments)
    assert conta.round_trips <= 1
    return result


def lido(result: ToolResult) -> Mapping[str, Any]:
    """Read an answer that must be good."""
    assert not result.erro, result.conteudo
    answer = orjson.loads(result.conteudo)
    assert isinstance(answer, dict)
    return answer


def cerca_perdida(contexto: ToolContext) -> ToolContext:
    """Return the context of a turn whose mailbox somebody else has claimed since."""
    return replace(contexto, fence=contexto.fence - 1)


async def linhas(db: Database, tabela: str) -> list[Row]:
    """Return a table's rows in order."""
    async with db.connection() as connection:
        cursor = await connection.execute(f"SELECT * FROM {tabela} ORDER BY id")  # noqa: S608 — a name from a test
        assert cursor.description is not None
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]


async def contagem(db: Database) -> dict[str, int]:
    """Count the rows of everything that a tool may write."""
    return {tabela: len(await linhas(db, tabela)) for tabela in TUDO}
