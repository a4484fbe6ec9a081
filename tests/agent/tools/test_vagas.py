"""The search: every filter before the limit, conflicts left out and counted, one round trip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from lib.agent.tools import ToolContext
from lib.db import Database
from lib.domain.horario import fuso
from lib.domain.texto import dobrar
from lib.models import Especialidade
from lib.models.vaga import Criticidade, StatusVaga, ValorTipo
from tests.agent.tools.oficina import contagem, lido, um_turno, usar
from tests.builders import gravar, id_of, um_hospital, uma_vaga

# The next Thursday after the builders' Tuesday.
QUINTA = datetime(2026, 3, 12, tzinfo=fuso("SP"))
A_COMBINAR: dict[str, Any] = {"valor_tipo": ValorTipo.A_COMBINAR, "valor_centavos": None}


@dataclass(frozen=True, slots=True)
class Praca:
    """A doctor who is a cardiologist, and hospitals to work at."""

    db: Database
    contexto: ToolContext
    cardiologia: int
    pediatria: int
    hospitais: Mapping[str, int]

    async def vaga(self, comeca: int = 7, horas: int = 12, dia: int = 0, onde: str = "SP", **over: Any) -> int:
        """Store a shift that begins on Thursday plus `dia` at `comeca` on its hospital's clock."""
        inicio = (QUINTA + timedelta(days=dia)).replace(hour=comeca, tzinfo=fuso(onde[:2]))
        qual = over.pop("especialidade_id", self.cardiologia)
        row = uma_vaga(self.hospitais[onde], qual, inicio, inicio + timedelta(hours=horas), **over)
        [stored] = await gravar(self.db, row)
        return id_of(stored)

    async def minha(self, comeca: int, horas: int, dia: int = 0, **over: Any) -> int:
        """Store a shift that the doctor holds."""
        return await self.vaga(
            comeca, horas, dia, **{"status": StatusVaga.RESERVADA, "medico_id": self.contexto.medico_id, **over}
        )

    async def busca(self, **args: Any) -> Mapping[str, Any]:
        """Search."""
        return lido(await usar(self.contexto, "buscar_vagas", limite=10, **args))

    async def acha(self, **args: Any) -> set[int]:
        """Search and return the ids."""
        return {shown["vaga_id"] for shown in (await self.busca(**args))["vagas"]}


@pytest.fixture
async def praca(db: Database) -> Praca:
    nomes = ("Cardiologia", "Pediatria", "Medicina Intensiva", "Ginecologia e Obstetrícia", "Clínica Médica")
    especialidades = await gravar(db, *(Especialidade(nome=nome, nome_normalizado=dobrar(nome)) for nome in nomes))
    onde = {
        "SP": um_hospital(nome_normalizado="hospital santa clara"),
        "SP2": um_hospital(nome="Hospital Porto", nome_normalizado="hospital porto", cidade="Ribeirão Preto"),
        "RJ": um_hospital(nome="Hospital Baía", nome_normalizado="hospital baia", cidade="Niterói", uf="RJ"),
        "AM": um_hospital(nome="Hospital Rios", nome_normalizado="hospital rios", cidade="Manaus", uf="AM"),
    }
    hospitais = await gravar(db, *onde.values())
    cardiologia, pediatria, *_ = (id_of(row) for row in especialidades)
    contexto = await um_turno(db, especialidade_id=cardiologia)
    ids = dict(zip(onde, map(id_of, hospitais), strict=True))
    return Praca(db, contexto, cardiologia, pediatria, ids)


async def test_a_shift_is_shown_with_what_may_be_said_of_it(praca: Praca) -> None:
    vaga = await praca.vaga(19, setor="UTI adulto")
    result = await usar(praca.contexto, "buscar_vagas")
    assert result.vagas == (vaga,)
    assert lido(result) == {
        "vagas": [
            {
                "hospital": "Hospital Santa Clara", "cidade": "São Paulo-SP", "especialidade": "Cardiologia",
                "quando": "quinta-feira, 12/03, das 19:00 às 07:00 do dia seguinte", "valor": "R$ 1.800,00",
                "setor": "UTI adulto", "vaga_id": vaga,
            }
        ],
        "filtros": [], "com_os_filtros": 1, "conflitos": 0, "total_sem_filtros": 1,
    }  # fmt: skip
    assert set((await contagem(praca.db)).values()) == {0}


async def test_without_a_specialty_the_doctors_own_holds_and_a_named_one_wins(praca: Praca) -> None:
    own, other = await praca.vaga(), await praca.vaga(especialidade_id=praca.pediatria)
    assert await praca.acha() == {own}
    for said in ("pediatria", "Pediatra", '["Pediatria"]', "ped", "PEDIATRIA"):
        assert await praca.acha(especialidade=said) == {other}
    nobody = replace(praca.contexto, especialidade_id=None)
    assert set((await usar(nobody, "buscar_vagas")).vagas) == {own, other}


async def test_an_unknown_specialty_is_an_error_with_suggestions_not_an_empty_list(praca: Praca) -> None:
    await praca.vaga()
    for said in ("pediatrya", "xyz", "%", "[]", "'; DROP TABLE vaga; --"):
        result = await usar(praca.contexto, "buscar_vagas", especialidade=said)
        assert result.erro
        assert not result.vagas
    assert "Pediatria" in (await usar(praca.contexto, "buscar_vagas", especialidade="pediatrya")).conteudo


async def test_the_place_asked_for_is_the_place_searched(praca: Praca) -> None:
    by_place = {onde: await praca.vaga(onde=onde) for onde in praca.hospitais}
    assert await praca.acha(cidade="ribeirao preto") == {by_place["SP2"]}
    assert await praca.acha(cidade="Niterói") == {by_place["RJ"]}
    assert await praca.acha(cidade="Santa Clara") == {by_place["SP"]}
    assert (
        await praca.acha(uf="am")
        == await praca.acha(cidade="AM")
        == await praca.acha(regiao="norte")
        == {by_place["AM"]}
    )
    assert await praca.acha(regiao="Sudeste") == {by_place["SP"], by_place["SP2"], by_place["RJ"]}
    assert await praca.acha(cidade="Xique-Xique") == set()
    for escrita in ("Niterói-RJ", "Niterói, rj", "Niterói (RJ)", "niterói RJ"):  # as the answers write a place
        assert await praca.acha(cidade=escrita) == {by_place["RJ"]}, escrita
    assert await praca.acha(cidade="Niterói-SP") == set()


async def test_without_a_place_the_doctors_own_state_comes_first(praca: Praca) -> None:
    far = await praca.vaga(onde="AM", criticidade=Criticidade.CRITICA)
    near = [await praca.vaga(dia=2), await praca.vaga(dia=9, criticidade=Criticidade.URGENTE)]
    shown = [row["vaga_id"] for row in (await praca.busca())["vagas"]]
    assert shown == [near[1], near[0], far]


async def test_parts_of_the_day_are_those_of_the_hospitals_clock(praca: Praca) -> None:
    morning, late = await praca.vaga(7, onde="AM"), await praca.vaga(13, 6)
    night, day_and_night = await praca.vaga(19), await praca.vaga(7, 24)
    assert await praca.acha(periodo="diurno") == {morning, late}
    assert await praca.acha(periodo="manhã") == {morning}
    assert await praca.acha(periodo="vespertino") == await praca.acha(periodo="tarde") == {late}
    assert await praca.acha(periodo="noite") == await praca.acha(periodo="noturno") == {night}
    assert await praca.acha(periodo="12h") == {morning, night}
    assert await praca.acha(periodo="24h") == {day_and_night}
    [shown] = (await praca.busca(periodo="manha"))["vagas"]
    assert shown["quando"] == "quinta-feira, 12/03, das 07:00 às 19:00"
    assert (await usar(praca.contexto, "buscar_vagas", periodo="qualquer hora dessas")).erro


async def test_weekdays_and_dates_filter_on_the_hospitals_days(praca: Praca) -> None:
    by_day = [await praca.vaga(19, dia=dia) for dia in range(8)]
    assert await praca.acha(dias_semana=["quinta-feira"]) == {by_day[0], by_day[7]}
    assert (
        await praca.acha(dias_semana=["fim de semana"])
        == await praca.acha(dias_semana=["Sáb", "domingo"])
        == set(by_day[2:4])
    )
    assert await praca.acha(de="2026-03-13", ate="sábado") == set(by_day[1:3])
    assert await praca.acha(ate="12/03") == {by_day[0]}
    for wrong in (
        {"de": "2025-01-01"},
        {"de": "um dia"},
        {"de": "sexta", "ate": "quinta"},
        {"dias_semana": ["feriado"]},
    ):
        assert (await usar(praca.contexto, "buscar_vagas", **wrong)).erro


async def test_pay_to_be_agreed_and_ranges_that_reach_it_pass_a_minimum(praca: Praca) -> None:
    await praca.vaga(valor_centavos=199_999)
    faixa: dict[str, Any] = {"valor_tipo": ValorTipo.FAIXA, "valor_centavos": None, "valor_min_centavos": 100_000}
    passes = {
        await praca.vaga(valor_centavos=200_000),
        await praca.vaga(**A_COMBINAR),
        await praca.vaga(**faixa, valor_max_centavos=250_000),
    }
    await praca.vaga(**faixa, valor_max_centavos=150_000)
    assert await praca.acha(valor_minimo_reais=2_000) == passes
    assert len(await praca.acha(valor_minimo_reais=0)) == 5


async def test_filters_come_before_the_limit_and_the_answer_says_how_many_there_were(praca: Praca) -> None:
    for dia in range(12):
        await praca.vaga(7, dia=dia)
    night = await praca.vaga(19, dia=20)
    await praca.vaga(especialidade_id=praca.pediatria)
    answer = lido(await usar(praca.contexto, "buscar_vagas", periodo="noturno", limite=1))
    assert [row["vaga_id"] for row in answer["vagas"]] == [night]
    empty = lido(await usar(praca.contexto, "buscar_vagas", periodo="noturno", uf="RJ", valor_minimo_reais=100))
    assert empty == {
        "vagas": [], "filtros": ["estado", "período", "valor mínimo"], "com_os_filtros": 0, "conflitos": 0,
        "total_sem_filtros": 13,
    }  # fmt: skip


async def test_what_is_taken_cancelled_or_begun_is_not_offered(praca: Praca) -> None:
    for status in StatusVaga:
        if status is not StatusVaga.ABERTA:
            await praca.vaga(status=status)
    await praca.vaga(dia=-3)
    assert await praca.busca() == {
        "vagas": [], "filtros": [], "com_os_filtros": 0, "conflitos": 0, "total_sem_filtros": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("minha", "oferta", "serve"),
    [
        ((7, 12, 0), (7, 12, 0), False),
        ((7, 12, 0), (13, 12, 0), False),
        ((7, 24, 0), (19, 12, 0), False),
        ((7, 12, 0), (19, 12, 0), True),
        ((19, 12, 0), (7, 12, 1), False),
        ((19, 12, 0), (13, 6, 1), False),
        ((19, 12, 0), (19, 12, 1), True),
        ((7, 24, 0), (7, 12, 1), False),
        ((7, 12, 1), (19, 12, 0), False),
        ((13, 6, 1), (19, 12, 0), False),
        ((7, 12, 2), (19, 12, 0), True),
        ((13, 6, 0), (7, 12, 1), True),
    ],
)
async def test_a_clash_or_a_day_after_a_night_is_left_out_and_counted(
    praca: Praca, minha: tuple[int, int, int], oferta: tuple[int, int, int], *, serve: bool
) -> None:
    await praca.minha(*minha)
    vaga = await praca.vaga(*oferta)
    answer = await praca.busca()
    assert [row["vaga_id"] for row in answer["vagas"]] == ([vaga] if serve else [])
    assert (answer["com_os_filtros"], answer["conflitos"], answer["total_sem_filtros"]) == (
        int(serve),
        int(not serve),
        1,
    )


async def test_only_ones_own_shifts_clash_and_given_up_ones_do_not(praca: Praca) -> None:
    other = await um_turno(praca.db)
    await praca.minha(7, 12, medico_id=other.medico_id)
    await praca.minha(7, 12, status=StatusVaga.CANCELADA)
    vaga = await praca.vaga(7, 12)
    assert await praca.acha() == {vaga}
    await praca.minha(7, 12, status=StatusVaga.CONFIRMADA)
    assert await praca.acha() == set()


async def test_the_clashes_counted_are_those_that_pass_the_filters(praca: Praca) -> None:
    await praca.minha(7, 12)
    await praca.vaga(7, 12)
    await praca.vaga(8, 12)
    night = await praca.vaga(19, 12)
    answer = await praca.busca(periodo="noturno")
    assert ([row["vaga_id"] for row in answer["vagas"]], answer["conflitos"], answer["total_sem_filtros"]) == (
        [night],
        0,
        3,
    )


INJECAO = (
    "'; DROP TABLE vaga; --",
    "%' OR '1'='1",
    "\\",
    "_",
    "%",
    "São Paulo\x00'",
    "' UNION SELECT 1 --",
    "%(uf)s",
    ":uf",
    "{uf}",
)


@pytest.mark.parametrize("texto", INJECAO)
async def test_words_of_sql_are_only_words(praca: Praca, texto: str) -> None:
    vaga = await praca.vaga()
    for name in ("especialidade", "cidade", "de", "ate", "periodo", "regiao", "uf", "dias_semana"):
        result = await usar(praca.contexto, "buscar_vagas", **{name: texto})
        assert result.erro or (name == "cidade" and not result.vagas)
    result = await usar(praca.contexto, "buscar_info_hospital", nome_hospital=texto * 3)
    assert result.erro or lido(result) == {"hospitais": []}
    assert await praca.acha() == {vaga}


async def test_the_answer_repeats_no_word_of_the_model(praca: Praca) -> None:
    await praca.vaga()
    for name in ("cidade", "especialidade", "de"):
        result = await usar(praca.contexto, "buscar_vagas", **{name: "Zanzibar R$ 9.999,00"})
        assert "anzibar" not in result.conteudo.lower()
        assert "9.999" not in result.conteudo


async def test_an_unreal_argument_is_refused(praca: Praca) -> None:
    hostile: tuple[dict[str, Any], ...] = (
        {"limite": 0}, {"limite": 11}, {"limite": "todas"}, {"valor_minimo_reais": -1}, {"valor_minimo_reais": 10**30},
        {"uf": "SPX"}, {"cidade": "x" * 201}, {"dias_semana": ["segunda"] * 8}, {"medico_id": 1},
        {"cidade": {"$ne": 1}}, {"dias_semana": "segunda"}, {"periodo": None},
    )  # fmt: skip
    for args in hostile:
        assert (await usar(praca.contexto, "buscar_vagas", **args)).erro, args
