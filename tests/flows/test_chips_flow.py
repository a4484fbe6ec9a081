"""The sync: one call per gateway, two statements whatever the pool's size, and no gateway's silence believed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import respx

from flows.chips import sync
from flows.outcome import Outcome
from flows.parametros import Modo
from lib import ledger
from lib.db import Database, Row
from lib.domain.chip import Gateway, StatusChip, TipoChip
from lib.domain.chip_ciclo import RESTRICAO
from lib.domain.tier_meta import SEM_LIMITE, limite_do_tier
from lib.resources import Resources, open_resources
from lib.settings import Settings
from tests.builders import AGORA, gravar, um_chip
from tests.queries.fabrica import consulta

EVOLUTION, ZAPI, META = "http://evolution.test", "http://zapi.test", "http://meta.test"
CONTA, OUTRA = "100000000000001", "100000000000002"
UM, DOIS = "200000000000001", "200000000000002"
MINUTO, DIA = timedelta(minutes=1), timedelta(days=1)
ANTES = AGORA - 9 * DIA
EM_USO = (StatusChip.WARMING, StatusChip.READY, StatusChip.ACTIVE, StatusChip.DEGRADED)


@pytest.fixture
def rede() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture
async def resources(settings: Settings, rede: respx.MockRouter) -> AsyncIterator[Resources]:
    given = {
        "evolution_url": EVOLUTION,
        "zapi_url": ZAPI,
        "zapi_client_token": "c" * 20,
        "zapi_webhook_secret": "z" * 40,
        "zapi_instancias": {f"3C{n:02d}": f"token-{n}" for n in range(40)},
        "meta_url": META,
        "meta_token": "t" * 20,
        "meta_app_secret": "s" * 40,
        "meta_verify_token": "v" * 40,
    }
    async with open_resources(Settings.model_validate({**settings.model_dump(), **given}), nome="testes") as opened:
        yield opened


def instancia(nome: str, estado: Any = "open", **more: Any) -> dict[str, Any]:
    return {"name": nome, "connectionStatus": estado, "ownerJid": None, "number": None, "token": "segredo", **more}


def lista(rede: respx.MockRouter, *rows: Any, status: int = 200) -> respx.Route:
    return rede.get(f"{EVOLUTION}/instance/fetchInstances").respond(status, json=list(rows))


def numeros(rede: respx.MockRouter, *rows: Any, conta: str = CONTA, status: int = 200) -> respx.Route:
    return rede.get(f"{META}/v23.0/{conta}/phone_numbers").respond(status, json={"data": list(rows)})


def numero(id_: str, estado: str = "CONNECTED", qualidade: str = "GREEN", tier: str = "TIER_1K") -> dict[str, Any]:
    return {"id": id_, "status": estado, "quality_rating": qualidade, "messaging_limit_tier": tier}


def situacao(rede: respx.MockRouter, nome: str, *, conectado: bool, **more: Any) -> respx.Route:
    body = {"connected": conectado, "smartphoneConnected": conectado, **more}
    return rede.get(url__regex=rf"{ZAPI}/instances/{nome}/.*/status").respond(json=body)


async def roda(resources: Resources, modo: Modo = Modo.APLICAR, em: datetime = AGORA) -> Outcome:
    return (await sync(resources, modo, em)).outcome


async def um(db: Database, instancia: str, status: StatusChip = StatusChip.ACTIVE, **over: Any) -> None:
    ja = {"status_desde": ANTES, "conexao_em": ANTES}
    await gravar(db, um_chip(instancia=instancia, status=status, **{**ja, **over}))


async def da_meta(db: Database, *nomes: str, conta: str = CONTA, **over: Any) -> None:
    for nome in nomes:
        await um(db, nome, gateway=Gateway.META, conta=conta, **over)


async def chips(db: Database) -> dict[str, Row]:
    return {row["instancia"]: row for row in await consulta(db, "SELECT * FROM chip ORDER BY id")}


async def avisos(db: Database) -> list[tuple[str, str]]:
    return [(row["tipo"], row["texto"]) for row in await consulta(db, "SELECT tipo, texto FROM aviso ORDER BY id")]


@pytest.mark.parametrize("quantos", [0, 1, 1_000])
async def test_two_statements_take_in_what_changed_whatever_the_pools_size(
    resources: Resources, rede: respx.MockRouter, quantos: int
) -> None:
    db = resources.db
    names = [f"julia-{n:04d}" for n in range(quantos)]
    await gravar(db, *(um_chip(instancia=name, conectado=n % 2 == 0, conexao_em=ANTES) for n, name in enumerate(names)))
    called = lista(rede, *(instancia(name) for name in names))
    with ledger.measure("sync") as custo:
        outcome = await roda(resources)
    assert (outcome.seen, outcome.changed, outcome.kinds.get("conectados", 0)) == (quantos, quantos // 2, quantos // 2)
    assert called.call_count == 1
    assert (custo.statements, custo.round_trips) == (2, 2)
    assert all(row["conectado"] for row in (await chips(db)).values())


async def test_every_gateway_at_once_with_many_kinds_of_change_is_two_statements_too(
    resources: Resources, rede: respx.MockRouter
) -> None:
    db = resources.db
    await um(db, "julia-01")
    await um(db, "julia-02", conectado=False)
    await da_meta(db, UM, DOIS)
    await um(db, "3C01", gateway=Gateway.ZAPI)
    lista(rede, instancia("julia-02"), instancia("alheia", ownerJid="5511900000777@s.whatsapp.net"))
    asked = numeros(rede, numero(UM, qualidade="RED"), numero(DOIS, "BANNED"))
    situacao(rede, "3C01", conectado=False, error="You are not connected.")
    with ledger.measure("sync") as custo:
        outcome = await roda(resources)
    assert custo.statements == 2
    assert asked.call_count == 1
    assert outcome.kinds == {
        "desconectados": 2,
        "conectados": 1,
        "restritos": 1,
        "banidos": 1,
        "adotados": 1,
        "tiers": 1,
    }
    assert (outcome.missing, outcome.failed) == (0, {})
    again = await roda(resources, em=AGORA + 2 * MINUTO)
    assert (again.changed, again.failed) == (0, {})


@pytest.mark.parametrize("modo", [Modo.PLANO, Modo.SIMULAR])
async def test_a_plan_counts_what_would_change_and_writes_nothing(
    resources: Resources, rede: respx.MockRouter, modo: Modo
) -> None:
    db = resources.db
    await um(db, "julia-01")
    await um(db, "julia-02", conectado=False)
    await da_meta(db, UM)
    lista(rede, instancia("julia-01", "close", disconnectionReasonCode=403), instancia("nova", number="5511900000778"))
    numeros(rede, numero(UM, qualidade="RED"))
    before = await chips(db)
    planned = await sync(resources, modo, AGORA)
    assert await chips(db) == before
    assert await avisos(db) == []
    assert await consulta(db, "SELECT * FROM conta_meta") == []
    assert planned.outcome.kinds == {"banidos": 1, "restritos": 1, "adotados": 1, "tiers": 1, "avisados": 1}
    assert len(planned.plano) == (5 if modo is Modo.PLANO else 0)
    done = await roda(resources)
    assert (done.changed, done.kinds) == (planned.outcome.changed, planned.outcome.kinds)


@pytest.mark.parametrize(
    "resposta",
    [
        httpx.Response(500, json={"status": 500}),
        httpx.Response(401, json={"status": 401, "error": "Unauthorized"}),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"data": []}),
        httpx.Response(200, json=[{"connectionStatus": "open"}]),
        httpx.Response(200, json=["julia-01"]),
        httpx.Response(200, text="<html>"),
        httpx.ConnectError("recusada"),
        httpx.ReadTimeout("demorou"),
    ],
    ids=["500", "401", "vazia", "objeto", "sem nome", "texto", "html", "recusada", "demorou"],
)
async def test_a_gateway_that_gives_no_list_changes_nothing_of_its_chips_and_the_others_go_on(
    resources: Resources, rede: respx.MockRouter, resposta: Any
) -> None:
    db = resources.db
    await um(db, "julia-01")
    await um(db, "julia-02", StatusChip.PROVISIONED, conectado=False)
    await da_meta(db, UM, conectado=False)
    rede.get(f"{EVOLUTION}/instance/fetchInstances").mock(
        **({"side_effect": resposta} if isinstance(resposta, Exception) else {"return_value": resposta})
    )
    numeros(rede, numero(UM))
    before = await chips(db)
    outcome = await roda(resources)
    after = await chips(db)
    assert (after["julia-01"], after["julia-02"]) == (before["julia-01"], before["julia-02"])
    assert (sum(outcome.failed.values()), outcome.missing) == (2, 0)
    assert outcome.failed.keys() <= {"GatewayError", "ListaVaziaError"}
    assert after[UM]["conectado"]


async def test_an_account_that_meta_does_not_list_changes_nothing_and_the_other_account_goes_on(
    resources: Resources, rede: respx.MockRouter
) -> None:
    db = resources.db
    await da_meta(db, UM)
    await da_meta(db, DOIS, conta=OUTRA)
    lista(rede)
    numeros(rede, conta=CONTA)
    numeros(rede, numero(DOIS, "DISCONNECTED"), conta=OUTRA)
    outcome = await roda(resources)
    assert outcome.failed == {"ListaVaziaError": 1}
    after = await chips(db)
    assert (after[UM]["conectado"], after[DOIS]["conectado"]) == (True, False)


async def test_one_z_api_number_that_does_not_answer_fails_alone(resources: Resources, rede: respx.MockRouter) -> None:
    db = resources.db
    for name in ("3C01", "3C02"):
        await um(db, name, gateway=Gateway.ZAPI, conectado=False)
    await um(db, "3C99", gateway=Gateway.ZAPI)
    lista(rede)
    rede.get(url__regex=rf"{ZAPI}/instances/3C01/.*").respond(500)
    situacao(rede, "3C02", conectado=True)
    outcome = await roda(resources)
    after = await chips(db)
    assert (after["3C01"]["conectado"], after["3C02"]["conectado"], after["3C99"]["conectado"]) == (False, True, True)
    assert (sum(outcome.failed.values()), outcome.changed, outcome.missing) == (2, 1, 0)


async def test_a_z_api_number_is_never_judged_by_evolutions_list(resources: Resources, rede: respx.MockRouter) -> None:
    """The predecessor reset Z-API and Meta chips every five minutes: it took Evolution's list for everybody's."""
    db = resources.db
    await um(db, "julia-01")
    await um(db, "3C01", gateway=Gateway.ZAPI)
    await da_meta(db, UM)
    lista(rede, instancia("julia-01"))
    situacao(rede, "3C01", conectado=True)
    numeros(rede, numero(UM))
    before = await chips(db)
    outcome = await roda(resources)
    after = await chips(db)
    assert (after["julia-01"], after["3C01"]) == (before["julia-01"], before["3C01"])
    assert (after[UM]["status"], after[UM]["conectado"]) == ("active", True)
    assert outcome.kinds == {"qualidades": 1, "tiers": 1}


async def test_chips_of_a_gateway_that_is_not_set_up_here_are_left_alone_for_that_reason(
    settings: Settings, rede: respx.MockRouter
) -> None:
    given = settings.model_copy(update={"evolution_url": EVOLUTION})
    lista(rede)
    async with open_resources(given, nome="testes") as bare:
        await da_meta(bare.db, UM, DOIS)
        await um(bare.db, "3C01", gateway=Gateway.ZAPI)
        outcome = await roda(bare)
    assert (outcome.seen, outcome.skipped, outcome.missing) == (3, {"gateway_nao_configurado": 3}, 0)


async def test_a_meta_chip_without_an_account_is_told_and_left_alone(
    resources: Resources, rede: respx.MockRouter
) -> None:
    await um(resources.db, UM, gateway=Gateway.META)
    lista(rede)
    outcome = await roda(resources)
    assert (outcome.skipped, (await chips(resources.db))[UM]["conectado"]) == ({"sem_conta": 1}, True)


@pytest.mark.parametrize("estado", ["close", "connecting"])
async def test_a_listed_chip_without_a_session_is_disconnected_and_keeps_its_status(
    resources: Resources, rede: respx.MockRouter, estado: str
) -> None:
    await um(resources.db, "julia-01")
    lista(rede, instancia("julia-01", estado))
    outcome = await roda(resources)
    row = (await chips(resources.db))["julia-01"]
    assert (row["status"], row["conectado"], row["conexao_em"]) == ("active", False, AGORA)
    assert outcome.kinds == {"desconectados": 1}


async def test_a_chip_that_the_gateway_lists_no_longer_is_disconnected_and_not_deleted(
    resources: Resources, rede: respx.MockRouter
) -> None:
    db = resources.db
    await um(db, "julia-01")
    await um(db, "julia-02")
    await da_meta(db, UM, DOIS)
    lista(rede, instancia("julia-02"))
    numeros(rede, numero(DOIS))
    await roda(resources)
    after = await chips(db)
    assert {name: row["conectado"] for name, row in after.items()} == {
        "julia-01": False,
        "julia-02": True,
        UM: False,
        DOIS: True,
    }
    assert {row["status"] for row in after.values()} == {"active"}


async def test_a_state_that_nobody_knows_changes_nothing(resources: Resources, rede: respx.MockRouter) -> None:
    db = resources.db
    for n in range(1, 4):
        await um(db, f"julia-{n}")
    lista(rede, instancia("julia-1", "dreaming"), instancia("julia-2", None), instancia("julia-3", {"a": 1}))
    outcome = await roda(resources)
    assert all(row["conectado"] for row in (await chips(db)).values())
    assert (outcome.changed, outcome.skipped) == (0, {"estado_desconhecido": 3})


@pytest.mark.parametrize(("conectado", "listado"), [(False, "open"), (True, "close")])
@pytest.mark.parametrize("coluna", ["conexao_em", "conexao_vista_em"])
async def test_what_a_webhook_said_within_the_last_minute_wins_over_the_list(
    resources: Resources, rede: respx.MockRouter, conectado: bool, listado: str, coluna: str
) -> None:
    db = resources.db
    over: dict[str, Any] = {coluna: AGORA - timedelta(seconds=30)}
    await um(db, "julia-01", conectado=conectado, **over)
    lista(rede, instancia("julia-01", listado, disconnectionReasonCode=401 if conectado else None))
    assert (await roda(resources)).changed == 0
    row = (await chips(db))["julia-01"]
    assert (row["conectado"], row["status"]) == (conectado, "active")
    await roda(resources, em=AGORA + MINUTO)
    assert (await chips(db))["julia-01"]["conectado"] is not conectado


@pytest.mark.parametrize("status", [*EM_USO, StatusChip.RESTRICTED])
@pytest.mark.parametrize("codigo", [401, 403, 406])
async def test_a_ban_seen_only_in_the_list_is_one(
    resources: Resources, rede: respx.MockRouter, status: StatusChip, codigo: int
) -> None:
    await um(resources.db, "julia-01", status)
    lista(rede, instancia("julia-01", "close", disconnectionReasonCode=codigo))
    outcome = await roda(resources)
    row = (await chips(resources.db))["julia-01"]
    assert (row["status"], row["queda_codigo"], row["status_ator"]) == ("banned", codigo, "fluxo:sincronizar-chips")
    assert outcome.kinds == {"banidos": 1}
    [(tipo, texto)] = await avisos(resources.db)
    assert (tipo, texto.split(" (")[0]) == ("chip_perdido", "julia-01: número banido")
    assert (await roda(resources, em=AGORA + 5 * MINUTO)).changed == 0


@pytest.mark.parametrize(
    "status", [StatusChip.PAUSED, StatusChip.CANCELLED, StatusChip.PROVISIONED, StatusChip.PENDING]
)
async def test_a_logged_out_session_in_the_list_bans_nobody_who_is_not_at_work(
    resources: Resources, rede: respx.MockRouter, status: StatusChip
) -> None:
    await um(resources.db, "julia-01", status)
    lista(rede, instancia("julia-01", "close", disconnectionReasonCode=401))
    await roda(resources)
    row = (await chips(resources.db))["julia-01"]
    assert (row["status"], row["conectado"], row["queda_codigo"]) == (status, False, 401)


async def test_the_code_of_an_end_before_the_present_status_bans_nobody_again(
    resources: Resources, rede: respx.MockRouter
) -> None:
    db = resources.db
    await um(db, "julia-01", StatusChip.PROVISIONED, conectado=False, status_desde=AGORA - 60 * MINUTO)
    await um(db, "julia-02", StatusChip.WARMING, conectado=False, status_desde=AGORA - 60 * MINUTO)
    ended = {"disconnectionReasonCode": 403, "disconnectionAt": (AGORA - DIA).isoformat().replace("+00:00", "Z")}
    lista(rede, instancia("julia-01", "close", **ended), instancia("julia-02", "close", **ended))
    await roda(resources)
    assert [row["status"] for row in (await chips(db)).values()] == ["provisioned", "warming"]
    ended["disconnectionAt"] = (AGORA - MINUTO).isoformat()
    lista(rede, instancia("julia-01", "close", **ended), instancia("julia-02", "close", **ended))
    await roda(resources, em=AGORA + 5 * MINUTO)
    assert [row["status"] for row in (await chips(db)).values()] == ["banned", "banned"]


async def test_the_code_of_the_last_end_says_nothing_of_a_number_that_is_connected_again(
    resources: Resources, rede: respx.MockRouter
) -> None:
    await um(resources.db, "julia-01")
    lista(rede, instancia("julia-01", "open", disconnectionReasonCode=401))
    assert (await roda(resources)).changed == 0
    assert (await chips(resources.db))["julia-01"]["status"] == "active"


async def test_a_provisioned_number_that_the_list_shows_connected_begins_to_warm_up(
    resources: Resources, rede: respx.MockRouter
) -> None:
    db = resources.db
    await um(db, "julia-01", StatusChip.PROVISIONED, conectado=False)
    await um(db, "escuta-01", StatusChip.PROVISIONED, conectado=False, tipo=TipoChip.LISTENER)
    lista(rede, instancia("julia-01"), instancia("escuta-01"))
    outcome = await roda(resources)
    after = await chips(db)
    assert (after["julia-01"]["status"], after["julia-01"]["aquecimento_desde"]) == ("warming", AGORA)
    assert (after["escuta-01"]["status"], after["escuta-01"]["conectado"]) == ("provisioned", True)
    assert outcome.kinds == {"em_aquecimento": 1, "conectados": 1}


async def test_a_provisioned_number_that_connected_before_it_was_looked_at_warms_up_too(
    resources: Resources, rede: respx.MockRouter
) -> None:
    await um(resources.db, "julia-01", StatusChip.PROVISIONED, conectado=True)
    lista(rede, instancia("julia-01"))
    await roda(resources)
    assert (await chips(resources.db))["julia-01"]["status"] == "warming"


async def test_an_instance_that_nobody_entered_becomes_a_listener_that_waits_for_approval(
    resources: Resources, rede: respx.MockRouter
) -> None:
    db = resources.db
    lista(
        rede,
        instancia("grupo_5511900000777", "open", ownerJid="551190000777@s.whatsapp.net"),
        instancia("outra", "close", number="5511900000778"),
    )
    outcome = await roda(resources)
    assert (outcome.seen, outcome.changed, outcome.kinds) == (2, 2, {"adotados": 2})
    after = await chips(db)
    assert {(row["tipo"], row["status"], row["gateway"]) for row in after.values()} == {
        ("listener", "pending", "evolution")
    }
    assert {name: row["conectado"] for name, row in after.items()} == {"grupo_5511900000777": True, "outra": False}
    told = await avisos(db)
    assert {tipo for tipo, _ in told} == {"chip"}
    assert not any("5511900000777" in texto for _, texto in told)
    assert (await roda(resources, em=AGORA + 5 * MINUTO)).changed == 0
    assert len(await avisos(db)) == 2


async def test_an_instance_whose_number_is_not_known_or_is_another_chips_is_not_adopted(
    resources: Resources, rede: respx.MockRouter
) -> None:
    db = resources.db
    await um(db, "julia-01", telefone="+5511900000777")
    lista(
        rede,
        instancia("julia-01"),
        instancia("sem", "close"),
        instancia("copia", ownerJid="5511900000777@s.whatsapp.net"),
        instancia("gemea-1", number="5511900000778"),
        instancia("gemea-2", number="5511900000778"),
    )
    outcome = await roda(resources)
    assert outcome.skipped == {"sem_numero": 1, "numero_de_outro_chip": 2}
    assert outcome.missing == 0
    assert list(await chips(db)) == ["julia-01", "gemea-1"]


async def test_red_quality_restricts_for_as_long_as_meta_says_so_and_tells_once(
    resources: Resources, rede: respx.MockRouter
) -> None:
    db = resources.db
    await da_meta(db, UM, rampup_parte=75, rampup_desde=ANTES)
    lista(rede)
    numeros(rede, numero(UM, qualidade="RED"))
    await roda(resources)
    row = (await chips(db))[UM]
    assert (row["status"], row["conectado"], row["qualidade"]) == ("restricted", True, "RED")
    assert (row["reply_only_until"], row["rampup_parte"], row["rampup_desde"]) == (AGORA + RESTRICAO, 25, None)
    assert (await roda(resources, em=AGORA + 5 * MINUTO)).changed == 0
    late = AGORA + RESTRICAO - 30 * MINUTO
    assert (await roda(resources, em=late)).kinds == {"restricoes_renovadas": 1}
    assert (await chips(db))[UM]["reply_only_until"] == late + RESTRICAO
    assert len(await avisos(db)) == 1


@pytest.mark.parametrize("qualidade", ["GREEN", "YELLOW"])
async def test_a_good_quality_is_stored_and_clears_nothing(
    resources: Resources, rede: respx.MockRouter, qualidade: str
) -> None:
    until = AGORA + timedelta(hours=3)
    await da_meta(resources.db, UM, status=StatusChip.RESTRICTED, reply_only_until=until, qualidade="RED")
    lista(rede)
    numeros(rede, numero(UM, qualidade=qualidade))
    assert (await roda(resources)).kinds == {"qualidades": 1, "tiers": 1}
    row = (await chips(resources.db))[UM]
    assert (row["status"], row["reply_only_until"], row["qualidade"]) == ("restricted", until, qualidade)


async def test_a_number_that_meta_restricted_still_answers_and_one_that_it_banned_is_lost(
    resources: Resources, rede: respx.MockRouter
) -> None:
    await da_meta(resources.db, UM, DOIS)
    lista(rede)
    numeros(rede, numero(UM, "RESTRICTED"), numero(DOIS, "BANNED"))
    await roda(resources)
    after = await chips(resources.db)
    assert [(row["status"], row["conectado"]) for row in after.values()] == [("restricted", True), ("banned", False)]


@pytest.mark.parametrize(
    ("tier", "limite"),
    [
        ("TIER_250", 250),
        ("TIER_1K", 1_000),
        ("TIER_2K", 2_000),
        ("TIER_10K", 10_000),
        ("TIER_100K", 100_000),
        ("TIER_UNLIMITED", SEM_LIMITE),
        ("TIER_NOT_SET", None),
        ("", None),
        (None, None),
    ],
)
async def test_the_accounts_tier_is_kept_as_a_limit(
    resources: Resources, rede: respx.MockRouter, tier: str | None, limite: int | None
) -> None:
    assert limite_do_tier(tier) == limite
    await da_meta(resources.db, UM)
    lista(rede)
    numeros(rede, numero(UM, tier=tier or ""))
    await roda(resources)
    stored = await consulta(resources.db, "SELECT conta, tier, limite_dia, em FROM conta_meta")
    assert stored == ([] if limite is None else [{"conta": CONTA, "tier": tier, "limite_dia": limite, "em": AGORA}])


async def test_a_new_tier_takes_the_olds_place_and_an_unchanged_one_is_left_alone(
    resources: Resources, rede: respx.MockRouter
) -> None:
    await da_meta(resources.db, UM, DOIS)
    lista(rede)
    numeros(rede, numero(UM), numero(DOIS))
    await roda(resources)
    assert (await roda(resources, em=AGORA + 5 * MINUTO)).changed == 0
    numeros(rede, numero(UM, tier="TIER_10K"), numero(DOIS, tier="TIER_10K"))
    assert (await roda(resources, em=AGORA + 10 * MINUTO)).kinds == {"tiers": 1}
    [row] = await consulta(resources.db, "SELECT tier, limite_dia, em FROM conta_meta")
    assert row == {"tier": "TIER_10K", "limite_dia": 10_000, "em": AGORA + 10 * MINUTO}


async def test_a_long_list_of_numbers_comes_in_pages(resources: Resources, rede: respx.MockRouter) -> None:
    await da_meta(resources.db, UM, DOIS, conectado=False)
    lista(rede)
    first = {"data": [numero(UM)], "paging": {"cursors": {"after": "c1"}, "next": "https://outro.test/?token=x"}}
    pages = iter([first, {"data": [numero(DOIS)]}])
    rede.get(f"{META}/v23.0/{CONTA}/phone_numbers").mock(side_effect=lambda _: httpx.Response(200, json=next(pages)))
    await roda(resources)
    assert all(row["conectado"] for row in (await chips(resources.db)).values())


async def test_who_is_out_for_fifteen_minutes_is_told_of_once_an_outage(
    resources: Resources, rede: respx.MockRouter
) -> None:
    db = resources.db
    await um(db, "julia-01", conectado=False, conexao_em=AGORA - 14 * MINUTO, queda_codigo=428)
    for status in (StatusChip.PAUSED, StatusChip.BANNED, StatusChip.PROVISIONED):
        await um(db, f"fora-{status}", status, conectado=False)
    away = [instancia(name, "close") for name in await chips(db)]
    lista(rede, *away)
    assert (await roda(resources)).kinds == {}
    later = AGORA + 2 * MINUTO
    assert (await roda(resources, em=later)).kinds == {"avisados": 1}
    assert await avisos(db) == [
        ("chip", "julia-01: fora do ar há mais de 15 minutos (código 428); veja agente chip estado")
    ]
    for n in range(3):
        repeated = await roda(resources, em=later + n * 5 * MINUTO)
        assert (repeated.kinds, repeated.eligible) == ({}, 0)
    lista(rede, instancia("julia-01"))
    back = AGORA + 30 * MINUTO
    await roda(resources, em=back)
    lista(rede, *away)
    await roda(resources, em=back + 5 * MINUTO)
    assert (await roda(resources, em=back + 25 * MINUTO)).kinds == {"avisados": 1}
    assert len(await avisos(db)) == 2


async def test_who_comes_back_in_the_same_look_is_not_told_of_as_out(
    resources: Resources, rede: respx.MockRouter
) -> None:
    await um(resources.db, "julia-01", conectado=False)
    lista(rede, instancia("julia-01"))
    assert (await roda(resources)).kinds == {"conectados": 1}
    assert await avisos(resources.db) == []


async def test_who_is_out_is_told_of_even_while_the_gateway_does_not_answer(
    resources: Resources, rede: respx.MockRouter
) -> None:
    await um(resources.db, "julia-01", conectado=False)
    lista(rede, status=503)
    outcome = await roda(resources)
    assert (outcome.kinds, sum(outcome.failed.values())) == ({"avisados": 1}, 1)


async def test_a_gateway_that_fails_without_a_chip_of_ours_is_told_all_the_same(
    resources: Resources, rede: respx.MockRouter
) -> None:
    lista(rede, status=500)
    outcome = await roda(resources)
    assert (outcome.seen, outcome.eligible, sum(outcome.failed.values())) == (1, 1, 1)
