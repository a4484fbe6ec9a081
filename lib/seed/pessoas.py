"""Specialties, hospitals and doctors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from random import Random
from typing import NamedTuple

from lib.domain.texto import dobrar
from lib.seed import nomes
from lib.seed.plano import PRIMEIRO_MEDICO, Plano, telefone

_ANOS_MAX = 35


class LinhaEspecialidade(NamedTuple):
    """One row of `especialidade`."""

    id: int
    nome: str
    nome_normalizado: str


class LinhaHospital(NamedTuple):
    """One row of `hospital`."""

    id: int
    nome: str
    nome_normalizado: str
    cidade: str
    uf: str
    endereco: str


class LinhaMedico(NamedTuple):
    """One row of `medico`."""

    id: int
    telefone: str
    nome: str
    crm: str
    especialidade_id: int
    cidade: str
    uf: str
    anos_pratica: int
    criado_em: datetime


class Identidade(NamedTuple):
    """Who a doctor is, before it is known when the doctor came to us."""

    id: int
    nome: str
    especialidade_id: int
    cidade: str
    uf: str
    anos_pratica: int

    @property
    def primeiro_nome(self) -> str:
        """How Júlia addresses the doctor."""
        return self.nome.partition(" ")[0]

    def linha(self, criado_em: datetime) -> LinhaMedico:
        """Return the stored form."""
        return LinhaMedico(
            self.id,
            telefone(PRIMEIRO_MEDICO + self.id - 1),
            self.nome,
            f"CRM/{self.uf} 9{self.id:06d}",
            self.especialidade_id,
            self.cidade,
            self.uf,
            self.anos_pratica,
            criado_em,
        )


def especialidades() -> Iterator[LinhaEspecialidade]:
    """Every specialty; ids start at 1."""
    for numero, nome in enumerate(nomes.ESPECIALIDADES, start=1):
        yield LinhaEspecialidade(numero, nome, dobrar(nome))


def hospitais(plano: Plano) -> Iterator[LinhaHospital]:
    """The listed hospitals, then more units of the same."""
    for posicao in range(plano.hospitais):
        nome, cidade, uf, endereco = nomes.HOSPITAIS[posicao % len(nomes.HOSPITAIS)]
        unidade = posicao // len(nomes.HOSPITAIS)
        inteiro = f"{nome} Unidade {unidade + 1}" if unidade else nome
        yield LinhaHospital(posicao + 1, inteiro, dobrar(inteiro), cidade, uf, endereco)


def identidade(numero: int, rng: Random) -> Identidade:
    """Invent doctor `numero`: every second one a woman, cities in turn so that every state occurs."""
    primeiros = nomes.FEMININOS if numero % 2 else nomes.MASCULINOS
    primeiro = rng.choice(primeiros)
    ultimo, meio = rng.choice(nomes.SOBRENOMES), rng.choice(nomes.SOBRENOMES)
    nome = f"{primeiro} {ultimo}" if meio == ultimo else f"{primeiro} {meio} {ultimo}"
    cidade, uf = nomes.CIDADES[numero % len(nomes.CIDADES)]
    return Identidade(
        numero, nome, 1 + rng.randrange(len(nomes.ESPECIALIDADES)), cidade, uf, rng.randrange(1, _ANOS_MAX)
    )
