"""Telling people in Slack what they should look at, until somebody has: the notices, their digests and reminders.

Everything that is known is in `notificacao`: any process may run `notificar` at any time, and a kill loses nothing.
A failure ends a run; what it could not post stays due, and the notices themselves stay unseen on their list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from lib.clock import Clock
from lib.db import Database, Row
from lib.domain.notificacao import (
    PROCURA_ESPERA,
    PROCURAS_MAX,
    EstadoNotificacao,
    Forma,
    Item,
    Severidade,
    contexto,
    espera,
    linha,
    linhas_resumo,
    proximo_lembrete,
    titulo,
    titulo_resumo,
)
from lib.log import get_logger, mask
from lib.providers.chamada import Falha, ProviderError
from lib.providers.slack import Slack
from lib.providers.slack_blocos import Bloco, Markup, actions, button, header, join, mention, section
from lib.providers.slack_blocos import context as context_block
from lib.queries import notificacao
from lib.queries.notificacao import Posto, Situacao
from lib.resources import Resources

__all__ = [
    "RECONHECER",
    "Canais",
    "Reconhecida",
    "Situacao",
    "acknowledge",
    "ligar",
    "notificar",
    "reconhecer",
    "situacao",
    "tell",
]

POR_RODADA: Final = 5  # posts of one run: Slack takes about one a second in a channel
LEASE: Final = timedelta(minutes=2)  # longer than a search and a post together
RELOGIO: Final = timedelta(minutes=1)  # how far our clock may be ahead of Slack's
RECONHECER: Final = "reconhecer"
EVENTO: Final = "agente_notificacao"
DETALHE_MAX: Final = 500
MOTIVO_MAX: Final = 200

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Canais:
    """Ids of the channels: of everything, and of what is critical."""

    geral: str
    critico: str

    def de(self, severidade: Severidade) -> str:
        """Return the channel of a severity."""
        return self.critico if severidade is Severidade.CRITICO else self.geral


@dataclass(frozen=True, slots=True)
class Reconhecida:
    """What a press on "Reconhecer" found. `nova` is false when somebody, `por`, had answered before."""

    nova: bool
    por: str


async def notificar(resources: Resources) -> int:
    """Enqueue what is new and post what is due; return how many messages went out. Without Slack nothing happens.

    Raises:
        DatabaseUnavailableError: the next run goes on.
    """
    settings = resources.settings
    if resources.slack is None or not settings.slack_canal:
        return 0
    canais = Canais(settings.slack_canal, settings.slack_canal_critico or settings.slack_canal)
    return await tell(resources.db, resources.slack, canais, resources.clock)


async def reconhecer(
    resources: Resources, notificacao_id: int, usuario: str, mensagem: tuple[str, str] | None = None
) -> Reconhecida | None:
    """Mark a message's notices as answered and seen, and say so in it; None when there is no such notification.

    `usuario` is a Slack user id, `mensagem` the (channel, ts) whose button was pressed. Safe to repeat: the first
    answer stays.
    """
    return await acknowledge(resources.db, resources.slack, notificacao_id, usuario, resources.clock(), mensagem)


async def ligar(db: Database, *, ativas: bool, por: str, agora: datetime) -> None:
    """Switch the posting on or off. Off, only what is critical is posted; on again, the rest comes in one digest."""
    await notificacao.switch(db, ativas=ativas, por=por, agora=agora)
    log.warning("notificacao.ligada" if ativas else "notificacao.desligada")


async def situacao(db: Database) -> Situacao:
    """Return how posting stands."""
    return await notificacao.state(db)


async def tell(db: Database, slack: Slack, canais: Canais, clock: Clock) -> int:
    """Do one run of `notificar` on what it needs."""
    await notificacao.enqueue(db, clock())
    for done in range(POR_RODADA):
        agora = clock()
        posto = await notificacao.claim_post(db, uuid4(), agora, LEASE)
        if posto is None or not await _deliver(db, slack, canais, posto, agora):
            return done
    return POR_RODADA


async def acknowledge(
    db: Database,
    slack: Slack | None,
    notificacao_id: int,
    usuario: str,
    agora: datetime,
    mensagem: tuple[str, str] | None = None,
) -> Reconhecida | None:
    """Do `reconhecer` on what it needs; a message that cannot be changed is logged, the answer stands."""
    rows = await notificacao.acknowledge(db, notificacao_id, usuario, agora)
    if not rows:
        return None
    first = rows[0]
    known = (first["canal"], first["slack_ts"]) if first["canal"] and first["slack_ts"] else None
    text, blocks = _answered([_item(row) for row in rows], first["por"])
    for canal, ts in {place for place in (known, mensagem) if place is not None}:
        try:
            if slack is not None:
                await slack.update(canal, ts, text, blocks)
        except ProviderError as failure:
            log.warning("notificacao.nao_atualizada", notificacao_id=notificacao_id, motivo=failure.motivo)
    return Reconhecida(nova=first["novas"] > 0, por=first["por"])


async def _deliver(db: Database, slack: Slack, canais: Canais, posto: Posto, agora: datetime) -> bool:
    """Post one claimed message, unless it is found to be there; tell whether it went out."""
    first = posto.rows[0]
    itens = [_item(row) for row in posto.rows]
    canal = canais.de(itens[0].severidade)
    evento = (EVENTO, str(posto.claim))
    ts: str | None = None
    posting = False
    try:
        if posto.forma is Forma.PROCURA and first["tentativas"] <= PROCURAS_MAX:
            ts = await slack.find_posted(canal, evento, first["postada_em"] - RELOGIO)
        if ts is None:
            posting = True
            text, blocks = _message(itens, posto.rows)
            ts = await slack.post_message(canal, text, blocks, evento=evento)
    except ProviderError as failure:
        await _failed(db, posto, failure, agora, posting=posting)
        return False
    together = len(itens) > 1 and itens[0].severidade is not Severidade.CRITICO  # what is critical comes again
    lembretes = first["lembretes"] + (first["slack_ts"] is not None)
    await notificacao.posted(
        db,
        posto.claim,
        estado=EstadoNotificacao.RESUMIDA if together else EstadoNotificacao.ENVIADA,
        canal=canal,
        ts=ts,
        next_at=agora + proximo_lembrete(lembretes),
        agora=agora,
    )
    log.info("notificacao.enviada", severidade=first["severidade"], avisos=len(itens), lembrete=lembretes)
    return True


async def _failed(db: Database, posto: Posto, failure: ProviderError, agora: datetime, *, posting: bool) -> None:
    """Settle a post that failed by what the failure means. After a failed search it is as unclear as before."""
    tries = posto.rows[0]["tentativas"]
    motivo = f"{failure.falha.value}: {failure.motivo}"[:MOTIVO_MAX]
    estado, next_at = EstadoNotificacao.PENDENTE, agora + espera(tries, failure.retry_after_s)
    if not posting:
        estado = EstadoNotificacao.INCERTA
    elif failure.falha is Falha.INCERTA:
        estado, next_at = EstadoNotificacao.INCERTA, agora + max(PROCURA_ESPERA, espera(tries))
    elif failure.falha is Falha.PERMANENTE:
        estado = EstadoNotificacao.MORTA
    known = await notificacao.put_off(
        db,
        posto.claim,
        estado=estado,
        motivo=motivo,
        next_at=next_at,
        recomeca=posting and estado is EstadoNotificacao.INCERTA,
    )
    ids = [row["id"] for row in posto.rows]
    if failure.falha is Falha.PERMANENTE and posting:
        log.error("notificacao.recusada", ids=ids, motivo=failure.motivo)
    elif failure.falha is Falha.CANAL_FORA and not known:
        log.error("notificacao.canal_fora", motivo=failure.motivo)
    else:
        log.info("notificacao.adiada", ids=ids, motivo=motivo, tentativa=tries)


def _item(row: Row) -> Item:
    detalhe = row.get("detalhe")
    return Item(
        severidade=Severidade(row["severidade"]),
        titulo=row["texto"],
        aviso_id=row["aviso_id"],
        conversation_id=row["conversation_id"],
        nome=row["nome"],
        detalhe=mask(detalhe)[:DETALHE_MAX] if detalhe else None,
    )


def _message(itens: Sequence[Item], rows: Sequence[Row]) -> tuple[str, list[Bloco]]:
    """Return the text and the blocks of one post."""
    press = actions(button("Reconhecer", RECONHECER, str(rows[0]["id"]), estilo="primary"))
    lembrete = rows[0]["lembretes"] + 1 if rows[0]["slack_ts"] is not None else 0
    if len(itens) > 1:
        said = titulo_resumo(itens, lembrete)
        return said, [header(said), section("\n".join(linhas_resumo(itens))), press]
    item = itens[0]
    said = titulo(item, lembrete)
    blocks = [section(join(Markup("*"), said, Markup("*"))), context_block(contexto(item))]
    if item.detalhe:
        blocks.insert(1, section(item.detalhe))
    return f"{said} ({contexto(item)})", [*blocks, press]


def _answered(itens: Sequence[Item], por: str) -> tuple[str, list[Bloco]]:
    """Return what stands in place of an answered message: the same without its button, and by whom."""
    said = linha(itens[0]) if len(itens) == 1 else titulo_resumo(itens)
    body = said if len(itens) == 1 else "\n".join((said, *linhas_resumo(itens)))
    by = join("✅ reconhecido por ", mention(por))
    return f"{said} — reconhecido por {por}", [section(body), context_block(by)]
