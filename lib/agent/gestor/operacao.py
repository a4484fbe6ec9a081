"""The operation as a whole: how it stands, its pause, its notifications."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from lib.agent.gestor.contrato import Argumentos, Ferramenta, Previa, Quem, Resultado
from lib.agent.gestor.telas import hora, idade, lista
from lib.auth import Papel
from lib.domain.anonimo import como_dado
from lib.queries import metricas, pausa
from lib.resources import Resources
from lib.usecases import notificar
from lib.usecases import pausar as uso

NOTIFICACOES = "notificacoes"


class Nada(Argumentos):
    """Nothing to say."""


class Pausar(Argumentos):
    """Why."""

    motivo: str | None = Field(None, description="Por quê; fica guardado.")


class Acao(StrEnum):
    """Turn on, turn off, or only look."""

    ON = "on"
    OFF = "off"
    STATUS = "status"


class Toggle(Argumentos):
    """What to do with the switch."""

    acao: Acao = Field(description="on liga, off desliga, status só mostra.")


async def status(resources: Resources, _: Nada, quem: Quem) -> Resultado:
    """Tell how the operation stands."""
    now = await pausa.get(resources.db)
    row = await metricas.status(resources.db, quem.agora)
    since = f"PAUSADA desde {hora(now.desde)}"
    stopped = f"{since} por {now.por or 'alguém'}{f': {now.motivo}' if now.motivo else ''}"
    since_due, since_unread = (
        f", há {idade(row[name], quem.agora)}" if row[name] else "" for name in ("mais_antiga", "por_ler_desde")
    )
    lines = [
        f"Operação: {stopped if now.ativa else 'em andamento'}",
        f"Fila de saída: {row['na_fila']} ({row['devidas']} já devidas{since_due}); {row['em_voo']} saindo",
        f"Conversas por ler: {row['por_ler']}{since_unread}",
        f"Chips conectados: {row['conectados']} de {row['chips']}",
        f"Mortas: {row['envios_mortos']} de saída, {row['entradas_mortas']} de entrada",
        f"Conversas à espera de uma pessoa: {row['esperando_pessoa']}",
        f"Modelo: {row['modelo'] or resources.settings.llm_modelo}, última resposta em {hora(row['modelo_em'])}",
    ]
    title = "Situação do sistema"
    return Resultado("\n".join([title, *map(como_dado, lines)]), lista(title, lines))


async def prever_pausa(resources: Resources, args: Pausar, _: Quem) -> Previa | Resultado:
    """Say what a pause stops."""
    now = await pausa.get(resources.db)
    if now.ativa and not args.motivo:
        return Resultado(f"A operação já está pausada desde {hora(now.desde)}.", alvo="operacao")
    motivo = f" Motivo: {args.motivo}" if args.motivo else ""
    texto = f"Pausar toda a operação: nenhuma mensagem, resposta ou fluxo até retomar; nada se perde.{motivo}"
    return Previa(texto, args.model_dump(exclude_none=True), "operacao")


async def pausar(resources: Resources, args: Pausar, quem: Quem) -> Resultado:
    """Stop everything at once (decision D20)."""
    await uso.pausar(resources.db, quem.por, args.motivo, quem.agora)
    return Resultado("Operação pausada: nada sai até retomar.", alvo="operacao")


async def prever_retomada(resources: Resources, _: Nada, __: Quem) -> Previa | Resultado:
    """Say how much goes at once."""
    now = await pausa.get(resources.db)
    if not now.ativa:
        return Resultado("A operação não está pausada.", alvo="operacao")
    texto = (
        f"Retomar a operação, pausada desde {hora(now.desde)} por {now.por or 'alguém'}: "
        f"{now.na_fila} mensagens na fila e {now.por_ler} conversas por ler seguem na hora."
    )
    return Previa(texto, {}, "operacao")


async def retomar(resources: Resources, _: Nada, quem: Quem) -> Resultado:
    """Go on."""
    await uso.retomar(resources.db, quem.por, quem.agora)
    return Resultado("Operação retomada: o que esperava segue agora.", alvo="operacao")


async def prever_toggle(_: Resources, args: Toggle, __: Quem) -> Previa | Resultado:
    """Say what the switch does."""
    que = "Ligar" if args.acao is Acao.ON else "Desligar"
    efeito = "" if args.acao is Acao.ON else " Os avisos críticos continuam saindo."
    return Previa(f"{que} as notificações no Slack.{efeito}", {"acao": args.acao.value}, NOTIFICACOES)


async def toggle(resources: Resources, args: Toggle, quem: Quem) -> Resultado:
    """Look at the switch, or set it."""
    if args.acao is not Acao.STATUS:
        await notificar.ligar(resources.db, ativas=args.acao is Acao.ON, por=quem.por, agora=quem.agora)
    now = await notificar.situacao(resources.db)
    desde = f" desde {hora(now.desde)} por {now.por or 'alguém'}" if now.desde and not now.ativas else ""
    texto = (
        f"Notificações {'ligadas' if now.ativas else 'desligadas'}{desde}. "
        f"Na fila: {now.na_fila}; críticas sem resposta: {now.sem_resposta}."
    )
    return Resultado(texto, alvo=NOTIFICACOES)


def _looks(args: Any) -> bool:
    return isinstance(args, Toggle) and args.acao is Acao.STATUS


STATUS_SISTEMA = Ferramenta(
    "status_sistema",
    "Diz como está a operação: pausa, filas, chips, mensagens mortas e modelo.",
    Nada,
    Papel.VIEWER,
    status,
)
PAUSAR_JULIA = Ferramenta(
    "pausar_julia",
    "Pede para pausar toda a operação. Só acontece depois do botão Confirmar.",
    Pausar,
    Papel.OPERATOR,
    pausar,
    prever_pausa,
    repetivel=True,
)
RETOMAR_JULIA = Ferramenta(
    "retomar_julia",
    "Pede para retomar a operação pausada. Só acontece depois do botão Confirmar.",
    Nada,
    Papel.OPERATOR,
    retomar,
    prever_retomada,
)
TOGGLE_NOTIFICACOES = Ferramenta(
    "toggle_notificacoes",
    "Mostra, liga ou desliga as notificações no Slack. Ligar e desligar só acontecem depois do botão Confirmar.",
    Toggle,
    Papel.ADMIN,
    toggle,
    prever_toggle,
    so_le=_looks,
)
