"""Working on an order for a new number, from the purchase to the warm-up, as far as it goes without a person.

All that is known is in the order's row, kept before the next step: a run may be killed anywhere, and another goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from lib.domain.provisao import FEITO, FINAIS, PROXIMO, EtapaProvisao, o_que_fazer, sem_digitos
from lib.log import get_logger
from lib.providers.chamada import Falha, ProviderError
from lib.providers.whatsapp import GatewayError
from lib.queries import fluxo, provisao
from lib.queries.provisao import Pedido
from lib.resources import Resources
from lib.usecases.enviar import backoff_s
from lib.usecases.provisao_ativar import acompanhar, enfileirar
from lib.usecases.provisao_compra import comprar
from lib.usecases.provisao_instancia import instanciar, parear
from lib.usecases.provisao_passo import Contexto, Espere, FaltaError, Feito, Pare, Passo, permitido

log = get_logger(__name__)

ESPERA_MAX_S: Final = 30.0
MIN_S: Final = 0.05

PASSOS: Final[Mapping[EtapaProvisao, Callable[[Contexto, Pedido], Awaitable[Passo]]]] = MappingProxyType(
    {
        EtapaProvisao.PEDIDA: comprar,
        EtapaProvisao.COMPRADA: enfileirar,
        EtapaProvisao.NA_FILA: acompanhar,
        EtapaProvisao.ATIVADA: instanciar,
        EtapaProvisao.INSTANCIADA: parear,
    }
)


class Fim(StrEnum):
    """Why a run left an order."""

    PRONTA = "pronta"
    DESISTIDA = "desistida"
    PESSOA = "espera_uma_pessoa"
    OUTRA = "outra_execucao"
    PAUSA = "operacao_pausada"
    NAO_HA = "nao_ha_pedido"


@dataclass(frozen=True, slots=True)
class Trabalho:
    """What a run did to an order: how far it came, and how many steps that were."""

    fim: Fim
    etapa: EtapaProvisao | None = None
    passos: int = 0


def trava(pedido_id: int) -> str:
    """Name the lock that whoever works on an order holds."""
    return f"pedido:{pedido_id}"


async def trabalhar(resources: Resources, pedido_id: int) -> Trabalho:
    """Take an order as far as it goes: to the warm-up, to its deadline, or to where a person is needed.

    Two never work on one order at the same time. Repeating it does no step twice.

    Raises:
        DatabaseUnavailableError: another run goes on from what is kept.
    """
    async with fluxo.lock(resources.db, trava(pedido_id)) as vez:
        if not vez.obtida:
            return Trabalho(Fim.OUTRA)
        contexto, done, falhas = Contexto.of(resources), 0, 0
        while True:
            pedido = await provisao.read(resources.db, pedido_id, contexto.agora())
            fim = _fim(pedido)
            if pedido is None or fim is not None:
                return Trabalho(fim or Fim.NAO_HA, pedido.etapa if pedido else None, done)
            passo, falhou = await _olhar(contexto, pedido, falhas)
            falhas = falhas + 1 if falhou else 0
            match passo:
                case Feito():
                    done += 1
                case Pare(motivo):
                    await parar(resources, pedido, motivo)
                case Espere(segundos, motivo):
                    await provisao.note(resources.db, pedido_id, motivo)
                    await _esperar(segundos, pedido, contexto.agora())


def _fim(pedido: Pedido | None) -> Fim | None:
    """Say why nothing is to be done to an order, None when something is.

    A pause stops no activation under way: its code would be lost.
    """
    if pedido is None:
        return Fim.NAO_HA
    if pedido.etapa in FINAIS:
        return Fim(pedido.etapa.value)
    if pedido.parada_em is not None:
        return Fim.PESSOA
    return Fim.PAUSA if pedido.pausado and pedido.etapa is not EtapaProvisao.NA_FILA else None


async def _olhar(contexto: Contexto, pedido: Pedido, falhas: int) -> tuple[Passo, bool]:
    """Do the order's next step, or find why not; tell apart what failed and may be tried again."""
    if contexto.agora() >= pedido.prazo_em:
        waited = f": {pedido.motivo}" if pedido.motivo else ""
        return Pare(f"passou do prazo sem {PROXIMO[pedido.etapa]}{waited}"), False
    wait_s = min(ESPERA_MAX_S, MIN_S + backoff_s(contexto.resources.settings.retry_s, min(falhas, 10)))
    try:
        return await permitido(contexto) or await PASSOS[pedido.etapa](contexto, pedido), False
    except FaltaError as missing:
        return Pare(str(missing)), False
    except ProviderError as failure:
        return _recusa(failure, pedido, wait_s), True
    except GatewayError as failure:
        log.warning("provisao.recusa", pedido=pedido.id, etapa=pedido.etapa.value, erro=sem_digitos(failure.reason))
        if failure.status == HTTPStatus.UNAUTHORIZED:
            return Pare("o gateway recusou a nossa chave"), True
        return Espere(wait_s, f"o gateway falhou ({failure.status or 'sem resposta'})"), True


def _recusa(failure: ProviderError, pedido: Pedido, wait_s: float) -> Passo:
    """Tell what a vendor's refusal comes to; its own words are not for people who may not see what they quote."""
    told = {"etapa": pedido.etapa.value, "falha": failure.falha.value, "erro": sem_digitos(failure.motivo)}
    call = f"{failure.chamada.fornecedor} {failure.chamada.nome}"
    log.warning("provisao.recusa", pedido=pedido.id, chamada=call, status=failure.status, **told)
    if failure.falha in {Falha.PERMANENTE, Falha.CANAL_FORA}:
        return Pare(f"recusa de {call} ({failure.codigo or failure.status or failure.falha.value})")
    wait_s = max(failure.retry_after_s or 0.0, wait_s)
    return Espere(wait_s, f"sem resposta útil de {call}")


async def parar(resources: Resources, pedido: Pedido, motivo: str) -> None:
    """Leave an order to a person, and tell people what to do about it."""
    aviso = (
        f"Pedido {pedido.id} de um número (DDD {pedido.ddd}) parou, {FEITO[pedido.etapa]}: {motivo}."
        f" O que fazer: {o_que_fazer(pedido.etapa, pedido.id)}."
    )
    await provisao.stop(resources.db, pedido.id, motivo, aviso, resources.clock())
    log.warning("provisao.parada", pedido=pedido.id, etapa=pedido.etapa.value, motivo=motivo)


async def _esperar(segundos: float, pedido: Pedido, agora: datetime) -> None:
    """Wait, but not past the order's deadline."""
    left_s = max(0.0, (pedido.prazo_em - agora).total_seconds())
    await asyncio.sleep(min(segundos, left_s + MIN_S))
