"""One message with its waterfall, and the list of what went no further with its way back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import Depends, HTTPException, Path, Query
from pydantic import Field

from api.deps import rotas
from api.formas import ERROS, NAO_HA, PAGINA, Forma, Limite, Recursos, problema
from lib.auth import Papel
from lib.domain.morta import O_QUE_FAZER, ClasseMorta
from lib.domain.referencia import Referencia, ler_referencia
from lib.domain.telefone import mascarar
from lib.queries import morta
from lib.queries.morta import Marca
from lib.usecases.ler_mensagem import MensagemVista, ver_mensagem
from lib.usecases.reprocessar import Reprocessada, reprocessar

router = rotas("/v1", Papel.VIEWER)
acoes = rotas("/v1", Papel.OPERATOR)

NAO_ENCONTRADA: Final = "mensagem não encontrada"
SEM_PAPEL: Final = problema(403, "Sem permissão")


def referencia_de(
    id: Annotated[  # noqa: A002 - the name in the path
        str, Path(max_length=20, description="`e` e o número: recebida (o número sozinho também); `s`: enviada.")
    ],
) -> Referencia:
    """Return what the path names; 404 when it names nothing."""
    found = ler_referencia(id)
    if found is None:
        raise HTTPException(404, NAO_ENCONTRADA)
    return found


def marca_de(
    depois_de: Annotated[str | None, Query(max_length=80, description="`proxima` da página anterior.")] = None,
) -> Marca | None:
    """Return where the page begins; 422 for what no page has given."""
    if depois_de is None:
        return None
    em, _, key = depois_de.partition("|")
    try:
        marca = Marca(datetime.fromisoformat(em), key)
    except ValueError:
        raise HTTPException(422, "depois_de: use `proxima` da página anterior") from None
    if marca.em.tzinfo is None or ler_referencia(key) is None:
        raise HTTPException(422, "depois_de: use `proxima` da página anterior")
    return marca


class MortaLida(Forma):
    """One entry: what it is, why it is here, how old it is, what can be done; the phone is masked."""

    id: str = Field(examples=["e9941"])
    classe: ClasseMorta
    motivo: str
    o_que_fazer: str
    em: datetime
    idade_s: int = Field(ge=0)
    conversation_id: int | None
    medico: str | None
    telefone: str | None


class PaginaMortas(Forma):
    """A page, newest first; `proxima` goes into `depois_de`, null at the end."""

    itens: list[MortaLida]
    proxima: str | None


@router.get("/mensagens/{id}", summary="Uma mensagem, por dentro", tags=["mensagens"], responses=NAO_HA)
async def mensagem(recursos: Recursos, referencia: Annotated[Referencia, Depends(referencia_de)]) -> MensagemVista:
    """Mostra o desfecho e o motivo, a cascata de etapas, as chamadas ao modelo com tokens e custo, e as entregas."""
    found = await ver_mensagem(recursos.db, referencia, recursos.settings)
    if found is None:
        raise HTTPException(404, NAO_ENCONTRADA)
    return found


@router.get("/mortas", summary="O que parou e espera por uma pessoa", tags=["mensagens"], responses=ERROS)
async def mortas(
    recursos: Recursos,
    marca: Annotated[Marca | None, Depends(marca_de)],
    classe: Annotated[ClasseMorta | None, Query(description="Só desta classe.")] = None,
    limite: Limite = PAGINA,
) -> PaginaMortas:
    """Lista conversas mortas, mensagens ilegíveis ou sem resposta, e envios mortos ou incertos."""
    agora = recursos.clock()
    rows = await morta.page(recursos.db, limite, depois_de=marca, classe=classe and classe.value)
    itens = [
        MortaLida(
            **{name: row[name] for name in ("id", "classe", "motivo", "em", "conversation_id", "medico")},
            o_que_fazer=O_QUE_FAZER[ClasseMorta(row["classe"])],
            idade_s=max(0, int((agora - row["em"]).total_seconds())),
            telefone=row["endereco"] and mascarar(row["endereco"]),
        )
        for row in rows
    ]
    # No `+`, which a query that nobody encoded turns into a blank.
    last = f"{rows[-1]['em'].astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}|{rows[-1]['id']}" if len(rows) == limite else None
    return PaginaMortas(itens=itens, proxima=last)


@acoes.post(
    "/mensagens/{id}/reprocessar",
    summary="Dá outra chance ao que parou",
    tags=["mensagens"],
    responses={**NAO_HA, **SEM_PAPEL},
)
async def mensagem_reprocessar(
    recursos: Recursos,
    referencia: Annotated[Referencia, Depends(referencia_de)],
    seco: Annotated[bool, Query(description="Só diz o que faria.")] = False,
) -> Reprocessada:
    """Com a mesma causa, para que nada seja dito duas vezes. `c` e o número nomeiam a conversa inteira."""
    done = await reprocessar(recursos, referencia, seco=seco)
    if done is None:
        raise HTTPException(404, "não está na lista do que parou")
    return done
