"""The chips as programs may read them: why a message went through one of them."""

from __future__ import annotations

from fastapi import HTTPException

from api.deps import rotas
from api.formas import NAO_HA, Id, Recursos
from lib.auth import Papel
from lib.usecases.ler_decisao import DecisaoVista, ver_decisao

router = rotas("/v1", Papel.VIEWER)


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
