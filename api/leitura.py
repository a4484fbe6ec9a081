"""What people and programs may read: conversations, their messages, and what one turn did and cost."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import HTTPException, Query
from pydantic import Field

from api.deps import rotas
from api.formas import ERROS, ID_MAX, NAO_HA, PAGINA, AntesDe, Forma, Id, Limite, Recursos, proxima
from lib.auth import Papel
from lib.domain.cadencia import Estagio
from lib.domain.estado import Permissao
from lib.domain.modo import Modo
from lib.domain.telefone import mascarar
from lib.models.conversa import Autor, Controle, Direcao, Entrega, StatusConversa
from lib.models.fila import OutboxState
from lib.models.turno import Desfecho
from lib.queries import conversa, turno
from lib.usecases.ler_turno import etapas

router = rotas("/v1", Papel.VIEWER)


class ConversaLida(Forma):
    """One conversation; the phone is masked."""

    id: int = Field(examples=[1207])
    status: StatusConversa
    controle: Controle
    estagio: Estagio
    medico_id: int = Field(examples=[318])
    medico: str | None = Field(examples=["Helena Prado"])
    telefone: str | None = Field(examples=["+55 11 9****-0317"])
    especialidade: str | None = Field(examples=["Cardiologia"])
    chip: str | None = Field(examples=["julia-03"])
    permissao: Permissao
    temperatura: float = Field(ge=0, le=1, examples=[0.55])
    criada_em: datetime
    ultima_entrada_em: datetime | None
    ultima_saida_em: datetime | None
    encerrada_em: datetime | None


class PaginaConversas(Forma):
    """A page, newest first; `proxima` goes into `antes_de`, null at the end."""

    itens: list[ConversaLida]
    proxima: int | None = Field(examples=[1158])


class MensagemLida(Forma):
    """One message that was really received or sent."""

    id: int = Field(examples=[9941])
    direcao: Direcao
    autor: Autor
    midia: str = Field(examples=["texto"])
    texto: str = Field(examples=["Tem algum plantão pra mim?"])
    entrega: Entrega | None
    em: datetime
    chip: str | None = Field(examples=["julia-03"])
    turno_id: int | None = Field(examples=[77])
    referencia: str | None = Field(description="Id para `/v1/mensagens/{id}`.", examples=["e9941"])
    editada_em: datetime | None
    apagada_em: datetime | None


class PaginaMensagens(Forma):
    """A page, newest first; `proxima` goes into `antes_de`, null at the end."""

    itens: list[MensagemLida]
    proxima: int | None = Field(examples=[9891])


class EtapaLida(Forma):
    """One step, in milliseconds since the first message was stored."""

    nome: str = Field(examples=["análise da situação"])
    inicio_ms: float = Field(examples=[1873.2])
    duracao_ms: float = Field(examples=[0.4])


class EnvioLido(Forma):
    """One message that the turn queued."""

    id: int
    estado: OutboxState
    motivo: str | None
    chip: str | None
    tentativas: int
    enviada_em: datetime | None
    recibos: dict[str, datetime]


class TurnoLido(Forma):
    """What one turn did, why, where its time went and what it cost. `custos` are counts up to its commit."""

    id: int
    conversation_id: int
    medico_id: int
    desfecho: Desfecho
    motivo: str = Field(examples=["rule_hot_temperature: temperatura 0.90, banda quente"])
    regra: str | None
    versao_policy: str | None
    modelo: str | None
    prompt_hash: str | None
    tentativa: int = Field(examples=[1])
    modo: Modo | None
    decisao: dict[str, Any] | None
    situacao: dict[str, Any] | None
    mensagens: int = Field(examples=[3])
    iniciado_em: datetime
    terminado_em: datetime
    etapas: list[EtapaLida]
    envios: list[EnvioLido]
    custos: dict[str, int] = Field(examples=[{"round_trips": 1, "llm_calls": 2, "tokens_in": 2322, "tokens_out": 63}])
    custo_micro_usd: int | None = Field(description="Milionésimos de dólar; nulo quando o preço não é conhecido.")


@router.get("/conversas", summary="Conversas, da mais nova à mais antiga", tags=["conversas"], responses=ERROS)
async def conversas(
    recursos: Recursos,
    status: Annotated[StatusConversa | None, Query(description="Só neste estado.")] = None,
    controle: Annotated[Controle | None, Query(description="Só com quem responde.")] = None,
    antes_de: AntesDe = ID_MAX,
    limite: Limite = PAGINA,
) -> PaginaConversas:
    """Lista conversas com o médico e o chip; telefones mascarados."""
    filtro = conversa.Filtro(antes_de, limite, status and status.value, controle and controle.value)
    rows = await conversa.page(recursos.db, filtro)
    itens = [ConversaLida(**row | {"telefone": row["telefone"] and mascarar(row["telefone"])}) for row in rows]
    return PaginaConversas(itens=itens, proxima=proxima(rows, limite))


@router.get(
    "/conversas/{conversa_id}/mensagens",
    summary="Mensagens de uma conversa, da mais nova à mais antiga",
    tags=["conversas"],
    responses=NAO_HA,
)
async def mensagens(
    recursos: Recursos, conversa_id: Id, antes_de: AntesDe = ID_MAX, limite: Limite = PAGINA
) -> PaginaMensagens:
    """Lê a conversa; cada mensagem diz de que turno é."""
    rows = await conversa.thread(recursos.db, conversa_id, antes_de, limite)
    if not rows and not await conversa.exists(recursos.db, conversa_id):
        raise HTTPException(404, "conversa não encontrada")
    return PaginaMensagens(itens=[MensagemLida(**row) for row in rows], proxima=proxima(rows, limite))


@router.get(
    "/turnos/{turno_id}", summary="O que um turno fez, por quê e quanto custou", tags=["turnos"], responses=NAO_HA
)
async def turno_lido(recursos: Recursos, turno_id: Id) -> TurnoLido:
    """Mostra a cascata de etapas, o motivo guardado, as contagens e o custo."""
    row = await turno.waterfall(recursos.db, turno_id)
    if row is None:
        raise HTTPException(404, "turno não encontrado")
    named = {name: row[name] for name in TurnoLido.model_fields if name in row and name != "etapas"}
    return TurnoLido(
        **named,
        mensagens=len(row["entradas"]),
        etapas=[EtapaLida(**asdict(etapa)) for etapa in etapas(row, recursos.settings)],
        envios=[EnvioLido(**{name: saida[name] for name in EnvioLido.model_fields}) for saida in row["saidas"]],
    )
