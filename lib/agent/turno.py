"""One turn: rules, one analysis, one decision, one reply. It writes nothing: it returns what to commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from lib import ledger
from lib.agent import registro
from lib.agent.contexto import Contexto
from lib.agent.fim import Fim, NovoAviso, Passos
from lib.agent.regras import por_regra
from lib.agent.responder import Gerada, Responder
from lib.agent.situacao import analisar_situacao
from lib.agent.tools import ToolContext
from lib.clock import Clock
from lib.db import Database
from lib.domain.estado import DoctorState, Entrada, apply
from lib.domain.identidade import APRESENTACAO
from lib.domain.policy import Acao, Decisao, decidir
from lib.domain.resposta import fragmentar
from lib.domain.situacao import Situacao
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
class Agente:
    """Thinks one turn through. `pausa_max_s` bounds the pauses that keep replies readable (decision D30)."""

    responder: Responder
    db: Database
    clock: Clock
    empresa: str
    turno_max_s: float
    pausa_max_s: float

    async def pensar(self, contexto: Contexto, conta: ledger.Ledger) -> TurnCommit:
        """Return what this turn commits.

        Raises:
            ModelUnavailableError: the turn must be tried again later; nothing was decided.
        """
        agora, relogio = self.clock(), Relogio()
        fim = por_regra(contexto, agora) or await self._by_model(contexto, agora, relogio)
        return registro.commit(
            contexto,
            fim,
            iniciado_em=agora,
            terminado_em=self.clock(),
            etapas=relogio.etapas,
            custos=conta.counts(),
            pausa_max_s=self.pausa_max_s,
        )

    async def _by_model(self, contexto: Contexto, agora: datetime, relogio: Relogio) -> Fim:
        prazo = monotonic() + self.turno_max_s
        try:
            with relogio.etapa("analise"):
                situacao, chamadas = await analisar_situacao(
                    contexto, self.responder.modelo, self.responder.nome_modelo, self.turno_max_s
                )
        except ModelRefusedError as refused:
            ouvido = apply(contexto.estado, Entrada(agora))
            return _handoff(Gatilho.MODELO_RECUSOU, f"o modelo recusou a análise: {refused}", contexto, ouvido)
        passos = Passos(chamadas)
        ouvido = apply(contexto.estado, Entrada(agora, situacao.objecao))
        decisao = decidir(registro.policy_input(contexto, situacao, agora))
        motivo = f"{decisao.regra}: {decisao.motivo}"
        if decisao.acao is Acao.HANDOFF:
            grave = situacao.objecao is not None or contexto.estado.objecao_aberta
            gatilho = Gatilho.POLICY_GRAVE_OBJECTION if grave else Gatilho.POLICY
            return _handoff(gatilho, motivo, contexto, ouvido, situacao, decisao, passos)
        if decisao.acao is Acao.WAIT:
            return Fim(Desfecho.SILENCIO, motivo, ouvido, situacao=situacao, decisao=decisao, passos=passos)
        try:
            gerada = await self.responder.gerar_resposta(
                contexto, situacao, decisao, self._tools(contexto, agora), prazo
            )
        except ModelRefusedError as refused:
            motivo = f"o modelo recusou o pedido: {refused}"
            return _handoff(Gatilho.MODELO_RECUSOU, motivo, contexto, ouvido, situacao, decisao, passos)
        return self._generated(contexto, gerada, ouvido, situacao, decisao, passos)

    def _generated(
        self,
        contexto: Contexto,
        gerada: Gerada,
        ouvido: DoctorState,
        situacao: Situacao,
        decisao: Decisao,
        analise: Passos,
    ) -> Fim:
        """End the turn by what was written: a reply, a hand-off that a tool asked for, or one for a blocked text."""
        done = gerada.passos
        passos = Passos((*analise.chamadas, *done.chamadas), done.ferramentas, done.prompt_hash, done.prompts)
        if gerada.transferir is not None:
            return _handoff(Gatilho.PEDIDO_HUMANO, gerada.transferir, contexto, ouvido, situacao, decisao, passos)
        if gerada.revisao.bloqueada:
            found = ", ".join(gerada.revisao.violacoes)
            motivo = f"resposta do modelo bloqueada: {found}"
            return _handoff(Gatilho.RESPOSTA_BLOQUEADA, motivo, contexto, ouvido, situacao, decisao, passos)
        texto = gerada.revisao.texto
        if not contexto.apresentada:
            texto = f"{APRESENTACAO.replace('da empresa', f'da {self.empresa}')}\n\n{texto}"
        return Fim(
            Desfecho.RESPONDIDA,
            f"{decisao.regra}: {decisao.motivo}",
            ouvido,
            fragmentar(texto),
            situacao=situacao,
            decisao=decisao,
            passos=passos,
        )

    def _tools(self, contexto: Contexto, agora: datetime) -> ToolContext:
        first = contexto.recebidas[0]
        return ToolContext(
            db=self.db,
            agora=agora,
            conversation_id=contexto.conversation_id,
            medico_id=contexto.medico_id,
            fence=contexto.fence,
            cause=f"turno:{first.id}",
            inbox_id=first.id,
            especialidade_id=contexto.especialidade_id,
            uf=contexto.uf,
        )


def _handoff(
    gatilho: Gatilho,
    motivo: str,
    contexto: Contexto,
    estado: DoctorState,
    situacao: Situacao | None = None,
    decisao: Decisao | None = None,
    passos: Passos | None = None,
) -> Fim:
    """Give the conversation to a person; the courtesy message goes out with the change, not instead of it."""
    cause = f"transferencia:{contexto.recebidas[0].id}"
    return Fim(
        Desfecho.ENTREGUE_A_PESSOA,
        motivo,
        estado,
        (TRANSFERENCIA,),
        causa=cause,
        situacao=situacao,
        decisao=decisao,
        transferencia=gatilho,
        avisos=(NovoAviso(cause, TipoAviso.TRANSFERENCIA, motivo),),
        passos=passos or Passos(),
    )
