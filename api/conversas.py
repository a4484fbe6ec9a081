"""What people do with conversations: take them from Júlia, give them back, see who waits for whom."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from api.deps import require, rotas
from api.formas import ERROS, ID_MAX, NAO_HA, PAGINA, AntesDe, Forma, Id, Limite, Recursos, problema, proxima
from lib.auth import Papel
from lib.domain.telefone import mascarar
from lib.domain.transferencia import Gatilho, StatusTransferencia, TipoAviso
from lib.queries import aviso, pausa, transferencia
from lib.queries.token import Credencial
from lib.usecases.pausar import MOTIVO_MAX, pausar, retomar
from lib.usecases.transferir import NOTAS_MAX, NoSuchConversationError, WrongStateError, assumir, devolver

router = rotas("/v1", Papel.VIEWER)
acoes = rotas("/v1", Papel.OPERATOR)

Quem = Annotated[Credencial, Depends(require(Papel.OPERATOR), scope="function")]
AGORA_NAO: Final = {**NAO_HA, **problema(409, "Conflito", detail="a conversa está encerrada")}
SEM_PAPEL: Final = problema(403, "Sem permissão")


class Pedido(BaseModel):
    """A request: a misspelt field is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Devolucao(Pedido):
    """What Júlia should know when she has the conversation again."""

    notas: str | None = Field(None, max_length=NOTAS_MAX, examples=["Combinei o valor com ele; falta o CRM."])


class PedidoPausa(Pedido):
    """Pause, or go on."""

    ativa: bool
    motivo: str | None = Field(None, max_length=MOTIVO_MAX, examples=["número em revisão"])


class Mao(Forma):
    """The hand-off that was changed."""

    transferencia_id: int = Field(examples=[41])


class TransferenciaLida(Forma):
    """A conversation that went to a person, why, and who has it; the phone is masked."""

    id: int
    conversation_id: int
    turno_id: int | None
    medico: str | None = Field(examples=["Helena Prado"])
    telefone: str | None = Field(examples=["+55 11 9****-0317"])
    gatilho: Gatilho
    motivo: str
    status: StatusTransferencia
    aberta_em: datetime
    assumida_em: datetime | None
    assumida_por: str | None
    resolvida_em: datetime | None
    resolvida_por: str | None
    notas: str | None


class PaginaTransferencias(Forma):
    """A page, newest first; `proxima` goes into `antes_de`, null at the end."""

    itens: list[TransferenciaLida]
    proxima: int | None


class AvisoLido(Forma):
    """Something a person should look at; the phone is masked."""

    id: int
    tipo: TipoAviso
    texto: str
    conversation_id: int | None
    medico: str | None
    telefone: str | None
    criado_em: datetime
    visto_em: datetime | None
    visto_por: str | None


class PaginaAvisos(Forma):
    """A page, newest first; `proxima` goes into `antes_de`, null at the end."""

    itens: list[AvisoLido]
    proxima: int | None


class PausaLida(Forma):
    """Whether the operation is paused, since when, by whom and why; what waits to be sent and to be read."""

    ativa: bool
    por: str | None
    motivo: str | None
    desde: datetime | None
    na_fila: int
    por_ler: int


@router.get("/transferencias", summary="Conversas entregues a pessoas", tags=["conversas"], responses=ERROS)
async def transferencias(
    recursos: Recursos,
    status: Annotated[StatusTransferencia | None, Query(description="Só neste estado.")] = None,
    antes_de: AntesDe = ID_MAX,
    limite: Limite = PAGINA,
) -> PaginaTransferencias:
    """Lista as transferências, da mais nova à mais antiga."""
    rows = await transferencia.page(recursos.db, antes_de, limite, status and status.value)
    itens = [TransferenciaLida(**row | {"telefone": row["telefone"] and mascarar(row["telefone"])}) for row in rows]
    return PaginaTransferencias(itens=itens, proxima=proxima(rows, limite))


@acoes.post(
    "/conversas/{conversa_id}/assumir",
    summary="Uma pessoa assume a conversa",
    tags=["conversas"],
    responses={**AGORA_NAO, **SEM_PAPEL},
)
async def conversa_assumir(recursos: Recursos, quem: Quem, conversa_id: Id) -> Mao:
    """A resposta que a Júlia estava preparando é descartada; o que o médico escrever fica guardado, sem resposta."""
    try:
        return Mao(transferencia_id=await assumir(recursos.db, conversa_id, quem.nome, recursos.clock()))
    except NoSuchConversationError:
        raise HTTPException(404, "conversa não encontrada") from None
    except WrongStateError as wrong:
        raise HTTPException(409, str(wrong)) from None


@acoes.post(
    "/conversas/{conversa_id}/devolver",
    summary="A conversa volta à Júlia",
    tags=["conversas"],
    responses={**AGORA_NAO, **SEM_PAPEL},
)
async def conversa_devolver(recursos: Recursos, quem: Quem, conversa_id: Id, pedido: Devolucao | None = None) -> Mao:
    """Resolve a transferência; as notas e o que a pessoa escreveu ficam no contexto da Júlia."""
    notas = pedido.notas if pedido else None
    try:
        return Mao(transferencia_id=await devolver(recursos.db, conversa_id, quem.nome, notas, recursos.clock()))
    except NoSuchConversationError:
        raise HTTPException(404, "conversa não encontrada") from None
    except WrongStateError as wrong:
        raise HTTPException(409, str(wrong)) from None


@router.get("/avisos", summary="O que pede a atenção de uma pessoa", tags=["avisos"], responses=ERROS)
async def avisos(
    recursos: Recursos,
    todos: Annotated[bool, Query(description="Também os já vistos.")] = False,
    antes_de: AntesDe = ID_MAX,
    limite: Limite = PAGINA,
) -> PaginaAvisos:
    """Lista os avisos que ninguém viu, do mais novo ao mais antigo."""
    rows = await aviso.page(recursos.db, antes_de, limite, todos=todos)
    itens = [AvisoLido(**row | {"telefone": row["telefone"] and mascarar(row["telefone"])}) for row in rows]
    return PaginaAvisos(itens=itens, proxima=proxima(rows, limite))


@acoes.post(
    "/avisos/{aviso_id}/visto",
    summary="Marca um aviso como visto",
    tags=["avisos"],
    status_code=204,
    responses={**NAO_HA, **SEM_PAPEL},
)
async def aviso_visto(recursos: Recursos, quem: Quem, aviso_id: Id) -> None:
    """Repetir não muda nada: fica quem viu primeiro."""
    if not await aviso.seen(recursos.db, aviso_id, quem.nome, recursos.clock()):
        raise HTTPException(404, "aviso não encontrado")


@router.get("/pausa", summary="A operação está pausada?", tags=["operação"], responses=ERROS)
async def pausa_lida(recursos: Recursos) -> PausaLida:
    """Diz desde quando, por quem e por quê."""
    return await _pausa(recursos)


@acoes.post("/pausa", summary="Pausa ou retoma a operação", tags=["operação"], responses={**ERROS, **SEM_PAPEL})
async def pausa_mudar(recursos: Recursos, quem: Quem, pedido: PedidoPausa) -> PausaLida:
    """Pausada, nada é enviado, respondido nem rodado; nada se perde, e ao retomar tudo segue na hora."""
    if pedido.ativa:
        await pausar(recursos.db, quem.nome, pedido.motivo, recursos.clock())
    else:
        await retomar(recursos.db, quem.nome, recursos.clock())
    return await _pausa(recursos)


async def _pausa(recursos: Recursos) -> PausaLida:
    read = await pausa.get(recursos.db)
    return PausaLida(**{name: getattr(read, name) for name in PausaLida.model_fields})
