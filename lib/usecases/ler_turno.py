"""A stored turn as its waterfall."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from lib.db import Row
from lib.domain.cascata import Etapa, Medidas, Saida, cascata
from lib.settings import Settings


def etapas(row: Row, settings: Settings) -> tuple[Etapa, ...]:
    """Return the steps of a turn read by `lib.queries.turno.waterfall`; none where it took no message.

    When the burst was due is not stored: it follows from the settings in force now.
    """
    if not row["entradas"]:
        return ()
    return cascata(
        Medidas(
            recebidas=[datetime.fromisoformat(entrada["recebida_em"]) for entrada in row["entradas"]],
            iniciado_em=row["iniciado_em"],
            terminado_em=row["terminado_em"],
            internas=row["etapas"],
            saidas=[_saida(saida) for saida in row["saidas"]],
            quieto=timedelta(seconds=settings.quieto_s),
            quieto_max=timedelta(seconds=settings.quieto_max_s),
        )
    )


def _saida(stored: Mapping[str, Any]) -> Saida:
    return Saida(
        criada_em=datetime.fromisoformat(stored["criada_em"]),
        devida_em=datetime.fromisoformat(stored["devida_em"]),
        enviando_em=_instant(stored["enviando_em"]),
        enviada_em=_instant(stored["enviada_em"]),
        recibos={status: datetime.fromisoformat(em) for status, em in stored["recibos"].items()},
    )


def _instant(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
