"""What the model is asked: a stable prefix first, so that it is cached, then the conversation and this turn's facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lib.agent import prompts
from lib.agent.contexto import Contexto
from lib.domain.horario import SAO_PAULO
from lib.domain.policy import Decisao
from lib.domain.situacao import Situacao
from lib.providers.llm import Mensagem, Texto

DIAS = ("segunda", "terça", "quarta", "quinta", "sexta", "sábado", "domingo")


@dataclass(frozen=True, slots=True)
class Roteiro:
    """One generation's input: `sistema` is the cacheable prefix, `prompts` maps its files to their hashes."""

    sistema: tuple[str, ...]
    mensagens: tuple[Mensagem, ...]
    prompt_hash: str
    prompts: Mapping[str, str]


def montar(contexto: Contexto, situacao: Situacao, decisao: Decisao, agora: datetime) -> Roteiro:
    """Put together what the model reads for this turn."""
    julia = prompts.load("julia")
    return Roteiro(
        sistema=(julia.texto,),
        mensagens=(*_history(contexto), _ask(contexto, situacao, decisao, agora)),
        prompt_hash=julia.hash,
        prompts={"julia": julia.hash},
    )


def _history(contexto: Contexto) -> list[Mensagem]:
    """Write what was said before, one message per change of speaker, beginning with the doctor."""
    merged: list[Mensagem] = []
    for passada in contexto.passadas:
        role = "user" if passada.autor == "medico" else "assistant"
        if not merged and role == "assistant":
            merged.append(Mensagem("user", (Texto("(a conversa começou com uma mensagem nossa)"),)))
        if merged and merged[-1].papel == role:
            merged[-1] = Mensagem(merged[-1].papel, (*merged[-1].blocos, Texto(passada.texto)))
        else:
            merged.append(Mensagem("user" if role == "user" else "assistant", (Texto(passada.texto),)))
    return merged


def _ask(contexto: Contexto, situacao: Situacao, decisao: Decisao, agora: datetime) -> Mensagem:
    """Write this turn's message: what the system knows and demands, then the doctor's words, fenced."""
    local = agora.astimezone(SAO_PAULO)
    lines = [
        f"Agora: {DIAS[local.weekday()]}, {local:%d/%m/%Y %H:%M} (Brasília)",
        f"Nome: {contexto.primeiro_nome or 'desconhecido'}",
        f"Especialidade: {contexto.especialidade or 'desconhecida'}",
        f"Intenção percebida: {situacao.intencao.value}; objetivo: {situacao.objetivo.value}; tom: {decisao.tom.value}",
        *(f"Restrição: {restricao}" for restricao in decisao.restricoes),
    ]
    words = contexto.texto.replace("<", "(").replace(">", ")")
    context = "\n".join(lines)
    return Mensagem("user", (Texto(f"<contexto>\n{context}\n</contexto>\n<mensagens>\n{words}\n</mensagens>"),))
