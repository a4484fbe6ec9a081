"""What may be read over the API, by whom, and how it looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from lib.auth import Papel, new_token, token_hash
from lib.db import Database
from lib.models import Conversa, Inbox, Outbox, Turno
from lib.models.conversa import Controle, StatusConversa
from lib.models.fila import OutboxState, TipoInbox
from lib.models.turno import Desfecho
from lib.queries import token
from tests.api.viva import Api
from tests.builders import (
    AGORA,
    gravar,
    id_of,
    um_chip,
    um_envio,
    um_estado,
    um_medico,
    uma_conversa,
    uma_entrada,
    uma_saida,
)

pytestmark = pytest.mark.anyio


async def bearer(db: Database, papel: Papel) -> dict[str, str]:
    """A stored token of this role, as the header that carries it."""
    fresh, now = new_token(), datetime.now(UTC)
    await token.create(db, "teste", papel, token_hash(fresh), now, now + timedelta(days=1))
    return {"authorization": f"Bearer {fresh}"}


async def conversas(db: Database, quantas: int) -> list[Conversa]:
    """As many doctors, each with an open conversation; every second one is with a person."""
    [chip] = await gravar(db, um_chip(instancia="julia-01"))
    medicos = await gravar(db, *[um_medico(telefone=f"+55119000{n:05d}") for n in range(quantas)])
    await gravar(db, *[um_estado(id_of(medico), temperatura=0.55) for medico in medicos])
    rows = [
        uma_conversa(id_of(medico), chip_id=chip.id, controle=Controle.HUMANO if n % 2 else Controle.AI)
        for n, medico in enumerate(medicos)
    ]
    return await gravar(db, *rows)


async def test_conversations_come_in_pages_newest_first_with_masked_phones(api: Api, db: Database) -> None:
    made = [id_of(one) for one in await conversas(db, 5)]
    headers = await bearer(db, Papel.VIEWER)
    seen: list[int] = []
    antes_de: int | None = None
    while True:
        params = {"limite": 2} | ({"antes_de": antes_de} if antes_de else {})
        answer = await api.client.get("/v1/conversas", params=params, headers=headers)
        assert answer.status_code == 200
        page = answer.json()
        seen += [item["id"] for item in page["itens"]]
        assert all(item["telefone"].startswith("+55 11 9****-") for item in page["itens"])
        antes_de = page["proxima"]
        if antes_de is None:
            break
    assert seen == sorted(made, reverse=True)
    assert "+5511" not in answer.text


async def test_conversations_are_filtered_by_status_and_by_who_answers(api: Api, db: Database) -> None:
    await conversas(db, 4)
    [chip] = await gravar(db, um_chip())
    [medico] = await gravar(db, um_medico())
    await gravar(db, um_estado(id_of(medico)))
    [ended] = await gravar(db, uma_conversa(id_of(medico), chip_id=chip.id, status=StatusConversa.COMPLETED))
    headers = await bearer(db, Papel.OPERATOR)
    human = (await api.client.get("/v1/conversas", params={"controle": "humano"}, headers=headers)).json()["itens"]
    assert [item["controle"] for item in human] == ["humano"] * 2
    done = (await api.client.get("/v1/conversas", params={"status": "completed"}, headers=headers)).json()["itens"]
    assert [item["id"] for item in done] == [ended.id]


async def test_a_conversation_is_read_newest_first_page_by_page(api: Api, db: Database) -> None:
    [one] = await conversas(db, 1)
    await gravar(
        db,
        *[
            make(one, AGORA + timedelta(minutes=n), texto=f"mensagem {n}")
            for n, make in enumerate((uma_entrada, uma_saida, uma_entrada))
        ],
    )
    headers = await bearer(db, Papel.VIEWER)
    path = f"/v1/conversas/{one.id}/mensagens"
    first = (await api.client.get(path, params={"limite": 2}, headers=headers)).json()
    assert [item["texto"] for item in first["itens"]] == ["mensagem 2", "mensagem 1"]
    rest = (await api.client.get(path, params={"antes_de": first["proxima"]}, headers=headers)).json()
    assert [item["texto"] for item in rest["itens"]] == ["mensagem 0"]
    assert rest["proxima"] is None


async def a_turn(db: Database) -> tuple[Conversa, Turno]:
    """A burst of two messages that was answered with one."""
    [one] = await conversas(db, 1)
    assert one.chip_id is not None
    row = Turno(
        conversation_id=id_of(one),
        medico_id=one.medico_id,
        fence=1,
        desfecho=Desfecho.RESPONDIDA,
        motivo="rule_default: permissão active",
        regra="rule_default",
        etapas={"analise": 1.5, "modelo": 40.0},
        custos={"round_trips": 1, "llm_calls": 2, "tokens_in": 900, "tokens_out": 40},
        custo_micro_usd=110,
        iniciado_em=AGORA + timedelta(seconds=2),
        terminado_em=AGORA + timedelta(seconds=2.1),
    )
    [turno] = await gravar(db, row)
    inbox = [
        Inbox(
            source="evolution",
            chip_id=one.chip_id,
            provider_msg_id=f"m{n}",
            conversation_id=one.id,
            tipo=TipoInbox.MENSAGEM,
            texto="oi",
            raw=b"{}",
            received_at=AGORA + timedelta(milliseconds=300 * n),
            turn_id=turno.id,
        )
        for n in range(2)
    ]
    await gravar(db, *inbox)
    sent = {"turn_id": turno.id, "state": OutboxState.SENT, "chip_id": one.chip_id, "provider_msg_id": "p1"}
    times = {
        name: AGORA + timedelta(seconds=s) for name, s in (("criada_em", 2.1), ("next_at", 3), ("enviando_em", 3.1))
    }
    outbox: list[Outbox] = [um_envio(one, **sent, **times, enviada_em=AGORA + timedelta(seconds=3.2))]
    await gravar(db, *outbox)
    return one, turno


async def test_a_turn_shows_its_waterfall_its_reason_and_its_cost(api: Api, db: Database) -> None:
    one, turno = await a_turn(db)
    answer = await api.client.get(f"/v1/turnos/{turno.id}", headers=await bearer(db, Papel.VIEWER))
    assert answer.status_code == 200
    read = answer.json()
    assert (read["conversation_id"], read["mensagens"], read["motivo"]) == (one.id, 2, "rule_default: permissão active")
    assert (read["custos"]["llm_calls"], read["custo_micro_usd"]) == (2, 110)
    names = [etapa["nome"] for etapa in read["etapas"]]
    assert names[:2] == ["2 mensagens guardadas", "espera por silêncio"]
    assert names[-1] == "aceita pelo gateway"
    assert [envio["estado"] for envio in read["envios"]] == ["sent"]


@pytest.mark.parametrize("path", ["/v1/conversas/77/mensagens", "/v1/turnos/77"])
async def test_what_does_not_exist_is_a_problem_with_404(api: Api, db: Database, path: str) -> None:
    answer = await api.client.get(path, headers=await bearer(db, Papel.VIEWER))
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404


@pytest.mark.parametrize(
    ("path", "campo"),
    [
        ("/v1/conversas?limite=201", "query.limite"),
        ("/v1/conversas?limite=0", "query.limite"),
        ("/v1/conversas?status=aberta", "query.status"),
        ("/v1/conversas?antes_de=x", "query.antes_de"),
        (f"/v1/conversas/{2**63}/mensagens", "path.conversa_id"),
        ("/v1/turnos/0", "path.turno_id"),
    ],
)
async def test_wrong_parameters_are_named(api: Api, db: Database, path: str, campo: str) -> None:
    answer = await api.client.get(path, headers=await bearer(db, Papel.VIEWER))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [erro["campo"] for erro in answer.json()["erros"]] == [campo]


@pytest.mark.parametrize("path", ["/v1/conversas", "/v1/conversas/1/mensagens", "/v1/turnos/1"])
async def test_nobody_reads_without_a_token(api: Api, path: str) -> None:
    assert (await api.client.get(path)).status_code == 401


async def test_the_documentation_shows_an_example_of_each_answer(api: Api) -> None:
    paths = api.app.openapi()["paths"]
    assert {"/v1/conversas", "/v1/conversas/{conversa_id}/mensagens", "/v1/turnos/{turno_id}"} <= set(paths)
    errors = paths["/v1/turnos/{turno_id}"]["get"]["responses"]
    assert "application/problem+json" in errors["404"]["content"]
    assert "application/problem+json" in errors["422"]["content"]
