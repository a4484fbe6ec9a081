"""A chip's score as people read it, computed anew from its stored inputs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lib.db import Database
from lib.domain.chip import FaseWarmup, NivelTrust, StatusChip, TipoChip
from lib.domain.trust import FORMULAS, Trust
from lib.domain.trust_leitura import (
    LimitesVistos,
    MudancaDeParte,
    Nota,
    Parte,
    consequencias,
    limites_vistos,
    mudancas,
    partes,
)
from lib.domain.trust_passo import Passo, proximo_passo
from lib.errors import AgenteError
from lib.queries import trust_historico
from lib.queries.trust_historico import ChipComNotas


class UnknownFormulaError(AgenteError):
    """A score was stored by a formula that is none of ours any more; its name is the message."""


@dataclass(frozen=True, slots=True)
class NotaVista:
    """The last score, what changed since the one before (None: it is the first), and what to do next.

    `diverge` names what the chip's row holds otherwise.
    """

    em: datetime
    formula: str
    score: int
    nivel: NivelTrust
    pode_prospectar: bool
    pode_followup: bool
    pode_responder: bool
    delay_minimo_s: int
    limites: LimitesVistos
    partes: tuple[Parte, ...]
    anterior_em: datetime | None
    anterior_score: int | None
    mudancas: tuple[MudancaDeParte, ...]
    consequencias: tuple[str, ...]
    passo: Passo
    diverge: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScoreVisto:
    """A chip and its score; `nota` None: it was never scored.

    `fase` is its phase now; until `reply_only_until` it writes to nobody first; `limite_conta` is how many people its
    Meta account may write to first in 24 hours, all numbers together (None: no Meta number).
    """

    chip: str
    id: int
    tipo: TipoChip
    status: StatusChip
    fase: FaseWarmup
    reply_only_until: datetime | None
    limite_conta: int | None
    nota: NotaVista | None


async def ver_score(db: Database, nome: str) -> ScoreVisto | None:
    """Return the score of a chip, by its instance name or its id; None when there is no such chip.

    Raises:
        UnknownFormulaError: one of its last two scores cannot be computed anew.
    """
    chip = await trust_historico.of_chip(db, nome)
    if chip is None:
        return None
    for nota in chip.notas:
        if nota.formula not in FORMULAS:
            raise UnknownFormulaError(nota.formula)
    return ScoreVisto(
        chip=chip.instancia,
        id=chip.id,
        tipo=chip.tipo,
        status=chip.status,
        fase=chip.fase,
        reply_only_until=chip.reply_only_until,
        limite_conta=chip.limite_conta,
        nota=_nota(chip, *chip.notas) if chip.notas else None,
    )


def _nota(chip: ChipComNotas, nota: Nota, anterior: Nota | None = None) -> NotaVista:
    trust = nota.trust
    return NotaVista(
        em=nota.em,
        formula=nota.formula,
        score=trust.score,
        nivel=trust.nivel,
        pode_prospectar=trust.pode_prospectar,
        pode_followup=trust.pode_followup,
        pode_responder=trust.pode_responder,
        delay_minimo_s=trust.delay_minimo_s,
        limites=limites_vistos(trust, nota.entradas.fase, chip.rampup_parte),
        partes=partes(nota),
        anterior_em=anterior.em if anterior else None,
        anterior_score=anterior.trust.score if anterior else None,
        mudancas=mudancas(nota, anterior) if anterior else (),
        consequencias=consequencias(anterior.trust, trust) if anterior else (),
        passo=proximo_passo(nota),
        diverge=tuple(name for name in Trust.__slots__ if getattr(trust, name) != getattr(chip.guardado, name)),
    )
