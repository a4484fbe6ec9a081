"""Having an order's number registered in WhatsApp by the activator: one request at a time, two a day, never blindly."""

from __future__ import annotations

from lib.domain.provisao import (
    ATIVACAO_MAX,
    ATIVACOES_POR_DIA,
    DesfechoAtivacao,
    EtapaProvisao,
    sem_digitos,
)
from lib.log import get_logger
from lib.providers.ativador import Ativacao, Etapa
from lib.providers.chamada import Falha, ProviderError
from lib.queries import provisao_ativacao
from lib.queries.provisao import EmAtivacao, Pedido
from lib.usecases.provisao_codigo import CodigoNaoEntregueError, entregar, mais_novos
from lib.usecases.provisao_passo import Contexto, Espere, Feito, Pare, Passo, telefone_de

log = get_logger(__name__)

FIM = {
    Etapa.SUCESSO: DesfechoAtivacao.SUCESSO,
    Etapa.FALHA: DesfechoAtivacao.FALHA,
    Etapa.ESGOTADA: DesfechoAtivacao.ESGOTADA,
}


async def enfileirar(contexto: Contexto, pedido: Pedido) -> Passo:
    """Ask for an activation, unless one that was asked for is found in the activator's lists.

    Raises:
        ProviderError: the activator refused or was not reached.
    """
    db, ativacao = contexto.resources.db, pedido.ativacao
    if ativacao is not None:
        return await _duvidosa(contexto, pedido, ativacao)
    if pedido.ativacoes >= ATIVACOES_POR_DIA:
        return Pare(f"este número já pediu {pedido.ativacoes} códigos em 24 horas, e mais o WhatsApp recusa")
    ativacao_id = await provisao_ativacao.ask(db, pedido.id, contexto.agora())
    if ativacao_id is None:
        return Feito()
    contexto.crash.reach("P4")
    return await _pedir(contexto, pedido, ativacao_id)


async def _duvidosa(contexto: Contexto, pedido: Pedido, ativacao: EmAtivacao) -> Passo:
    """Settle a request of which nobody knows whether it was taken, by the activator's own lists."""
    agora, db = contexto.agora(), contexto.resources.db
    procura = await contexto.ativador.find_in_queue(telefone_de(pedido), menos=pedido.acabadas)
    if procura.item is not None:
        return await _na_fila(contexto, pedido, ativacao.id, procura.item.id)
    if not procura.conclusiva:
        if agora - ativacao.pedida_em > ATIVACAO_MAX:
            return await _perdida(contexto, ativacao, "o ativador não diz se aceitou a ativação")
        return Espere(contexto.olhada_s, "não se sabe se o ativador aceitou a ativação")
    left_s = contexto.resources.settings.carencia_s - (agora - ativacao.pedida_em).total_seconds()
    if left_s > 0:  # what its server holds back while it works is still to come
        return Espere(min(left_s, contexto.olhada_s), "o ativador ainda não mostra a ativação pedida")
    if not await provisao_ativacao.ask_again(db, ativacao.id, ativacao.pedida_em, agora):
        return Feito()
    return await _pedir(contexto, pedido, ativacao.id)


async def _pedir(contexto: Contexto, pedido: Pedido, ativacao_id: int) -> Passo:
    db = contexto.resources.db
    try:
        queued = await contexto.ativador.enqueue(telefone_de(pedido))
    except ProviderError as failure:
        if failure.falha is Falha.INCERTA:
            return Espere(contexto.olhada_s, "não se sabe se o ativador aceitou a ativação")
        await provisao_ativacao.undo(db, ativacao_id)
        raise
    contexto.crash.reach("P5")
    return await _na_fila(contexto, pedido, ativacao_id, queued.id)


async def _na_fila(contexto: Contexto, pedido: Pedido, ativacao_id: int, ativador_id: str) -> Passo:
    await provisao_ativacao.queued(contexto.resources.db, ativacao_id, ativador_id, contexto.agora())
    contexto.crash.reach("P6")
    log.info("provisao.na_fila", pedido=pedido.id)
    return Feito()


async def acompanhar(contexto: Contexto, pedido: Pedido) -> Passo:
    """Look how the activation is, and hand on its code where no webhook did.

    Raises:
        ProviderError: the activator refuses us for good; while it works it may not answer, which says nothing.
    """
    ativacao = pedido.ativacao
    if ativacao is None or ativacao.ativador_id is None:
        raise ValueError("an order in the queue without an activation")
    try:
        estado = await contexto.ativador.status(ativacao.ativador_id)
    except ProviderError as failure:
        if failure.falha is not Falha.REPETIR:
            raise
        estado = None
    if estado is not None and estado.etapa in FIM:
        contexto.crash.reach("P9")
        return await _terminada(contexto, pedido, ativacao, estado)
    if estado is not None and estado.etapa is Etapa.ESQUECIDA:
        return await _esquecida(contexto, pedido, ativacao)
    await _codigo(contexto, pedido, ativacao, estado)
    told = "o ativador não responde, o que é comum enquanto trabalha" if estado is None else "a ativação está em curso"
    return Espere(contexto.olhada_s, told)


async def _terminada(contexto: Contexto, pedido: Pedido, ativacao: EmAtivacao, estado: Ativacao) -> Passo:
    desfecho = FIM[estado.etapa]
    good = desfecho is DesfechoAtivacao.SUCESSO
    words = sem_digitos(estado.erro) or "sem explicação"
    etapa, motivo = (EtapaProvisao.ATIVADA, None) if good else (EtapaProvisao.COMPRADA, f"a ativação falhou ({words})")
    await provisao_ativacao.ended(contexto.resources.db, ativacao.id, desfecho, etapa, motivo, contexto.agora())
    log.info("provisao.ativacao_terminada", pedido=pedido.id, desfecho=desfecho.value)
    contexto.crash.reach("P10")
    return Feito()


async def _esquecida(contexto: Contexto, pedido: Pedido, ativacao: EmAtivacao) -> Passo:
    """An activation that the activator does not know has not failed: it is looked for, then left to a person."""
    agora = contexto.agora()
    known = {*pedido.acabadas, ativacao.ativador_id or ""}
    procura = await contexto.ativador.find_in_queue(telefone_de(pedido), menos=known)
    if procura.item is not None:
        return await _na_fila(contexto, pedido, ativacao.id, procura.item.id)
    if agora - ativacao.pedida_em > ATIVACAO_MAX:
        return await _perdida(contexto, ativacao, "o ativador esqueceu a ativação no meio")
    return Espere(contexto.olhada_s, "o ativador não conhece mais a ativação: pode estar em curso, feita ou perdida")


async def _perdida(contexto: Contexto, ativacao: EmAtivacao, motivo: str) -> Passo:
    db, agora = contexto.resources.db, contexto.agora()
    await provisao_ativacao.ended(db, ativacao.id, DesfechoAtivacao.PERDIDA, EtapaProvisao.COMPRADA, motivo, agora)
    return Pare(motivo)


async def _codigo(contexto: Contexto, pedido: Pedido, ativacao: EmAtivacao, estado: Ativacao | None) -> None:
    """Make up for a lost webhook, a dead worker and a code that did not arrive, from the vendor's list of messages."""
    db, agora = contexto.resources.db, contexto.agora()
    waits = estado is not None and estado.etapa is Etapa.ESPERA_SMS
    if ativacao.sms_id is not None and ativacao.codigo_em is None:
        # Whoever claimed it has said nothing for longer than its call may last: it died, or does not know.
        morta_s = contexto.ativador.prazo_s + contexto.resources.settings.margem_s
        if not waits or ativacao.sms_em is None or (agora - ativacao.sms_em).total_seconds() < morta_s:
            return
        await provisao_ativacao.release_code(db, ativacao.id, ativacao.sms_id)
    elif ativacao.sms_id is not None and not waits:
        return
    if pedido.salvy_id is None:
        return
    try:
        for sms in mais_novos(await contexto.salvy.list_sms(pedido.salvy_id)):
            if await entregar(contexto.resources, sms, contexto.crash):
                return
    except (ProviderError, CodigoNaoEntregueError) as failure:
        log.warning("provisao.codigo_adiado", pedido=pedido.id, erro=type(failure).__name__)
