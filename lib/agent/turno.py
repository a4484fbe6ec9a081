"""One turn: rules, one analysis, one decision, one reply. It writes nothing: it returns what to commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import monotonic

from lib import ledger
from lib.agent import registro
from lib.agent.contexto import Contexto
from lib.agent.diretrizes import Diretrizes, da_conversa
from lib.agent.fim import Fim, MudancaModo, NovoAviso, Passos
from lib.agent.regras import Seguir, aplicar_regras
from lib.agent.responder import Gerada, Responder
from lib.agent.situacao import analisar_situacao
from lib.agent.tools import ToolContext
from lib.clock import Clock
from lib.db import Database
from lib.domain.diretriz import DiretrizLida
from lib.domain.estado import Entrada, apply
from lib.domain.identidade import APRESENTACAO, se_apresenta
from lib.domain.modo import Transicao, ferramentas_proibidas, transitar
from lib.domain.policy import Acao, Decisao, decidir
from lib.domain.resposta import fragmentar
from lib.domain.situacao import Situacao, entrada_de
from lib.domain.transferencia import Gatilho, TipoAviso
from lib.errors import ModelRefusedError
from lib.models.turno import Desfecho
from lib.queries.turno import TurnCommit

TRANSFERENCIA = "Vou chamar uma pessoa da nossa equipe para continuar com você por aqui, tudo bem?"


@dataclass(slots=True)
class Relogio:
    """Milliseconds spent in each step of the turn."""

    etapas: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def etapa(self, nome: str) -> Iterator[None]:
        """Time one step."""
        started = monotonic()
        try:
            yield
        finally:
            self.etapas[nome] = round(self.etapas.get(nome, 0.0) + (monotonic() - started) * 1000, 2)


@dataclass(frozen=True, slots=True)
class _Turno:
    """What the steps of one attempt share; `seguir` is what the rules left to the model."""

    contexto: Contexto
    diretrizes: tuple[DiretrizLida, ...]
    seguir: Seguir
    agora: datetime
    prazo: float
    relogio: Relogio


@dataclass(frozen=True, slots=True)
class Agente:
    """Thinks one turn through. `pausa_max_s` bounds the pauses that keep replies readable (decision D30)."""

    responder: Responder
    diretrizes: Diretrizes
    db: Database
    clock: Clock
    empresa: str
    pausa_max_s: float

    async def pensar(self, contexto: Contexto, conta: ledger.Ledger, prazo: float) -> TurnCommit:
        """Return what this turn commits; `prazo` is the whole turn's deadline in monotonic seconds.

        Raises:
            ModelUnavailableError: the turn must be tried again later; nothing was decided.
            DatabaseUnavailableError: the directives could not be read.
        """
        agora, relogio = self.clock(), Relogio()
        todas = await self.diretrizes.carregar_diretrizes_ativas(contexto.diretrizes_versao)
        vigentes = da_conversa(todas, contexto, agora)
        with relogio.etapa("regras"):
            caminho = aplicar_regras(contexto, agora, vigentes)
        if isinstance(caminho, Fim):
            fim = caminho
        else:
            lido = replace(contexto, memorias=()) if caminho.esquece else contexto
            fim = _owed(await self._by_model(_Turno(lido, vigentes, caminho, agora, prazo, relogio)), caminho)
        return registro.commit(
            contexto,
            self._introduced(contexto, fim),
            iniciado_em=agora,
            terminado_em=self.clock(),
            etapas=relogio.etapas,
            custos=conta.counts(),
            pausa_max_s=self.pausa_max_s,
        )

    async def _by_model(self, turno: _Turno) -> Fim:
        contexto, agora, texto = turno.contexto, turno.agora, turno.seguir.texto
        try:
            with turno.relogio.etapa("analise"):
                situacao, chamadas = await analisar_situacao(
                    contexto,
                    self.responder.modelo,
                    self.responder.nome_modelo,
                    max(0.0, turno.prazo - monotonic()),
                    texto=texto,
                )
        except ModelRefusedError as refused:
            fim = Fim(Desfecho.SILENCIO, "", apply(contexto.estado, Entrada(agora)))
            return _handoff(fim, contexto, Gatilho.MODELO_RECUSOU, f"o modelo recusou a análise: {refused}")
        decisao = decidir(registro.policy_input(contexto, situacao, agora))
        passo = transitar(
            contexto.modo,
            texto,
            situacao,
            contexto.estado.ultima_entrada_em,
            contexto.ponte_feita,
            agora,
            decisao.acao,
        )
        fim = Fim(
            Desfecho.SILENCIO,
            f"{decisao.regra}: {decisao.motivo}",
            apply(contexto.estado, entrada_de(contexto.estado, situacao, agora)),
            situacao=situacao,
            decisao=decisao,
            modo=_mode(passo),
            passos=Passos(chamadas),
        )
        if decisao.acao is Acao.HANDOFF:
            grave = situacao.objecao is not None or contexto.estado.objecao_aberta
            gatilho = Gatilho.POLICY_GRAVE_OBJECTION if grave else Gatilho.POLICY
            return _handoff(fim, contexto, gatilho, fim.motivo)
        return fim if decisao.acao is Acao.WAIT else await self._generate(turno, fim, situacao, decisao, passo)

    async def _generate(self, turno: _Turno, fim: Fim, situacao: Situacao, decisao: Decisao, passo: Transicao) -> Fim:
        """Have the reply written; `fim` holds all that was decided before."""
        tools = self._tools(turno)
        try:
            gerada = await self.responder.gerar_resposta(
                turno.contexto,
                situacao,
                decisao,
                tools,
                turno.prazo,
                diretrizes=turno.diretrizes,
                proibidas=ferramentas_proibidas(passo.estado.modo, decisao),
                modo=passo.estado.modo,
                pergunta=passo.pergunta,
                notas=turno.seguir.notas,
                texto=turno.seguir.texto,
            )
        except ModelRefusedError as refused:
            return _handoff(fim, turno.contexto, Gatilho.MODELO_RECUSOU, f"o modelo recusou o pedido: {refused}")
        done = gerada.passos
        # Who is asked to write again will ask for the reminder again.
        lembretes = frozenset[str]() if gerada.prazo_esgotado else frozenset(tools.lembretes)
        passos = replace(done, chamadas=(*fim.passos.chamadas, *done.chamadas), lembretes=lembretes)
        return _generated(replace(fim, passos=passos), turno, gerada)

    def _introduced(self, contexto: Contexto, fim: Fim) -> Fim:
        """Put who is writing before the first words that a doctor ever gets; a stop is confirmed without more ado."""
        if contexto.apresentada or not fim.textos or fim.desfecho is Desfecho.OPTOUT or se_apresenta(fim.textos[0]):
            return fim
        first = f"{APRESENTACAO.replace('da empresa', f'da {self.empresa}')}\n\n{fim.textos[0]}"
        return replace(fim, textos=(*fragmentar(first), *fim.textos[1:]))

    def _tools(self, turno: _Turno) -> ToolContext:
        contexto, first = turno.contexto, turno.contexto.recebidas[0]
        return ToolContext(
            db=self.db,
            agora=turno.agora,
            conversation_id=contexto.conversation_id,
            medico_id=contexto.medico_id,
            fence=contexto.fence,
            cause=contexto.causa_dos_efeitos,
            inbox_id=first.id,
            especialidade_id=contexto.especialidade_id,
            uf=contexto.uf,
            mostradas={vaga.id for vaga in contexto.vagas_mostradas},
        )


def _mode(passo: Transicao) -> MudancaModo:
    estado = passo.estado
    return MudancaModo(estado.modo, estado.em, passo.motivo, estado.pendente, estado.pendente_em)


def _generated(fim: Fim, turno: _Turno, gerada: Gerada) -> Fim:
    """End the turn by what was written: a reply, a hand-off that a tool asked for, or one for a blocked text."""
    if gerada.transferir is not None:
        return _handoff(fim, turno.contexto, Gatilho.PEDIDO_HUMANO, gerada.transferir)
    if gerada.bloqueada:
        motivo = f"resposta do modelo bloqueada: {', '.join(gerada.revisao.violacoes)}"
        return _handoff(fim, turno.contexto, Gatilho.RESPOSTA_BLOQUEADA, motivo, gerada.texto)
    motivo = "o prazo do turno acabou antes da resposta" if gerada.prazo_esgotado else fim.motivo
    return replace(fim, desfecho=Desfecho.RESPONDIDA, motivo=motivo, textos=fragmentar(gerada.texto))


def _owed(fim: Fim, seguir: Seguir) -> Fim:
    """Put the answers that the rules owe before whatever else is said; they are given even where silence follows."""
    fim = replace(fim, esquece=seguir.esquece)
    if seguir.prefixo is None:
        return fim
    if not fim.textos:
        return replace(fim, desfecho=Desfecho.RESPONDIDA, textos=fragmentar(seguir.prefixo))
    return replace(fim, textos=(*fragmentar(f"{seguir.prefixo}\n\n{fim.textos[0]}"), *fim.textos[1:]))


def _handoff(fim: Fim, contexto: Contexto, gatilho: Gatilho, motivo: str, texto: str = TRANSFERENCIA) -> Fim:
    """Give the conversation to a person; the courtesy message goes out with the change, not instead of it."""
    cause = f"transferencia:{contexto.causa}"
    kind = TipoAviso.RESPOSTA_BLOQUEADA if gatilho is Gatilho.RESPOSTA_BLOQUEADA else TipoAviso.TRANSFERENCIA
    return replace(
        fim,
        desfecho=Desfecho.ENTREGUE_A_PESSOA,
        motivo=motivo,
        textos=(texto,),
        causa=cause,
        transferencia=gatilho,
        avisos=(NovoAviso(cause, kind, motivo),),
    )
