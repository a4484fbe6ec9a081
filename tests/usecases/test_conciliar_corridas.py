"""The label race of domain facts 7.6: in every interleaving the conversation ends where the person put it."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

import pytest

from lib.db import Database
from lib.domain.espelho import ROTULO, pessoa_no_comando
from lib.providers.chatwoot import ConversaChatwoot
from lib.providers.chatwoot_webhook import ConversaMudou, read
from lib.queries.transferencia import Pessoa, give_back, take
from lib.usecases.conciliar import conciliar
from tests.queries.fabrica import consulta
from tests.rodadas import BARREIRAS
from tests.usecases.chatwoot_memoria import EU, conversa_mudou, mensagem_criada
from tests.usecases.chatwoot_palco import Palco, deles, lados, montar, transfere

pytestmark = pytest.mark.anyio
ANA, BIA = 5, 6


@pytest.fixture
async def palco(db: Database) -> Palco:
    return await montar(db)


# The interleavings. Between any two calls of ours anything may happen, with three reservations, for Chatwoot has no
# conditional write and tells no history: a person does one thing within one look of ours (a fraction of a second),
# nobody reassigns a thread in the very moment between our look at its assignee and our taking it off, and what is done
# and undone between two looks, while ours changes or a message waits to be read, was not done.


@dataclass(slots=True)
class Corrida:
    """One interleaving, drawn from a seed. `vontade` is where the person put it; None once only accord can be asked."""

    palco: Palco
    sorte: Random
    pelo_conteudo: bool = False
    webhooks: list[bytes] = field(default_factory=list)
    vontade: bool | None = None
    resta: int = 0
    olhando: bool = False
    agiu: bool = False
    conta: Counter[str] = field(default_factory=Counter)

    async def entre(self, nome: str) -> None:
        """Something may happen before a call of ours."""
        if self.olhando:
            return
        self.olhando = True
        while self.resta and self.sorte.random() < 0.4:
            await self.acontece(nome)
        self.olhando = False

    async def acontece(self, antes_de: str | None = None) -> None:
        self.resta -= 1
        passo = self.sorte.choice(
            ("transfere", "silencia", "pessoa", "pessoa", "pessoa", "webhook", "webhook", "outro")
        )
        self.conta[f"{passo}{' no meio' if antes_de else ''}"] += 1
        match passo:
            case "transfere":
                await self.nossa(humano=True)
            case "silencia":
                await self.nossa(humano=False)
            case "pessoa" if antes_de is None or not (self.agiu or antes_de == "assign"):
                self.agiu = antes_de is not None
                await self.pessoa()
            case "webhook" if self.webhooks:
                await self.entrega(self.sorte.choice(self.webhooks))
            case "outro":
                await self.visita()

    async def nossa(self, *, humano: bool) -> None:
        if (await self.palco.controle() == "humano") is humano:
            return
        calmo = await self.assente()
        if humano:
            await transfere(self.palco)
        else:
            await give_back(self.palco.db, self.palco.conversa_id, Pessoa("silêncio", datetime.now(UTC)))
        self.vontade = humano if calmo else None

    async def pessoa(self) -> None:
        """A person does something in Chatwoot; of it comes a webhook, delivered whenever."""
        mundo, key = self.palco.mundo, self.palco.chatwoot_id
        antes, conversa, calmo = deles(self.palco), mundo.conversas[key], await self.assente()
        atos = self.atos(conversa)
        ato = self.sorte.choice([*atos, *(["escreve"] if calmo and "reabre" not in atos else [])])
        if ato == "escreve":
            self.webhooks.append(mensagem_criada(mundo.diz(key, "oi, doutora"), conversa))
            self.vontade = True
            return
        mundo.muda(key, **atos[ato])
        self.webhooks.append(conversa_mudou(mundo.conversas[key]))
        base, agora, nosso = await lados(self.palco)
        if agora != antes:
            self.vontade = None if agora == base and (nosso != base or not await self.lida()) else agora
        elif ato == "resolve" and self.vontade and self.falou():
            self.vontade = False  # they answered, and were done
        elif not calmo:
            self.vontade = None

    def atos(self, conversa: ConversaChatwoot) -> dict[str, dict[str, object]]:
        """What a person may do, with what it changes."""
        if conversa.status == "resolved":
            return {"reabre": {"status": "open"}}
        sem = tuple(label for label in conversa.labels if label != ROTULO)
        outra = BIA if conversa.responsavel_id == ANA else ANA
        atos: dict[str, dict[str, object]] = {"resolve": {"status": "resolved"}, "atribui": {"responsavel_id": outra}}
        atos["rotula"] = {"labels": sem if ROTULO in conversa.labels else (*sem, ROTULO)}
        if conversa.responsavel_id:
            atos["desatribui"] = {"responsavel_id": None}
        return atos

    def falou(self) -> bool:
        return any(m.autor_tipo == "user" and m.eco_id is None for m in self.palco.mundo.mensagens)

    async def entrega(self, raw: bytes) -> None:
        """A webhook comes: late, again, in any order. The wrong variant does what it says."""
        evento = read(raw)
        if self.pelo_conteudo and isinstance(evento, ConversaMudou):
            c, agora = evento.conversa, Pessoa("chatwoot", datetime.now(UTC))
            com = pessoa_no_comando(c.labels, c.responsavel_id, c.status, EU)
            await (take if com else give_back)(self.palco.db, self.palco.conversa_id, agora)
            return
        await self.palco.webhook(raw)

    async def visita(self) -> None:
        """Upkeep runs, here or in another process."""
        if not self.olhando:
            self.agiu = False
        await consulta(self.palco.db, "UPDATE chatwoot_conversa SET lease_until = NULL WHERE claim IS NULL")
        await conciliar(self.palco.ponte, so=self.palco.chatwoot_id)

    async def assente(self) -> bool:
        """Whether all agree and nothing is under way."""
        [row] = await consulta(
            self.palco.db,
            "SELECT cc.base_pessoa, cc.escrita_pessoa IS NULL AND cc.claim IS NULL AS livre,"
            " c.controle = 'humano' AS nosso FROM chatwoot_conversa cc JOIN conversa c ON c.id = cc.conversation_id"
            " WHERE cc.chatwoot_id = %s", self.palco.chatwoot_id,
        )  # fmt: skip
        return bool(row["livre"] and row["base_pessoa"] == row["nosso"] == deles(self.palco) and await self.lida())

    async def lida(self) -> bool:
        """Whether everything that was written has been read."""
        [row] = await consulta(self.palco.db, "SELECT ultima_msg_id FROM chatwoot_conversa WHERE chatwoot_id = %s",
                               self.palco.chatwoot_id)  # fmt: skip
        return bool(row["ultima_msg_id"] >= max(m.id for m in self.palco.mundo.mensagens))

    async def joga(self) -> None:
        """Play to the end: what happens, then only late webhooks and upkeep."""
        self.palco.mundo.antes = self.entre
        self.resta = self.sorte.randint(4, 12)
        while self.resta:
            await self.acontece()
            if self.sorte.random() < 0.5:
                await self.visita()
        if self.vontade is None:  # let it come to rest, and the person have the last word
            await self.sossega()
            while self.vontade is None:
                await self.pessoa()
        await self.sossega()
        self.palco.mundo.antes = _quieto

    async def sossega(self) -> None:
        """Nothing happens any more but late webhooks and upkeep."""
        for _ in range(3):
            for raw in self.sorte.sample(self.webhooks, min(3, len(self.webhooks))):
                await self.entrega(raw)
            await consulta(self.palco.db, "UPDATE chatwoot_conversa SET conferir_em = now()")
            for _ in range(4):
                await self.visita()


async def _quieto(_nome: str) -> None:
    """Nothing happens between two calls."""


async def joga(palco: Palco, semente: int, *, pelo_conteudo: bool = False) -> Corrida:
    """Play one interleaving from a clean start."""
    palco.mundo.muda(palco.chatwoot_id, labels=("vip",), status="open", responsavel_id=None)
    del palco.mundo.mensagens[1:]
    await consulta(palco.db, "DELETE FROM chatwoot_nota")
    await consulta(palco.db, "DELETE FROM outbox")
    await consulta(palco.db, "UPDATE conversa SET controle = 'ai', status = 'active', humano_em = NULL")
    await consulta(palco.db, "DELETE FROM transferencia")
    await consulta(palco.db, "UPDATE chatwoot_conversa SET base_pessoa = false, escrita_pessoa = NULL, claim = NULL,"
                   " lease_until = NULL, conferir_em = NULL, ultima_msg_id = 1")  # fmt: skip
    corrida = Corrida(palco, Random(semente), pelo_conteudo=pelo_conteudo, vontade=False)
    await corrida.joga()
    return corrida


def errou(corrida: Corrida, fim: tuple[bool, bool, bool]) -> bool:
    """Whether the sides differ, or agree on something else than the person's will."""
    return len(set(fim)) > 1 or corrida.vontade not in {None, fim[0]}


async def test_the_conversation_ends_where_the_person_put_it_in_every_interleaving(
    palco: Palco, capsys: pytest.CaptureFixture[str]
) -> None:
    conta: Counter[str] = Counter()
    erradas = []
    for semente in range(BARREIRAS):
        corrida = await joga(palco, semente)
        fim = await lados(palco)
        if errou(corrida, fim):
            erradas.append((semente, corrida.vontade, fim))
        conta += corrida.conta
        conta["com vontade"] += corrida.vontade is not None
        assert "vip" in palco.mundo.conversas[palco.chatwoot_id].labels
    capsys.readouterr()
    with capsys.disabled():
        sys.stdout.write(f"\n{BARREIRAS} interleavings: {dict(conta)}\n")
    assert erradas == []
    assert conta["com vontade"] == BARREIRAS
    assert conta["pessoa no meio"] > BARREIRAS // 10


async def test_acting_on_what_a_webhook_says_would_fail_the_same_interleavings(palco: Palco) -> None:
    erradas = 0
    for semente in range(100):
        corrida = await joga(palco, semente, pelo_conteudo=True)
        erradas += errou(corrida, await lados(palco))
        if erradas > 2:
            break
    assert erradas > 2
