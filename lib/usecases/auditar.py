"""Writing down who did what, without what anybody wrote."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from lib.db import Database
from lib.domain.telefone import mascarar, normalizar
from lib.log import get_logger, mask
from lib.queries import auditoria
from lib.queries.auditoria import Ato, Corrente

RESULTADO_MAX: Final = 200
VALOR_MAX: Final = 60
# Arguments that hold what a person wrote: only their length and fingerprint are kept.
LIVRES: Final = frozenset({"texto", "notas", "pergunta"})

log = get_logger(__name__)


def detalhes_de(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments as they may be kept: free words by length and fingerprint, phone numbers masked."""
    return {nome: _contido(nome, valor) for nome, valor in args.items() if valor is not None}


def _contido(nome: str, valor: Any) -> Any:
    if not isinstance(valor, str):
        return valor if isinstance(valor, bool | int | float) else None
    if nome in LIVRES:
        return {"caracteres": len(valor), "sha256": sha256(valor.encode()).hexdigest()[:16]}
    telefone = normalizar(valor)
    return mascarar(telefone) if telefone else mask(valor)[:VALOR_MAX]


async def auditar(
    db: Database,
    agora: datetime,
    *,
    ator: str,
    origem: str,
    acao: str,
    resultado: str,
    alvo: str | None = None,
    detalhes: Mapping[str, Any] | None = None,
) -> None:
    """Write one act down; `resultado` is a word or an error's reason, cut to 200 characters and masked."""
    ato = Ato(agora, ator, origem, acao, mask(resultado)[:RESULTADO_MAX], alvo, detalhes or {})
    await auditoria.add(db, ato)


async def verificar(db: Database) -> Corrente:
    """Recompute the chain; a row that does not fit is logged as an error."""
    found = await auditoria.verify(db)
    if found.quebrada is not None:
        log.error("auditoria.quebrada", linha=found.quebrada)
    return found
