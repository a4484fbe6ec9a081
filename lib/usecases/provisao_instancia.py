"""The instance of an order's number: its chip, its webhook, its session."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from lib.domain.chip import Gateway, StatusChip
from lib.domain.provisao import EtapaProvisao, instancia_de
from lib.domain.telefone import normalizar
from lib.log import get_logger
from lib.providers.whatsapp import EstadoConexao, GatewayError, Instancia
from lib.queries import provisao, provisao_chip
from lib.queries.chip import ChipParaLigar
from lib.queries.provisao import Pedido
from lib.usecases.instancias import ensure_instance
from lib.usecases.provisao_passo import Contexto, Espere, Feito, Pare, Passo, telefone_de

log = get_logger(__name__)

AVISA_DEPOIS = 4  # looks at an instance that nobody pairs before people are told
SEM_USO = frozenset({StatusChip.PROVISIONED, StatusChip.WARMING})


async def instanciar(contexto: Contexto, pedido: Pedido) -> Passo:
    """Make the chip, then its instance with our webhook; what is there already is used.

    Raises:
        GatewayError: the gateway did not do it.
    """
    db, instancia = contexto.resources.db, instancia_de(pedido.id)
    if pedido.chip_id is None:
        made = await provisao_chip.make(db, pedido.id, instancia, contexto.agora())
        contexto.crash.reach("P11")
        return Feito() if made is not None else Pare("já há um chip com este número ou com este nome")
    known = await _la(contexto, instancia)
    if known is not None and normalizar(f"+{known.numero}") != telefone_de(pedido):
        return Pare(f"a instância {instancia} já existe no gateway e não é deste número")
    await ensure_instance(contexto.resources, ChipParaLigar(instancia, telefone_de(pedido), Gateway.EVOLUTION))
    contexto.crash.reach("P12")
    await provisao_chip.instance_made(db, pedido.id, contexto.agora())
    log.info("provisao.instanciada", pedido=pedido.id, instancia=instancia)
    contexto.crash.reach("P13")
    return Feito()


async def _la(contexto: Contexto, instancia: str) -> Instancia | None:
    """Return what the gateway has under this name."""
    listed = await contexto.resources.evolution.fetch_instances()
    return next((one for one in listed if one.nome == instancia), None)


async def parear(contexto: Contexto, pedido: Pedido) -> Passo:
    """See to it that the instance is connected, and begin the warm-up; pairing itself may need a person.

    Raises:
        GatewayError: the gateway was not reached.
    """
    instancia, gateway = pedido.instancia, contexto.resources.evolution
    if instancia is None or pedido.chip_status not in SEM_USO:
        return Pare(f"o chip do pedido está {pedido.chip_status or 'sem linha'}: outra pessoa mexeu nele")
    try:
        estado = await gateway.connection_state(instancia)
    except GatewayError as failure:
        if failure.status != HTTPStatus.NOT_FOUND or await gateway.has_instance(instancia):
            raise
        de, para = EtapaProvisao.INSTANCIADA, EtapaProvisao.ATIVADA
        gone = f"a instância {instancia} sumiu do gateway"
        await provisao.step_back(contexto.resources.db, pedido.id, de, para, gone, contexto.agora())
        return Feito()
    if estado is EstadoConexao.ABERTA:
        return await _aquecer(contexto, pedido, instancia)
    if estado is EstadoConexao.FECHADA and not contexto.conectou:
        await gateway.connect(instancia)
        contexto.conectou = True
        contexto.crash.reach("P14")
        return Espere(min(contexto.olhada_s, 1.0), "a instância está conectando")
    return await _sem_par(contexto, pedido, instancia)


async def _sem_par(contexto: Contexto, pedido: Pedido, instancia: str) -> Passo:
    motivo = f"a instância {instancia} espera ser pareada: `agente chip qr {instancia}`"
    if contexto.agora() - pedido.mudada_em > timedelta(seconds=AVISA_DEPOIS * contexto.olhada_s):
        aviso = f"{instancia}: número ativado, falta parear: `agente chip qr {instancia}` (pedido {pedido.id})"
        await provisao_chip.tell_pairing(contexto.resources.db, pedido.id, aviso)
    return Espere(contexto.olhada_s, motivo)


async def _aquecer(contexto: Contexto, pedido: Pedido, instancia: str) -> Passo:
    contexto.crash.reach("P15")
    known = await _la(contexto, instancia)
    if known is not None and known.numero and normalizar(f"+{known.numero}") != telefone_de(pedido):
        return Pare(f"a instância {instancia} foi pareada com outro número")
    if not await provisao_chip.warm(contexto.resources.db, pedido.id, contexto.agora()):
        return Pare("o chip do pedido não pode mais começar a aquecer")
    log.info("provisao.pronta", pedido=pedido.id, instancia=instancia)
    contexto.crash.reach("P16")
    return Feito()
