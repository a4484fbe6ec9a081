"""Over the API: why a message went through its chip, from what the claim stored."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lib.auth import Papel
from lib.db import Database
from lib.domain.chip import TipoChip
from tests.api.test_leitura import bearer
from tests.api.viva import Api
from tests.builders import gravar
from tests.queries.fabrica import agora, chip_que_envia, consulta, pessoas, reivindicar, resposta

pytestmark = pytest.mark.anyio


async def test_a_choice_tells_the_winner_the_others_and_what_would_change_them(api: Api, db: Database) -> None:
    cansado = chip_que_envia(instancia="julia-02", cooldown_ate=agora() + timedelta(minutes=20))
    await gravar(db, chip_que_envia(instancia="julia-01"), cansado)
    await gravar(db, chip_que_envia(instancia="escuta-01", tipo=TipoChip.LISTENER))
    [pessoa] = await pessoas(db, 1)
    [row] = await gravar(db, resposta(pessoa))
    await reivindicar(db)
    headers = await bearer(db, Papel.VIEWER)
    sent = (await api.client.get(f"/v1/mensagens/s{row.id}", headers=headers)).json()
    [envio] = sent["envios"]
    assert envio["escolha"] == "era o único que podia"
    made = (await api.client.get(f"/v1/chips/decisoes/{envio['decisao_id']}", headers=headers)).json()
    assert (made["envio"], made["chip"], made["porque"]) == (f"s{row.id}", "julia-01", envio["escolha"])
    assert made["descartes"] == {"em descanso": 1, "só escuta grupos": 1}
    won, rested, listener = made["candidatos"]
    assert (won["chip"], won["venceu"], won["mudaria"]) == ("julia-01", True, None)
    assert rested["regra"] == "cooldown"
    assert rested["mudaria"].endswith("quando o descanso acaba")
    assert rested["mudaria_em"] == cansado.cooldown_ate.isoformat().replace("+00:00", "Z")  # type: ignore[union-attr]
    assert (listener["porque"], listener["mudaria"]) == ("só escuta grupos", None)
    assert "+5511" not in str(made)


async def test_a_choice_that_is_not_there_is_404_and_nobody_reads_one_without_a_credential(
    api: Api, db: Database
) -> None:
    answer = await api.client.get("/v1/chips/decisoes/7", headers=await bearer(db, Papel.VIEWER))
    assert (answer.status_code, answer.json()["detail"]) == (404, "decisão não encontrada")
    assert (await api.client.get("/v1/chips/decisoes/7")).status_code == 401
    assert await consulta(db, "SELECT * FROM chip_decisao") == []
