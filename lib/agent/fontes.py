"""What a reply may rest on: tool results, shifts shown before, the company's texts, the doctor's own words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import orjson

from lib.agent.contexto import Contexto, VagaMostrada
from lib.domain.diretriz import DiretrizLida, margem_pct
from lib.domain.horario import SAO_PAULO
from lib.domain.plantao import quando
from lib.domain.resposta import Revisao, revisar


@dataclass(frozen=True, slots=True)
class Fontes:
    """The sources of one turn, except for the results that its tools are still to give."""

    mostradas: tuple[VagaMostrada, ...]
    ditos: tuple[str, ...]
    nossos: tuple[str, ...]
    segredos: tuple[str, ...]
    diretrizes: tuple[DiretrizLida, ...]
    hoje: date
    links: Collection[str]

    def revisar(self, texto: str, resultados: Sequence[str], vagas: Collection[int]) -> Revisao:
        """Review a text against these sources and this turn's tool results, which showed `vagas`."""
        return revisar(
            texto,
            (*resultados, *map(_fato, self.mostradas)),
            ditos=self.ditos,
            nossos=self.nossos,
            segredos=self.segredos,
            margem_pct=self.margem(vagas),
            hoje=self.hoje,
            links=self.links,
        )

    def margem(self, vagas: Collection[int]) -> int | None:
        """Return the margin that holds for every shift in play; a reply does not say which one it speaks of."""
        hospitais = {vaga.id: vaga.hospital_id for vaga in self.mostradas}
        em_jogo = {*vagas, *hospitais}
        margens = [margem_pct(self.diretrizes, vaga_id=id_, hospital_id=hospitais.get(id_)) for id_ in em_jogo]
        known = [margem for margem in margens if margem is not None]
        return min(known) if known and len(known) == len(margens) else None


def fontes(
    contexto: Contexto,
    agora: datetime,
    *,
    diretrizes: Sequence[DiretrizLida],
    segredos: Sequence[str],
    nossos: Sequence[str],
    links: Collection[str],
) -> Fontes:
    """Return the sources of a turn: everything said before may be repeated, what people of ours wrote may be stated."""
    pessoas = tuple(passada.texto for passada in contexto.passadas if passada.autor not in {"medico", "julia"})
    devolvida = contexto.transferencia_resolvida
    return Fontes(
        mostradas=contexto.vagas_mostradas,
        ditos=(
            *(recebida.texto for recebida in contexto.recebidas),
            *(recebida.citada for recebida in contexto.recebidas if recebida.citada),
            *(passada.texto for passada in contexto.passadas),
            *(lembranca.texto for lembranca in contexto.memorias),
        ),
        nossos=(
            *(nome for nome in (contexto.primeiro_nome, contexto.especialidade) if nome),
            *nossos,
            *pessoas,
            *(peca.texto for peca in contexto.conhecimentos),
            *(diretriz.conteudo for diretriz in diretrizes),
            *((devolvida.notas,) if devolvida and devolvida.notas else ()),
        ),
        segredos=tuple(segredos),
        diretrizes=tuple(diretrizes),
        hoje=agora.astimezone(SAO_PAULO).date(),
        links=links,
    )


def _fato(vaga: VagaMostrada) -> str:
    """Write a shift shown before as a tool would."""
    valores = {
        nome: getattr(vaga, nome)
        for nome in ("valor_centavos", "valor_min_centavos", "valor_max_centavos")
        if getattr(vaga, nome) is not None
    }
    fato = {
        "hospital": vaga.hospital,
        "cidade": f"{vaga.cidade}-{vaga.uf}",
        "especialidade": vaga.especialidade,
        "quando": quando(vaga.inicio, vaga.fim, vaga.uf),
        **valores,
    }
    return orjson.dumps(fato).decode()
