"""Rows and calls that the tests of the hot path's SQL share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from lib.db import Database, Row
from lib.domain.chip import TipoEnvio
from lib.models import Chip, Conversa, Medico, Outbox
from lib.queries import entrada, envio, mailbox, turno
from lib.queries.entrada import NewMessage, Stored
from lib.queries.envio import Destinos, Judged
from lib.queries.turno import ConversationChange, OutboxRow, StateChange, TurnCommit, TurnRow
from tests.builders import gravar, id_of, um_chip, um_envio, um_estado, um_medico, uma_conversa

MUITO = 1_000_000
TODOS = Destinos(todos=True)


def agora() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Pessoa:
    """A doctor with state and open conversation."""

    medico: Medico
    conversa: Conversa

    @property
    def medico_id(self) -> int:
        return id_of(self.medico)

    @property
    def conversa_id(self) -> int:
        return id_of(self.conversa)


def chip_que_envia(**over: Any) -> Chip:
    """A chip with every permission and no limit that matters."""
    row = {"trust_score": 90, "pode_prospectar": True, "pode_followup": True, "pode_responder": True}
    return um_chip(**{**row, "limite_hora": MUITO, "limite_dia": MUITO, **over})


async def pessoas(
    db: Database, quantas: int, estado: dict[str, Any] | None = None, conversa: dict[str, Any] | None = None
) -> list[Pessoa]:
    """Store doctors with the same state and conversation."""
    medicos = await gravar(db, *(um_medico() for _ in range(quantas)))
    await gravar(db, *(um_estado(id_of(medico), **(estado or {})) for medico in medicos))
    conversas = await gravar(db, *(uma_conversa(id_of(medico), **(conversa or {})) for medico in medicos))
    return [Pessoa(*both) for both in zip(medicos, conversas, strict=True)]


def resposta(pessoa: Pessoa, **over: Any) -> Outbox:
    """A reply in the queue."""
    return um_envio(pessoa.conversa, **{"tipo": TipoEnvio.RESPOSTA, "proativa": False, "prioridade": 10, **over})


def chega(instancia: str, telefone: str, msg_id: str, texto: str = "oi") -> NewMessage:
    """A doctor's message as the ingest extracts it."""
    return NewMessage(
        instancia=instancia, source="evolution", msg_id=msg_id, telefone=telefone, lid=None, nome="Ana", midia="texto",
        texto=texto, raw=b"{}", enviada_em=None, desfecho=None,
    )  # fmt: skip


async def ingerir(db: Database, message: NewMessage, quieto_s: float = 0.0) -> Stored:
    """Store a message of a known chip."""
    stored = await entrada.ingest_message(db, message, quieto_s, quieto_s)
    assert stored
    return stored


async def reivindicar_turnos(db: Database, limite: int = 10, lease_s: float = 60) -> list[Row]:
    """Claim due turns."""
    return (await mailbox.claim_due(db, uuid4(), limite, lease_s, 10))[0]


async def reivindicar(db: Database, limite: int = 100, **over: Any) -> Judged:
    """Claim due sends; by default every state is inside its hours and every number allowed."""
    values: dict[str, Any] = {"lease_s": 60, "proximas": {"": agora(), "SP": agora()}, "destinos": TODOS}
    return await envio.claim_due(db, uuid4(), limite, **{**values, **over})


def mudanca(**over: Any) -> StateChange:
    """What hearing from a doctor changes."""
    values: dict[str, Any] = {
        "permissao": "active", "cooling_off_ate": None, "ciclo": "engaged", "tendencia": "warming",
        "delta_temperatura": 0.1, "ultima_entrada_em": agora(), "objecao": None, "objecao_severidade": None,
        "objecao_em": None, "objecao_resolvida_em": None, "parada_perguntada_em": None,
    }  # fmt: skip
    return StateChange(**{**values, **over})


def um_turno(row: Row, *respostas: OutboxRow, desfecho: str = "respondida", **over: Any) -> TurnCommit:
    """What a turn over a claimed row commits."""
    return TurnCommit(
        turn=TurnRow(
            conversation_id=row["conversation_id"], medico_id=row["medico_id"], fence=row["fence"], tentativa=1,
            desfecho=desfecho, motivo="teste", regra=None, versao_policy=None, modo=None, entrada=None, decisao=None,
            situacao=None, modelo=None, prompt_hash=None, prompts=None, chamadas=None, ferramentas=None, etapas={},
            custos={}, custo_micro_usd=0, iniciado_em=agora(), terminado_em=agora(),
        ),
        **{
            "vistas": tuple((m["id"], m["revisao"]) for m in row["mensagens"]), "outbox": respostas, "state": mudanca(),
            "conversation": ConversationChange(), "cancela": "o médico respondeu", **over,
        },
    )  # fmt: skip


def uma_parada(row: Row, *, cause: str) -> TurnCommit:
    """What an explicit stop commits."""
    return um_turno(
        row, OutboxRow(cause, "Pronto.", isenta=True), desfecho="optout", state=mudanca(permissao="opted_out"),
        cancela="opted_out", cancela_tudo=True,
    )  # fmt: skip


async def commit(db: Database, done: TurnCommit, *, ultima: bool = True) -> int | None:
    """Commit a turn; None when it was not written."""
    return (await turno.commit(db, done, prioridade=10, quieto_s=0, ultima=ultima))[1]


async def consulta(db: Database, sql: str, *params: Any) -> list[Row]:
    """Ask the database."""
    async with db.connection() as connection:
        cursor = await connection.execute(sql, params)
        if cursor.description is None:
            return []
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]
