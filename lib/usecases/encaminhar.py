"""Forwarding what people write in Chatwoot: it reaches the doctor once, and takes the conversation over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from lib.domain.espelho import TEXTO_ANEXO, TEXTO_SEM_MEDICO, TEXTO_SO_TEXTO, TEXTO_VELHA, e_nosso
from lib.log import get_logger
from lib.providers.chatwoot import MensagemChatwoot
from lib.queries import chatwoot, chatwoot_nota
from lib.queries.chatwoot import Fala
from lib.queries.chatwoot_nota import Nota
from lib.queries.transferencia import Pessoa
from lib.usecases.chatwoot_ponte import Ponte

VELHA: Final = timedelta(days=1)

log = get_logger(__name__)


def de_pessoa(mensagem: MensagemChatwoot) -> bool:
    """Tell whether a person wrote this to the doctor: no note, no activity, no automation, no copy of ours.

    Nor what they took back before it went out: its words are no longer theirs.
    """
    return (
        mensagem.tipo == "outgoing"
        and not mensagem.privada
        and not mensagem.apagada
        and mensagem.autor_tipo == "user"
        and not e_nosso(mensagem.eco_id, mensagem.source_id)
    )


async def encaminhar(
    ponte: Ponte, chatwoot_id: int, mensagens: Sequence[MensagemChatwoot], telefone: str | None = None
) -> int:
    """Queue what people wrote for the doctor, in their order, and tell them of what cannot be; return how many.

    Each message is queued once ever, and takes the conversation over as it is queued. What is older than a day is not
    sent any more.
    """
    agora = ponte.clock()
    deles = sorted((one for one in mensagens if de_pessoa(one)), key=lambda one: one.id)
    velhas = {one.id for one in deles if one.em is not None and agora - one.em > VELHA}
    falas = [Fala(one.id, clean, one.autor_nome) for one in deles if one.id not in velhas and (clean := _words(one))]
    notas = [Nota("velha", one.id, TEXTO_VELHA) for one in deles if one.id in velhas]
    notas += [
        Nota("anexo", one.id, TEXTO_SO_TEXTO if _words(one) else TEXTO_ANEXO)
        for one in deles
        if one.id not in velhas and (one.anexos or not _words(one))
    ]
    novas = 0
    if falas:
        pessoa = Pessoa(f"chatwoot:{falas[-1].nome or 'pessoa'}", agora)
        ditas = await chatwoot.say(ponte.db, chatwoot_id, telefone, falas, pessoa)
        novas = ditas.novas
        if ditas.conversation_id is None:
            notas += [Nota("sem_medico", fala.msg_id, TEXTO_SEM_MEDICO) for fala in falas]
        elif novas:
            log.info("chatwoot.encaminhada", conversation_id=ditas.conversation_id, mensagens=novas)
    if notas:
        await chatwoot_nota.add(ponte.db, chatwoot_id, notas)
    return novas


def _words(mensagem: MensagemChatwoot) -> str:
    return (mensagem.texto or "").replace("\x00", "").strip()
