"""What a turn knows: the typed form of the row that the claim read."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from lib.db import Row
from lib.domain.estado import Ator, Ciclo, DoctorState, Permissao, Severidade, Tendencia

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


@dataclass(frozen=True, slots=True)
class Passada:
    """One earlier message of the conversation."""

    autor: str
    texto: str
    em: datetime


@dataclass(frozen=True, slots=True)
class Chaves:
    """The two switches of the policy."""

    motor_ligado: bool = True
    modo_seguro: Literal["desligado", "wait", "handoff"] = "desligado"


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

    @property
    def texto(self) -> str:
        """The burst as one text."""
        return "\n".join(recebida.texto for recebida in self.recebidas)

    @property
    def apresentada(self) -> bool:
        """Whether we have written in this conversation before."""
        return any(passada.autor != "medico" for passada in self.passadas)


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
        recebidas=tuple(
            Recebida(m["id"], m["midia"], m["texto"] or "", m["chip_id"], datetime.fromisoformat(m["em"]), m["revisao"])
            for m in row["mensagens"]
        ),
        passadas=tuple(Passada(m["autor"], m["texto"], datetime.fromisoformat(m["em"])) for m in row["historico"]),
        chaves=_switches(row["flags"] or {}),
    )


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
    for field in fields(DoctorState):
        value = stored[field.name]
        if value is not None and field.name in ENUMS:
            value = ENUMS[field.name](value)
        elif value is not None and field.name.endswith(("_em", "_ate")):
            value = datetime.fromisoformat(value)
        values[field.name] = value
    values["temperatura"] = float(values["temperatura"])
    return DoctorState(**values)


def _instant(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def _switches(flags: dict[str, Any]) -> Chaves:
    engine, safe = _switch(flags.get("policy_engine", True)), _switch(flags.get("safe_mode", False))
    # An unreadable mode of an enabled switch is taken as the stricter one.
    mode = MODOS_SEGUROS.get(str(safe.get("mode")), "wait") if safe["enabled"] is not False else "desligado"
    return Chaves(motor_ligado=engine["enabled"] is not False, modo_seguro=mode)


def _switch(value: Any) -> dict[str, Any]:
    """Read a switch as staff may write it: an object with `enabled`, or a bare value."""
    return {"enabled": True, **value} if isinstance(value, dict) else {"enabled": value}
