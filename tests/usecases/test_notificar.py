"""Telling people: by severity, once, until somebody answers; whatever Slack does meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lib.db import Database
from lib.domain.transferencia import TipoAviso
from lib.http import HttpPool, Upstream
from lib.providers.slack import Slack
from lib.resources import open_resources
from lib.settings import Settings
from lib.usecases.notificar import Canais, acknowledge, ligar, notificar, reconhecer, situacao, tell
from tests.builders import gravar, um_medico, uma_conversa
from tests.builders import id_of as id_da
from tests.sandbox.slack_vivo import CANAL, CRITICO, GESTORA, TOKEN, SlackVivo, slack_no_ar
from tests.usecases.chegada import sql

pytestmark = pytest.mark.anyio

CANAIS = Canais(CANAL, CRITICO)


@dataclass
class Relogio:
    """A clock that only the test moves."""

    agora: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.agora

    def anda(self, **quanto: float) -> None:
        self.agora += timedelta(**quanto)


@dataclass
class Mesa:
    """All that a test of this file moves."""

    db: Database
    slack: Slack
    vivo: SlackVivo
    relogio: Relogio

    async def avisa(
        self, tipo: TipoAviso, quantos: int = 1, conversa: int | None = None, texto: str = "motivo"
    ) -> None:
        await sql(
            self.db,
            "INSERT INTO aviso (chave, tipo, conversation_id, texto) SELECT gen_random_uuid()::text, :tipo,"
            " :conversa, :texto FROM generate_series(1, :quantos)",
            tipo=tipo.value, conversa=conversa, texto=texto, quantos=quantos,
        )  # fmt: skip

    async def conta(self, rodadas: int = 1, db: Database | None = None) -> int:
        return sum([await tell(db or self.db, self.slack, CANAIS, self.relogio) for _ in range(rodadas)])

    async def linhas(self) -> list[dict[str, Any]]:
        return await sql(self.db, "SELECT * FROM notificacao ORDER BY id")

    async def reconhece(self, notificacao_id: int, usuario: str = GESTORA) -> Any:
        return await acknowledge(self.db, self.slack, notificacao_id, usuario, self.relogio())


@pytest.fixture
async def vivo() -> AsyncIterator[SlackVivo]:
    async with slack_no_ar() as running:
        yield running


@pytest.fixture
async def mesa(db: Database, vivo: SlackVivo) -> AsyncIterator[Mesa]:
    pool = HttpPool({"slack": Upstream("slack", vivo.api, read_s=5.0)})
    made = Mesa(db, Slack(pool.get_http_client("slack"), TOKEN, 1.0), vivo, Relogio())
    await made.conta()  # the first use starts from now
    yield made
    await pool.close_http_client()


async def test_what_was_noticed_before_the_first_use_is_told_to_nobody(db: Database, vivo: SlackVivo) -> None:
    pool = HttpPool({"slack": Upstream("slack", vivo.api, read_s=5.0)})
    mesa = Mesa(db, Slack(pool.get_http_client("slack"), TOKEN), vivo, Relogio())
    await mesa.avisa(TipoAviso.MENSAGEM_MORTA, 3)
    assert await mesa.conta() == 0
    await mesa.avisa(TipoAviso.MENSAGEM_MORTA)
    assert await mesa.conta() == 1
    assert len(vivo.postadas(CRITICO)) == 1
    await pool.close_http_client()


async def test_severity_decides_channel_and_moment(mesa: Mesa) -> None:
    [medico] = await gravar(mesa.db, um_medico(nome="Dra. Helena Prado"))
    [conversa] = await gravar(mesa.db, uma_conversa(id_da(medico)))
    for tipo in TipoAviso:
        await mesa.avisa(tipo, conversa=id_da(conversa), texto="meu número é 11 98888-7777")
    assert await mesa.conta(2) == 8
    assert [m.texto.split(":")[0] for m in mesa.vivo.postadas(CRITICO)] == ["🔴 Crítico"] * 2
    assert {m.texto.split(":")[0] for m in mesa.vivo.postadas()} == {"🟠 Alerta"}
    mesa.relogio.anda(minutes=31)
    assert await mesa.conta() == 3  # the digest, and the critical ones that nobody answered
    digest = mesa.vivo.postadas()[-1]
    assert digest.texto == "Resumo: 2 avisos"
    said = str([(m.texto, m.blocos) for m in mesa.vivo.mundo.mensagens])
    assert "98888" not in said
    assert medico.telefone is not None
    assert medico.telefone[1:] not in said
    assert "Prado" not in said
    assert "Helena" in said
    assert {row["estado"] for row in await mesa.linhas()} == {"enviada", "resumida"}
    assert await mesa.conta(3) == 0


async def test_ten_alerts_in_five_minutes_and_the_rest_together(mesa: Mesa) -> None:
    await mesa.avisa(TipoAviso.TRANSFERENCIA, 25)
    assert await mesa.conta(6) == 10
    mesa.relogio.anda(minutes=4)
    assert await mesa.conta(2) == 0
    mesa.relogio.anda(minutes=1, seconds=1)
    assert await mesa.conta(2) == 1
    assert mesa.vivo.postadas()[-1].texto == "Resumo: 15 avisos"


async def test_twenty_small_things_do_not_wait_half_an_hour(mesa: Mesa) -> None:
    await mesa.avisa(TipoAviso.INTERESSE, 19)
    assert await mesa.conta() == 0
    await mesa.avisa(TipoAviso.INTERESSE)
    assert await mesa.conta(2) == 1
    assert mesa.vivo.postadas()[-1].texto == "Resumo: 20 avisos"


async def test_a_critical_one_comes_again_until_somebody_answers(mesa: Mesa) -> None:
    await mesa.avisa(TipoAviso.MENSAGEM_MORTA)
    posted = [await mesa.conta()]
    for hours in (10 / 60, 1, 1, 1, 1, 1, 24, 24):
        mesa.relogio.anda(hours=hours, seconds=-2)
        posted.append(await mesa.conta())
        mesa.relogio.anda(seconds=2)
        posted.append(await mesa.conta())
    assert posted == [1, *[0, 1] * 8]
    assert "lembrete 8" in mesa.vivo.postadas(CRITICO)[-1].texto
    [row] = await mesa.linhas()
    answer = await mesa.reconhece(row["id"])
    assert answer.nova
    mesa.relogio.anda(days=3)
    assert await mesa.conta(2) == 0
    again = await mesa.reconhece(row["id"], "U00000003")
    assert (again.nova, again.por) == (False, GESTORA)
    last = mesa.vivo.postadas(CRITICO)[-1]
    assert last.editada
    assert f"reconhecido por <@{GESTORA}>" in str(last.blocos)
    assert "button" not in str(last.blocos)
    [seen] = await sql(mesa.db, "SELECT visto_em, visto_por FROM aviso")
    assert seen["visto_em"] is not None
    assert seen["visto_por"] == GESTORA
    assert await mesa.reconhece(999) is None


async def test_a_flood_of_critical_ones_is_one_message_that_comes_again_as_one(mesa: Mesa) -> None:
    await mesa.avisa(TipoAviso.MENSAGEM_MORTA, 40)
    assert await mesa.conta(3) == 1
    mesa.relogio.anda(minutes=9)
    assert await mesa.conta() == 0
    mesa.relogio.anda(minutes=2)
    assert await mesa.conta(3) == 1
    assert [m.texto for m in mesa.vivo.postadas(CRITICO)] == [
        "Resumo: 40 avisos",
        "Resumo: 40 avisos — lembrete 1: ninguém reconheceu ainda",
    ]
    await mesa.reconhece((await mesa.linhas())[7]["id"])
    mesa.relogio.anda(days=2)
    assert await mesa.conta() == 0
    assert await sql(mesa.db, "SELECT id FROM aviso WHERE visto_em IS NULL") == []


async def test_one_press_answers_for_a_whole_digest(mesa: Mesa) -> None:
    await mesa.avisa(TipoAviso.INTERESSE, 20)
    await mesa.conta()
    first = (await mesa.linhas())[0]
    assert (await mesa.reconhece(first["id"])).nova
    assert await sql(mesa.db, "SELECT id FROM aviso WHERE visto_em IS NULL") == []
    assert all(row["reconhecida_por"] == GESTORA for row in await mesa.linhas())


async def test_what_was_seen_on_the_list_is_not_told(mesa: Mesa) -> None:
    await mesa.avisa(TipoAviso.INTERESSE, 3)
    await mesa.avisa(TipoAviso.MENSAGEM_MORTA)
    assert await mesa.conta() == 1
    await sql(mesa.db, "UPDATE aviso SET visto_em = now(), visto_por = 'ana'")
    mesa.relogio.anda(hours=2)
    assert await mesa.conta(2) == 0
    assert [row["estado"] for row in await mesa.linhas()] == ["morta", "morta", "morta", "enviada"]


async def test_off_only_what_is_critical_is_posted_and_on_again_the_rest_comes_together(mesa: Mesa) -> None:
    await ligar(mesa.db, ativas=False, por=GESTORA, agora=mesa.relogio())
    await mesa.avisa(TipoAviso.TRANSFERENCIA, 3)
    await mesa.avisa(TipoAviso.INTERESSE, 2)
    await mesa.avisa(TipoAviso.MENSAGEM_MORTA)
    assert await mesa.conta(3) == 1
    mesa.relogio.anda(hours=1)
    assert await mesa.conta(2) == 1  # its reminder
    off = await situacao(mesa.db)
    assert (off.ativas, off.por, off.na_fila, off.sem_resposta) == (False, GESTORA, 5, 1)
    await ligar(mesa.db, ativas=True, por=GESTORA, agora=mesa.relogio())
    assert await mesa.conta(2) == 1
    assert [m.texto for m in mesa.vivo.postadas()] == ["Resumo: 5 avisos"]
    await mesa.avisa(TipoAviso.TRANSFERENCIA)
    mesa.relogio.anda(seconds=1)
    assert await mesa.conta() == 1
    assert (await situacao(mesa.db)).ativas


@pytest.mark.parametrize(
    ("fault", "estado"),
    [
        ({"status": 429, "cabecalhos": {"retry-after": "30"}}, "pendente"),
        ({"corpo": {"ok": False, "error": "not_in_channel"}, "status": 400}, "pendente"),
        ({"corpo": {"ok": False, "error": "invalid_blocks"}, "status": 400}, "morta"),
        ({"status": 500}, "incerta"),
    ],
)
async def test_every_failure_leaves_the_notice_unseen_and_is_remembered(
    mesa: Mesa, fault: dict[str, Any], estado: str
) -> None:
    mesa.vivo.falha("slack.chat.postMessage", **fault)
    await mesa.avisa(TipoAviso.TRANSFERENCIA)
    assert await mesa.conta() == 0
    [row] = await mesa.linhas()
    assert (row["estado"], bool(row["motivo"])) == (estado, True)
    assert len(await sql(mesa.db, "SELECT id FROM aviso WHERE visto_em IS NULL")) == 1
    mesa.vivo.conserta()
    assert await mesa.conta() == 0  # not before its time
    mesa.relogio.anda(seconds=31)
    assert await mesa.conta() == (0 if estado == "morta" else 1)
    assert len(mesa.vivo.postadas()) == (0 if estado == "morta" else 1)


async def test_an_outage_is_waited_out_and_logged_once(mesa: Mesa, caplog: pytest.LogCaptureFixture) -> None:
    mesa.vivo.mundo.canais[CANAL].membro = False
    await mesa.avisa(TipoAviso.TRANSFERENCIA, 4)
    for _ in range(12):
        assert await mesa.conta() == 0
        mesa.relogio.anda(minutes=2)
    assert caplog.text.count("notificacao.canal_fora") == 1
    mesa.vivo.mundo.canais[CANAL].membro = True
    mesa.relogio.anda(minutes=6)
    assert await mesa.conta(2) == 1
    assert mesa.vivo.postadas()[-1].texto == "Resumo: 4 avisos"


@pytest.mark.parametrize(
    "fault", [{"depois_de_aceitar": True, "status": 500}, {"depois_de_aceitar": True, "cortar": True}]
)
async def test_an_unclear_post_is_found_and_not_repeated(mesa: Mesa, fault: dict[str, Any]) -> None:
    mesa.vivo.falha("slack.chat.postMessage", vezes=1, **fault)
    await mesa.avisa(TipoAviso.TRANSFERENCIA)
    assert await mesa.conta() == 0
    mesa.relogio.anda(seconds=10)
    assert await mesa.conta() == 1
    assert len(mesa.vivo.postadas()) == 1
    [row] = await mesa.linhas()
    assert (row["estado"], row["slack_ts"]) == ("enviada", mesa.vivo.postadas()[0].ts)


async def test_an_unclear_digest_is_found_too(mesa: Mesa) -> None:
    mesa.vivo.falha("slack.chat.postMessage", vezes=1, depois_de_aceitar=True, status=503)
    await mesa.avisa(TipoAviso.INTERESSE, 20)
    assert await mesa.conta() == 0
    mesa.relogio.anda(seconds=10)
    assert await mesa.conta(2) == 1
    assert len(mesa.vivo.postadas()) == 1
    assert {row["estado"] for row in await mesa.linhas()} == {"resumida"}


async def test_a_history_that_may_not_be_read_does_not_silence_for_ever(mesa: Mesa) -> None:
    mesa.vivo.falha("slack.chat.postMessage", vezes=1, status=500)
    missing = {"ok": False, "error": "missing_scope", "needed": "channels:history"}
    mesa.vivo.falha("slack.conversations.history", corpo=missing, status=403)
    await mesa.avisa(TipoAviso.TRANSFERENCIA)
    total = 0
    for _ in range(8):
        total += await mesa.conta()
        mesa.relogio.anda(minutes=6)
    assert total == 1


async def test_a_process_that_died_while_posting_is_followed_by_one_that_looks_first(mesa: Mesa) -> None:
    mesa.vivo.falha("slack.chat.postMessage", latencia_ms=300)
    await mesa.avisa(TipoAviso.MENSAGEM_MORTA)
    dying = asyncio.create_task(mesa.conta())
    while not mesa.vivo.postadas(CRITICO):  # noqa: ASYNC110 - the sandbox tells nobody
        await asyncio.sleep(0.01)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    mesa.vivo.conserta()
    assert await mesa.conta() == 0
    mesa.relogio.anda(minutes=3)
    await mesa.conta()
    assert len(mesa.vivo.postadas(CRITICO)) == 1


async def test_two_processes_at_once_post_once(mesa: Mesa, outro: Database) -> None:
    await mesa.avisa(TipoAviso.MENSAGEM_MORTA, 6)
    await mesa.avisa(TipoAviso.TRANSFERENCIA, 14)
    runs: list[Callable[[], Awaitable[int]]] = [lambda: mesa.conta(4), lambda: mesa.conta(4, db=outro)] * 2
    assert sum(await asyncio.gather(*(run() for run in runs))) == 16
    assert len(mesa.vivo.postadas(CRITICO)) == 6
    assert len(mesa.vivo.postadas()) == 10
    ids = [m.metadata["event_payload"]["id"] for m in mesa.vivo.mundo.mensagens if m.metadata]
    assert len(ids) == len(set(ids)) == 16


async def test_an_answer_while_its_post_is_unclear_ends_it(mesa: Mesa) -> None:
    mesa.vivo.falha("slack.chat.postMessage", vezes=1, depois_de_aceitar=True, status=500)
    await mesa.avisa(TipoAviso.MENSAGEM_MORTA)
    await mesa.conta()
    [row] = await mesa.linhas()
    assert (await mesa.reconhece(row["id"])).nova
    await mesa.avisa(TipoAviso.MENSAGEM_MORTA)
    mesa.relogio.anda(hours=1)
    assert await mesa.conta() == 1
    assert len(mesa.vivo.postadas(CRITICO)) == 2


async def test_without_slack_nothing_is_enqueued(db: Database, settings: Settings) -> None:
    async with open_resources(settings, nome="teste") as resources:
        assert await notificar(resources) == 0
    assert await sql(db, "SELECT chave FROM flag WHERE chave LIKE 'notificacoes%'") == []


async def test_a_process_tells_and_answers_with_what_it_has(db: Database, vivo: SlackVivo, settings: Settings) -> None:
    slack = {"slack_url": vivo.api, "slack_token": TOKEN, "slack_signing_secret": "s" * 40, "slack_canal": CANAL}
    async with open_resources(Settings.model_validate({**settings.model_dump(), **slack}), nome="teste") as resources:
        assert await notificar(resources) == 0
        await Mesa(db, Slack(resources.get_http_client("slack"), TOKEN), vivo, Relogio()).avisa(
            TipoAviso.MENSAGEM_MORTA
        )
        assert await notificar(resources) == 1
        [message] = vivo.postadas()  # without a channel of its own, what is critical goes where all goes
        pressed = int(message.blocos[-1]["elements"][0]["value"])
        answer = await reconhecer(resources, pressed, GESTORA, (CANAL, message.ts))
    assert answer is not None
    assert answer.nova
    assert message.editada
