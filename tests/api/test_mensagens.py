"""One message with its waterfall over the API, and the list of what went no further."""

from __future__ import annotations

import pytest

from lib.auth import Papel
from lib.db import Database
from tests.api.test_leitura import a_turn, bearer
from tests.api.viva import Api
from tests.builders import gravar
from tests.queries.fabrica import consulta, pessoas, resposta

pytestmark = pytest.mark.anyio


async def test_a_message_shows_its_turn_its_calls_and_its_deliveries(api: Api, db: Database) -> None:
    one, turno = await a_turn(db)
    await consulta(
        db,
        """UPDATE turno SET prompts = '{"julia.md": "ab12"}', chamadas = '[{"finalidade": "resposta",
          "modelo": "claude-haiku-5-5", "ms": 40, "uso": {"entrada": 900, "saida": 40, "cache_escrita": 0,
          "cache_leitura": 100}, "parada": "end_turn", "request_id": null}]',
          ferramentas = '[{"nome": "buscar_vagas", "ms": 3.5, "erro": false, "vagas": [7]}]'""",
    )
    await consulta(db, "INSERT INTO delivery_event (chip_id, provider_msg_id, status) VALUES (%s, 'p1', 'READ')",
                   one.chip_id)  # fmt: skip
    [first] = await consulta(db, "SELECT min(id) AS id FROM inbox")
    headers = await bearer(db, Papel.VIEWER)
    answer = await api.client.get(f"/v1/mensagens/e{first['id']}", headers=headers)
    assert answer.status_code == 200
    read = answer.json()
    assert (read["resultado"], read["motivo"]) == ("respondida", "rule_default: permissão active")
    assert read["turno"]["prompts"] == {"julia.md": "ab12"}
    [chamada] = read["turno"]["chamadas"]
    assert (chamada["tokens_entrada"], chamada["tokens_cache_leitura"], chamada["custo_micro_usd"]) == (900, 100, 111)
    assert [etapa["nome"] for etapa in read["etapas"]][3:6] == [
        "análise da situação", "modelo: resposta", "ferramenta: buscar_vagas"
    ]  # fmt: skip
    [envio] = read["envios"]
    assert (envio["escolha"], envio["decisao_id"]) == (None, None), "nobody claimed it"
    assert list(envio["recibos"]) == ["READ"]
    assert "+5511" not in answer.text
    bare = await api.client.get(f"/v1/mensagens/{first['id']}", headers=headers)
    assert bare.json() == read
    sent = (await api.client.get(f"/v1/mensagens/{envio['id']}", headers=headers)).json()
    assert (sent["resultado"], sent["turno"]["id"]) == ("sent", turno.id)


@pytest.mark.parametrize("ref", ["e77", "s77", "c1", "x1", "e", "e0", "99999999999999999999", "é1"])
async def test_a_name_that_names_nothing_is_404(api: Api, db: Database, ref: str) -> None:
    answer = await api.client.get(f"/v1/mensagens/{ref}", headers=await bearer(db, Papel.VIEWER))
    assert (answer.status_code, answer.json()["detail"]) in {
        (404, "mensagem não encontrada"),
        (422, None),
    }


async def test_what_went_no_further_is_listed_in_pages_and_given_another_chance(api: Api, db: Database) -> None:
    people = await pessoas(db, 3)
    await gravar(db, *(resposta(p, state="dead", motivo="recusada pelo número") for p in people))
    headers = await bearer(db, Papel.OPERATOR)
    seen: list[str] = []
    depois: str | None = None
    while True:
        # As somebody types it: what the last page said, put behind the path as it is.
        after = f"&depois_de={depois}" if depois else ""
        page = (await api.client.get(f"/v1/mortas?limite=2{after}", headers=headers)).json()
        seen += [item["id"] for item in page["itens"]]
        depois = page["proxima"]
        if depois is None:
            break
    assert len(seen) == len(set(seen)) == 3
    assert page["itens"][0]["o_que_fazer"].startswith("veja o motivo")
    dry = await api.client.post(f"/v1/mensagens/{seen[0]}/reprocessar?seco=true", headers=headers)
    assert (dry.status_code, dry.json()["feita"]) == (200, False)
    done = await api.client.post(f"/v1/mensagens/{seen[0]}/reprocessar", headers=headers)
    assert done.json() == {
        "id": seen[0], "classe": "envio_morto", "feita": True, "texto": "a mensagem voltou à fila"
    }  # fmt: skip
    assert (await api.client.post(f"/v1/mensagens/{seen[0]}/reprocessar", headers=headers)).status_code == 404
    wrong = await api.client.get("/v1/mortas?depois_de=ontem", headers=headers)
    assert wrong.status_code == 422
