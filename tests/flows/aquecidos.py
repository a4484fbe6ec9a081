"""Chips that did exactly so much, made of real rows of the message tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import text

from lib.db import Database, Step
from lib.domain.aquecimento import PASSOS, Medido
from lib.domain.chip import FaseWarmup, StatusChip
from lib.models import Chip, ChipDecisao, ChipSelecao
from lib.models.conversa import StatusConversa
from lib.models.fila import OutboxState
from tests.builders import AGORA, gravar, id_of, um_chip, um_envio, um_medico, uma_conversa

DIA = timedelta(days=1)

_MENSAGENS = text("""-- teste.mensagens
INSERT INTO interacao (conversation_id, medico_id, chip_id, direcao, autor, proativa, texto, em)
SELECT c, m, k, d, CASE d WHEN 'entrada' THEN 'medico' ELSE 'julia' END, p, 'oi', em
FROM unnest(CAST(:c AS bigint[]), CAST(:m AS bigint[]), CAST(:k AS bigint[]), CAST(:d AS text[]), CAST(:p AS bool[]),
  CAST(:em AS timestamptz[])) AS t(c, m, k, d, p, em)
""")
_FALHAS = text("""-- teste.falhas
INSERT INTO outbox (conversation_id, medico_id, cause, body, body_hash, tipo, state, chip_id, falhou_em)
SELECT c, m, 'falha:' || n, 'oi', '', 'resposta', 'dead', k, em
FROM unnest(CAST(:c AS bigint[]), CAST(:m AS bigint[]), CAST(:k AS bigint[]), CAST(:em AS timestamptz[]))
  WITH ORDINALITY AS t(c, m, k, em, n)
""")


@dataclass(frozen=True, slots=True)
class Aquecido:
    """A chip to be made: its phase and status, and what it must have done."""

    fase: FaseWarmup
    medido: Medido
    status: StatusChip = StatusChip.WARMING


def sorteado(sorte: Random) -> Aquecido:
    """Draw a chip that is about as far as its next step asks, a little more or a little less."""
    fase = sorte.choice(list(FaseWarmup))
    pede = PASSOS[fase].criterio

    def near(asked: int) -> int:
        return max(0, asked + sorte.choice((0, 0, 1, 2, 5, -1)))

    bidirecionais = near(pede.bidirecionais)
    envios = sorte.choice((0, 5, 19, 20, 21, 40))
    respondidas = min(envios, max(0, envios * pede.resposta // 100 + sorte.choice((-1, 0, 1)))) if bidirecionais else 0
    medido = Medido(
        idade=sorte.choice((None, pede.tempo, pede.tempo, pede.tempo + DIA, pede.tempo - timedelta(seconds=1))),
        conectado=sorte.random() < 0.8,
        enviadas=max(near(pede.enviadas), envios + bidirecionais),
        recebidas=max(near(pede.recebidas), bidirecionais),
        envios=envios,
        respondidas=respondidas,
        trust=near(pede.trust),
        bidirecionais=bidirecionais,
        erros_24h=sorte.choice((0, 0, 0, 5, 6)),
    )
    if medido.idade is None:
        medido = Medido(idade=None, conectado=False, trust=medido.trust)
    return Aquecido(fase, medido, sorte.choice((StatusChip.WARMING, StatusChip.WARMING, StatusChip.ACTIVE)))


async def aquecer(db: Database, *wanted: Aquecido) -> list[Chip]:
    """Store the chips with the messages that make them so as of `AGORA`."""
    chips = await gravar(
        db,
        *(
            um_chip(
                fase=one.fase,
                status=one.status,
                trust_score=one.medido.trust,
                conectado=one.medido.conectado,
                aquecimento_desde=None if one.medido.idade is None else AGORA - one.medido.idade,
                conexao_em=AGORA - timedelta(minutes=5),
            )
            for one in wanted
        ),
    )
    pairs = [(chip, one.medido) for chip, one in zip(chips, wanted, strict=True)]
    # One conversation for each two-way one, one for sends alone, one for what was received alone.
    owners = [(chip, measured) for chip, measured in pairs for _ in range(measured.bidirecionais + 2)]
    medicos = await gravar(db, *(um_medico() for _ in owners))
    ended = {"status": StatusConversa.COMPLETED}
    conversas = iter(await gravar(db, *(uma_conversa(id_of(medico), **ended) for medico in medicos)))
    rows: list[tuple[int, int, int, str, bool, datetime]] = []
    failures: list[tuple[int, int, int, datetime]] = []
    for chip, measured in pairs:
        threads = [next(conversas) for _ in range(measured.bidirecionais + 2)]
        ids = [(id_of(thread), thread.medico_id, id_of(chip)) for thread in threads]
        rows += _messages(measured, ids)
        failures += [(*ids[0], AGORA - timedelta(hours=n + 1)) for n in range(measured.erros_24h)]
        failures += [(*ids[0], AGORA - timedelta(hours=24))]
    await _store(db, rows, failures)
    return chips


def _messages(medido: Medido, ids: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int, str, bool, datetime]]:
    if medido.idade is None:
        return []
    *both, one_way, heard = ids
    span = min(medido.idade, 6 * DIA)
    early, late = AGORA - span * 0.9, AGORA - span * 0.5
    rows = []
    # Of the two-way ones the first holds the answered proactive sends; in the others the doctor wrote first.
    if both:
        rows += [(*both[0], "saida", True, early)] * medido.respondidas
        rows += [(*both[0], "saida", False, early)] * (medido.respondidas == 0)
        rows += [(*both[0], "entrada", False, late)]
    for thread in both[1:]:
        rows += [(*thread, "entrada", False, early), (*thread, "saida", False, late)]
    rows += [(*one_way, "saida", True, late)] * (medido.envios - medido.respondidas)
    plain = medido.enviadas - sum(row[3] == "saida" for row in rows)
    rows += [(*one_way, "saida", False, late)] * plain
    rows += [(*heard, "entrada", False, late)] * (medido.recebidas - sum(row[3] == "entrada" for row in rows))
    # Before warm-up began, and after now: neither counts.
    outside = (AGORA - medido.idade - timedelta(seconds=1), AGORA + timedelta(seconds=1))
    return rows + [(*one_way, way, True, em) for em in outside for way in ("saida", "entrada")]


async def _store(
    db: Database,
    rows: Sequence[tuple[int, int, int, str, bool, datetime]],
    failures: Sequence[tuple[int, int, int, datetime]],
) -> None:
    names = ("c", "m", "k", "d", "p", "em")
    columns = {name: [row[n] for row in rows] for n, name in enumerate(names)}
    failed = {name: [row[n] for row in failures] for n, name in enumerate(("c", "m", "k", "em"))}
    await db.round_trip(Step(_MENSAGENS, columns, writes=True), Step(_FALHAS, failed, writes=True))


async def desistir(db: Database, chip: Chip, outro: Chip, em: datetime) -> None:
    """A message that this chip failed to send at `em` and another one then sent."""
    medico, *_ = await gravar(db, um_medico())
    [conversa] = await gravar(db, uma_conversa(id_of(medico), chip_id=outro.id))
    sent = {"state": OutboxState.SENT, "fence": 2, "enviando_em": em + timedelta(minutes=1), "falhou_em": em}
    [envio] = await gravar(db, um_envio(conversa, chip_id=outro.id, **sent))
    rest: dict[str, Any] = {"chips": 2, "elegiveis": 2, "no_minimo": 2, "candidatos": [], "descartes": {}}
    [selecao] = await gravar(db, ChipSelecao(em=em, tipo=envio.tipo, **rest))
    made: dict[str, Any] = {"outbox_id": envio.id, "selecao_id": selecao.id, "pedido": {}, "extras": [], "em": em}
    await gravar(db, ChipDecisao(**made, fence=1, chip_id=chip.id), ChipDecisao(**made, fence=2, chip_id=outro.id))
