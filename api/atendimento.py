"""Working off stored webhooks: each source has one who attends to it; what fails comes again, five times."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from lib import ledger
from lib.agent.gestor import entrada as gestor
from lib.db import Row
from lib.log import get_logger
from lib.queries import webhook
from lib.queries.webhook import Webhook
from lib.resources import Resources
from lib.usecases import chatwoot, espelhar, fila_zapi, modelos_meta, notificar, salvy
from lib.usecases.enviar import backoff_s

LEASE_S: Final = 60.0
Atender = Callable[[Resources, Webhook], Awaitable[None]]

ATENDENTES: Final[Mapping[str, Atender]] = {
    "chatwoot": chatwoot.atender,
    "meta": modelos_meta.atender,
    "salvy": salvy.atender,
    "slack": gestor.atender,
}


@dataclass(frozen=True, slots=True)
class Cuidado:
    """A piece of upkeep of an outside system, done over and over in every process."""

    nome: str
    cada_s: float
    fazer: Callable[[Resources], Awaitable[object]]


def cuidados(resources: Resources) -> list[Cuidado]:
    """Return the upkeep of the systems that are set up here."""
    found: list[Cuidado] = []
    if resources.chatwoot is not None:
        found += [
            Cuidado("espelhar", 1.0, espelhar.espelhar),
            Cuidado("conciliar", 2.0, chatwoot.conciliar),
            Cuidado("avisar_falhas", 5.0, chatwoot.avisar_falhas),
        ]
    if resources.slack is not None:
        found.append(Cuidado("notificar", 2.0, notificar.notificar))
    if resources.zapi is not None:
        found.append(Cuidado("conferir_filas", 30.0, fila_zapi.conferir_filas))
    if resources.salvy is not None:
        found.append(Cuidado("esquecer_sms", 60.0, lambda r: salvy.esquecer_sms(r.db, r.clock())))
    return found


log = get_logger(__name__)


@dataclass(slots=True)
class Atendimento:
    """One process's share of the stored webhooks."""

    resources: Resources

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
                await ATENDENTES[linha.source](self.resources, linha)
            except Exception as failure:  # noqa: BLE001 - the door of a webhook, which comes again
                motivo = type(failure).__name__
                espera_s = backoff_s(self.resources.settings.retry_s, row["tentativas"])
                dead = await webhook.failed(self.resources.db, row, motivo, espera_s)
                report = log.error if dead else log.warning
                report(
                    "webhook.falhou", webhook_id=linha.id, source=linha.source, erro=motivo, morto=dead, exc_info=True
                )
                return
            await webhook.done(self.resources.db, row)
