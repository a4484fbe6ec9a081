"""What every gateway says of all its numbers, taken in at once; one that does not answer changes nothing of its own."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from typing import Final, TypeVar

from lib.aio import gather_limited
from lib.domain.chip import Gateway
from lib.domain.chip_ciclo import perda_da_queda
from lib.domain.telefone import normalizar
from lib.domain.tier_meta import limite_do_tier
from lib.errors import SendRefusedError
from lib.log import get_logger, mask
from lib.providers.evolution_instancia import fall
from lib.providers.meta_conta import MetaConta
from lib.providers.meta_forma import EstadoNumero
from lib.providers.whatsapp import EstadoConexao, GatewayError, Instancia
from lib.providers.zapi_forma import loss
from lib.queries import sincronia
from lib.queries.conexao import Dito
from lib.queries.sincronia import Alvo, Listado, Nova
from lib.resources import Resources

ZAPI_AO_MESMO_TEMPO: Final = 30
ZAPI_PRAZO_S: Final = 3.0
CONTAS_AO_MESMO_TEMPO: Final = 4
NAO_CONFIGURADO: Final = "gateway_nao_configurado"
SEM_CONTA: Final = "sem_conta"
ESTADO_DESCONHECIDO: Final = "estado_desconhecido"
NAO_ADOTADAS: Final = frozenset({"sem_numero", "numero_de_outro_chip"})
MUDOU_ANTES: Final = "mudou_antes"
ADOTADOS: Final = "adotados"
AVISADOS: Final = "avisados"

NUMERO: Final = re.compile(r"\d{8,}")
L = TypeVar("L", bound=Sized)

log = get_logger(__name__)


class ListaVaziaError(GatewayError):
    """A gateway answers and knows none of our numbers: its answer is not to be believed."""


@dataclass(frozen=True, slots=True)
class Resposta:
    """What one gateway, or one account of it, told; chips that it told nothing of, by reason or by class of failure."""

    listado: Listado = field(default_factory=Listado)
    pulados: Mapping[str, int] = field(default_factory=dict)
    falhas: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sincronizados:
    """What a sync found and did.

    Seen were chips, instances that nobody had entered, and changed accounts. `mudancas` are what changed, or would, by
    kind; `avisados` lacked a connection for long and are told of now. `pulados` were left alone for a reason, `falhas`
    could not be asked after.
    """

    vistos: int
    mudancas: Mapping[str, int]
    avisados: int
    pulados: Mapping[str, int]
    falhas: Mapping[str, int]
    linhas: Sequence[Mapping[str, object]] = ()


async def sincronizar_chips(resources: Resources, agora: datetime, *, grava: bool = True) -> Sincronizados:
    """Ask every gateway for all its numbers and take in what changed, in two statements for any number of chips.

    Evolution is asked once, Meta once an account, Z-API, which has no list, once a number. Without `grava` nothing is
    written.
    """
    alvos = await sincronia.alvos(resources.db)
    answers = await asyncio.gather(
        _evolution(resources, [one for one in alvos if one.gateway is Gateway.EVOLUTION]),
        _meta(resources, [one for one in alvos if one.gateway is Gateway.META]),
        _zapi(resources, [one for one in alvos if one.gateway is Gateway.ZAPI]),
    )
    listado = reduce(_joined, (answer.listado for answer in answers))
    rows = await sincronia.apply(resources.db, listado, agora, grava=grava)
    skipped, failed = Counter[str](), Counter[str]()
    for answer in answers:
        skipped.update(answer.pulados)
        failed.update(answer.falhas)
    changed = Counter[str]()
    for row in rows:
        if row["o_que"] in NAO_ADOTADAS:
            skipped[row["o_que"]] += 1
        elif grava and not row["gravado"]:
            skipped[MUDOU_ANTES] += 1
        else:
            changed[row["o_que"]] += 1
    avisados = changed.pop(AVISADOS, 0)
    if grava and (changed or failed or avisados):
        log.info("chips.sincronizados", mudancas=dict(changed), avisados=avisados, falhas=dict(failed))
    others = sum(row["id"] is None or row["o_que"] == ADOTADOS for row in rows)
    lines = tuple({"o_que": row["o_que"], "chip_id": row["id"], "conta": row["conta"]} for row in rows)
    return Sincronizados(sum(one.chips for one in alvos) + others, changed, avisados, skipped, failed, lines)


def _joined(left: Listado, right: Listado) -> Listado:
    return Listado(
        [*left.ditos, *right.ditos],
        [*left.completas, *right.completas],
        [*left.novas, *right.novas],
        {**(left.tiers or {}), **(right.tiers or {})},
    )


async def _evolution(resources: Resources, alvos: Sequence[Alvo]) -> Resposta:
    ours = sum(one.chips for one in alvos)
    try:
        listed = await _nonempty("evolution", resources.evolution.fetch_instances(), ours)
    except GatewayError as failure:
        return _failed("evolution", failure, ours)
    ditos = [_instance(one) if one.estado else Dito(Gateway.EVOLUTION, one.nome) for one in listed]
    novas = [
        Nova(one.nome, _phone(one.dono or one.numero), one.estado is EstadoConexao.ABERTA, _label(one.nome))
        for one in listed
    ]
    complete = [(Gateway.EVOLUTION, None)] if listed else []
    odd = sum(one.estado is None for one in listed)
    return Resposta(Listado(ditos, complete, novas), _counted(ESTADO_DESCONHECIDO, odd))


def _instance(one: Instancia) -> Dito:
    """Read a listed instance; the code of its last end says nothing of one that is connected again."""
    if one.estado is EstadoConexao.ABERTA:
        return Dito(Gateway.EVOLUTION, one.nome, conectado=True)
    return Dito(
        Gateway.EVOLUTION,
        one.nome,
        conectado=False,
        perda=perda_da_queda(one.codigo),
        codigo=one.codigo,
        caiu_em=one.caiu_em,
        motivo=fall("na lista do gateway", one.codigo) if one.codigo else None,
    )


def _label(nome: str) -> str:
    """Return a name that somebody else gave, which may hold a phone, as a notice may say it."""
    return NUMERO.sub(lambda found: f"****{found[0][-4:]}", nome)


def _phone(digits: str | None) -> str | None:
    return normalizar(f"+{digits.removeprefix('+')}") if digits else None


async def _meta(resources: Resources, alvos: Sequence[Alvo]) -> Resposta:
    meta = resources.meta
    if meta is None:
        return Resposta(pulados=_counted(NAO_CONFIGURADO, sum(one.chips for one in alvos)))
    accounts = [one for one in alvos if one.conta]

    async def ask(one: Alvo) -> Resposta:
        conta = one.conta or ""
        try:
            listed = await _nonempty("meta", MetaConta(meta).numbers(conta), one.chips)
        except GatewayError as failure:
            return _failed("meta", failure, one.chips)
        return Resposta(
            Listado(
                [_number(name, state) for name, state in listed.items()],
                [(Gateway.META, conta)],
                (),
                _tier(conta, listed),
            )
        )

    answers = [_told(answer) for answer in await gather_limited(accounts, ask, CONTAS_AO_MESMO_TEMPO)]
    failed = Counter[str]()
    for answer in answers:
        failed.update(answer.falhas)
    without = sum(one.chips for one in alvos if not one.conta)
    listado = reduce(_joined, (answer.listado for answer in answers), Listado())
    return Resposta(listado, _counted(SEM_CONTA, without), failed)


def _number(instancia: str, estado: EstadoNumero) -> Dito:
    perda = estado.perda
    said = f"Meta: número {estado.status}, qualidade {estado.qualidade or 'não dita'}" if perda else None
    return Dito(
        Gateway.META,
        instancia,
        conectado=estado.conexao is EstadoConexao.ABERTA if estado.status else None,
        perda=perda,
        qualidade=estado.qualidade,
        motivo=said,
    )


def _tier(conta: str, listed: Mapping[str, EstadoNumero]) -> Mapping[str, tuple[str, int]]:
    """Return the account's tier, which all its numbers share; of several the lowest."""
    said = {one.limite: limit for one in listed.values() if (limit := limite_do_tier(one.limite)) is not None}
    if not said:
        return {}
    tier, limit = min(said.items(), key=lambda pair: pair[1])
    return {conta: (tier or "", limit)}


async def _zapi(resources: Resources, alvos: Sequence[Alvo]) -> Resposta:
    zapi = resources.zapi
    names = [name for one in alvos for name in one.instancias]
    if zapi is None:
        return Resposta(pulados=_counted(NAO_CONFIGURADO, len(names)))

    async def ask(name: str) -> Dito:
        async with asyncio.timeout(ZAPI_PRAZO_S):
            state = await zapi.situation(name)
        perda = None if state.conectado else loss(state.motivo)
        said = f"Z-API: {mask(state.motivo)}" if perda and state.motivo else None
        return Dito(Gateway.ZAPI, name, state.conectado, perda=perda, motivo=said)

    answers = await gather_limited(names, ask, ZAPI_AO_MESMO_TEMPO)
    failed = Counter(type(_gateway_failure(one)).__name__ for one in answers if isinstance(one, Exception))
    return Resposta(Listado([one for one in answers if isinstance(one, Dito)]), falhas=failed)


async def _nonempty(nome: str, asked: Awaitable[L], ours: int) -> L:
    """Return a list; an empty one where we have chips is an answer that nobody should believe."""
    listed = await asked
    if ours and not listed:
        raise ListaVaziaError(f"{nome}: an empty list")
    return listed


def _failed(nome: str, failure: GatewayError, chips: int) -> Resposta:
    log.warning("chips.lista_falhou", gateway=nome, motivo=failure.reason, chips=chips)
    return Resposta(falhas={type(failure).__name__: max(chips, 1)})


def _gateway_failure(failure: Exception) -> Exception:
    """Return what a gateway does; a bug of ours goes on its way."""
    if not isinstance(failure, GatewayError | SendRefusedError | TimeoutError):
        raise failure
    return failure


def _told(answer: Resposta | Exception) -> Resposta:
    if isinstance(answer, Exception):
        raise answer
    return answer


def _counted(reason: str, quantos: int) -> Mapping[str, int]:
    return {reason: quantos} if quantos else {}
