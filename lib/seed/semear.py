"""Makes the fictional business in a migrated database, in one transaction and with flat memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import resources
from random import Random
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.errors import UndefinedTable

from lib.domain.conhecimento import PecaLida, ler_arquivo
from lib.errors import AgenteError
from lib.queries import seed as banco
from lib.seed import chips, pessoas, vagas
from lib.seed.conversas import Autora
from lib.seed.linhas import COLUNAS_ESTADO, LinhaConversa, LinhaInteracao, LinhaOutbox, Lote, Registro
from lib.seed.plano import Plano
from lib.seed.roteiros import CENARIOS

# Begins the origin of the first pieces of knowledge, so that an import of another folder leaves them alone.
PASTA_INICIAL = "inicial/"
_LINHAS_POR_LOTE = 20_000
# Conversations are dealt in this rhythm: some doctors have none, some have many.
_RITMO = (4, 6, 3, 0, 5, 2, 8, 1, 7, 4)


class SeedRefusedError(AgenteError):
    """This database must not be seeded, or not like this; the message is for people, in Portuguese."""


@dataclass(frozen=True, slots=True)
class Semeado:
    """What was made, rows by table; `ja_estava` when an earlier run with the same plan had made it."""

    counts: dict[str, int]
    segundos: float
    ja_estava: bool = False


def semear(url: str, plano: Plano, agora: datetime, *, limpar: bool = False, producao: bool = False) -> Semeado:
    """Fill the database at the libpq address `url` with the business of `plano` as it stands at `agora`'s hour.

    A second call with the same plan changes nothing, whatever the hour. `limpar` empties the business tables first; the
    API's tokens and the runs of flows stay.

    Raises:
        SeedRefusedError: in production; on other data without `limpar`; on a database without the tables.
        psycopg.OperationalError: the database cannot be reached.
    """
    if producao:
        raise SeedRefusedError("O seed não roda em produção.")
    inicio = time.perf_counter()
    try:
        with psycopg.connect(url, application_name="agente-seed", connect_timeout=5) as connection:
            banco.lock(connection)
            feitas = _conferir(connection, plano, limpar=limpar)
            if feitas is not None:
                return Semeado(feitas, time.perf_counter() - inicio, ja_estava=True)
            counts = _preencher(connection, plano, agora.astimezone(UTC).replace(minute=0, second=0, microsecond=0))
            banco.analyze(connection)
    except UndefinedTable as cause:
        raise SeedRefusedError(
            "O banco não tem as tabelas: suba a pilha com `agente up` ou aplique as migrações."
        ) from cause
    return Semeado(counts, time.perf_counter() - inicio)


def _conferir(connection: Connection[Any], plano: Plano, *, limpar: bool) -> dict[str, int] | None:
    """Return the counts of an earlier run of this plan, None when the way is free."""
    if limpar:
        banco.truncate(connection)
        return None
    cheias = banco.filled(connection)
    marca = banco.read_mark(connection)
    if not cheias:
        return None
    if marca is not None and marca["plano"] == asdict(plano):
        return {str(nome): int(linhas) for nome, linhas in marca["counts"].items()}
    de_quem = "de outro seed" if marca is not None else "que não são do seed"
    raise SeedRefusedError(
        f"O banco já tem dados {de_quem} ({', '.join(cheias[:4])}…). Use --limpar para apagá-los antes."
    )


def _preencher(connection: Connection[Any], plano: Plano, agora: datetime) -> dict[str, int]:
    frota = chips.frota(plano, agora)
    hospitais = tuple(pessoas.hospitais(plano))
    linhas_chip, linhas_trust = chips.linhas(frota)
    fixas = (
        ("chip", chips.LinhaChip._fields, linhas_chip),
        ("chip_trust_historico", chips.LinhaTrust._fields, linhas_trust),
        ("especialidade", pessoas.LinhaEspecialidade._fields, pessoas.especialidades()),
        ("hospital", pessoas.LinhaHospital._fields, hospitais),
        ("vaga", vagas.LinhaVaga._fields, vagas.vagas(plano, hospitais, agora)),
    )
    counts = {tabela: banco.copy_rows(connection, tabela, colunas, linhas) for tabela, colunas, linhas in fixas}
    # Foreign keys are checked at the end of each COPY, so a batch goes in the order of its references.
    for lote in lotes(plano, agora, chips.Escolha(frota), tuple(h.nome for h in hospitais)):
        for tabela, colunas, linhas in (
            ("medico", pessoas.LinhaMedico._fields, lote.medicos),
            ("doctor_state", COLUNAS_ESTADO, lote.estados),
            ("conversa", LinhaConversa._fields, lote.conversas),
            ("outbox", LinhaOutbox._fields, lote.outbox),
            ("interacao", LinhaInteracao._fields, lote.interacoes),
        ):
            counts[tabela] = counts.get(tabela, 0) + banco.copy_rows(connection, tabela, colunas, linhas)
    # Ids are 1 to the count in every table that has them.
    banco.advance_identities(connection, {tabela: n for tabela, n in counts.items() if tabela != "doctor_state"})
    counts["conhecimento"] = banco.import_knowledge(connection, PASTA_INICIAL, pecas_iniciais())
    banco.write_mark(connection, {"plano": asdict(plano), "agora": agora.isoformat(), "counts": counts}, agora)
    return counts


def pecas_iniciais() -> list[PecaLida]:
    """Return the knowledge that Júlia starts with, from the Markdown files beside this module."""
    files = sorted(resources.files(__package__).joinpath("conhecimento").iterdir(), key=lambda file: file.name)
    return [
        piece
        for file in files
        if file.name.endswith(".md")
        for piece in ler_arquivo(f"{PASTA_INICIAL}{file.name}", file.read_text(encoding="utf-8"))
    ]


def lotes(plano: Plano, agora: datetime, escolha: chips.Escolha, hospitais: tuple[str, ...]) -> Iterator[Lote]:
    """Doctors with their conversations, some thousands of rows at a time; `hospitais` are names."""
    rng = Random(f"{plano.semente}:medicos")
    autora, registro = Autora(rng, agora, escolha, hospitais), Registro(rng, agora)
    com_conversa = 0
    for numero in range(1, plano.medicos + 1):
        quem = pessoas.identidade(numero, rng)
        quantas = conversas_ate(plano, numero) - conversas_ate(plano, numero - 1)
        historias = autora.historias(quem, quantas, CENARIOS[com_conversa % len(CENARIOS)]) if quantas else []
        com_conversa += bool(quantas)
        registro.medico(quem, historias, autora.final(historias))
        if registro.lote.tamanho >= _LINHAS_POR_LOTE:
            yield registro.tirar()
    yield registro.tirar()


def conversas_ate(plano: Plano, medicos: int) -> int:
    """How many conversations the first `medicos` doctors have together; all of them have exactly `plano.conversas`."""
    return plano.conversas * _ritmo_ate(medicos) // _ritmo_ate(plano.medicos)


def _ritmo_ate(medicos: int) -> int:
    voltas, resto = divmod(medicos, len(_RITMO))
    return voltas * sum(_RITMO) + sum(_RITMO[:resto])
