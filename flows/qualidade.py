"""Quality of ended conversations, judged by the language model (decision D18)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from pydantic import Field

from flows.chunks import Chunk, Job, Keys, chunk_task, cut, on_portal, run_flow, threads
from flows.outcome import Outcome, Parcial
from flows.parametros import Modo, Parametros
from flows.retry import IncompleteChunkError
from lib.agent.prompts import load
from lib.aio import gather_limited
from lib.errors import ModelUnavailableError
from lib.queries import qualidade
from lib.queries.qualidade import Encerrada, Julgamento
from lib.resources import Resources
from lib.usecases.avaliar_qualidade import JudgementRejectedError, avaliar

AVALIADOR = "auto"
LIMITE = 50
SIMULTANEAS = 8
# A model that sometimes misquotes is to be expected; one that does it often is not judging.
TOLERANCIA = 0.2


class ParametrosQualidade(Parametros):
    """Parâmetros do fluxo qualidade."""

    limite: int = Field(
        default=LIMITE,
        ge=1,
        le=LIMITE,
        title="Máximo de conversas",
        description="Quantas conversas encerradas uma execução avalia, as mais recentes primeiro.",
    )


PADRAO = ParametrosQualidade()


async def find_pending(resources: Resources, parametros: ParametrosQualidade, as_of: datetime) -> Keys:
    """Find ended conversations that were never judged."""
    return Keys(cut(await qualidade.pending(resources.db, AVALIADOR, as_of, parametros.limite), LIMITE))


async def judge(resources: Resources, ids: Sequence[int], modo: Modo, as_of: datetime) -> Parcial:
    """Judge one chunk, eight at a time, and keep the judgements in one statement. A plan asks no model.

    Raises:
        IncompleteChunkError: the model did not answer for some; what was judged is kept and not asked again.
    """
    if modo is not Modo.APLICAR:
        plano = tuple({"conversa_id": id_, "decisao": "avaliar"} for id_ in ids) if modo is Modo.PLANO else ()
        return Parcial(Outcome(seen=len(ids), eligible=len(ids), changed=len(ids)), plano)
    db, prompt = resources.db, load("juiz_qualidade")
    encerradas = await qualidade.read(db, AVALIADOR, ids)

    async def one(encerrada: Encerrada) -> Julgamento:
        return await avaliar(resources.modelo, encerrada, prompt.texto, resources.settings.llm_modelo)

    results = await gather_limited([e for e in encerradas if e.julgada_em is None], one, SIMULTANEAS)
    julgados = [result for result in results if isinstance(result, Julgamento)]
    failures = [result for result in results if isinstance(result, Exception)]
    kept = await qualidade.save(db, AVALIADOR, julgados, prompt.hash, as_of) if julgados else 0
    # Judged at our own instant: by an earlier attempt of this very run.
    earlier = sum(e.julgada_em == as_of for e in encerradas)
    others = sum(e.julgada_em is not None and e.julgada_em != as_of for e in encerradas)
    outcome = Outcome(
        seen=len(ids),
        eligible=len(ids),
        changed=kept + earlier,
        skipped={"ja_avaliada": others} if others else {},
        failed=Counter(map(class_of, failures)),
    )
    unavailable = sum(isinstance(failure, ModelUnavailableError) for failure in failures)
    if unavailable:
        raise IncompleteChunkError(outcome, f"{unavailable} sem resposta do modelo")
    return Parcial(outcome)


def class_of(failure: Exception) -> str:
    """Name a failure for the outcome."""
    return failure.classe if isinstance(failure, JudgementRejectedError) else type(failure).__name__


@chunk_task("avaliar conversas")
def judge_chunk(chunk: Chunk, modo: Modo, as_of: datetime) -> Parcial:
    """Judge one chunk of conversations."""
    return on_portal(judge, chunk, modo, as_of)


JOB = Job(
    "qualidade",
    find_pending,
    judge_chunk,
    nada="nenhuma conversa encerrada por avaliar",
    tolerancia=TOLERANCIA,
)


@flow(name="qualidade", timeout_seconds=1_800, task_runner=threads(1))
async def qualidade_flow(parametros: ParametrosQualidade = PADRAO) -> State[Any]:
    """Avalia com o modelo de linguagem as conversas encerradas que ainda não têm nota.

    Até 50 por execução, 8 ao mesmo tempo, com trechos da conversa como evidência. Nome e telefone não são enviados.
    """
    return await run_flow(JOB, parametros)
