"""What outside systems cost is counted where it happens and read with a token."""

from __future__ import annotations

import pytest

from lib.auth import Papel
from lib.db import Database
from tests.api.test_leitura import bearer
from tests.api.viva import Api

pytestmark = pytest.mark.anyio


async def test_each_system_that_is_set_up_shows_its_counts(api: Api, db: Database) -> None:
    headers = await bearer(db, Papel.VIEWER)
    assert (await api.client.get("/v1/fornecedores")).status_code == 401
    read = (await api.client.get("/v1/fornecedores", headers=headers)).json()["itens"]
    names = [one["nome"] for one in read]
    assert names == sorted(names)
    assert {"evolution", "anthropic"} <= set(names)
    assert all(one["em_voo"] >= 0 and one["sem_resposta"] <= one["pedidos"] for one in read)
