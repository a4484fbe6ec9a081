"""Working off stored webhooks: each source has one who attends to it; what fails comes again, five times."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from lib import ledger
from lib.agent.gestor import entrada as gestor
from lib.db import Row
from lib.errors import AgenteError
from lib.log import get_logger
from lib.queries import webhook
from lib.queries.webhook import Webhook
from lib.resources import Resources
from lib.usecases import chatwoot, fila_zapi, modelos_meta, notificar, salvy
from lib.usecases.chatwoot_notas import avisar_falhas
from lib.usecases.chatwoot_ponte import Ponte
from lib.usecases.conciliar import conciliar
from lib.usecases.enviar import backoff_s
from lib.usecases.espelhar import espelhar
from lib.usecases.reconectar import reconectar

LEASE_S: Final = 60.0
Atender = Callable[[Resources, Webhook], Awaitable[None]]

ATENDENTES: Final[Mapping[str, Atender]] = {
    "meta": modelos_meta.atender,
    "salvy": salvy.atender,
    "slack": gestor.atender,
}


class NotSetUpError(AgenteError):
    """A stored webhook is of a system that this machine has no settings for (any more)."""


@dataclass(frozen=True, slots=True)
class Cuidado:
    """A piece of upkeep of the outside systems, done over and over in every process."""

    nome: str
    cada_s: float
    fazer: Callable[[], Awaitable[object]]


def ponte_de(resources: Resources) -> Ponte | None:
    """Return the bridge to Chatwoot where it is set up; one for a process, which remembers who we are there."""
    return Ponte(resources.db, resources.chatwoot, resources.clock) if resources.chatwoot is not None else None


def cuidados(resources: Resources, ponte: Ponte | None) -> list[Cuidado]:
    """Return the upkeep of the systems that are set up here."""
    found = [Cuidado("reconectar", 5.0, partial(reconectar, resources))]
    if ponte is not None:
        found += [
            Cuidado("espelhar", 1.0, partial(espelhar, ponte)),
            Cuidado("conciliar", 1.0, partial(conciliar, ponte)),
            Cuidado("avisar_falhas", 5.0, partial(avisar_falhas, ponte)),
        ]
    if resources.slack is not None:
        found.append(Cuidado("notificar", 2.0, partial(notificar.notificar, resources)))
    if resources.zapi is not None:
        found.append(Cuidado("conferir_filas", 30.0, partial(fila_zapi.conferir_filas, resources)))
    if resources.salvy is not None:
        found.append(Cuidado("esquecer_sms", 60.0, lambda: salvy.esquecer_sms(resources.db, resources.clock())))
    return found


log = get_logger(__name__)


@dataclass(slots=True)
class Atendimento:
    """One process's share of the stored webhooks."""

    resources: Resources
    ponte: Ponte | None

    async def claim(self, limite: int) -> list[Row]:
        """Claim up to `limite` due webhooks."""
        rows, dead = await webhook.claim_due(self.resources.db, limite, LEASE_S)
        for webhook_id in dead:
            log.error("webhook.morto", webhook_id=webhook_id, motivo="interrompido")
        return rows

    async def work(self, row: Row) -> None:
        """Attend to one; a failure gives it back with a delay, the fifth leaves it to a person."""
        linha = Webhook(*(row[name] for name in ("id", "source", "tipo", "chave", "raw", "recebido_em")))
        with ledger.measure(f"webhook.{linha.source}"):
            try:
                await self._attend(linha)
            except Exception as failure:  # noqa: BLE001 - the door of a webhook, which comes again
                # What an outside system said of itself is in its own words; anything else needs the trace.
                foreseen = isinstance(failure, AgenteError)
                motivo = str(failure)[:200] if foreseen else type(failure).__name__
                espera_s = backoff_s(self.resources.settings.retry_s, row["tentativas"])
                dead = await webhook.failed(self.resources.db, row, motivo, espera_s)
                report = log.error if dead else log.warning
                facts = {"webhook_id": linha.id, "source": linha.source, "erro": motivo, "morto": dead}
                report("webhook.falhou", **facts, exc_info=not foreseen)
                return
            await webhook.done(self.resources.db, row)

    async def _attend(self, linha: Webhook) -> None:
        if linha.source != "chatwoot":
            await ATENDENTES[linha.source](self.resources, linha)
        elif self.ponte is not None:
            await chatwoot.atender(self.ponte, linha)
        else:
            raise NotSetUpError(linha.source)
