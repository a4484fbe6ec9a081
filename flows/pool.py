"""The pool's care: who rests, comes back or is called up, whose dialogues go elsewhere, what people are told."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.chunks import PLANO_MAX, Chunk, Job, chunk_task, everything, on_portal, run_flow, threads
from flows.outcome import Outcome, Parcial
from flows.parametros import Modo, Parametros
from lib.db import Row
from lib.domain.pool import alertas
from lib.queries import campanha, pool, pool_dialogo
from lib.queries.pool import Cuidado
from lib.queries.pool_dialogo import Mudadas
from lib.resources import Resources


class ParametrosPool(Parametros):
    """Parâmetros do fluxo cuidar-pool."""


PADRAO = ParametrosPool()


async def care(resources: Resources, as_of: datetime) -> Parcial:
    """Do all of it: two round trips, one more where people must be told.

    A change of status holds up the claims of sends until it has committed, so the dialogues go after it.
    """
    db = resources.db
    steps = (campanha.stop_step(as_of, aplicar=True), pool.care_step(as_of, aplicar=True))
    stopped, cared = await db.round_trip(*steps)
    moves = pool_dialogo.move_steps(as_of)
    cancelled, moved, portrait = await db.round_trip(*moves, pool.portrait_step(as_of))
    cuidado, mudadas = pool.read_care(cared), pool_dialogo.read_moved(cancelled, moved[0])
    found = alertas(pool.read_portrait(portrait[0], cuidado)) if cuidado.chips else ()
    avisos = await pool.tell(db, found, as_of) if found else 0
    return Parcial(total(cuidado, mudadas, stopped[0]["paradas"], {"avisos": avisos}))


async def judge(resources: Resources, modo: Modo, as_of: datetime) -> Parcial:
    """Say what would be done, in one round trip."""
    steps = (campanha.stop_step(as_of, aplicar=False), pool.care_step(as_of, aplicar=False))
    stopped, cared, found = await resources.db.round_trip(*steps, pool_dialogo.count_step(as_of))
    cuidado = pool.read_care(cared)
    dialogos, sem_destino = (sum(row[name] for row in found) for name in ("dialogos", "sem_destino"))
    mudadas = Mudadas(dialogos, sem_destino, com_fila=0, movidas=dialogos - sem_destino)
    plano = planned(cuidado, found) if modo is Modo.PLANO else []
    return Parcial(total(cuidado, mudadas, stopped[0]["paradas"], {}), tuple(plano[:PLANO_MAX]))


def total(cuidado: Cuidado, mudadas: Mudadas, paradas: int, more: dict[str, int]) -> Outcome:
    """Add up: chips, the places that production lacks, dialogues on lost chips, and the stop of campaigns."""
    feitas = Counter(mudanca.passo for mudanca in cuidado.mudancas if mudanca.feita)
    skipped = {
        "lugar_de_banido": cuidado.retidos,
        "sem_chip_pronto": cuidado.lugares - cuidado.retidos - cuidado.promovidos,
        "sem_destino": mudadas.sem_destino,
        "com_fila_nova": mudadas.com_fila,
    }
    empty = cuidado.lugares - cuidado.promovidos
    return Outcome(
        seen=cuidado.chips + cuidado.lugares + mudadas.dialogos + paradas,
        eligible=len(cuidado.mudancas) + empty + mudadas.dialogos + paradas,
        changed=feitas.total() + mudadas.movidas + paradas,
        skipped={reason: n for reason, n in skipped.items() if n},
        kinds={
            **feitas,
            "conversas_movidas": mudadas.movidas,
            "envios_cancelados": mudadas.cancelados,
            "campanhas_pausadas": paradas,
            **more,
        },
    )


def planned(cuidado: Cuidado, dialogos: list[Row]) -> list[dict[str, Any]]:
    """List each chip's step, and each lost chip with its dialogues."""
    steps = [{"chip_id": m.chip_id, "decisao": m.passo, "detalhe": m.motivo} for m in cuidado.mudancas]
    moves = [
        {
            "chip_id": row["chip_id"],
            "decisao": "move_conversas",
            "detalhe": f"{row['motivo']}: {row['dialogos'] - row['sem_destino']} de {row['dialogos']}",
        }
        for row in dialogos
    ]
    return steps + moves


@chunk_task("cuidar do pool")
def care_chunk(_chunk: Chunk, modo: Modo, as_of: datetime) -> Parcial:
    """Care for the whole pool, or only say what would be done."""
    return on_portal(care, as_of) if modo is Modo.APLICAR else on_portal(judge, modo, as_of)


JOB = Job("cuidar-pool", everything, care_chunk, nada="nenhum chip em uso: nada a cuidar")


@flow(name="cuidar-pool", timeout_seconds=300, task_runner=threads(1))
async def pool_flow(parametros: ParametrosPool = PADRAO) -> State[Any]:
    """Cuida do pool: tira da produção quem caiu, traz de volta quem se recuperou e promove da reserva quando falta.

    Passa a outro chip as conversas vivas de um número perdido e cancela o que estava na fila por nossa iniciativa.
    Pausa as campanhas com dois banimentos em uma hora; só uma pessoa retoma. Avisa uma vez por causa.
    """
    return await run_flow(JOB, parametros)
