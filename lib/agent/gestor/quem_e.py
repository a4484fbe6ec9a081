"""Finding the doctor that a manager means."""

from __future__ import annotations

import re
from typing import Final

from lib.agent.gestor.contrato import Resultado, erro
from lib.agent.gestor.telas import fone
from lib.auth import Papel, allows
from lib.db import Database, Row
from lib.domain.anonimo import como_dado
from lib.domain.telefone import normalizar
from lib.domain.texto import dobrar, palavras
from lib.queries import medico

MEDICO: Final = "Telefone com DDD, CRM, nome, ou o #número que as listas mostram."
PARECIDOS: Final = 5
_ID = re.compile(r"#\s*(\d{1,18})")
_CRM = re.compile(r"(?:crm)?[\s/:-]*([a-z]{2})?[\s/:-]*0*(\d{3,8})(?:[\s/-]*([a-z]{2}))?", re.IGNORECASE)
_NOME_MINIMO = 3


async def procurar(db: Database, dito: str) -> list[Row]:
    """Return the doctors that these words may mean, a few at most."""
    dito = dito.strip()
    if numero := _ID.fullmatch(dito):
        return await medico.by_id(db, int(numero[1]))
    if telefone := normalizar(dito):
        return await medico.by_phone(db, telefone)
    if crm := _CRM.fullmatch(dito):
        return await medico.by_crm(db, crm[2], (crm[1] or crm[3] or "").upper() or None, PARECIDOS + 1)
    if len(palavras(dito)) < _NOME_MINIMO:
        return []
    return await medico.by_name(db, dobrar(dito), PARECIDOS + 1)


async def achar(db: Database, dito: str) -> Row | Resultado:
    """Return the one doctor that is meant, or a refusal that names those who may be."""
    found = await procurar(db, dito)
    if len(found) == 1:
        return found[0]
    if not found:
        return erro("Não achei esse médico. Procure pelo telefone com DDD, pelo CRM, pelo nome ou pelo #número.")
    parecidos = "; ".join(breve(row) for row in found[:PARECIDOS])
    return erro(f"Há mais de um médico assim. Repita com o #número: {parecidos}.")


def breve(row: Row) -> str:
    """Write a doctor in a line, the name as data: #12 Helena Prado, (11) 9****-1001."""
    return f"#{row['id']} {como_dado(row['nome'] or 'sem nome')}, {fone(row['telefone'])}"


def ve_telefone(papel: Papel) -> bool:
    """Tell whether this role sees the whole phone of a doctor it asks for."""
    return allows(papel, Papel.OPERATOR)
