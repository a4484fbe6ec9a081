"""`gerar_resposta`: the model writes one reply, with tools, inside bounds that are not its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from pydantic import ValidationError

from lib.agent import prompts
from lib.agent.contexto import Contexto
from lib.agent.tools import TOOLS, Tool, ToolContext, ToolResult
from lib.crash import Crashpoint
from lib.domain.horario import SAO_PAULO
from lib.domain.policy import Decisao
from lib.domain.resposta import Revisao, revisar
from lib.domain.situacao import Situacao
from lib.errors import ModelUnavailableError
from lib.providers.llm import (
    Ferramenta,
    Mensagem,
    Modelo,
    Pedido,
    Resposta,
    ResultadoFerramenta,
    Texto,
    Uso,
    UsoFerramenta,
)

MAX_RODADAS = 6
MAX_CHAMADAS = 8
DIAS = ("segunda", "terça", "quarta", "quinta", "sexta", "sábado", "domingo")


@dataclass(frozen=True, slots=True)
class Gerada:
    """A reply as it may leave, or what kept it from leaving; `fatos` are the tool results that it may quote."""

    revisao: Revisao
    usos: tuple[Uso, ...]
    fatos: tuple[str, ...]
    ferramentas_ms: float
    modelo_ms: float


@dataclass(slots=True)
class _Run:
    """What one generation has gathered so far."""

    mensagens: list[Mensagem]
    usos: list[Uso] = field(default_factory=list)
    fatos: list[str] = field(default_factory=list)
    chamadas: int = 0
    modelo_s: float = 0.0
    ferramentas_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Responder:
    """Writes replies with one model and one set of tools."""

    modelo: Modelo
    nome_modelo: str
    crash: Crashpoint
    tools: tuple[Tool, ...] = TOOLS

    async def gerar_resposta(
        self, contexto: Contexto, situacao: Situacao, decisao: Decisao, tool_context: ToolContext, fim: float
    ) -> Gerada:
        """Ask the model until it writes a text, answering its tool calls; `fim` is the deadline in monotonic seconds.

        Whatever it writes is reviewed against the tool results of this very turn; a cut or refused text counts as none.

        Raises:
            ModelUnavailableError: no answer in time.
            ModelRefusedError: the model will not answer such a request.
        """
        run = _Run([*_history(contexto), _ask(contexto, situacao, decisao, tool_context.agora)])
        texto = ""
        for _ in range(MAX_RODADAS + 1):
            resposta = await self._call(run, fim)
            if not resposta.usos or run.chamadas >= MAX_CHAMADAS:
                # Words beside a tool call that nobody will answer are no reply either.
                texto = "" if resposta.truncada or resposta.recusada or resposta.usos else resposta.texto
                break
            await self._tools(run, resposta.usos, tool_context)
        return Gerada(
            revisar(texto, run.fatos), tuple(run.usos), tuple(run.fatos), run.ferramentas_s * 1000, run.modelo_s * 1000
        )

    async def _call(self, run: _Run, fim: float) -> Resposta:
        started = monotonic()
        if fim <= started:
            raise ModelUnavailableError("the turn's deadline passed")
        resposta = await self.modelo.gerar(
            Pedido(
                sistema=(prompts.load("julia").texto,),
                mensagens=tuple(run.mensagens),
                modelo=self.nome_modelo,
                prazo_s=fim - started,
                ferramentas=tuple(Ferramenta(t.nome, t.descricao, t.esquema()) for t in self.tools),
            )
        )
        self.crash.reach("S7")
        run.modelo_s += monotonic() - started
        run.usos.append(resposta.uso)
        run.mensagens.append(Mensagem("assistant", resposta.blocos))
        return resposta

    async def _tools(self, run: _Run, usos: tuple[UsoFerramenta, ...], context: ToolContext) -> None:
        """Answer every call of one round; the one after the last allowed is told so."""
        started = monotonic()
        results: list[ResultadoFerramenta] = []
        for uso in usos:
            run.chamadas += 1
            result = await self._tool(uso, context) if run.chamadas <= MAX_CHAMADAS else ToolResult("limite", erro=True)
            if not result.erro:
                run.fatos.append(result.conteudo)
            results.append(ResultadoFerramenta(uso.id, result.conteudo, erro=result.erro))
        self.crash.reach("S8")
        run.ferramentas_s += monotonic() - started
        run.mensagens.append(Mensagem("user", tuple(results)))

    async def _tool(self, uso: UsoFerramenta, context: ToolContext) -> ToolResult:
        tool = next((tool for tool in self.tools if tool.nome == uso.nome), None)
        if tool is None:
            return ToolResult("não existe essa ferramenta", erro=True)
        try:
            arguments = tool.argumentos.model_validate(dict(uso.entrada))
        except ValidationError as wrong:
            names = ", ".join(".".join(str(part) for part in error["loc"]) for error in wrong.errors())
            return ToolResult(f"argumentos inválidos: {names}", erro=True)
        return await tool.executar(context, arguments)


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
