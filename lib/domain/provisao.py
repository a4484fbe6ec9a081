"""A new number, step by step: what comes after what, how long it may take, and what a person does where it stops."""

import re
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class EtapaProvisao(StrEnum):
    """How far an order is; each names what is done, and the next step is what follows it."""

    PEDIDA = "pedida"
    COMPRADA = "comprada"
    NA_FILA = "na_fila"
    ATIVADA = "ativada"
    INSTANCIADA = "instanciada"
    PRONTA = "pronta"
    DESISTIDA = "desistida"


class DesfechoAtivacao(StrEnum):
    """How an activation ended. `perdida`: the activator forgot it, so that nobody knows."""

    SUCESSO = "sucesso"
    FALHA = "falha"
    ESGOTADA = "esgotada"
    PERDIDA = "perdida"


FINAIS: Final = frozenset({EtapaProvisao.PRONTA, EtapaProvisao.DESISTIDA})
PRAZO: Final = timedelta(minutes=30)
"""From the order to a number in warm-up; after it the order waits for a person."""
ATIVACOES_POR_DIA: Final = 2
"""WhatsApp makes a number that asks for codes too often wait for hours."""
DIA: Final = timedelta(hours=24)
ATIVACAO_MAX: Final = timedelta(minutes=10)
"""An activation takes 2 to 8 minutes; one that was forgotten before is beyond hope after this."""

PROXIMO: Final[Mapping[EtapaProvisao, str]] = MappingProxyType(
    {
        EtapaProvisao.PEDIDA: "comprar o número na Salvy",
        EtapaProvisao.COMPRADA: "pedir a ativação no WhatsApp",
        EtapaProvisao.NA_FILA: "esperar a ativação, com o código do SMS",
        EtapaProvisao.ATIVADA: "criar a instância com o webhook",
        EtapaProvisao.INSTANCIADA: "parear a instância com o número",
    }
)
FEITO: Final[Mapping[EtapaProvisao, str]] = MappingProxyType(
    {
        EtapaProvisao.PEDIDA: "pedido anotado",
        EtapaProvisao.COMPRADA: "número comprado na Salvy",
        EtapaProvisao.NA_FILA: "ativação na fila do ativador",
        EtapaProvisao.ATIVADA: "número ativado no WhatsApp",
        EtapaProvisao.INSTANCIADA: "instância criada, com o webhook",
        EtapaProvisao.PRONTA: "chip em aquecimento",
        EtapaProvisao.DESISTIDA: "pedido desistido",
    }
)

_DIGITOS: Final = re.compile(r"\d[\d .-]{2,}\d")
PALAVRAS_MAX: Final = 120


def instancia_de(pedido_id: int) -> str:
    """Name the instance of an order's number, without a digit of the number."""
    return f"julia-{pedido_id:04d}"


def sem_digitos(palavras: str | None) -> str | None:
    """Return a vendor's words for people, shortened, without any number of four digits or more: one may be a code."""
    return _DIGITOS.sub("…", palavras)[:PALAVRAS_MAX] if palavras else None


def o_que_fazer(etapa: EtapaProvisao, pedido_id: int) -> str:
    """Say what a person does with an order that stopped at this step."""
    continuar, desistir = f"`agente chip continuar {pedido_id}`", f"`agente chip desistir {pedido_id} --sim`"
    if etapa in {EtapaProvisao.COMPRADA, EtapaProvisao.NA_FILA}:
        return (
            f"confira no ativador se o número entrou no WhatsApp: se entrou, {continuar[:-1]} --ativado`;"
            f" se não, {continuar} pede outra ativação e {desistir} devolve o número"
        )
    if etapa is EtapaProvisao.INSTANCIADA:
        return f"pareie com `agente chip qr {instancia_de(pedido_id)}`; depois {continuar}, ou {desistir}"
    return f"{continuar} tenta de novo e {desistir} encerra o pedido"
