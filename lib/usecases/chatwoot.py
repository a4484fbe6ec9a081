"""What comes in from Chatwoot. A webhook is a hint: it says where to look, never what to do."""

from __future__ import annotations

from typing import Final

from lib.domain.espelho import interacao_do_eco
from lib.log import get_logger
from lib.providers.chatwoot import Contato, ConversaChatwoot, MensagemChatwoot
from lib.providers.chatwoot_webhook import ContatoMudou, ConversaMudou, MensagemCriada, OutroEvento, read
from lib.queries import chatwoot, espelho, fusao
from lib.queries.webhook import Webhook
from lib.usecases.chatwoot_ponte import Ponte
from lib.usecases.conciliar import conciliar
from lib.usecases.encaminhar import de_pessoa, encaminhar

LID: Final = "lid:"

log = get_logger(__name__)


async def atender(ponte: Ponte, linha: Webhook) -> None:
    """Work off one stored webhook; doing it again, later or in another order ends the same.

    Raises:
        DatabaseUnavailableError: it is to be tried again.
    """
    match read(linha.raw):
        case MensagemCriada(mensagem, conversa):
            await _message(ponte, mensagem, conversa)
        case ConversaMudou(conversa, _):
            await chatwoot.hint(ponte.db, conversa.id)
        case ContatoMudou(contato):
            await _contact(ponte, contato)
        case OutroEvento(nome):
            log.debug("chatwoot.evento_ignorado", evento=nome)


async def _message(ponte: Ponte, mensagem: MensagemChatwoot, conversa: ConversaChatwoot) -> None:
    interacao_id = interacao_do_eco(mensagem.eco_id, mensagem.source_id)
    if interacao_id is not None:
        await espelho.mark_done(ponte.db, interacao_id, conversa.id, mensagem.id)
        return
    if not de_pessoa(mensagem) or conversa.caixa_id not in {None, ponte.api.caixa}:
        return
    if await chatwoot.hint(ponte.db, conversa.id, mensagem.id):
        await conciliar(ponte, so=conversa.id)
        return
    # A thread that a person opened themselves: its contact's phone names the doctor.
    await encaminhar(ponte, conversa.id, [mensagem], conversa.telefone)


async def _contact(ponte: Ponte, contato: Contato) -> None:
    """A contact known by its LID alone was given a phone by people: both are one doctor."""
    identificador = contato.identificador or ""
    if contato.telefone is None or not identificador.startswith(LID):
        return
    lid = await chatwoot.learn(ponte.db, identificador.removeprefix(LID).lower(), contato.telefone)
    if lid is not None:
        await fusao.fundir(ponte.db, lid, contato.telefone)
