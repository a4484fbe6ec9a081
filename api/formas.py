"""What the endpoints' answers have in common: how pages, ids and errors look."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Depends, Path, Query
from pydantic import BaseModel, ConfigDict

from api.deps import resources_of
from lib.db import Row
from lib.resources import Resources

PAGINA: Final = 50
PAGINA_MAX: Final = 200
ID_MAX: Final = 2**63 - 1

Recursos = Annotated[Resources, Depends(resources_of)]
Id = Annotated[int, Path(ge=1, le=ID_MAX)]
AntesDe = Annotated[int, Query(ge=1, le=ID_MAX, description="Só ids menores que este: `proxima` da página anterior.")]
Limite = Annotated[int, Query(ge=1, le=PAGINA_MAX, description="Quantos por página.")]


def problema(status: int, title: str, **more: object) -> dict[int | str, dict[str, Any]]:
    """Return how OpenAPI shows an error."""
    example = {"type": "about:blank", "title": title, "status": status, "request_id": "5f0c2e1d9a7b4c36", **more}
    return {status: {"description": f"{title}.", "content": {"application/problem+json": {"example": example}}}}


ERROS: Final = {
    **problema(401, "Credencial ausente ou inválida"),
    **problema(422, "Dados inválidos", erros=[{"campo": "query.limite", "motivo": "Input should be less than 201"}]),
}
NAO_HA: Final = {**ERROS, **problema(404, "Não encontrado", detail="conversa não encontrada")}


class Forma(BaseModel):
    """An answer: nothing leaves that is not named."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def proxima(rows: list[Row], limite: int) -> int | None:
    """Return where the next page begins, None at the end."""
    return int(rows[-1]["id"]) if len(rows) == limite else None
