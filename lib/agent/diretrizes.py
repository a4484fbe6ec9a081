"""The directives in force, read once per version and process: a saved directive holds from the next message on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from lib.agent.contexto import Contexto
from lib.cache import Cache
from lib.db import Database
from lib.domain.diretriz import DiretrizLida, EscopoDiretriz, TipoDiretriz, em_vigor
from lib.queries import diretriz

VALIDADE_S = 300.0


@dataclass(frozen=True, slots=True)
class _Held:
    versao: int
    ate: float
    diretrizes: tuple[DiretrizLida, ...]


class Diretrizes:
    """Reads all active directives through two caches, this process's own and Redis, both keyed by their version.

    The version comes with each turn's context, so that nothing has to be invalidated and no Redis is needed. An empty
    set is held like any other. Expiry is judged where they are used, not here.
    """

    def __init__(self, db: Database, cache: Cache) -> None:
        self._db = db
        self._cache = cache
        self._held: _Held | None = None

    async def carregar_diretrizes_ativas(self, versao: int) -> tuple[DiretrizLida, ...]:
        """Return the directives as of `versao` or later; no round trip while that version is held.

        Raises:
            DatabaseUnavailableError: they are in no cache and cannot be read.
        """
        held = self._held
        if held is not None and held.versao >= versao and monotonic() < held.ate:
            return held.diretrizes
        stored = await self._cache.get_or_load(f"diretrizes:{versao}", VALIDADE_S, self._load)
        found = tuple(_read(row) for row in stored)
        self._held = _Held(versao, monotonic() + VALIDADE_S, found)
        return found

    async def _load(self) -> list[dict[str, Any]]:
        return await diretriz.active(self._db)


def da_conversa(todas: tuple[DiretrizLida, ...], contexto: Contexto, agora: datetime) -> tuple[DiretrizLida, ...]:
    """Return those that hold for this conversation now: its doctor, and the shifts that it was shown."""
    return em_vigor(
        todas,
        agora=agora,
        medico_id=contexto.medico_id,
        especialidade_id=contexto.especialidade_id,
        hospital_ids={vaga.hospital_id for vaga in contexto.vagas_mostradas},
        vaga_ids={vaga.id for vaga in contexto.vagas_mostradas},
    )


def _read(row: Mapping[str, Any]) -> DiretrizLida:
    expira = row["expira_em"]
    return DiretrizLida(
        id=row["id"],
        tipo=TipoDiretriz(row["tipo"]),
        conteudo=row["conteudo"],
        escopo=EscopoDiretriz(row["escopo"]),
        escopo_id=row["escopo_id"],
        prioridade=row["prioridade"],
        # As JSON makes of it, whether it came from a cache or not.
        expira_em=datetime.fromisoformat(expira) if expira else None,
    )
