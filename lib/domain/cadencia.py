"""The follow-up cadence as data: 48 hours, 5 days, 15 days, then a pause of 60 (decision D7, domain facts 4.3)."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Estagio(StrEnum):
    """Where a conversation stands in the cadence; from `respondeu` on nobody follows up."""

    NOVO = "novo"
    MSG_ENVIADA = "msg_enviada"
    FOLLOWUP_1_ENVIADO = "followup_1_enviado"
    FOLLOWUP_2_ENVIADO = "followup_2_enviado"
    NAO_RESPONDEU = "nao_respondeu"
    RECONTATO = "recontato"
    RESPONDEU = "respondeu"
    QUALIFICADO = "qualificado"
    NEGOCIANDO = "negociando"
    FECHOU = "fechou"
    OPTOUT = "optout"


@dataclass(frozen=True, slots=True)
class Passo:
    """One step: `espera` counts from our last unanswered message; `com_vaga` asks for one real compatible shift."""

    de: Estagio
    espera: timedelta
    para: Estagio
    chave: str
    com_vaga: bool


CADENCIA: tuple[Passo, ...] = (
    Passo(Estagio.MSG_ENVIADA, timedelta(hours=48), Estagio.FOLLOWUP_1_ENVIADO, "followup_1", com_vaga=False),
    Passo(Estagio.FOLLOWUP_1_ENVIADO, timedelta(days=5), Estagio.FOLLOWUP_2_ENVIADO, "followup_2", com_vaga=True),
    Passo(Estagio.FOLLOWUP_2_ENVIADO, timedelta(days=15), Estagio.NAO_RESPONDEU, "followup_3", com_vaga=False),
)
PAUSA = timedelta(days=60)

_LEMBRETES = (
    "aqui é a Júlia, a assistente automatizada dos plantões. Conseguiu ver minha mensagem? Se quiser, te conto mais.",
    "é a Júlia, assistente automatizada dos plantões, de novo. Ficou alguma dúvida? Respondo por aqui quando puder.",
    (
        "passando só para lembrar da minha mensagem: sou a Júlia, assistente automatizada dos"
        " plantões. Faz sentido para você?"
    ),
)
_COM_VAGA = "é a Júlia, assistente automatizada dos plantões. Surgiu esta vaga: {vaga}. Quer que eu mande os detalhes?"
_SEM_VAGA = "é a Júlia, assistente automatizada dos plantões. Quer que eu avise quando surgir uma vaga para você?"
_DESPEDIDA = (
    "é a Júlia, assistente automatizada dos plantões. Não vou insistir: se um dia quiser ver vagas, é só me chamar. "
    "Para não receber mais mensagens, responda SAIR."
)


def texto(passo: Passo, nome: str, variante: int, vaga: str | None) -> str:
    """Text of a step; `variante` is any number the caller derives from the conversation, `vaga` a one-line shift."""
    saudacao = f"Oi, {nome.strip()}! " if nome.strip() else "Oi! "
    match passo.chave:
        case "followup_1":
            corpo = _LEMBRETES[variante % len(_LEMBRETES)]
        case "followup_2":
            corpo = _COM_VAGA.format(vaga=vaga.strip().rstrip(".")) if vaga and vaga.strip() else _SEM_VAGA
        case _:
            corpo = _DESPEDIDA
    return saudacao + corpo[0].upper() + corpo[1:]
