"""Where a hospital is."""

from __future__ import annotations

from lib.db import Database
from tests.agent.tools.oficina import contagem, lido, um_turno, usar
from tests.builders import gravar, um_hospital


async def test_a_hospital_is_found_by_part_of_its_name(db: Database) -> None:
    await gravar(
        db,
        um_hospital(nome_normalizado="hospital santa clara", endereco="Rua das Flores, 10"),
        um_hospital(nome="Hospital Baía", nome_normalizado="hospital baia", cidade="Niterói", uf="RJ"),
    )
    contexto = await um_turno(db)
    clara = {"hospital": "Hospital Santa Clara", "endereco": "Rua das Flores, 10", "cidade": "São Paulo-SP"}
    for dito in ("Santa Clara", "SANTA CLÁRA", "clara"):
        assert lido(await usar(contexto, "buscar_info_hospital", nome_hospital=dito)) == {"hospitais": [clara]}
    assert lido(await usar(contexto, "buscar_info_hospital", nome_hospital="Zanzibar")) == {"hospitais": []}
    for nada in ("", "ab", "%%%", "___"):
        assert (await usar(contexto, "buscar_info_hospital", nome_hospital=nada)).erro
    assert set((await contagem(db)).values()) == {0}
