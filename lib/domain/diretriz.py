"""What a manager directs: kinds, scopes, and which of them hold for one conversation (domain facts 8.3)."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MARGEM_MAXIMA_PCT = 50
CONTEUDO_MAX = 600
MIDIA_PESSOA = "pessoa"
MIDIA_TEXTO = "texto"


class TipoDiretriz(StrEnum):
    """What a directive is about; `midia` decides what becomes of audio and images."""

    FOCO_SEMANA = "foco_semana"
    TOM_SEMANA = "tom_semana"
    EVITAR = "evitar"
    INSTRUCAO_GERAL = "instrucao_geral"
    OBSERVACOES = "observacoes"
    MARGEM_NEGOCIACAO = "margem_negociacao"
    MIDIA = "midia"


class EscopoDiretriz(StrEnum):
    """Whom or what it holds for; the narrower wins: shift, doctor, hospital, specialty, all."""

    VAGA = "vaga"
    MEDICO = "medico"
    HOSPITAL = "hospital"
    ESPECIALIDADE = "especialidade"
    GERAL = "geral"


_ESTREITO = {escopo: n for n, escopo in enumerate(EscopoDiretriz)}
# Of these the narrowest holds alone; of the margin one per shift may hold; all others add up, the narrower first.
UNICAS = frozenset({TipoDiretriz.FOCO_SEMANA, TipoDiretriz.TOM_SEMANA, TipoDiretriz.MIDIA})
_MARGEM = re.compile(r"(?:ate\s+|até\s+)?(\d{1,3})\s*%?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DiretrizLida:
    """A stored directive; `escopo_id` is that of the shift, doctor, hospital or specialty, None when it is for all."""

    id: int
    tipo: TipoDiretriz
    conteudo: str
    escopo: EscopoDiretriz
    escopo_id: int | None
    prioridade: int
    expira_em: datetime | None


def em_vigor(
    todas: Iterable[DiretrizLida],
    *,
    agora: datetime,
    medico_id: int,
    especialidade_id: int | None,
    hospital_ids: Collection[int],
    vaga_ids: Collection[int],
) -> tuple[DiretrizLida, ...]:
    """Return the directives that hold for one conversation, the narrowest scope first.

    Expired ones and those of other doctors, shifts, hospitals and specialties do not. Of focus, tone and media only the
    narrowest holds, of equals the one with the highest priority, then the newest; the other kinds add up.
    """
    scopes: dict[EscopoDiretriz, Collection[int | None]] = {
        EscopoDiretriz.VAGA: vaga_ids,
        EscopoDiretriz.MEDICO: (medico_id,),
        EscopoDiretriz.HOSPITAL: hospital_ids,
        EscopoDiretriz.ESPECIALIDADE: () if especialidade_id is None else (especialidade_id,),
        EscopoDiretriz.GERAL: (None,),
    }
    held = [d for d in todas if (d.expira_em is None or d.expira_em > agora) and d.escopo_id in scopes[d.escopo]]
    held.sort(key=lambda d: (_ESTREITO[d.escopo], -d.prioridade, -d.id))
    first = {d.tipo: d.id for d in reversed(held)}
    return tuple(d for d in held if d.tipo not in UNICAS or first[d.tipo] == d.id)


def unica(diretrizes: Iterable[DiretrizLida], tipo: TipoDiretriz) -> str | None:
    """Return the content of the first directive of a kind, as `em_vigor` orders them; None when there is none."""
    return next((d.conteudo for d in diretrizes if d.tipo is tipo), None)


def margem_pct(
    diretrizes: Iterable[DiretrizLida], *, vaga_id: int | None = None, hospital_id: int | None = None
) -> int | None:
    """Return by how many per cent above its listed value a shift may be discussed; None: not at all (decision D6).

    The directives are those that `em_vigor` returned; the narrowest that covers this very shift decides, so that the
    margin of one shift is never that of another. Without a shift only what holds for all of the doctor's counts.
    """
    for d in diretrizes:
        covers = {EscopoDiretriz.VAGA: vaga_id, EscopoDiretriz.HOSPITAL: hospital_id}.get(d.escopo, d.escopo_id)
        if d.tipo is TipoDiretriz.MARGEM_NEGOCIACAO and covers == d.escopo_id:
            return int(d.conteudo)
    return None


def validar(tipo: TipoDiretriz, conteudo: str) -> str:
    """Return the content as stored: a margin as a bare whole number of per cent, the others as one trimmed paragraph.

    Raises:
        ValueError: with the reason in Portuguese and what to write instead.
    """
    dito = " ".join(conteudo.split())
    if tipo is TipoDiretriz.MARGEM_NEGOCIACAO:
        found = _MARGEM.fullmatch(dito)
        if found is None or not 1 <= int(found[1]) <= MARGEM_MAXIMA_PCT:
            raise ValueError(f"a margem é um número inteiro de 1 a {MARGEM_MAXIMA_PCT}, em por cento; por exemplo: 10%")
        return str(int(found[1]))
    if tipo is TipoDiretriz.MIDIA:
        if dito.lower() not in {MIDIA_PESSOA, MIDIA_TEXTO}:
            raise ValueError(
                "escreva 'pessoa' (áudios e imagens vão para alguém da equipe) ou 'texto' (Júlia pede em texto)"
            )
        return dito.lower()
    if not dito:
        raise ValueError("escreva o que a diretriz manda; o conteúdo está vazio")
    if len(dito) > CONTEUDO_MAX:
        raise ValueError(f"o conteúdo tem {len(dito)} caracteres; o limite é {CONTEUDO_MAX}")
    return dito
