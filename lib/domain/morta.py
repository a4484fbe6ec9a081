"""What went no further and waits for a person: four kinds, each with what can be done."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class ClasseMorta(StrEnum):
    """Why something is on the list."""

    CONVERSA_MORTA = "conversa_morta"
    ILEGIVEL = "ilegivel"
    SEM_RESPOSTA = "sem_resposta"
    ENVIO_MORTO = "envio_morto"
    ENVIO_INCERTO = "envio_incerto"


O_QUE_FAZER: Mapping[ClasseMorta, str] = MappingProxyType(
    {
        ClasseMorta.CONVERSA_MORTA: "corrija a causa e reprocesse: a conversa volta à fila com as mesmas mensagens",
        ClasseMorta.ILEGIVEL: "reprocesse depois de atualizar o programa: os bytes guardados são lidos de novo",
        ClasseMorta.SEM_RESPOSTA: "responda pelo celular, assuma a conversa, ou reprocesse para a Júlia responder",
        ClasseMorta.ENVIO_MORTO: "veja o motivo e reprocesse: a mesma mensagem volta à fila",
        ClasseMorta.ENVIO_INCERTO: "confira no celular se chegou; reprocessada, só sai se o histórico não a tiver,"
        " ou, onde não há histórico, se você pedir só por ela",
    }
)
