"""Which chip sends a message: the rules that drop one, the order of those that are left, and the choice.

The send claim does this in SQL (`lib.queries.envio_escolha`) and stores what it looked at; the same is said here, so
that every choice can be made again from what was stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self

from lib.domain.chip import ENVIA, REPLIES, Gateway, StatusChip, TipoChip, TipoEnvio
from lib.domain.disjuntor import EstadoDisjuntor, estado

PERTO: Final = 10
"""How many candidates are stored with a choice; all of them in a pool of `TODOS` chips at the most."""
TODOS: Final = 50
TIER_MINIMO: Final = 250
"""People whom a Meta account of unknown tier may write first in 24 hours, all its numbers together."""


class Regra(StrEnum):
    """Why a chip cannot send this now: the first that holds, from what never changes to what time alone mends."""

    LISTENER = "listener"
    STATUS = "status"
    PERMISSAO = "permissao"
    TRUST = "trust"
    DESCONECTADO = "desconectado"
    RESTRITO = "restrito"
    COOLDOWN = "cooldown"
    DISJUNTOR = "disjuntor"
    LIMITE_DIA = "limite_dia"
    LIMITE_HORA = "limite_hora"
    PORTFOLIO = "portfolio"
    INTERVALO = "intervalo"
    ENDERECO = "endereco"
    JANELA = "janela"


@dataclass(frozen=True, slots=True)
class Candidato:
    """One chip as the claim saw it for one kind of send.

    `trust` 0 to 100. `permitido` is its permission for the kind; the limits are those in force, ramp-up included; uses
    are sends of the rolling hour and 24 hours, `hora_livre_em` and `dia_livre_em` when a full one gets room again
    (None: it has room, or none is given). `no_ar`: its breaker is not closed and a send is under way. `folga_conta` is
    how many people its Meta account may still write first (None: no Meta number). `ultimo_em` is its last send,
    `intervalo_s` the least time from any send to a proactive one. `vez` is its place in the order, from 0; `regra` what
    dropped it.
    """

    chip_id: int
    tipo: TipoChip
    status: StatusChip
    gateway: Gateway
    trust: int
    permitido: bool
    conectado: bool
    reply_only_until: datetime | None
    cooldown_ate: datetime | None
    aberto_ate: datetime | None
    no_ar: bool
    uso_hora: int
    limite_hora: int
    hora_livre_em: datetime | None
    uso_dia: int
    limite_dia: int
    dia_livre_em: datetime | None
    folga_conta: int | None
    ultimo_em: datetime | None
    intervalo_s: int
    vez: int
    regra: Regra | None

    @classmethod
    def read(cls, stored: Mapping[str, Any]) -> Self:
        """Return what was stored as JSON.

        Raises:
            KeyError: a field is missing.
        """
        values = {field.name: stored[field.name] for field in fields(cls)}
        instants = ("reply_only_until", "cooldown_ate", "aberto_ate", "hora_livre_em", "dia_livre_em", "ultimo_em")
        values |= {name: datetime.fromisoformat(values[name]) for name in instants if values[name] is not None}
        values |= {
            "tipo": TipoChip(values["tipo"]),
            "status": StatusChip(values["status"]),
            "gateway": Gateway(values["gateway"]),
            "regra": Regra(values["regra"]) if values["regra"] else None,
        }
        return cls(**values)

    @property
    def intervalo_ate(self) -> datetime | None:
        """When a proactive send may follow its last one."""
        return None if self.ultimo_em is None else self.ultimo_em + timedelta(seconds=self.intervalo_s)

    @property
    def folga(self) -> int:
        """How many more it may send now by its limits."""
        return min(self.limite_hora - self.uso_hora, self.limite_dia - self.uso_dia)


@dataclass(frozen=True, slots=True)
class Pedido:
    """What is the message's own in the choice.

    `afim_conversa` is its conversation's chip, `afim_medico` the doctor's last one where the conversation has none.
    `so_meta` says whether the doctor is reached through Meta alone, not at all through it, or (None) either way;
    `janelas` and `modelos` name the Meta numbers that may say anything to them now, and those that have an approved
    template for this. `lugar` is its place in the claim's batch: it begins at the `lugar`-th chip of the order, going
    round after `rotacao`.
    """

    tipo: TipoEnvio
    agora: datetime
    minimo: int
    reserva: int
    afim_conversa: int | None = None
    afim_medico: int | None = None
    so_meta: bool | None = None
    janelas: frozenset[int] = frozenset()
    modelos: frozenset[int] = frozenset()
    lugar: int = 0
    rotacao: int = 1

    @classmethod
    def read(cls, stored: Mapping[str, Any], tipo: str, agora: datetime) -> Self:
        """Return what was stored as JSON, of a choice made then.

        Raises:
            KeyError: a field is missing.
        """
        return cls(
            tipo=TipoEnvio(tipo),
            agora=agora,
            minimo=stored["minimo"],
            reserva=stored["reserva"],
            afim_conversa=stored["afim_conversa"],
            afim_medico=stored["afim_medico"],
            so_meta=stored["so_meta"],
            janelas=frozenset(stored["janelas"] or ()),
            modelos=frozenset(stored["modelos"] or ()),
            lugar=stored["lugar"],
            rotacao=stored["rotacao"],
        )

    @property
    def proativo(self) -> bool:
        """Whether it writes to somebody who did not just write to us."""
        return self.tipo not in REPLIES


@dataclass(frozen=True, slots=True)
class Decisao:
    """One stored choice. `candidatos` are the nearest chips and those it was about, by their place in the order.

    `chips` is the size of the pool, `elegiveis` how many no rule dropped, `descartes` how many each rule did. `chip_id`
    is the winner, None when none could send it; `cedeu` is then the one whose room went to others of the batch.
    """

    pedido: Pedido
    candidatos: tuple[Candidato, ...]
    chips: int
    elegiveis: int
    descartes: Mapping[Regra, int]
    chip_id: int | None
    cedeu: int | None = None


def regra_do_chip(chip: Candidato, pedido: Pedido) -> Regra | None:
    """Return the first rule that drops this chip for this kind of send, whoever the doctor is."""
    breaker = estado(chip.aberto_ate, pedido.agora)
    held = breaker is EstadoDisjuntor.ABERTO or (breaker is EstadoDisjuntor.MEIO_ABERTO and chip.no_ar)
    spaced = chip.intervalo_s == 0 or _over(chip.intervalo_ate, pedido.agora)
    drops = (
        (Regra.LISTENER, chip.tipo is not TipoChip.JULIA),
        (Regra.STATUS, pedido.tipo not in ENVIA.get(chip.status, frozenset())),
        (Regra.PERMISSAO, not chip.permitido),
        (Regra.TRUST, chip.trust < pedido.reserva),
        (Regra.DESCONECTADO, not chip.conectado),
        (Regra.RESTRITO, pedido.proativo and not _over(chip.reply_only_until, pedido.agora)),
        (Regra.COOLDOWN, not _over(chip.cooldown_ate, pedido.agora)),
        (Regra.DISJUNTOR, held),
        (Regra.LIMITE_DIA, chip.uso_dia >= chip.limite_dia),
        (Regra.LIMITE_HORA, chip.uso_hora >= chip.limite_hora),
        (Regra.PORTFOLIO, pedido.proativo and chip.folga_conta is not None and chip.folga_conta <= 0),
        (Regra.INTERVALO, pedido.proativo and not spaced),
    )
    return next((regra for regra, drops_it in drops if drops_it), None)


def regra_do_pedido(chip: Candidato, pedido: Pedido) -> Regra | None:
    """Return the first rule that drops this chip for this very message."""
    regra = regra_do_chip(chip, pedido)
    if regra is not None:
        return regra
    meta = chip.gateway is Gateway.META
    if pedido.so_meta is not None and pedido.so_meta is not meta:
        return Regra.ENDERECO
    if meta and chip.chip_id not in pedido.janelas and chip.chip_id not in pedido.modelos:
        return Regra.JANELA
    return None


def ordem(chip: Candidato, pedido: Pedido) -> tuple[Any, ...]:
    """Return where a chip that can send it stands in the choice; the least wins.

    Who reaches the minimum of trust, the conversation's chip, the doctor's, then by turns from the least used and the
    higher trust. The first of a batch takes the first; the others begin further on, or all would want the same one.
    """
    turn = (chip.uso_hora, -chip.trust, chip.chip_id) if pedido.lugar == 0 else _turn(chip, pedido)
    return (
        chip.trust < pedido.minimo,
        chip.chip_id != pedido.afim_conversa,
        chip.chip_id != pedido.afim_medico,
        *turn,
    )


def vencedor(candidatos: Sequence[Candidato], pedido: Pedido) -> int | None:
    """Make the choice; None when no candidate can send it."""
    able = [chip for chip in candidatos if regra_do_pedido(chip, pedido) is None]
    return min(able, key=lambda chip: ordem(chip, pedido)).chip_id if able else None


def _turn(chip: Candidato, pedido: Pedido) -> tuple[int, int]:
    turn = (chip.vez - pedido.lugar) % pedido.rotacao if chip.vez < pedido.rotacao else pedido.rotacao
    return turn, chip.vez


def _over(ate: datetime | None, agora: datetime) -> bool:
    return ate is None or ate <= agora
