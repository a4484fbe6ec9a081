"""`gerar_resposta`: the model writes one reply, with tools, inside bounds that are not its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from pydantic import ValidationError

from lib.agent.contexto import Contexto
from lib.agent.fim import Chamada, FerramentaUsada, Passos
from lib.agent.pedido import Roteiro, montar
from lib.agent.tools import TOOLS, Tool, ToolContext, ToolResult
from lib.crash import Crashpoint
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
    UsoFerramenta,
)

MAX_RODADAS = 6
MAX_CHAMADAS = 8


@dataclass(frozen=True, slots=True)
class Gerada:
    """A reply as it may leave, or what kept it from leaving; `transferir` is why a tool asked for a person."""

    revisao: Revisao
    passos: Passos
    transferir: str | None = None


@dataclass(slots=True)
class _Run:
    """What one generation has gathered so far."""

    roteiro: Roteiro
    mensagens: list[Mensagem]
    chamadas: list[Chamada] = field(default_factory=list)
    ferramentas: list[FerramentaUsada] = field(default_factory=list)
    fatos: list[str] = field(default_factory=list)
    transferir: str | None = None
    resposta: str | None = None


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
        roteiro = montar(contexto, situacao, decisao, tool_context.agora)
        run = _Run(roteiro, list(roteiro.mensagens))
        texto = ""
        for _ in range(MAX_RODADAS + 1):
            resposta = await self._call(run, fim)
            if not resposta.usos or len(run.ferramentas) >= MAX_CHAMADAS:
                # Words beside a tool call that nobody will answer are no reply either.
                texto = "" if resposta.truncada or resposta.recusada or resposta.usos else resposta.texto
                break
            await self._tools(run, resposta.usos, tool_context)
            if run.transferir is not None or run.resposta is not None:
                texto = run.resposta or ""
                break
        passos = Passos(tuple(run.chamadas), tuple(run.ferramentas), roteiro.prompt_hash, roteiro.prompts)
        return Gerada(revisar(texto, run.fatos), passos, run.transferir)

    async def _call(self, run: _Run, fim: float) -> Resposta:
        started = monotonic()
        if fim <= started:
            raise ModelUnavailableError("the turn's deadline passed")
        resposta = await self.modelo.gerar(
            Pedido(
                sistema=run.roteiro.sistema,
                mensagens=tuple(run.mensagens),
                modelo=self.nome_modelo,
                prazo_s=fim - started,
                ferramentas=tuple(Ferramenta(t.nome, t.descricao, t.esquema()) for t in self.tools),
            )
        )
        self.crash.reach("S7")
        ms = round((monotonic() - started) * 1000, 2)
        run.chamadas.append(
            Chamada("resposta", resposta.modelo, ms, resposta.uso, resposta.parada, resposta.request_id)
        )
        run.mensagens.append(Mensagem("assistant", resposta.blocos))
        return resposta

    async def _tools(self, run: _Run, usos: tuple[UsoFerramenta, ...], context: ToolContext) -> None:
        """Answer every call of one round; the one after the last allowed is told so."""
        results: list[ResultadoFerramenta] = []
        for uso in usos:
            started = monotonic()
            allowed = len(run.ferramentas) < MAX_CHAMADAS
            result = await self._tool(uso, context) if allowed else ToolResult("limite", erro=True)
            ms = round((monotonic() - started) * 1000, 2)
            known = uso.nome if any(tool.nome == uso.nome for tool in self.tools) else "desconhecida"
            run.ferramentas.append(FerramentaUsada(known, ms, result.erro, result.vagas))
            if not result.erro:
                run.fatos.append(result.conteudo)
                context.mostradas.update(result.vagas)
                run.transferir = run.transferir or result.transferir
                run.resposta = run.resposta or result.resposta
            results.append(ResultadoFerramenta(uso.id, result.conteudo, erro=result.erro))
        self.crash.reach("S8")
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
