"""One choice of a chip as people read it: the winner and why, every candidate and why not, and what would change it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lib.db import Database
from lib.domain.referencia import Lado, Referencia
from lib.domain.selecao import Candidato
from lib.domain.selecao_leitura import DESCARTES, contrafactual, porque_nao, porque_venceu
from lib.queries import decisao, mensagem
from lib.queries.decisao import DecisaoGuardada

TENTATIVAS = 20


@dataclass(frozen=True, slots=True)
class CandidatoVisto:
    """One chip of the choice with its inputs. `regra` is None for one that could send it.

    `mudaria` says what would have made it eligible, or the winner; `mudaria_em` when that comes by itself.
    """

    chip: str
    venceu: bool
    porque: str
    regra: str | None
    mudaria: str | None
    mudaria_em: datetime | None
    entradas: Candidato


@dataclass(frozen=True, slots=True)
class DecisaoVista:
    """One choice. `descartes` counts by rule the chips of the whole pool; `candidatos` are all of it up to 50 chips.

    Of a larger pool they are the nearest ten and those that the choice was about.
    """

    id: int
    envio: str
    em: datetime
    tipo: str
    chip: str | None
    porque: str
    minimo: int
    reserva: int
    afim_conversa: str | None
    afim_medico: str | None
    lugar: int
    chips: int
    elegiveis: int
    descartes: dict[str, int]
    candidatos: tuple[CandidatoVisto, ...]


async def ver_decisao(db: Database, decisao_id: int) -> DecisaoVista | None:
    """Return one choice; None when there is no such one."""
    found = await decisao.by_id(db, decisao_id)
    return _seen(found) if found else None


async def decisoes_da_mensagem(db: Database, referencia: Referencia) -> list[DecisaoVista] | None:
    """Return the choices made for a message to send, or for those that answered a received one; the newest first.

    None when there is no such message.
    """
    if referencia.lado is Lado.SAIDA:
        sent = await mensagem.outbound(db, referencia.id)
        ids = [referencia.id] if sent else None
    else:
        received = await mensagem.inbound(db, referencia.id) if referencia.lado is Lado.ENTRADA else None
        ids = None if received is None else await _answers(db, received["turn_id"])
    if ids is None:
        return None
    return [_seen(one) for one in await decisao.of_messages(db, ids, TENTATIVAS)]


async def _answers(db: Database, turn_id: int | None) -> list[int]:
    if turn_id is None:
        return []
    _, sends = await mensagem.turn(db, turn_id)
    return [sent["id"] for sent in sends]


def _seen(found: DecisaoGuardada) -> DecisaoVista:
    made, pedido = found.decisao, found.decisao.pedido

    def name(chip_id: int | None) -> str | None:
        return None if chip_id is None else found.nomes.get(chip_id, f"chip {chip_id}")

    return DecisaoVista(
        id=found.id,
        envio=f"s{found.outbox_id}",
        em=found.em,
        tipo=pedido.tipo.value,
        chip=name(made.chip_id),
        porque=porque_venceu(made) if made.chip_id else _nobody(made.cedeu, name(made.cedeu)),
        minimo=pedido.minimo,
        reserva=pedido.reserva,
        afim_conversa=name(pedido.afim_conversa),
        afim_medico=name(pedido.afim_medico),
        lugar=pedido.lugar,
        chips=made.chips,
        elegiveis=made.elegiveis,
        descartes={DESCARTES[regra]: n for regra, n in made.descartes.items()},
        candidatos=tuple(_candidate(chip, found, name(chip.chip_id) or "") for chip in made.candidatos),
    )


def _nobody(cedeu: int | None, name: str | None) -> str:
    if cedeu is None:
        return "nenhum chip podia enviar isto"
    return f"a folga de {name} foi para outros envios do mesmo lote"


def _candidate(chip: Candidato, found: DecisaoGuardada, name: str) -> CandidatoVisto:
    made = found.decisao
    won = chip.chip_id == made.chip_id
    change = None if won else contrafactual(chip, made)
    return CandidatoVisto(
        chip=name,
        venceu=won,
        porque=porque_venceu(made) if won else porque_nao(chip, made),
        regra=chip.regra,
        mudaria=change.texto if change else None,
        mudaria_em=change.em if change else None,
        entradas=chip,
    )
