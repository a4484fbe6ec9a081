"""`gerar_resposta`: the model writes one reply, with tools, inside bounds that are not its own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from time import monotonic

from pydantic import ValidationError

from lib.agent.contexto import Contexto
from lib.agent.fim import Chamada, FerramentaUsada, Passos
from lib.agent.fontes import Fontes, fontes
from lib.agent.pedido import Roteiro, montar
from lib.agent.reparo import CORTADA, LACO, RECUSADA, SEM_CITAR, instrucao
from lib.agent.tools import TOOLS, Tool, ToolContext, ToolResult
from lib.crash import Crashpoint
from lib.domain.diretriz import DiretrizLida
from lib.domain.modo import Modo
from lib.domain.policy import Decisao
from lib.domain.resposta import Revisao
from lib.domain.saida_dados import LINKS_PERMITIDOS
from lib.domain.situacao import Situacao
from lib.domain.texto import dobrar
from lib.errors import ModelUnavailableError
from lib.providers.llm import (
    Ferramenta,
    Mensagem,
    Modelo,
    Pedido,
    Resposta,
    ResultadoFerramenta,
    Texto,
    UsoFerramenta,
)

MAX_RODADAS = 6
MAX_CHAMADAS = 8
INTEIRAS = frozenset({"end_turn", "stop_sequence"})
CONTINUA = "pause_turn"

TEXTO_BLOQUEADA = (
    "Prefiro não te passar uma informação errada, então vou chamar uma pessoa da nossa equipe "
    "para continuar com você por aqui, tudo bem?"
)
TEXTO_PRAZO = (
    "Demorei mais do que devia para te responder, desculpe! Pode me escrever de novo o que precisa? "
    "Se preferir, chamo uma pessoa da equipe."
)


@dataclass(frozen=True, slots=True)
class Gerada:
    """What may be said, and why it is that.

    `texto` is what to send: the reviewed reply, or a fixed one where `bloqueada` (no reply passed the review; a person
    takes over) or `prazo_esgotado` (the turn's time is out). It is empty where a tool asked for a person, which
    `transferir` gives the reason of. `revisao` is the last one made.
    """

    revisao: Revisao
    passos: Passos
    transferir: str | None = None
    bloqueada: bool = False
    prazo_esgotado: bool = False

    @property
    def texto(self) -> str:
        """The words for the doctor."""
        return TEXTO_BLOQUEADA if self.bloqueada else self.revisao.texto


@dataclass(slots=True)
class _Run:
    """What one generation has gathered so far."""

    roteiro: Roteiro
    mensagens: list[Mensagem]
    prazo: float
    proibidas: frozenset[str]
    chamadas: list[Chamada] = field(default_factory=list)
    ferramentas: list[FerramentaUsada] = field(default_factory=list)
    resultados: list[str] = field(default_factory=list)
    vagas: set[int] = field(default_factory=set)
    citar: set[str] = field(default_factory=set)
    transferir: str | None = None
    resposta: str | None = None

    @property
    def passos(self) -> Passos:
        """The steps taken."""
        roteiro = self.roteiro
        return Passos(tuple(self.chamadas), tuple(self.ferramentas), roteiro.prompt_hash, roteiro.prompts)


@dataclass(frozen=True, slots=True)
class _Rascunho:
    """A text, or the fault that keeps it from being one."""

    texto: str = ""
    falha: str | None = None


@dataclass(frozen=True, slots=True)
class Responder:
    """Writes replies with one model and one set of tools; `nossos` may be quoted, links to `links` sent."""

    modelo: Modelo
    nome_modelo: str
    crash: Crashpoint
    tools: tuple[Tool, ...] = TOOLS
    nossos: tuple[str, ...] = ()
    links: Collection[str] = LINKS_PERMITIDOS

    async def gerar_resposta(
        self,
        contexto: Contexto,
        situacao: Situacao,
        decisao: Decisao,
        tool_context: ToolContext,
        prazo: float,
        *,
        diretrizes: Sequence[DiretrizLida] = (),
        proibidas: frozenset[str] = frozenset(),
        modo: Modo | None = None,
        pergunta: str | None = None,
        notas: Sequence[str] = (),
        texto: str | None = None,
    ) -> Gerada:
        """Ask the model until it writes a text that may leave; `prazo` is the deadline in monotonic seconds.

        Whatever it writes is reviewed against the tool results of this very turn and answered once with its faults;
        what is blocked again is never sent. `proibidas` are tools that this mode refuses: they stay in the request,
        whose prefix is cached, and are answered with an error. The rest is `pedido.montar`'s.

        Raises:
            ModelUnavailableError: no answer, with time left: the turn may be tried again.
            ModelRefusedError: the model will not answer such a request.
        """
        roteiro = montar(
            contexto,
            situacao,
            decisao,
            tool_context.agora,
            diretrizes=diretrizes,
            modo=modo,
            pergunta=pergunta,
            notas=notas,
            texto=texto,
        )
        origem = fontes(
            contexto,
            tool_context.agora,
            diretrizes=diretrizes,
            segredos=roteiro.sistema,
            nossos=self.nossos,
            links=self.links,
        )
        run = _Run(roteiro, list(roteiro.mensagens), prazo, proibidas)
        try:
            return await self._generate(run, origem, tool_context)
        except ModelUnavailableError:
            if monotonic() < prazo:
                raise
            return Gerada(Revisao(TEXTO_PRAZO, (), bloqueada=False), run.passos, prazo_esgotado=True)

    async def _generate(self, run: _Run, origem: Fontes, context: ToolContext) -> Gerada:
        rascunho = await self._draft(run, context)
        if run.transferir is not None:
            return Gerada(Revisao("", (), bloqueada=False), run.passos, run.transferir)
        revisao = _review(rascunho, run, origem)
        if revisao.bloqueada and rascunho.falha != RECUSADA:
            run.mensagens.append(Mensagem("user", (Texto(instrucao(revisao.violacoes)),)))
            resposta = await self._call(run, "reparo")
            revisao = _review(_read(resposta), run, origem)
        return Gerada(revisao, run.passos, bloqueada=revisao.bloqueada)

    async def _draft(self, run: _Run, context: ToolContext) -> _Rascunho:
        """Let the model write, answering its tool calls, for at most `MAX_RODADAS` rounds of them."""
        for rodada in range(MAX_RODADAS + 1):
            resposta = await self._call(run, "resposta")
            if resposta.parada == CONTINUA and not resposta.usos:
                continue
            if not resposta.usos or resposta.truncada or resposta.recusada:
                return _read(resposta)
            exhausted = rodada == MAX_RODADAS or len(run.ferramentas) >= MAX_CHAMADAS
            await self._tools(run, resposta.usos, context, exhausted=exhausted)
            if run.transferir is not None or run.resposta is not None:
                return _Rascunho(run.resposta or "")
            if exhausted:
                break
        return _Rascunho(falha=LACO)

    async def _call(self, run: _Run, finalidade: str) -> Resposta:
        started = monotonic()
        if run.prazo <= started:
            raise ModelUnavailableError("the turn's deadline passed")
        resposta = await self.modelo.gerar(
            Pedido(
                sistema=run.roteiro.sistema,
                mensagens=tuple(run.mensagens),
                modelo=self.nome_modelo,
                prazo_s=run.prazo - started,
                ferramentas=tuple(Ferramenta(t.nome, t.descricao, t.esquema()) for t in self.tools),
                so_texto=finalidade == "reparo",
            )
        )
        self.crash.reach("S7")
        ms = round((monotonic() - started) * 1000, 2)
        run.chamadas.append(
            Chamada(finalidade, resposta.modelo, ms, resposta.uso, resposta.parada, resposta.request_id)
        )
        if _answerable(resposta):
            run.mensagens.append(Mensagem("assistant", resposta.blocos))
        return resposta

    async def _tools(
        self, run: _Run, usos: tuple[UsoFerramenta, ...], context: ToolContext, *, exhausted: bool
    ) -> None:
        """Answer every call of one round, as the API demands; those past the limit are told so."""
        results: list[ResultadoFerramenta] = []
        for uso in usos:
            started = monotonic()
            allowed = not exhausted and len(run.ferramentas) < MAX_CHAMADAS and run.transferir is None
            result = await self._tool(uso, run, context) if allowed else ToolResult("limite de consultas", erro=True)
            ms = round((monotonic() - started) * 1000, 2)
            if allowed:
                known = uso.nome if any(tool.nome == uso.nome for tool in self.tools) else "desconhecida"
                run.ferramentas.append(FerramentaUsada(known, ms, result.erro, result.vagas))
            if not result.erro:
                run.resultados.append(result.conteudo)
                run.vagas.update(result.vagas)
                context.mostradas.update(result.vagas)
                run.transferir = run.transferir or result.transferir
                run.resposta = run.resposta or result.resposta
                run.citar.update({result.citar} if result.citar else ())
            results.append(ResultadoFerramenta(uso.id, result.conteudo, erro=result.erro))
        self.crash.reach("S8")
        run.mensagens.append(Mensagem("user", tuple(results)))

    async def _tool(self, uso: UsoFerramenta, run: _Run, context: ToolContext) -> ToolResult:
        tool = next((tool for tool in self.tools if tool.nome == uso.nome), None)
        if tool is None:
            return ToolResult("não existe essa ferramenta", erro=True)
        if tool.nome in run.proibidas:
            return ToolResult("não use essa ferramenta neste momento da conversa", erro=True)
        try:
            arguments = tool.argumentos.model_validate(dict(uso.entrada))
        except ValidationError as wrong:
            names = ", ".join(".".join(str(part) for part in error["loc"]) for error in wrong.errors())
            return ToolResult(f"argumentos inválidos: {names}", erro=True)
        return await tool.executar(context, arguments)


def _answerable(resposta: Resposta) -> bool:
    """Tell whether the answer may stay in the history: calls cut off in the middle would need results."""
    if resposta.usos:
        return not resposta.truncada and not resposta.recusada
    return bool(resposta.texto) or (resposta.parada == CONTINUA and bool(resposta.blocos))


def _read(resposta: Resposta) -> _Rascunho:
    """Read an answer that calls no tool; a text is whole only when the model says that it ended."""
    if resposta.recusada:
        return _Rascunho(falha=RECUSADA)
    if resposta.usos and not resposta.truncada:
        # Words beside a tool call that nobody will answer are no reply either.
        return _Rascunho(falha=LACO)
    if resposta.parada not in INTEIRAS:
        return _Rascunho(falha=CORTADA)
    return _Rascunho(resposta.texto)


def _review(rascunho: _Rascunho, run: _Run, origem: Fontes) -> Revisao:
    if rascunho.falha is not None:
        return Revisao("", (rascunho.falha,), bloqueada=True)
    revisao = origem.revisar(rascunho.texto, run.resultados, run.vagas)
    if revisao.bloqueada or all(dobrar(nome) in dobrar(revisao.texto) for nome in run.citar):
        return revisao
    return Revisao("", (*revisao.violacoes, SEM_CITAR), bloqueada=True)
