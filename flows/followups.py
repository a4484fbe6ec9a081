"""Follow-ups: reminds doctors who did not answer, through the guardrails, by rows in the outbox (decision D7)."""

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
from lib.domain import cadencia
from lib.domain.guardrails import Bloqueio, avaliar_proativo
from lib.domain.horario import fuso, proxima_janela
from lib.queries import followup
from lib.queries.followup import Candidata, Novo, Vaga
from lib.resources import Resources

PARALELOS = 2
JA_NA_FILA = "ja_na_fila"
JA_TENTADA = "ja_tentada"
SEM_ESTADO = "sem_estado"
SEM_ULTIMA_SAIDA = "sem_ultima_saida"
MUDOU = "mudou_no_meio"
DIAS = ("seg", "ter", "qua", "qui", "sex", "sáb", "dom")


class ParametrosFollowups(Parametros):
    """Parâmetros do fluxo followups."""

    limite: int = Field(
        default=10_000,
        ge=1,
        le=25_000,
        title="Máximo de conversas",
        description="Quantas conversas vencidas uma execução atende, as mais antigas primeiro.",
    )
    tamanho: int = Field(
        default=500,
        ge=10,
        le=1_000,
        title="Conversas por lote",
        description="Quantas conversas cada lote lê e enfileira de uma vez.",
    )


PADRAO = ParametrosFollowups()


async def find_due(resources: Resources, parametros: ParametrosFollowups, as_of: datetime) -> Keys:
    """Find the conversations due for a step, and take up those whose pause is over."""
    aplicar = parametros.modo is Modo.APLICAR
    found = await followup.find(resources.db, as_of, parametros.limite, aplicar=aplicar)
    quantos = len(found.fins)
    resumed = Outcome(
        seen=quantos, eligible=quantos, changed=found.recontatadas, kinds={"recontato": found.recontatadas}
    )
    lines = [{"conversa_id": id_, "passo": "recontato", "decisao": "retomar", "quando": ""} for id_ in found.fins]
    plano = tuple(lines) if parametros.modo is Modo.PLANO else ()
    return Keys(cut(found.vencidas, parametros.tamanho), Parcial(resumed, plano))


async def enqueue(resources: Resources, ids: Sequence[int], modo: Modo, as_of: datetime) -> Parcial:
    """Judge the due conversations of one chunk and queue their messages: one statement reads, one writes."""
    judged = [judge(candidata, as_of) for candidata in await followup.candidates(resources.db, ids, as_of)]
    novos = [verdict for verdict in judged if isinstance(verdict, Novo)]
    standing, queued = len(novos), len(novos)
    if novos and modo is Modo.APLICAR:
        standing, queued = await followup.enqueue(resources.db, novos, as_of)
    reasons = Counter(reason for _, reason in (v for v in judged if not isinstance(v, Novo)))
    failed = {name: reasons.pop(name) for name in (SEM_ESTADO, SEM_ULTIMA_SAIDA) if name in reasons}
    reasons[MUDOU] += len(ids) - len(judged) + len(novos) - standing
    outcome = Outcome(
        seen=len(ids),
        eligible=len(ids),
        changed=queued,
        skipped={name: n for name, n in reasons.items() if n},
        failed=failed,
        kinds=Counter(novo.candidata.passo.chave for novo in novos) if queued == len(novos) else {},
    )
    return Parcial(outcome, tuple(map(planned, judged)) if modo is Modo.PLANO else ())


def judge(candidata: Candidata, now: datetime) -> Novo | tuple[Candidata, str]:
    """Decide on one due conversation: the message with its instant, or the reason why there is none.

    Outside the hours it is queued for the next window, provided that the other guardrails allow it then. What else
    blocks is a reason to skip: tomorrow's run looks again.
    """
    if candidata.na_fila or candidata.ja_tentada:
        return candidata, JA_NA_FILA if candidata.na_fila else JA_TENTADA
    if candidata.base is None:
        return candidata, SEM_ULTIMA_SAIDA
    if candidata.estado is None:
        return candidata, SEM_ESTADO
    quando = proxima_janela(now, candidata.uf)
    veredito = avaliar_proativo(
        candidata.estado, quando, candidata.uf, candidata.contatos, controlada_por_humano=candidata.humano
    )
    if veredito.motivo is not None:
        return candidata, veredito.motivo.value
    if candidata.parada_incerta:
        return candidata, Bloqueio.PARADA_INCERTA.value
    vaga = shift_line(candidata.vaga) if candidata.vaga else None
    nome = candidata.nome.split()[0] if candidata.nome.split() else ""
    return Novo(candidata, cadencia.texto(candidata.passo, nome, candidata.conversa_id, vaga), quando)


def shift_line(vaga: Vaga) -> str:
    """Say where and when a shift is, in the hospital's own time."""
    inicio, fim = vaga.inicio.astimezone(fuso(vaga.uf)), vaga.fim.astimezone(fuso(vaga.uf))
    dia = f"{DIAS[inicio.weekday()]} {inicio:%d/%m}"
    return f"{vaga.hospital}, {vaga.cidade}/{vaga.uf}, {dia}, das {hour(inicio)} às {hour(fim)}"


def hour(instant: datetime) -> str:
    """Write an hour as doctors do: 7h, 19h30."""
    return f"{instant.hour}h{instant.minute:02d}" if instant.minute else f"{instant.hour}h"


def planned(verdict: Novo | tuple[Candidata, str]) -> dict[str, Any]:
    """One line of the plan."""
    if isinstance(verdict, Novo):
        candidata, decisao, quando = verdict.candidata, "enfileirar", verdict.quando.isoformat()
    else:
        (candidata, decisao), quando = verdict, ""
    return {
        "conversa_id": candidata.conversa_id,
        "passo": candidata.passo.chave,
        "decisao": decisao,
        "quando": quando,
    }


@chunk_task("enfileirar follow-ups")
def enqueue_chunk(chunk: Chunk, modo: Modo, as_of: datetime) -> Parcial:
    """Judge and queue one chunk of conversations."""
    return on_portal(enqueue, chunk, modo, as_of)


JOB = Job("followups", find_due, enqueue_chunk, nada="nenhuma conversa vencida: nada a lembrar")


@flow(name="followups", timeout_seconds=900, task_runner=threads(PARALELOS))
async def followups_flow(parametros: ParametrosFollowups = PADRAO) -> State[Any]:
    """Enfileira os lembretes vencidos de quem não respondeu: 48 horas, 5 dias e 15 dias.

    Respeita opt-out, horário, limite de contatos e atendimento humano. Também retoma as conversas cuja pausa de 60 dias
    acabou. Rodar de novo não enfileira nada duas vezes.
    """
    return await run_flow(JOB, parametros)
