"""Our numbers: how each stands, why a message went through one of them, and the code that pairs one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from fastapi import Depends, HTTPException, Path, Query
from pydantic import Field
from starlette.responses import Response

from api.deps import require, rotas
from api.formas import ERROS, ID_MAX, NAO_HA, PAGINA, AntesDe, Forma, Id, Limite, Recursos, problema, proxima
from lib import qr as desenho
from lib.auth import Papel
from lib.domain.chip import FaseWarmup, Gateway, NivelTrust, StatusChip, TipoChip
from lib.domain.telefone import mascarar
from lib.providers.whatsapp import GatewayError
from lib.queries import chip_estado
from lib.queries.token import Credencial
from lib.usecases.chip_vida import Quem, SemChipError
from lib.usecases.instancia import ImpedidoError, Impedimento
from lib.usecases.instancias import RealGatewayError
from lib.usecases.ler_decisao import DecisaoVista, ver_decisao
from lib.usecases.parear import UM_CODIGO_S, Fim, um_codigo

router = rotas("/v1", Papel.VIEWER)
acoes = rotas("/v1", Papel.OPERATOR)

ORIGEM: Final = "api"
DE_NOVO: Final = {"retry-after": "2"}
PARA_LER: Final = {
    **NAO_HA,
    **problema(403, "Sem permissão"),
    **problema(409, "Conflito", detail="o chip já está conectado"),
    **problema(503, "Indisponível agora; tente de novo", detail="o gateway não respondeu"),
    200: {"content": {"image/png": {}}, "description": "O QR code que vale agora."},
}
IMPEDIMENTO: Final = {
    Impedimento.META: "um número da Meta não tem QR code: ele se registra no WhatsApp Manager",
    Impedimento.BANIDO: "o chip foi banido: rearme-o antes",
    Impedimento.CANCELADO: "o chip foi cancelado",
}


class ChipLido(Forma):
    """One number; the phone is masked. Limits are those in force, uses the sends of the rolling hour and day."""

    id: int = Field(examples=[7])
    instancia: str = Field(examples=["julia-07"])
    telefone: str = Field(examples=["+55 11 9****-0107"])
    tipo: TipoChip
    gateway: Gateway
    conta: str | None
    status: StatusChip
    status_desde: datetime
    status_motivo: str = Field(examples=["conectou ao WhatsApp"])
    conectado: bool
    conexao_em: datetime | None
    queda_codigo: int | None
    qualidade: str | None
    fase: FaseWarmup
    trust_score: int = Field(ge=0, le=100, examples=[81])
    trust_nivel: NivelTrust
    uso_hora: int
    limite_hora: int
    uso_dia: int
    limite_dia: int
    reply_only_until: datetime | None
    cooldown_ate: datetime | None
    cooldown_motivo: str | None
    disjuntor_ate: datetime | None
    criado_em: datetime


class PaginaChips(Forma):
    """A page, newest first; `proxima` goes into `antes_de`, null at the end."""

    itens: list[ChipLido]
    proxima: int | None = Field(examples=[6])


@router.get("/chips", summary="Chips, do mais novo ao mais antigo", tags=["chips"], responses=ERROS)
async def chips(
    recursos: Recursos,
    status: Annotated[StatusChip | None, Query(description="Só neste estado.")] = None,
    antes_de: AntesDe = ID_MAX,
    limite: Limite = PAGINA,
) -> PaginaChips:
    """Lista os números: situação, conexão, confiança, uso e limites em vigor; telefones mascarados."""
    rows = await chip_estado.page(recursos.db, recursos.clock(), antes_de, limite, status and status.value)
    itens = [
        ChipLido(**{name: row[name] for name in ChipLido.model_fields} | {"telefone": mascarar(row["telefone"])})
        for row in rows
    ]
    return PaginaChips(itens=itens, proxima=proxima(rows, limite))


@router.get(
    "/chips/decisoes/{decisao_id}", summary="Por que este chip, por que não aquele", tags=["chips"], responses=NAO_HA
)
async def decisao_lida(recursos: Recursos, decisao_id: Id) -> DecisaoVista:
    """Mostra o escolhido, os candidatos com o que se olhou de cada um, os descartes por regra e o que os mudaria.

    O número da decisão de um envio está em `decisao_id` de `/v1/mensagens/{id}`.
    """
    found = await ver_decisao(recursos.db, decisao_id)
    if found is None:
        raise HTTPException(404, "decisão não encontrada")
    return found


@acoes.get(
    "/chips/{chip}/qr",
    summary="O QR code que pareia um chip",
    tags=["chips"],
    responses=PARA_LER,
    response_class=Response,
)
async def qr(
    recursos: Recursos,
    quem: Annotated[Credencial, Depends(require(Papel.OPERATOR), scope="function")],
    chip: Annotated[str, Path(min_length=1, max_length=100, description="Nome (instância) ou id do chip.")],
    espera_s: Annotated[
        int, Query(ge=1, le=UM_CODIGO_S, description="Por quantos segundos esperar por um código.")
    ] = UM_CODIGO_S,
) -> Response:
    """Desenha o código que vale agora, começando a conexão se ela estiver fechada. Nunca o guarde.

    Peça de novo a cada 20 segundos, até o 409 que diz que o chip conectou.
    """
    try:
        step = await um_codigo(recursos, chip, Quem(quem.nome, ORIGEM), espera_s=espera_s)
    except SemChipError:
        raise HTTPException(404, "chip não encontrado") from None
    except ImpedidoError as refused:
        raise HTTPException(409, IMPEDIMENTO[refused.porque]) from None
    except RealGatewayError:
        raise HTTPException(409, "fora de produção só o sandbox pode ser pareado") from None
    except GatewayError:
        raise HTTPException(503, "o gateway não respondeu", DE_NOVO) from None
    if step.fim is Fim.CONECTADO:
        raise HTTPException(409, "o chip já está conectado")
    if step.qr is None:
        raise HTTPException(409, "ainda não há código; tente de novo", DE_NOVO)
    return Response(desenho.png(step.qr), media_type="image/png")
