"""Sending: the only way out. Claim, hand over to the gateway, record; and find out what became of the unclear ones."""

from __future__ import annotations

import asyncio
import hashlib
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from time import monotonic
from uuid import uuid4

from lib import ledger
from lib.aio import gather_limited
from lib.crash import Crashpoint
from lib.db import Row
from lib.domain.cadencia import PAUSA
from lib.domain.disjuntor import ClasseFalha
from lib.domain.evento import EfeitoRecibo
from lib.domain.horario import UFS, proxima_janela
from lib.errors import SendRefusedError, SendUnknownError
from lib.log import get_logger
from lib.providers import whatsapp
from lib.providers.whatsapp import GatewayError, GatewayMissingError, ModeloEnviado, NothingSentError
from lib.queries import entrada, envio, envio_desfecho
from lib.queries.disjuntor import Aberto
from lib.queries.entrada import NewEffect
from lib.queries.envio import Destinos
from lib.resources import Resources
from lib.settings import Ambiente
from lib.usecases.digitando import Canal, Digitando, numero

MAX_TENTATIVAS = 5
CONSULTAS = 3
BLOQUEADAS_MAX = 20
SEM_HISTORICO = timedelta(days=1)
RETRY_MAX_S = 300.0
FOLGA_RELOGIO = timedelta(seconds=5)
SONDAGEM_S = 5.0

log = get_logger(__name__)


def backoff_s(base_s: float, attempt: float) -> float:
    """Return a fully jittered delay: up to base * 2^attempt, five minutes at most."""
    return random.uniform(0, min(RETRY_MAX_S, base_s * 2.0**attempt))


@dataclass(slots=True)
class Envio:
    """Sends what is due for one process. Everything it knows is in the database; its fields are only a cache."""

    resources: Resources
    crash: Crashpoint
    digitando: Digitando = field(init=False)
    _sandbox: bool | None = None
    _sondado: float = field(default=float("-inf"))
    _janelas: tuple[datetime, dict[str, datetime]] | None = None

    def __post_init__(self) -> None:
        self.digitando = Digitando(self.resources.gateways)

    async def claim(self, limite: int) -> list[Row]:
        """Claim up to `limite` due messages, chip chosen; rows judged out are settled in the same round trip."""
        settings = self.resources.settings
        destinos = await self._destinos()
        for _ in range(BLOQUEADAS_MAX):
            # From before the claim, and early enough for a whole send to end within the lease.
            comecar_ate = monotonic() + settings.lease_s - settings.envio_max_s
            judged = await envio.claim_due(
                self.resources.db,
                uuid4(),
                limite,
                lease_s=settings.lease_s,
                proximas=self._proximas(),
                destinos=destinos,
            )
            for row in judged.blocked:
                log.info("envio.bloqueado", outbox_id=row["id"], motivo=row["bloqueio"], estado=row["state"])
            if judged.deferred:
                log.warning("envio.sem_chip", mensagens=judged.deferred)
            if judged.claimed:
                self.crash.reach("S10")
                return [row | {"comecar_ate": comecar_ate} for row in judged.claimed]
            if not judged.blocked:
                break
            # What was judged out is out of the way: behind it may wait what can go.
        return []

    async def send(self, row: Row) -> bool:
        """Send one claimed message and record what became of it; after the hand-over only evidence decides.

        Tells whether more may be due at once: the next of this conversation, or this one by another chip.
        """
        settings = self.resources.settings
        if monotonic() > row["comecar_ate"]:
            # Held up for so long that another process may have it by now; its lease says what becomes of it.
            log.warning("envio.tarde_demais", outbox_id=row["id"])
            return False
        self.crash.reach("S11")
        call = asyncio.create_task(self._hand_over(row))
        if settings.crashpoint:
            await asyncio.wait({call}, timeout=0.005)
            self.crash.reach("S12")
        db, oid, fence = self.resources.db, row["id"], row["fence"]
        try:
            msg_id = await call
        except SendRefusedError as refused:
            await self._refused(row, refused)
            return True
        except NothingSentError as nothing:
            waited_s = max(0.0, (self.resources.clock() - row["criada_em"]).total_seconds())
            espera_s = max(nothing.retry_after_s or 0.0, backoff_s(settings.retry_s, math.log2(2 + waited_s)))
            opened = await envio_desfecho.mark_retry(
                db,
                oid,
                fence,
                "gateway_fora",
                espera_s,
                classe=nothing.classe,
                pausa_min_s=nothing.retry_after_s or 0.0,
            )
            _tell(opened, nothing.classe)
            log.warning("envio.gateway_fora", outbox_id=oid, espera_s=round(espera_s, 2))
        except SendUnknownError as unknown:
            espera_s = settings.carencia_s / CONSULTAS
            _tell(await envio_desfecho.mark_unknown(db, oid, fence, str(unknown)[:200], espera_s), ClasseFalha.TEMPO)
            log.warning("envio.incerto", outbox_id=oid)
        else:
            self.crash.reach("S13")
            proxima = await envio_desfecho.mark_sent(db, [(oid, fence, msg_id)], PAUSA.total_seconds())
            self.crash.reach("S14")
            if proxima is not None:
                canal = Canal(row["gateway"], row["instancia"], row["destino"])
                self.digitando.mostrar(canal, proxima - self.resources.clock())
            return proxima is not None
        return False

    async def _hand_over(self, row: Row) -> str:
        return await self.resources.gateways.de(row["gateway"]).send_text(_a_enviar(row))

    async def _refused(self, row: Row, refused: SendRefusedError) -> None:
        """Record a refusal; what it says of the doctor takes effect first, as if it had come in a receipt."""
        db, oid = self.resources.db, row["id"]
        if refused.efeito is not None:
            effect = NewEffect(row["gateway"], row["instancia"], EfeitoRecibo(refused.efeito), outbox_id=oid)
            await entrada.apply_effects(db, [effect], self.resources.clock())
        opened = await envio_desfecho.mark_refused(
            db,
            oid,
            row["fence"],
            refused.reason[:200],
            chip_fora=refused.chip_down,
            tentativas=MAX_TENTATIVAS,
            descanso_s=refused.descanso_s,
        )
        _tell(opened, ClasseFalha.CANAL)
        log.warning("envio.recusado", outbox_id=oid, chip_fora=refused.chip_down, efeito=refused.efeito)

    async def reconcile(self) -> int:
        """Settle unclear sends by what the gateway told or remembers; return how many were found to be sent."""
        settings, db = self.resources.settings, self.resources.db
        espera_s = settings.carencia_s / CONSULTAS
        with ledger.measure("reconciliar"):
            found = await envio_desfecho.reap_and_match(db, espera_s)
            if found:
                sent = [(oid, None, msg_id) for oid, msg_id in found]
                await envio_desfecho.mark_sent(db, sent, PAUSA.total_seconds())
            doubts = await envio_desfecho.claim_doubts(db, settings.envios_simultaneos, espera_s)
            looked = await gather_limited(doubts, self._look_up, settings.envios_simultaneos)
        for row, failure in zip(doubts, looked, strict=True):
            if isinstance(failure, GatewayError):
                await self._unreadable(row, failure)
            elif isinstance(failure, Exception):
                raise failure
        return len(found) + sum(result is True for result in looked)

    async def _unreadable(self, row: Row, failure: GatewayError) -> None:
        """Wait for a history that cannot be read now; one that will not come leaves the message to a person."""
        gone = failure.status == HTTPStatus.NOT_FOUND
        old = self.resources.clock() - row["enviando_em"] > SEM_HISTORICO
        if gone or old:
            await envio_desfecho.mark_parked(self.resources.db, row["id"], row["fence"], "historico_indisponivel")
        report = log.error if gone or old else log.warning
        report("envio.historico_indisponivel", outbox_id=row["id"], motivo=failure.reason[:200])

    async def _look_up(self, row: Row) -> bool:
        """Ask the gateway's history about one unclear send; only an answer that holds nothing counts as absence."""
        settings, db = self.resources.settings, self.resources.db
        since = row["enviando_em"] - FOLGA_RELOGIO
        wanted = hashlib.sha256(row["body"].encode()).digest()
        try:
            gateway = self.resources.gateways.de(row["gateway"])
        except GatewayMissingError as missing:
            raise GatewayError(missing.reason, status=HTTPStatus.NOT_FOUND) from missing
        history = await gateway.find_sent(row["instancia"], numero(row["destino"]), since)
        for known in await envio_desfecho.unclaimed(db, [m.id for m in history.enviadas]):
            message = next(m for m in history.enviadas if m.id == known)
            if hashlib.sha256(message.texto.encode()).digest() == wanted:
                await envio_desfecho.mark_sent(db, [(row["id"], None, message.id)], PAUSA.total_seconds())
                return True
        espera_s = settings.carencia_s / CONSULTAS
        await envio_desfecho.mark_absent(
            db, row["id"], row["fence"], CONSULTAS, espera_s, MAX_TENTATIVAS, prova=history.completo
        )
        return False

    def _proximas(self) -> dict[str, datetime]:
        """Return the next instant of each state's window; windows move at whole minutes, so it holds for this one."""
        agora = self.resources.clock()
        minuto = agora.replace(second=0, microsecond=0)
        if self._janelas is None or self._janelas[0] != minuto:
            self._janelas = minuto, {uf: proxima_janela(agora, uf or None) for uf in ("", *UFS)}
        return self._janelas[1]

    async def _destinos(self) -> Destinos:
        """Say where sends may go; outside production everywhere only once the gateway has proved to be the sandbox."""
        settings = self.resources.settings
        if settings.ambiente is Ambiente.PRODUCAO:
            return Destinos(todos=True)
        if not self._sandbox and monotonic() - self._sondado > SONDAGEM_S:
            self._sondado = monotonic()
            self._sandbox = await self.resources.gateways.is_sandbox()
        return Destinos(
            todos=self._sandbox is True,
            permitidos=settings.destinos_permitidos,
            verificado=self._sandbox is not None,
        )


def _tell(opened: Sequence[Aberto], classe: ClasseFalha | None) -> None:
    for one in opened:
        log.warning("disjuntor.aberto", chip_id=one.chip_id, classe=classe, falhas=one.falhas, ate=one.ate.isoformat())


def _a_enviar(row: Row) -> whatsapp.Envio:
    """Return a claimed row as its gateway gets it."""
    modelo = row["modelo"]
    return whatsapp.Envio(
        instancia=row["instancia"],
        numero=numero(row["destino"]),
        texto=row["body"],
        outbox_id=row["id"],
        modelo=ModeloEnviado(modelo["nome"], modelo["idioma"], tuple(modelo["parametros"])) if modelo else None,
    )
