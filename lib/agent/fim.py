"""How a turn ends, and what it called on the way: values that the turn's commit is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lib.domain.estado import DoctorState
from lib.domain.modo import Modo
from lib.domain.policy import Decisao
from lib.domain.situacao import Situacao
from lib.domain.transferencia import Gatilho, TipoAviso
from lib.models.turno import Desfecho
from lib.providers.llm import Uso


@dataclass(frozen=True, slots=True)
class Chamada:
    """One call of the model; `finalidade` is `analise`, `resposta` or `reparo`, `parada` its stop reason."""

    finalidade: str
    modelo: str
    ms: float
    uso: Uso
    parada: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class FerramentaUsada:
    """One tool call; `vagas` are the shifts that its answer showed."""

    nome: str
    ms: float
    erro: bool = False
    vagas: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class NovoAviso:
    """Something a person should look at; `chave` names its cause, `texto` holds no doctor's words."""

    chave: str
    tipo: TipoAviso
    texto: str


@dataclass(frozen=True, slots=True)
class MudancaModo:
    """The conversation's mode after the turn, and why."""

    modo: Modo
    em: datetime | None
    motivo: str
    pendente: Modo | None = None
    pendente_em: datetime | None = None


@dataclass(frozen=True, slots=True)
class Passos:
    """What a turn called: the model, tools, and the prompts it used, by the hash of their content.

    `lembretes` are the causes of the reminders it set.
    """

    chamadas: tuple[Chamada, ...] = ()
    ferramentas: tuple[FerramentaUsada, ...] = ()
    prompt_hash: str | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    lembretes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fim:
    """How a turn ends: its one outcome, why, and what is to be said.

    `causa` begins the outbox rows' causes; `isenta` marks the opt-out's own answer; `transferencia` hands the
    conversation over; `esquece` forgets what is remembered of the doctor; `entrada` is the stored input of the rule.
    """

    desfecho: Desfecho
    motivo: str
    estado: DoctorState
    textos: tuple[str, ...] = ()
    causa: str = "resposta"
    isenta: bool = False
    regra: str | None = None
    estagio: str | None = None
    situacao: Situacao | None = None
    decisao: Decisao | None = None
    modo: MudancaModo | None = None
    transferencia: Gatilho | None = None
    avisos: tuple[NovoAviso, ...] = ()
    parada_perguntada_em: datetime | None = None
    cancela_tudo: bool = False
    esquece: bool = False
    passos: Passos = field(default_factory=Passos)
    entrada: Mapping[str, Any] | None = None
