"""What is settled before any model: a stop, a person in charge, the question whether she is a machine."""

from __future__ import annotations

from datetime import datetime

from lib.agent.contexto import Contexto
from lib.agent.fim import Fim
from lib.domain.estado import Entrada, OptOut, Permissao, apply
from lib.domain.identidade import RESPOSTA_ROBO, pergunta_se_robo
from lib.domain.optout import CONFIRMACAO_OPTOUT, PERGUNTA_PARADA, Parada, classificar_parada
from lib.models.conversa import Controle
from lib.models.turno import Desfecho


def por_regra(contexto: Contexto, agora: datetime) -> Fim | None:
    """Settle the turn without a model, or return None; the reason is stored with it."""
    ouvido = apply(contexto.estado, Entrada(agora))
    paradas = [classificar_parada(recebida.texto) for recebida in contexto.recebidas]
    if contexto.estado.permissao is Permissao.OPTED_OUT:
        return Fim(Desfecho.SILENCIO, "o médico pediu para não receber mensagens", ouvido, regra="opted_out")
    if Parada.EXPLICITA in paradas:
        return _optout(contexto, paradas, agora)
    if contexto.controle == Controle.HUMANO:
        return Fim(Desfecho.SILENCIO, "a conversa está com uma pessoa da equipe", ouvido, regra="controle_humano")
    if Parada.INCERTA in paradas and contexto.parada_perguntada_em is None:
        return Fim(
            Desfecho.RESPONDIDA,
            "parada incerta: perguntada uma vez",
            ouvido,
            (PERGUNTA_PARADA,),
            regra="parada_incerta",
            parada_perguntada_em=agora,
        )
    if pergunta_se_robo(contexto.texto):
        return Fim(Desfecho.RESPONDIDA, "perguntou se é um robô", ouvido, (RESPOSTA_ROBO,), regra="pergunta_robo")
    return None


def _optout(contexto: Contexto, paradas: list[Parada], agora: datetime) -> Fim:
    cause = next(r for r, p in zip(contexto.recebidas, paradas, strict=True) if p is Parada.EXPLICITA)
    return Fim(
        Desfecho.OPTOUT,
        "pedido explícito de parada",
        apply(apply(contexto.estado, OptOut(agora)), Entrada(agora)),
        (CONFIRMACAO_OPTOUT,),
        causa=f"optout:{cause.id}",
        isenta=True,
        regra="optout",
        estagio="optout",
        cancela_tudo=True,
    )
