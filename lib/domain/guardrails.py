"""What keeps a message from going out, and when it may (domain facts 7.8, decisions D3, D4, D8, D27, D31)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lib.domain.estado import DoctorState, Permissao
from lib.domain.horario import janela_proativa, proxima_janela


class Bloqueio(StrEnum):
    """Why a message may not go out now."""

    OPTED_OUT = "opted_out"
    COOLING_OFF = "cooling_off"
    PROXIMO_CONTATO = "proximo_contato"
    LIMITE_CONTATOS = "limite_contatos"
    FORA_DO_HORARIO = "fora_do_horario"
    CONTROLE_HUMANO = "controle_humano"
    DESTINO_NAO_PERMITIDO = "destino_nao_permitido"
    POR_LER = "por_ler"
    PARADA_INCERTA = "parada_incerta"


CAP_CONTATOS = 5
CAP_JANELA = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Veredito:
    """`permitido_em` is the first instant (UTC) at which time alone would allow it; None when time does not mend it."""

    permitido: bool
    motivo: Bloqueio | None = None
    permitido_em: datetime | None = None


def _fim_do_cap(agora: datetime, contatos: Sequence[datetime]) -> datetime:
    """First instant at which fewer than CAP_CONTATOS lie in the window that ends there."""
    na_janela = sorted(em for em in contatos if em > agora - CAP_JANELA)
    return na_janela[-CAP_CONTATOS] + CAP_JANELA if len(na_janela) >= CAP_CONTATOS else agora


def avaliar_proativo(
    estado: DoctorState,
    agora: datetime,
    uf: str | None,
    contatos: Sequence[datetime],
    *,
    controlada_por_humano: bool,
) -> Veredito:
    """Judge one proactive send; `contatos` are the instants of the doctor's proactive sends, older ones harmless.

    Blocks by time carry the instant at which all of them have passed together. The doctor's first reason in the order
    hours, cool-off, agreed date, cap is named. Replies are not judged here: they go out at any hour.

    Raises:
        ValueError: `agora` is naive.
    """
    if estado.permissao is Permissao.OPTED_OUT:
        return Veredito(permitido=False, motivo=Bloqueio.OPTED_OUT)
    if controlada_por_humano:
        return Veredito(permitido=False, motivo=Bloqueio.CONTROLE_HUMANO)
    resfria = estado.cooling_off_ate if estado.permissao is Permissao.COOLING_OFF else None
    esperas = (
        (Bloqueio.COOLING_OFF, resfria or agora),
        (Bloqueio.PROXIMO_CONTATO, estado.proximo_contato_em or agora),
        (Bloqueio.LIMITE_CONTATOS, _fim_do_cap(agora, contatos)),
    )
    motivo = next((bloqueio for bloqueio, ate in esperas if ate > agora), None)
    if not janela_proativa(agora, uf):
        motivo = Bloqueio.FORA_DO_HORARIO
    if motivo is None:
        return Veredito(permitido=True)
    livre = max(agora, *(ate for _, ate in esperas))
    return Veredito(permitido=False, motivo=motivo, permitido_em=proxima_janela(livre, uf))
