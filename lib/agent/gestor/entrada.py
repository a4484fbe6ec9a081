"""What Slack sent and was stored: a command, a mention, a direct message, a button. Met twice, nothing acts twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from lib.agent.gestor.agente import conversar
from lib.agent.gestor.comandos import COMANDO, SUBCOMANDOS, Ajuda, ajuda, interpretar
from lib.agent.gestor.confirmar import decidir
from lib.agent.gestor.contrato import Quem, Resultado
from lib.agent.gestor.pedir import CANCELAR, CONFIRMAR, ORIGEM, pedir
from lib.agent.gestor.telas import corrido, lista
from lib.domain.texto import palavras
from lib.log import get_logger
from lib.providers.chamada import Falha, ProviderError
from lib.providers.slack import Slack
from lib.providers.slack_blocos import Bloco
from lib.providers.slack_webhook import Acao, Comando, Mencao, MensagemDireta, read
from lib.queries import slack as queries
from lib.queries.webhook import Webhook
from lib.resources import Resources
from lib.usecases.auditar import auditar
from lib.usecases.notificar import RECONHECER, reconhecer

SESSAO: Final = timedelta(minutes=30)
SESSAO_MAX: Final = 20
ESPERA: Final = timedelta(seconds=3)
EVENTO: Final = "gestor_resposta"
PERDIDAS: Final = frozenset({Falha.PERMANENTE, Falha.CANAL_FORA, Falha.INCERTA})
PREVIA: Final = "Um pedido espera a sua confirmação."
_SIM_OU_NAO: Final = frozenset(
    {"sim", "s", "nao", "n", "ok", "confirmo", "confirma", "confirmar", "pode", "pode sim", "cancela", "cancelar"}
)
_USE_O_BOTAO = "Escrever não confirma nem cancela: use os botões da prévia."
_RAPIDO = "Uma mensagem de cada vez: espere 3 segundos e mande de novo."

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Porta:
    """One webhook being answered."""

    resources: Resources
    slack: Slack
    linha: Webhook


async def atender(resources: Resources, linha: Webhook) -> None:
    """Answer one stored webhook of Slack.

    Raises:
        ProviderError: the answer did not go out and may later: the same webhook comes again.
        DatabaseUnavailableError: it comes again.
    """
    if resources.slack is None:
        log.warning("gestor.sem_slack", webhook_id=linha.id)
        return
    door = _Porta(resources, resources.slack, linha)
    asked = read(linha.raw, linha.tipo)
    try:
        match asked:
            case Comando():
                await _command(door, asked)
            case Mencao() | MensagemDireta():
                await _talk(door, asked)
            case Acao():
                await _press(door, asked)
            case _:
                log.info("gestor.ignorado", tipo=type(asked).__name__)
    except ProviderError as failure:
        # What was asked is done and kept; an answer that cannot be given, or may have been, is not forced.
        if failure.falha not in PERDIDAS:
            raise
        log.warning("gestor.sem_resposta", webhook_id=linha.id, falha=failure.falha.value)


async def _who(door: _Porta, usuario: str, canal: str | None) -> Quem | None:
    """Return who asks, or None for somebody without a role."""
    user = await queries.find_user(door.resources.db, usuario)
    if user is None:
        return None
    causa = f"webhook:{door.linha.id}"
    return Quem(user.usuario, user.nome, user.papel, canal or "-", door.linha.recebido_em, causa)


async def _stranger(door: _Porta, usuario: str, acao: str) -> str:
    """Write a stranger's request down and return the refusal."""
    await auditar(
        door.resources.db,
        door.linha.recebido_em,
        ator=usuario,
        origem=ORIGEM,
        acao=acao,
        resultado="recusado: sem papel",
    )
    log.warning("gestor.sem_papel", usuario=usuario)
    return (
        f"Ainda não conheço você por aqui. Seu usuário no Slack é {usuario}. Peça a quem administra que rode: "
        f'agente slack usuario autorizar {usuario} --papel viewer --nome "Seu nome"'
    )


async def _command(door: _Porta, asked: Comando) -> None:
    quem = await _who(door, asked.usuario, asked.canal)
    if quem is None:
        refusal = await _stranger(door, asked.usuario, "comando")
        await _private(door, asked, refusal, corrido(refusal))
        return
    read_ = interpretar(asked.texto)
    if isinstance(read_, Ajuda):
        title, lines = ajuda(read_)
        await auditar(
            door.resources.db, quem.agora, ator=quem.usuario, origem=ORIGEM, acao="ajuda",
            resultado="erro" if read_.erro else "feito",
        )  # fmt: skip
        await _private(door, asked, "\n".join([title, *lines]), lista(title, lines))
        return
    done = (await pedir(door.resources, read_.ferramenta, read_.args, quem)).resultado
    texto = f"{done.texto}\n{_usage(read_.ferramenta)}" if done.erro and "inválidos" in done.texto else done.texto
    await _private(door, asked, texto, done.blocos or corrido(texto))


def _usage(ferramenta: str) -> str:
    sub = next(sub for sub in SUBCOMANDOS if sub.ferramenta == ferramenta)
    return f"Uso: {COMANDO} {sub.nome} {sub.uso}. Exemplo: {COMANDO} {sub.exemplo}"


async def _private(door: _Porta, asked: Comando, texto: str, blocos: Sequence[Bloco]) -> None:
    payload = {"response_type": "ephemeral", "text": texto, "blocks": list(blocos)}
    await _respond(door, asked.response_url, payload, asked.canal, asked.usuario)


async def _respond(
    door: _Porta, response_url: str, payload: Mapping[str, Any], canal: str | None, usuario: str
) -> None:
    """Answer at the address that came along; where it is over, in the channel, for this person alone."""
    try:
        await door.slack.respond(response_url, payload)
    except ProviderError as failure:
        if failure.falha is not Falha.PERMANENTE or not canal:
            raise
        await door.slack.post_ephemeral(canal, usuario, str(payload["text"]))


async def _talk(door: _Porta, asked: Mencao | MensagemDireta) -> None:
    quem = await _who(door, asked.usuario, asked.canal)
    if quem is None:
        await _aside(door, asked, await _stranger(door, asked.usuario, "conversa"))
        return
    db = door.resources.db
    said = await queries.open_session(db, quem.usuario, quem.canal, quem.agora, dura=SESSAO, espera=ESPERA)
    if said is None:
        await auditar(
            db, quem.agora, ator=quem.usuario, origem=ORIGEM, acao="conversa", resultado="recusado: rápido demais"
        )
        await _aside(door, asked, _RAPIDO)
        return
    if palavras(asked.texto) in _SIM_OU_NAO and await queries.waiting(db, quem.usuario, quem.canal, quem.agora):
        await _aside(door, asked, _USE_O_BOTAO)
        return
    chave = str(door.linha.id)
    before = [turn for turn in said if turn.get("chave") != chave]
    answer = await conversar(door.resources, asked.texto, before, quem)
    thread = asked.thread_ts or (asked.ts if isinstance(asked, Mencao) else None)
    if len(before) == len(said):  # else the words were posted already, and a preview was held up
        await auditar(
            db, quem.agora, ator=quem.usuario, origem=ORIGEM, acao="conversa", resultado="feito",
            detalhes={"papel": quem.papel.value, "propostas": len(answer.propostas), "causa": quem.causa},
        )  # fmt: skip
        await _say(door, asked, quem, answer.texto, thread)
    for n, proposta in enumerate(answer.propostas):
        # Each in a message of its own: the outcome stands in its place and leaves the others their buttons.
        name = (EVENTO, f"{chave}:{n}")
        await door.slack.post_message(quem.canal, PREVIA, proposta, thread_ts=thread, evento=name)


async def _say(door: _Porta, asked: Mencao | MensagemDireta, quem: Quem, texto: str, thread: str | None) -> None:
    """Post the words and keep what was said in the session, unless they are to be posted later."""
    chave = str(door.linha.id)
    turns: list[Mapping[str, Any]] = [
        {"papel": "user", "texto": asked.texto[:2_000]},
        {"papel": "assistant", "texto": texto[:2_000]},
    ]
    try:
        await door.slack.post_message(quem.canal, texto, corrido(texto), thread_ts=thread, evento=(EVENTO, chave))
    except ProviderError as failure:
        if failure.falha in PERDIDAS:
            await queries.append(door.resources.db, quem.usuario, quem.canal, chave, turns, SESSAO_MAX)
        raise
    await queries.append(door.resources.db, quem.usuario, quem.canal, chave, turns, SESSAO_MAX)


async def _aside(door: _Porta, asked: Mencao | MensagemDireta, texto: str) -> None:
    """Answer so that nobody else in the channel reads it."""
    if isinstance(asked, Mencao):
        await door.slack.post_ephemeral(asked.canal, asked.usuario, texto)
    else:
        await door.slack.post_message(asked.canal, texto, thread_ts=asked.thread_ts)


async def _press(door: _Porta, asked: Acao) -> None:
    quem = await _who(door, asked.usuario, asked.canal)
    if quem is None:
        await _answer(door, asked, Resultado(await _stranger(door, asked.usuario, "botao"), erro=True), particular=True)
    elif asked.action_id == RECONHECER:
        await _acknowledge(door, asked, quem)
    elif asked.action_id in {CONFIRMAR, CANCELAR}:
        confirma = asked.action_id == CONFIRMAR
        done = await decidir(door.resources, asked.valor, quem, door.linha.id, confirma=confirma)
        await _answer(door, asked, done.resultado, particular=done.particular)
    else:
        log.info("gestor.botao_desconhecido", acao=asked.action_id[:60])


async def _acknowledge(door: _Porta, asked: Acao, quem: Quem) -> None:
    """Mark a notice as answered; seeing it is enough of a role."""
    number = int(asked.valor) if asked.valor.isdecimal() and len(asked.valor) < 19 else 0  # noqa: PLR2004 - a bigint
    where = (asked.canal, asked.mensagem_ts) if asked.canal and asked.mensagem_ts else None
    found = await reconhecer(door.resources, number, quem.usuario, where) if number else None
    await auditar(
        door.resources.db, quem.agora, ator=quem.usuario, origem=ORIGEM, acao=RECONHECER,
        alvo=f"notificacao:{number}", resultado="feito" if found else "erro",
    )  # fmt: skip
    if found is None:
        await _answer(door, asked, Resultado("Esse aviso não existe mais.", erro=True), particular=True)


async def _answer(door: _Porta, asked: Acao, resultado: Resultado, *, particular: bool) -> None:
    """Put the outcome where the buttons were, or tell who pressed alone."""
    if asked.response_url is None:
        if asked.canal:
            await door.slack.post_ephemeral(asked.canal, asked.usuario, resultado.texto)
        return
    kind: Mapping[str, Any] = (
        {"response_type": "ephemeral", "replace_original": False} if particular else {"replace_original": True}
    )
    blocos = list(resultado.blocos or corrido(resultado.texto))
    payload = {**kind, "text": resultado.texto, "blocks": blocos}
    await _respond(door, asked.response_url, payload, asked.canal, asked.usuario)
