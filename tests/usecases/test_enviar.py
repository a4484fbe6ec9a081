"""What a gateway's answer to a send comes to, whichever gateway it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from lib.crash import Crashpoint
from lib.db import Database
from lib.domain.chip import Gateway
from lib.domain.evento import EfeitoRecibo
from lib.errors import SendRefusedError
from lib.models import Chip
from lib.providers.whatsapp import Envio, EstadoConexao, Gateways, Historico, NothingSentError
from lib.queries import entrada, envio_desfecho
from lib.queries.entrada import NewReceipt
from lib.resources import Resources, open_resources
from lib.settings import Settings
from lib.usecases import enviar
from lib.usecases.digitando import Canal, Digitando
from lib.usecases.reconectar import reconectar
from tests.builders import gravar, uma_entrada
from tests.queries.fabrica import Pessoa, agora, chip_que_envia, consulta, pessoas, reivindicar, resposta

pytestmark = pytest.mark.anyio

MODELO = {"nome": "followup_1", "idioma": "pt_BR", "parametros": ["Ana"]}


@dataclass
class Falso:
    """A gateway that answers as it is told."""

    erro: Exception | None = None
    estado: EstadoConexao = EstadoConexao.ABERTA
    demora_s: float = 0.0
    perguntadas: list[str] = field(default_factory=list)

    async def send_text(self, envio: Envio) -> str:
        if self.erro is not None:
            raise self.erro
        return f"id-{envio.outbox_id}"

    async def send_presence(self, instancia: str, numero: str, duracao_ms: int) -> None:
        """Do nothing."""

    async def mark_read(self, instancia: str, numero: str, ids: Sequence[str]) -> None:
        """Do nothing."""

    async def find_sent(self, instancia: str, numero: str, desde: datetime) -> Historico:  # noqa: ARG002 - the protocol's
        return Historico((), completo=False)

    async def is_sandbox(self) -> bool | None:
        return True

    async def connection_state(self, instancia: str) -> EstadoConexao:
        self.perguntadas.append(instancia)
        await asyncio.sleep(self.demora_s)
        return self.estado


@pytest.fixture
async def resources(settings: Settings) -> AsyncIterator[Resources]:
    async with open_resources(settings, nome="teste") as opened:
        yield opened


def com(resources: Resources, gateways: dict[Gateway, Falso]) -> Resources:
    return replace(resources, gateways=Gateways(gateways))


async def no_meta(db: Database) -> tuple[Chip, Pessoa]:
    """A Meta number and a doctor who just wrote to it."""
    [chip] = await gravar(db, chip_que_envia(gateway=Gateway.META, instancia="1055", conta="waba"))
    [pessoa] = await pessoas(db, 1, conversa={"chip_id": chip.id})
    await gravar(db, uma_entrada(pessoa.conversa, agora() - timedelta(minutes=1), chip_id=chip.id))
    return chip, pessoa


async def envia(resources: Resources) -> None:
    """Claim and send all that is due."""
    envio = enviar.Envio(resources, Crashpoint(None))
    for row in await envio.claim(10):
        await envio.send(row)


async def test_a_number_whose_gateway_is_not_set_up_here_is_out_and_another_takes_the_message(
    db: Database, resources: Resources
) -> None:
    chip, pessoa = await no_meta(db)
    await gravar(db, resposta(pessoa))
    here = com(resources, {Gateway.EVOLUTION: Falso()})
    await envia(here)
    assert await consulta(db, "SELECT conectado FROM chip WHERE id = %s", chip.id) == [{"conectado": False}]
    assert await consulta(db, "SELECT state FROM outbox") == [{"state": "pending"}]
    await gravar(db, chip_que_envia(instancia="julia-02"))
    await envia(here)
    assert await consulta(db, "SELECT state FROM outbox") == [{"state": "sent"}]


async def test_an_unclear_send_of_a_gateway_that_is_gone_waits_for_a_person_and_holds_up_no_other(
    db: Database, resources: Resources
) -> None:
    chip, pessoa = await no_meta(db)
    [outra] = await pessoas(db, 1)
    [evolution] = await gravar(db, chip_que_envia(instancia="julia-02"))
    since = {"state": "unknown", "enviando_em": agora(), "next_at": agora() - timedelta(seconds=1), "attempts": 1}
    await gravar(
        db,
        resposta(pessoa, chip_id=chip.id, **since),
        resposta(outra, chip_id=evolution.id, **since),
    )
    envio = enviar.Envio(com(resources, {Gateway.EVOLUTION: Falso()}), Crashpoint(None))
    for _ in range(3):
        await consulta(db, "UPDATE outbox SET next_at = now() - interval '1 second'")
        await envio.reconcile()
    assert await consulta(db, "SELECT DISTINCT state FROM outbox") == [{"state": "parked"}]


async def test_typing_at_a_gateway_that_is_not_set_up_fails_nothing() -> None:
    shown = Digitando(Gateways({}))
    shown.mostrar(Canal(Gateway.META, "1055", "+5511900010001"), timedelta(seconds=1))
    [task] = shown._tarefas  # noqa: SLF001 - what it would leave behind
    await asyncio.wait({task})
    assert task.exception() is None


@pytest.mark.parametrize(
    ("efeito", "pergunta", "esperado"),
    [
        (EfeitoRecibo.OPTOUT, "SELECT permissao AS v FROM doctor_state", "opted_out"),
        (EfeitoRecibo.SEM_WHATSAPP, "SELECT (sem_whatsapp_em IS NOT NULL) AS v FROM medico", True),
    ],
)
async def test_what_a_refusal_says_of_the_doctor_takes_effect_as_in_a_receipt(
    db: Database, resources: Resources, efeito: EfeitoRecibo, pergunta: str, esperado: object
) -> None:
    _, pessoa = await no_meta(db)
    await gravar(db, resposta(pessoa))
    refusal = SendRefusedError("meta messages 400: stopped", efeito=efeito)
    await envia(com(resources, {Gateway.META: Falso(refusal)}))
    assert await consulta(db, "SELECT state FROM outbox") == [{"state": "dead"}]
    assert [row["v"] for row in await consulta(db, pergunta)] == [esperado]


async def test_a_template_that_did_not_go_gives_the_message_its_own_words_back(
    db: Database, resources: Resources
) -> None:
    chip, pessoa = await no_meta(db)
    await consulta(db, "UPDATE interacao SET em = now() - interval '2 days'")
    await consulta(
        db,
        "INSERT INTO modelo_meta (conta, nome, idioma, categoria, status, corpo, parametros) "
        "VALUES ('waba', 'followup_1', 'pt_BR', 'MARKETING', 'APPROVED', 'Oi, {{1}}!', 1)",
    )
    [sent] = await gravar(db, resposta(pessoa, body="texto livre", modelo=MODELO))
    for _ in range(2):
        await envia(com(resources, {Gateway.META: Falso(NothingSentError("busy"))}))
        [row] = await consulta(db, "SELECT state, body FROM outbox")
        assert row == {"state": "pending", "body": "Oi, Ana!"}
        await consulta(db, "UPDATE outbox SET next_at = now()")
    await gravar(db, uma_entrada(pessoa.conversa, agora(), chip_id=chip.id))
    [row] = (await reivindicar(db)).claimed
    assert (row["id"], row["body"], row["modelo"]) == (sent.id, "texto livre", None)
    [row] = await consulta(db, "SELECT body_hash = sha256('texto livre') AS igual FROM outbox")
    assert row["igual"]


async def test_a_receipt_that_names_a_send_given_to_a_person_settles_it(db: Database, resources: Resources) -> None:
    chip, pessoa = await no_meta(db)
    await gravar(db, resposta(pessoa))
    [row] = (await reivindicar(db)).claimed
    await envio_desfecho.mark_unknown(db, row["id"], row["fence"], "sem resposta", 0)
    for _ in range(3):
        await envio_desfecho.mark_absent(db, row["id"], row["fence"], 3, 0, 5, prova=False)
    assert await consulta(db, "SELECT state FROM outbox") == [{"state": "parked"}]
    await entrada.store_receipts(db, [NewReceipt(chip.instancia, "wamid.A", "delivered", "entregue", row["id"], None)])
    await enviar.Envio(com(resources, {Gateway.META: Falso()}), Crashpoint(None)).reconcile()
    [stored] = await consulta(db, "SELECT state, provider_msg_id FROM outbox")
    assert stored == {"state": "sent", "provider_msg_id": "wamid.A"}
    assert await consulta(db, "SELECT entrega FROM interacao WHERE direcao = 'saida'") == [{"entrega": "entregue"}]


async def test_numbers_that_never_come_back_keep_no_other_from_being_asked_after(
    db: Database, resources: Resources
) -> None:
    gone = agora() - timedelta(days=9)
    out = {"gateway": Gateway.ZAPI, "conectado": False, "conexao_em": gone}
    lost = [chip_que_envia(instancia=f"z{n}", **out) for n in range(45)]
    last = agora() - timedelta(minutes=1)
    await gravar(db, *lost, chip_que_envia(instancia="julia-02", conectado=False, conexao_em=last))
    zapi = Falso(estado=EstadoConexao.FECHADA)
    here = com(resources, {Gateway.ZAPI: zapi, Gateway.EVOLUTION: Falso()})
    assert await reconectar(here) == 1
    for _ in range(200):
        await reconectar(here)
        if len(set(zapi.perguntadas)) == len(lost):
            break
    assert len(set(zapi.perguntadas)) == len(lost), "each of them is asked after, too"


async def test_a_vendor_that_hangs_keeps_no_other_numbers_out(db: Database, resources: Resources) -> None:
    out = {"conectado": False, "conexao_em": agora() - timedelta(minutes=2)}
    lost = [chip_que_envia(instancia=f"z{n}", gateway=Gateway.ZAPI, **out) for n in range(20)]
    await gravar(db, *lost, chip_que_envia(instancia="julia-02", **out))
    here = com(resources, {Gateway.ZAPI: Falso(demora_s=30), Gateway.EVOLUTION: Falso()})
    async with asyncio.timeout(8):
        assert await reconectar(here) == 1


async def test_a_number_that_is_refused_again_and_again_while_it_says_that_it_is_connected_is_given_a_rest(
    db: Database, resources: Resources
) -> None:
    chip, pessoa = await no_meta(db)
    await gravar(db, resposta(pessoa))
    here = com(resources, {Gateway.META: Falso(SendRefusedError("131048 spam", chip_down=True, descanso_s=600))})
    await envia(here)
    await consulta(db, "UPDATE chip SET conexao_em = now() - interval '10 seconds'")
    await reconectar(here)
    await consulta(db, "UPDATE outbox SET next_at = now()")
    assert (await reivindicar(db)).claimed == []
    [row] = await consulta(db, "SELECT conectado, cooldown_ate > now() + interval '9 minutes' AS descansa FROM chip")
    assert row == {"conectado": True, "descansa": True}
    assert chip.cooldown_ate is None
