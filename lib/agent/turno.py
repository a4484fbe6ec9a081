"""One turn: rules, one analysis, one decision, one reply. It writes nothing: it returns what to commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

from lib import ledger
from lib.agent import prompts
from lib.agent.contexto import Contexto
from lib.agent.responder import Responder
from lib.agent.situacao import analisar_situacao
from lib.agent.tools import ToolContext
from lib.clock import Clock
from lib.db import Database
from lib.domain.custo import custo_micro_usd
from lib.domain.estado import DoctorState, Entrada, OptOut, Permissao, apply
from lib.domain.identidade import APRESENTACAO, RESPOSTA_ROBO, pergunta_se_robo
from lib.domain.optout import CONFIRMACAO_OPTOUT, PERGUNTA_PARADA, Parada, classificar_parada
from lib.domain.policy import VERSAO_POLICY, Acao, Decisao, EntradaPolicy, decidir
from lib.domain.resposta import fragmentar
from lib.domain.situacao import Situacao
from lib.errors import ModelRefusedError
from lib.models.conversa import Controle, StatusConversa
from lib.models.turno import Desfecho
from lib.providers.llm import Uso
from lib.queries.turno import ConversationChange, OutboxRow, StateChange, TurnCommit, TurnRow

TRANSFERENCIA = "Vou chamar uma pessoa da nossa equipe para continuar com você por aqui, tudo bem?"
LEITURA_S_POR_CARACTERE = 0.01


@dataclass(frozen=True, slots=True)
class Fim:
    """How a turn ends: its outcome, why, and what is to be said."""

    desfecho: Desfecho
    motivo: str
    estado: DoctorState
    textos: tuple[str, ...] = ()
    causa: str = "resposta"
    isenta: bool = False
    conversa: ConversationChange = field(default_factory=ConversationChange)
    situacao: Situacao | None = None
    decisao: Decisao | None = None
    parada_perguntada_em: datetime | None = None
    cancela_tudo: bool = False
    usos: tuple[Uso, ...] = ()


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
        fim = self._by_rule(contexto, agora) or await self._by_model(contexto, agora, relogio)
        return self._commit(contexto, fim, agora, relogio, conta)

    def _by_rule(self, contexto: Contexto, agora: datetime) -> Fim | None:
        """Settle what no model may decide: a stop, a person in charge, the question whether she is a machine."""
        ouvido = apply(contexto.estado, Entrada(agora))
        paradas = [classificar_parada(recebida.texto) for recebida in contexto.recebidas]
        if contexto.estado.permissao is Permissao.OPTED_OUT:
            return Fim(Desfecho.SILENCIO, "o médico pediu para não receber mensagens", ouvido)
        if Parada.EXPLICITA in paradas:
            cause = next(r for r, p in zip(contexto.recebidas, paradas, strict=True) if p is Parada.EXPLICITA)
            return Fim(
                Desfecho.OPTOUT,
                "pedido explícito de parada",
                apply(apply(contexto.estado, OptOut(agora)), Entrada(agora)),
                (CONFIRMACAO_OPTOUT,),
                causa=f"optout:{cause.id}",
                isenta=True,
                conversa=ConversationChange(estagio="optout"),
                cancela_tudo=True,
            )
        if contexto.controle == Controle.HUMANO:
            return Fim(Desfecho.SILENCIO, "a conversa está com uma pessoa da equipe", ouvido)
        if Parada.INCERTA in paradas and contexto.parada_perguntada_em is None:
            return Fim(
                Desfecho.RESPONDIDA,
                "parada incerta: perguntada uma vez",
                ouvido,
                (PERGUNTA_PARADA,),
                parada_perguntada_em=agora,
            )
        if pergunta_se_robo(contexto.texto):
            return Fim(Desfecho.RESPONDIDA, "perguntou se é um robô", ouvido, (RESPOSTA_ROBO,))
        return None

    async def _by_model(self, contexto: Contexto, agora: datetime, relogio: Relogio) -> Fim:
        prazo = monotonic() + self.turno_max_s
        try:
            with relogio.etapa("analise"):
                situacao, uso = await analisar_situacao(
                    contexto, self.responder.modelo, self.responder.nome_modelo, self.turno_max_s
                )
        except ModelRefusedError as refused:
            return _handoff(contexto, f"o modelo recusou a análise: {refused}", apply(contexto.estado, Entrada(agora)))
        ouvido = apply(contexto.estado, Entrada(agora, situacao.objecao))
        decisao = decidir(policy_input(contexto, situacao, agora))
        if decisao.acao is Acao.HANDOFF:
            return _handoff(contexto, f"{decisao.regra}: {decisao.motivo}", ouvido, situacao, decisao, (uso,))
        if decisao.acao is Acao.WAIT:
            motivo = f"{decisao.regra}: {decisao.motivo}"
            return Fim(Desfecho.SILENCIO, motivo, ouvido, situacao=situacao, decisao=decisao, usos=(uso,))
        tools = ToolContext(self.db, agora, contexto.especialidade_id, contexto.uf)
        try:
            gerada = await self.responder.gerar_resposta(contexto, situacao, decisao, tools, prazo)
        except ModelRefusedError as refused:
            return _handoff(contexto, f"o modelo recusou o pedido: {refused}", ouvido, situacao, decisao, (uso,))
        relogio.etapas |= {"modelo": round(gerada.modelo_ms, 2), "ferramentas": round(gerada.ferramentas_ms, 2)}
        usos = (uso, *gerada.usos)
        if gerada.revisao.bloqueada:
            found = ", ".join(gerada.revisao.violacoes)
            return _handoff(contexto, f"resposta do modelo bloqueada: {found}", ouvido, situacao, decisao, usos)
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
            usos=usos,
        )

    def _commit(
        self, contexto: Contexto, fim: Fim, agora: datetime, relogio: Relogio, conta: ledger.Ledger
    ) -> TurnCommit:
        first = contexto.recebidas[0].id
        cause = fim.causa if ":" in fim.causa else f"{fim.causa}:{first}"
        pausa = 0.0
        outbox: list[OutboxRow] = []
        for n, texto in enumerate(fim.textos):
            pausa += min(self.pausa_max_s, len(texto) * LEITURA_S_POR_CARACTERE)
            outbox.append(OutboxRow(cause if n == 0 else f"{cause}:{n + 1}", texto, pausa, fim.isenta))
        return TurnCommit(
            turn=self._row(contexto, fim, agora, relogio, conta),
            inbox_ids=tuple(recebida.id for recebida in contexto.recebidas),
            outbox=tuple(outbox),
            state=_change(contexto, fim),
            conversation=fim.conversa,
            cancela="opted_out" if fim.cancela_tudo else "o médico respondeu",
            cancela_tudo=fim.cancela_tudo,
        )

    def _row(self, contexto: Contexto, fim: Fim, agora: datetime, relogio: Relogio, conta: ledger.Ledger) -> TurnRow:
        nome = self.responder.nome_modelo
        prices = [
            custo_micro_usd(nome, uso.entrada, uso.saida, uso.cache_escrita, uso.cache_leitura) for uso in fim.usos
        ]
        known = [price for price in prices if price is not None]
        return TurnRow(
            conversation_id=contexto.conversation_id,
            medico_id=contexto.medico_id,
            fence=contexto.fence,
            desfecho=fim.desfecho,
            motivo=fim.motivo,
            regra=fim.decisao.regra if fim.decisao else None,
            versao_policy=VERSAO_POLICY if fim.decisao else None,
            entrada=stored_input(contexto, fim.situacao, agora) if fim.situacao else None,
            decisao=_plain(asdict(fim.decisao)) if fim.decisao else None,
            situacao=stored_input(contexto, fim.situacao, agora)["situacao"] if fim.situacao else None,
            modelo=nome if conta.llm_calls else None,
            prompt_hash=prompts.load("julia").hash if conta.llm_calls else None,
            etapas=relogio.etapas,
            custos=conta.counts(),
            custo_micro_usd=sum(known) if len(known) == len(prices) else None,
            iniciado_em=agora,
            terminado_em=self.clock(),
        )


def policy_input(contexto: Contexto, situacao: Situacao, agora: datetime) -> EntradaPolicy:
    """Return what the policy decides on: the state before the message, plus the message (decision D12)."""
    return EntradaPolicy(
        estado=contexto.estado,
        situacao=situacao,
        agora=agora,
        primeira_mensagem=not contexto.passadas,
        conversa_ativa=contexto.conversa_ativa,
        motor_ligado=contexto.chaves.motor_ligado,
        modo_seguro=contexto.chaves.modo_seguro,
    )


def stored_input(contexto: Contexto, situacao: Situacao, agora: datetime) -> dict[str, Any]:
    """Return the policy's input as stored, from which its reason can be computed again; no words of the doctor's."""
    entrada: dict[str, Any] = _plain(asdict(policy_input(contexto, situacao, agora)))
    if entrada["situacao"]["objecao"]:
        entrada["situacao"]["objecao"]["trecho"] = ""
    return entrada


def _handoff(
    contexto: Contexto,
    motivo: str,
    estado: DoctorState,
    situacao: Situacao | None = None,
    decisao: Decisao | None = None,
    usos: tuple[Uso, ...] = (),
) -> Fim:
    """Give the conversation to a person; the courtesy message goes out with the change, not instead of it."""
    return Fim(
        Desfecho.ENTREGUE_A_PESSOA,
        motivo,
        estado,
        (TRANSFERENCIA,),
        causa=f"transferencia:{contexto.recebidas[0].id}",
        conversa=ConversationChange(controle=Controle.HUMANO, status=StatusConversa.ESCALATED),
        situacao=situacao,
        decisao=decisao,
        usos=usos,
    )


def _change(contexto: Contexto, fim: Fim) -> StateChange:
    before, after = contexto.estado, fim.estado
    # An unclear stop that was asked back holds until the doctor writes something that is no stop.
    still = any(classificar_parada(recebida.texto) is Parada.INCERTA for recebida in contexto.recebidas)
    return StateChange(
        permissao=after.permissao,
        cooling_off_ate=after.cooling_off_ate,
        ciclo=after.ciclo,
        tendencia=after.tendencia,
        delta_temperatura=round(after.temperatura - before.temperatura, 2),
        ultima_entrada_em=after.ultima_entrada_em,
        objecao=after.objecao,
        objecao_severidade=after.objecao_severidade,
        objecao_em=after.objecao_em,
        objecao_resolvida_em=after.objecao_resolvida_em,
        parada_perguntada_em=fim.parada_perguntada_em or (contexto.parada_perguntada_em if still else None),
    )


def _plain(value: Any) -> Any:
    """Return the value with instants as ISO text, so that it can be stored as JSON."""
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case datetime():
            return value.isoformat()
        case _:
            return value
