"""What a turn knows: the typed form of the row that the claim read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from lib.db import Row
from lib.domain.conhecimento import Peca, TipoConhecimento
from lib.domain.estado import Ator, Ciclo, DoctorState, Permissao, Severidade, Tendencia
from lib.domain.memoria import Assunto, Confianca, Lembranca, TipoMemoria
from lib.domain.modo import EstadoModo, Modo
from lib.usecases.digitando import Canal

MODOS_SEGUROS: dict[str, Literal["wait", "handoff"]] = {"wait": "wait", "handoff": "handoff"}


@dataclass(frozen=True, slots=True)
class Recebida:
    """One message of the burst being answered, in the order in which the doctor wrote them."""

    id: int
    midia: str
    texto: str
    chip_id: int
    em: datetime
    revisao: int = 0
    conteudo: Mapping[str, Any] | None = None
    citada: str | None = None


@dataclass(frozen=True, slots=True)
class Passada:
    """One earlier message of the conversation; of an `apagada` one nothing is left but that it was."""

    autor: str
    texto: str
    em: datetime
    midia: str = "texto"
    apagada: bool = False


@dataclass(frozen=True, slots=True)
class VagaMostrada:
    """A shift that this conversation was shown and that is still open; amounts in centavos."""

    id: int
    hospital_id: int
    hospital: str
    cidade: str
    uf: str
    especialidade: str
    inicio: datetime
    fim: datetime
    valor_tipo: str
    valor_centavos: int | None
    valor_min_centavos: int | None
    valor_max_centavos: int | None


@dataclass(frozen=True, slots=True)
class Devolucao:
    """A person gave the conversation back to Júlia; `notas` are that person's words."""

    por: str | None
    notas: str | None
    em: datetime


@dataclass(frozen=True, slots=True)
class Chaves:
    """The switches of the policy: engine, safe mode, and the ids of rules that staff switched off."""

    motor_ligado: bool = True
    modo_seguro: Literal["desligado", "wait", "handoff"] = "desligado"
    regras_desligadas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Contexto:
    """Everything one turn needs, read once."""

    conversation_id: int
    fence: int
    tries: int
    medico_id: int
    primeiro_nome: str | None
    especialidade_id: int | None
    especialidade: str | None
    uf: str | None
    anos_pratica: int | None
    estado: DoctorState
    parada_perguntada_em: datetime | None
    controle: str
    conversa_ativa: bool
    recebidas: tuple[Recebida, ...]
    passadas: tuple[Passada, ...]
    chaves: Chaves
    tentativa: int = 1
    modo: EstadoModo = field(default_factory=EstadoModo)
    na_fila: tuple[str, ...] = ()
    memorias: tuple[Lembranca, ...] = ()
    conhecimentos: tuple[Peca, ...] = ()
    diretrizes_versao: int = 0
    transferencia_resolvida: Devolucao | None = None
    vagas_mostradas: tuple[VagaMostrada, ...] = ()
    canal: Canal | None = None
    julia_escreveu: bool = False
    interesse_em: datetime | None = None
    ultimo_turno: int | None = None

    @property
    def ponte_feita(self) -> bool:
        """Whether an interest was recorded, and so passed on to a person, since the conversation's mode began."""
        return self.interesse_em is not None and (self.modo.em is None or self.interesse_em >= self.modo.em)

    @property
    def causa(self) -> str:
        """What is answered, for the causes of what is said: the first message, as it reads now."""
        first = self.recebidas[0]
        return f"{first.id}:r{first.revisao}" if first.revisao else str(first.id)

    @property
    def causa_dos_efeitos(self) -> str:
        """What this turn's tools act for: all that came after the last turn, whatever is added, edited or deleted."""
        return f"turno:{self.conversation_id}:{self.ultimo_turno or 0}"

    @property
    def texto(self) -> str:
        """The burst as one text."""
        return "\n".join(recebida.texto for recebida in self.recebidas if recebida.texto)

    @property
    def apresentada(self) -> bool:
        """Whether Júlia has written to this doctor before, in any conversation, or is about to (decision D1)."""
        return self.julia_escreveu or bool(self.na_fila)


def montar_contexto_completo(row: Row) -> Contexto:
    """Turn a claimed row into its typed form; rows come from lib.queries.mailbox.claim_due."""
    medico, estado = row["medico"], row["estado"]
    name = str(medico["nome"] or "").split()
    return Contexto(
        conversation_id=row["conversation_id"],
        fence=row["fence"],
        tries=row["tries"],
        medico_id=row["medico_id"],
        primeiro_nome=name[0] if name else None,
        especialidade_id=medico["especialidade_id"],
        especialidade=row["especialidade"],
        uf=medico["uf"],
        anos_pratica=medico["anos_pratica"],
        estado=load_doctor_state(estado),
        parada_perguntada_em=_instant(estado["parada_perguntada_em"]),
        controle=row["controle"],
        conversa_ativa=row["status_conversa"] == "active",
        recebidas=tuple(_received(m) for m in row["mensagens"]),
        passadas=tuple(
            Passada(m["autor"], m["texto"], datetime.fromisoformat(m["em"]), m["midia"], m["apagada"])
            for m in row["historico"]
        ),
        chaves=_switches(row["flags"] or {}),
        modo=_mode(row),
        na_fila=tuple(row["na_fila"]),
        memorias=tuple(_fact(m) for m in row["memorias"]),
        conhecimentos=tuple(
            Peca(p["id"], TipoConhecimento(p["tipo"]), p["subtipo"], p["titulo"], p["texto"], p["relevancia"])
            for p in row["conhecimentos"]
        ),
        diretrizes_versao=row["diretrizes_versao"],
        transferencia_resolvida=_given_back(row["transferencia_resolvida"]),
        vagas_mostradas=tuple(_shown(v) for v in row["vagas_mostradas"]),
        canal=Canal(row["gateway"], row["instancia"], row["endereco"])
        if row["instancia"] and row["endereco"]
        else None,
        julia_escreveu=row["apresentada"],
        interesse_em=row["interesse_em"],
        ultimo_turno=row["ultimo_turno"],
    )


def _received(m: Mapping[str, Any]) -> Recebida:
    return Recebida(
        id=m["id"],
        midia=m["midia"],
        texto=m["texto"] or "",
        chip_id=m["chip_id"],
        em=datetime.fromisoformat(m["em"]),
        revisao=m["revisao"],
        conteudo=m["conteudo"],
        citada=m["citada"] or None,
    )


def _mode(row: Row) -> EstadoModo:
    pending = row["modo_pendente"]
    return EstadoModo(
        modo=Modo(row["modo"]),
        em=row["modo_em"],
        pendente=Modo(pending) if pending else None,
        pendente_em=row["modo_pendente_em"],
    )


def _fact(m: Mapping[str, Any]) -> Lembranca:
    return Lembranca(
        TipoMemoria(m["tipo"]),
        Assunto(m["assunto"]),
        m["texto"] or "",
        Confianca(m["confianca"]),
        datetime.fromisoformat(m["em"]),
    )


def _given_back(found: Mapping[str, Any] | None) -> Devolucao | None:
    return Devolucao(found["por"], found["notas"], datetime.fromisoformat(found["em"])) if found else None


def _shown(v: Mapping[str, Any]) -> VagaMostrada:
    instants = {name: datetime.fromisoformat(v[name]) for name in ("inicio", "fim")}
    return VagaMostrada(**{**v, **instants})


ENUMS = {
    "permissao": Permissao,
    "tendencia": Tendencia,
    "ciclo": Ciclo,
    "ultima_saida_ator": Ator,
    "objecao_severidade": Severidade,
}


def load_doctor_state(stored: dict[str, Any]) -> DoctorState:
    """Return the typed state of a `doctor_state` row read as JSON; an unknown value is an error, never a default."""
    values: dict[str, Any] = {}
    for known in fields(DoctorState):
        value = stored[known.name]
        if value is not None and known.name in ENUMS:
            value = ENUMS[known.name](value)
        elif value is not None and known.name.endswith(("_em", "_ate")):
            value = datetime.fromisoformat(value)
        values[known.name] = value
    values["temperatura"] = float(values["temperatura"])
    return DoctorState(**values)


def _instant(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _switches(flags: dict[str, Any]) -> Chaves:
    engine, safe = _switch(flags.get("policy_engine", True)), _switch(flags.get("safe_mode", False))
    # An unreadable mode of an enabled switch is taken as the stricter one.
    mode = MODOS_SEGUROS.get(str(safe.get("mode")), "wait") if safe["enabled"] is not False else "desligado"
    off = flags.get("disabled_rules")
    rules = tuple(rule for rule in off if isinstance(rule, str)) if isinstance(off, list) else ()
    return Chaves(motor_ligado=engine["enabled"] is not False, modo_seguro=mode, regras_desligadas=rules)


def _switch(value: Any) -> dict[str, Any]:
    """Read a switch as staff may write it: an object with `enabled`, or a bare value."""
    return {"enabled": True, **value} if isinstance(value, dict) else {"enabled": value}
