"""What people do with conversations over the API: take, give back, see notices, pause."""

from __future__ import annotations

import pytest

from lib.auth import Papel
from lib.db import Database
from tests.api.test_leitura import bearer
from tests.api.viva import Api
from tests.queries.fabrica import consulta, pessoas

pytestmark = pytest.mark.anyio


async def test_a_person_takes_a_conversation_and_gives_it_back_with_notes(api: Api, db: Database) -> None:
    [medica] = await pessoas(db, 1)
    headers = await bearer(db, Papel.OPERATOR)
    path = f"/v1/conversas/{medica.conversa_id}"
    taken = await api.client.post(f"{path}/assumir", headers=headers)
    assert taken.status_code == 200
    shown = (await api.client.get("/v1/transferencias?status=assumida", headers=headers)).json()
    [mao] = shown["itens"]
    assert mao["id"] == taken.json()["transferencia_id"]
    assert (mao["gatilho"], mao["assumida_por"]) == ("manual", "teste")
    assert "****" in mao["telefone"] or mao["telefone"].startswith("+55 11 9****")
    back = await api.client.post(f"{path}/devolver", headers=headers, json={"notas": "tudo certo"})
    assert back.json() == taken.json()
    assert await consulta(db, "SELECT controle, status FROM conversa") == [{"controle": "ai", "status": "active"}]
    assert await consulta(db, "SELECT notas, resolvida_por FROM transferencia") == [
        {"notas": "tudo certo", "resolvida_por": "teste"}
    ]
    again = await api.client.post(f"{path}/devolver", headers=headers)
    assert again.status_code == 409
    assert again.headers["content-type"] == "application/problem+json"
    assert again.json()["detail"] == "a conversa já está com a Júlia, ou encerrada"


async def test_notices_are_seen_once_and_then_gone_from_the_list(api: Api, db: Database) -> None:
    [medica] = await pessoas(db, 1)
    await consulta(
        db,
        "INSERT INTO aviso (chave, tipo, conversation_id, texto) VALUES ('a', 'interesse', %s, 'quer o plantão 7'),"
        " ('b', 'mensagem_morta', NULL, 'morreu')",
        medica.conversa_id,
    )
    headers = await bearer(db, Papel.OPERATOR)
    first = (await api.client.get("/v1/avisos?limite=1", headers=headers)).json()
    assert [item["tipo"] for item in first["itens"]] == ["mensagem_morta"]
    rest = (await api.client.get("/v1/avisos", params={"antes_de": first["proxima"]}, headers=headers)).json()
    assert [(item["tipo"], item["medico"]) for item in rest["itens"]] == [("interesse", "Helena Prado")]
    aviso_id = rest["itens"][0]["id"]
    assert (await api.client.post(f"/v1/avisos/{aviso_id}/visto", headers=headers)).status_code == 204
    assert (await api.client.post(f"/v1/avisos/{aviso_id}/visto", headers=headers)).status_code == 204
    assert [i["id"] for i in (await api.client.get("/v1/avisos", headers=headers)).json()["itens"]] == [
        first["itens"][0]["id"]
    ]
    seen = (await api.client.get("/v1/avisos?todos=true", headers=headers)).json()["itens"]
    assert [item["visto_por"] for item in seen] == [None, "teste"]
    assert (await api.client.post("/v1/avisos/999/visto", headers=headers)).status_code == 404


async def test_the_operation_is_paused_with_a_reason_and_goes_on(api: Api, db: Database) -> None:
    headers = await bearer(db, Papel.OPERATOR)
    before = (await api.client.get("/v1/pausa", headers=headers)).json()
    assert (before["ativa"], before["desde"]) == (False, None)
    paused = await api.client.post("/v1/pausa", headers=headers, json={"ativa": True, "motivo": "número em revisão"})
    assert paused.status_code == 200
    read = (await api.client.get("/v1/pausa", headers=headers)).json()
    assert (read["ativa"], read["por"], read["motivo"]) == (True, "teste", "número em revisão")
    assert read["desde"]
    assert (await api.client.post("/v1/pausa", headers=headers, json={"ativa": False})).json()["ativa"] is False
    wrong = await api.client.post("/v1/pausa", headers=headers, json={"ativa": True, "razao": "x"})
    assert [erro["campo"] for erro in wrong.json()["erros"]] == ["body.razao"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/conversas/1/assumir",
        "/v1/conversas/1/devolver",
        "/v1/avisos/1/visto",
        "/v1/pausa",
        "/v1/mensagens/e1/reprocessar",
    ],
)
async def test_who_may_only_read_changes_nothing(api: Api, db: Database, path: str) -> None:
    assert (await api.client.post(path, json={})).status_code == 401
    refused = await api.client.post(path, json={"ativa": True}, headers=await bearer(db, Papel.VIEWER))
    assert refused.status_code == 403
    assert await consulta(db, "SELECT 1 FROM flag") == []


@pytest.mark.parametrize("path", ["/v1/conversas/77/assumir", "/v1/conversas/77/devolver"])
async def test_a_conversation_that_does_not_exist_is_404(api: Api, db: Database, path: str) -> None:
    answer = await api.client.post(path, headers=await bearer(db, Papel.OPERATOR))
    assert (answer.status_code, answer.json()["detail"]) == (404, "conversa não encontrada")
