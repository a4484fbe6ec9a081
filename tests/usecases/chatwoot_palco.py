"""A doctor, a Chatwoot in memory and the bridge between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lib.clock import utc_now
from lib.db import Database, Row
from lib.domain.espelho import pessoa_no_comando
from lib.models import Interacao
from lib.queries.webhook import Webhook
from lib.usecases.chatwoot import atender
from lib.usecases.chatwoot_ponte import Ponte
from lib.usecases.conciliar import conciliar
from lib.usecases.espelhar import espelhar
from tests.builders import gravar, uma_entrada, uma_saida
from tests.queries.fabrica import Pessoa, chip_que_envia, consulta, pessoas
from tests.usecases.chatwoot_memoria import EU, Memoria

JULIA = """WITH c AS (
  UPDATE conversa SET controle = 'humano', status = 'escalated', humano_em = now() WHERE id = %s RETURNING id)
INSERT INTO transferencia (conversation_id, gatilho, motivo) SELECT id, 'pedido_humano', 'pediu uma pessoa' FROM c
ON CONFLICT (conversation_id) WHERE status <> 'resolvida' DO NOTHING"""


@dataclass(slots=True)
class Palco:
    """The bridge, with one doctor whose thread is open unless a test says otherwise."""

    db: Database
    mundo: Memoria
    ponte: Ponte
    medica: Pessoa
    chatwoot_id: int = 0
    _n: int = field(default=0)

    @property
    def conversa_id(self) -> int:
        return self.medica.conversa_id

    async def entra(self, texto: str = "oi", **over: Any) -> Interacao:
        """The doctor has said something."""
        return await self._guarda(uma_entrada(self.medica.conversa, datetime.now(UTC), texto, **over))

    async def sai(self, texto: str = "olá", **over: Any) -> Interacao:
        """Júlia, or whoever `over` says, has said something."""
        return await self._guarda(uma_saida(self.medica.conversa, datetime.now(UTC), texto, **over))

    async def espelha(self) -> int:
        """The mirror runs, whatever it put off being due."""
        await consulta(self.db, "UPDATE espelho SET next_at = now()")
        return await espelhar(self.ponte)

    async def webhook(self, raw: bytes) -> None:
        """A stored webhook is worked off."""
        self._n += 1
        await atender(self.ponte, Webhook(self._n, "chatwoot", None, str(self._n), raw, datetime.now(UTC)))

    async def concilia(self, vezes: int = 4) -> None:
        """The reconciliation runs, whatever it put off being due."""
        for _ in range(vezes):
            await consulta(self.db, "UPDATE chatwoot_conversa SET lease_until = NULL WHERE claim IS NULL")
            await conciliar(self.ponte, so=self.chatwoot_id or None)

    async def varre(self) -> None:
        """The slow sweep comes round."""
        await consulta(self.db, "UPDATE chatwoot_conversa SET conferir_em = now()")
        await self.concilia()

    async def controle(self) -> str:
        [row] = await consulta(self.db, "SELECT controle FROM conversa WHERE id = %s", self.conversa_id)
        return str(row["controle"])

    async def outbox(self) -> list[Row]:
        return await consulta(self.db, "SELECT cause, body, autor, autor_nome, state, motivo FROM outbox ORDER BY id")

    async def _guarda(self, row: Interacao) -> Interacao:
        [stored] = await gravar(self.db, row)
        return stored


async def montar(db: Database, *, fio: bool = True, **medico: Any) -> Palco:
    """Set the stage: the mirror has begun; with `fio` the doctor's thread is open on both sides."""
    [chip] = await gravar(db, chip_que_envia())
    [medica] = await pessoas(db, 1, conversa={"chip_id": chip.id})
    if medico:
        sets = ", ".join(f"{name} = %s" for name in medico)
        await consulta(db, f"UPDATE medico SET {sets} WHERE id = %s", *medico.values(), medica.medico_id)  # noqa: S608 - test
    mundo = Memoria()
    palco = Palco(db, mundo, Ponte(db, mundo, utc_now), medica)
    await espelhar(palco.ponte)
    if fio:
        await palco.entra("primeira mensagem")
        assert await palco.espelha() == 1
        [row] = await consulta(db, "SELECT chatwoot_id FROM chatwoot_conversa WHERE conversation_id = %s",
                               medica.conversa_id)  # fmt: skip
        palco.chatwoot_id = row["chatwoot_id"]
        await palco.concilia(1)
    return palco


def deles(palco: Palco) -> bool:
    """Whether theirs says that a person is in charge."""
    conversa = palco.mundo.conversas[palco.chatwoot_id]
    return pessoa_no_comando(conversa.labels, conversa.responsavel_id, conversa.status, EU)


async def lados(palco: Palco) -> tuple[bool, bool, bool]:
    """Base, theirs, ours."""
    [row] = await consulta(palco.db, "SELECT base_pessoa, escrita_pessoa FROM chatwoot_conversa WHERE chatwoot_id = %s",
                           palco.chatwoot_id)  # fmt: skip
    return row["base_pessoa"], deles(palco), await palco.controle() == "humano"


async def transfere(palco: Palco) -> None:
    """Júlia hands over, as a turn's commit does."""
    await consulta(palco.db, JULIA, palco.conversa_id)
