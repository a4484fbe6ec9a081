"""Handing a conversation to a person: why, and how long that person may be silent before Júlia takes it back."""

from datetime import timedelta
from enum import StrEnum

SILENCIO_HUMANO = timedelta(hours=12)


class Gatilho(StrEnum):
    """Why a conversation went to a person (domain facts 7.6)."""

    PEDIDO_HUMANO = "pedido_humano"
    JURIDICO = "juridico"
    SENTIMENTO_NEGATIVO = "sentimento_negativo"
    BAIXA_CONFIANCA = "baixa_confianca"
    POLICY_GRAVE_OBJECTION = "policy_grave_objection"
    POLICY = "policy"
    MIDIA = "midia"
    RESPOSTA_BLOQUEADA = "resposta_bloqueada"
    MODELO_RECUSOU = "modelo_recusou"
    CELULAR = "celular"
    MANUAL = "manual"


class StatusTransferencia(StrEnum):
    """`pendente` waits for a person, `assumida` has one, `resolvida` is back with Júlia."""

    PENDENTE = "pendente"
    ASSUMIDA = "assumida"
    RESOLVIDA = "resolvida"


class TipoAviso(StrEnum):
    """What a person is told of."""

    TRANSFERENCIA = "transferencia"
    INTERESSE = "interesse"
    RESPOSTA_BLOQUEADA = "resposta_bloqueada"
    SEM_RESPOSTA = "sem_resposta"
    MENSAGEM_MORTA = "mensagem_morta"
    ENTREGA = "entrega"
    INTEGRACAO = "integracao"
    CHIP = "chip"
    CHIP_PERDIDO = "chip_perdido"
    POOL = "pool"
