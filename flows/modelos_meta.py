"""The daily look at Meta's templates: which may be sent, and as what words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.chunks import Chunk, Job, Keys, chunk_task, cut, on_portal, run_flow, threads
from flows.outcome import Outcome, Parcial
from flows.parametros import Modo, Parametros
from lib.providers.whatsapp import GatewayError
from lib.queries import modelo_meta
from lib.resources import Resources
from lib.usecases.modelos_meta import MetaNaoConfiguradaError, sincronizar

PARALELOS = 2
SEM_META = "meta_nao_configurada"


class ParametrosModelosMeta(Parametros):
    """Parâmetros do fluxo modelos-meta."""


PADRAO = ParametrosModelosMeta()


async def find_accounts(resources: Resources, _parametros: ParametrosModelosMeta, _as_of: datetime) -> Keys:
    """Find the accounts of the chips in use, a chunk each, named by one of its chips."""
    found = await modelo_meta.accounts(resources.db)
    return Keys(cut([chip_id for chip_id, _ in found], 1))


async def sync(resources: Resources, chips: Sequence[int], modo: Modo, as_of: datetime) -> Parcial:
    """Sync the accounts of these chips; an account that Meta does not tell of fails alone and changes nothing."""
    total, plano = Outcome(), list[dict[str, Any]]()
    for conta in await modelo_meta.accounts_of(resources.db, chips):
        try:
            done = await sincronizar(resources, conta, as_of, grava=modo is Modo.APLICAR)
        except MetaNaoConfiguradaError:
            total += Outcome(seen=1, eligible=1, skipped={SEM_META: 1})
            continue
        except GatewayError as failure:
            total += Outcome(seen=1, eligible=1, failed={type(failure).__name__: 1})
            continue
        kinds = {"novos": done.novos, "mudados": done.mudados, "ausentes": done.ausentes}
        due = sum(kinds.values())
        changed = done.gravados if modo is Modo.APLICAR else due
        total += Outcome(seen=done.lidos + done.ausentes, eligible=due, changed=changed, kinds=kinds)
        plano.append({"conta": conta, "lidos": done.lidos, **kinds})
    return Parcial(total, tuple(plano) if modo is Modo.PLANO else ())


@chunk_task("sincronizar modelos de uma conta")
def sync_chunk(chunk: Chunk, modo: Modo, as_of: datetime) -> Parcial:
    """Sync the accounts of one chunk."""
    return on_portal(sync, chunk, modo, as_of)


JOB = Job("modelos-meta", find_accounts, sync_chunk, nada="nenhum chip da Meta: nada a sincronizar")


@flow(name="modelos-meta", timeout_seconds=600, task_runner=threads(PARALELOS))
async def modelos_meta_flow(parametros: ParametrosModelosMeta = PADRAO) -> State[Any]:
    """Traz da Meta os modelos de mensagem de cada conta: nome, idioma, categoria, situação e texto.

    Grava só o que mudou; o que a conta não lista mais fica como ausente. Rodar de novo não muda nada.
    """
    return await run_flow(JOB, parametros)
