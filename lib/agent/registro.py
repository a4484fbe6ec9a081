"""A finished turn as the rows that it writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from lib.agent.contexto import Contexto
from lib.agent.fim import Fim, Passos
from lib.domain.custo import custo_micro_usd
from lib.domain.optout import Parada, classificar_parada
from lib.domain.policy import VERSAO_POLICY, EntradaPolicy
from lib.domain.policy_json import para_json
from lib.domain.situacao import Situacao
from lib.models.conversa import Controle, StatusConversa
from lib.queries.turno import AvisoRow, ConversationChange, HandoffRow, OutboxRow, StateChange, TurnCommit, TurnRow

LEITURA_S_POR_CARACTERE = 0.01


def commit(
    contexto: Contexto,
    fim: Fim,
    *,
    iniciado_em: datetime,
    terminado_em: datetime,
    etapas: Mapping[str, float],
    custos: Mapping[str, int],
    pausa_max_s: float,
) -> TurnCommit:
    """Return everything the turn writes."""
    return TurnCommit(
        turn=_row(contexto, fim, iniciado_em, terminado_em, dict(etapas), dict(custos)),
        vistas=tuple((recebida.id, recebida.revisao) for recebida in contexto.recebidas),
        outbox=_outbox(contexto, fim, pausa_max_s),
        state=_state(contexto, fim),
        conversation=_conversation(fim),
        handoff=HandoffRow(fim.transferencia, fim.motivo) if fim.transferencia else None,
        avisos=tuple(AvisoRow(aviso.chave, aviso.tipo, aviso.texto) for aviso in fim.avisos),
        esquece=fim.esquece,
        cancela="opted_out" if fim.cancela_tudo else "o médico respondeu",
        cancela_tudo=fim.cancela_tudo,
        efeitos=contexto.causa_dos_efeitos,
        lembretes=tuple(sorted(fim.passos.lembretes)),
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
        regras_desligadas=contexto.chaves.regras_desligadas,
    )


def _row(
    contexto: Contexto,
    fim: Fim,
    iniciado_em: datetime,
    terminado_em: datetime,
    etapas: dict[str, float],
    custos: dict[str, int],
) -> TurnRow:
    passos = fim.passos
    entrada = para_json(policy_input(contexto, fim.situacao, iniciado_em)) if fim.situacao else None
    return TurnRow(
        conversation_id=contexto.conversation_id,
        medico_id=contexto.medico_id,
        fence=contexto.fence,
        tentativa=contexto.tentativa,
        desfecho=fim.desfecho,
        motivo=fim.motivo,
        regra=fim.decisao.regra if fim.decisao else fim.regra,
        versao_policy=VERSAO_POLICY if fim.decisao else None,
        modo=fim.modo.modo if fim.modo else None,
        entrada=entrada or (dict(fim.entrada) if fim.entrada else None),
        decisao=_plain(asdict(fim.decisao)) if fim.decisao else None,
        situacao=entrada["situacao"] if entrada else None,
        modelo=passos.chamadas[-1].modelo if passos.chamadas else None,
        prompt_hash=passos.prompt_hash,
        prompts=dict(passos.prompts) or None,
        chamadas=[asdict(chamada) for chamada in passos.chamadas] or None,
        ferramentas=[_plain(asdict(usada)) for usada in passos.ferramentas] or None,
        etapas=etapas | _per_kind(passos),
        custos=custos,
        custo_micro_usd=_cost(passos),
        iniciado_em=iniciado_em,
        terminado_em=terminado_em,
    )


def _per_kind(passos: Passos) -> dict[str, float]:
    """Milliseconds of generation and of tools, where there were any."""
    spent = {
        "modelo": [c.ms for c in passos.chamadas if c.finalidade != "analise"],
        "ferramentas": [f.ms for f in passos.ferramentas],
    }
    return {name: round(sum(ms), 2) for name, ms in spent.items() if ms}


def _cost(passos: Passos) -> int | None:
    """Price of the calls in micro-USD; None when a model's price is not known."""
    prices = [
        custo_micro_usd(c.modelo, c.uso.entrada, c.uso.saida, c.uso.cache_escrita, c.uso.cache_leitura)
        for c in passos.chamadas
    ]
    known = [price for price in prices if price is not None]
    return sum(known) if len(known) == len(prices) else None


def _outbox(contexto: Contexto, fim: Fim, pausa_max_s: float) -> tuple[OutboxRow, ...]:
    """Return the fragments in order; each pause lies in its due time, so that nothing blocks (decision D30)."""
    cause = fim.causa if ":" in fim.causa else f"{fim.causa}:{contexto.causa}"
    pausa = 0.0
    rows: list[OutboxRow] = []
    for n, texto in enumerate(fim.textos):
        pausa += min(pausa_max_s, len(texto) * LEITURA_S_POR_CARACTERE)
        rows.append(OutboxRow(cause if n == 0 else f"{cause}:{n + 1}", texto, pausa, fim.isenta))
    return tuple(rows)


def _conversation(fim: Fim) -> ConversationChange:
    handed = fim.transferencia is not None
    modo = fim.modo
    return ConversationChange(
        controle=Controle.HUMANO if handed else None,
        status=StatusConversa.ESCALATED if handed else None,
        estagio=fim.estagio,
        modo=modo.modo if modo else None,
        modo_em=modo.em if modo else None,
        modo_motivo=modo.motivo if modo else None,
        modo_pendente=modo.pendente if modo else None,
        modo_pendente_em=modo.pendente_em if modo else None,
    )


def _state(contexto: Contexto, fim: Fim) -> StateChange:
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
    """Return the value with instants as ISO text and sets in order, so that it can be stored as JSON."""
    match value:
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case frozenset():
            return sorted(_plain(item) for item in value)
        case list() | tuple():
            return [_plain(item) for item in value]
        case datetime():
            return value.isoformat()
        case _:
            return value
