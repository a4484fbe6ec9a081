"""The invariants of the hot path, checked over three logs: the 2xx given, the sends taken, the database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

DIA, HORA, SEMANA = timedelta(days=1), timedelta(hours=1), timedelta(days=7)
CAP_SEMANA = 5
NO_AR = frozenset({"sending", "unknown", "sent", "parked"})
ABERTOS = frozenset({"pending", "sending", "unknown"})


@dataclass(frozen=True, slots=True)
class Escrita:
    """A doctor's message that was answered with a 2xx; `telefone` is digits."""

    msg_id: str
    telefone: str


@dataclass(frozen=True, slots=True)
class Aceita:
    """A message that the gateway took, in the order of taking."""

    id: str
    telefone: str
    texto: str


@dataclass(frozen=True, slots=True)
class Entrou:
    """One inbox row of a doctor's message; without a turn, `desfecho` says why it needs none."""

    id: int
    msg_id: str
    conversa: int
    turno: int | None
    desfecho: str | None


@dataclass(frozen=True, slots=True)
class Saiu:
    """One outbox row."""

    id: int
    telefone: str
    turno: int | None
    texto: str
    estado: str
    provider_id: str | None
    chip: int | None
    proativa: bool
    isenta: bool
    enviando_em: datetime | None


@dataclass(frozen=True, slots=True)
class Banco:
    """What the database says once all is over. `optouts` maps a phone to the end of the turn that opted it out."""

    entradas: tuple[Entrou, ...]
    saidas: tuple[Saiu, ...]
    turnos: frozenset[int]
    optouts: Mapping[str, datetime]
    limites: Mapping[int, tuple[int, int]]
    acordadas: int
    mortas: int


def verificar(escritas: Iterable[Escrita], aceitas: Sequence[Aceita], banco: Banco) -> list[str]:
    """Return every violation found, each beginning with its invariant's name; empty when all hold."""
    return [
        *_cada_mensagem_em_um_turno(escritas, banco),
        *_no_maximo_um_envio(aceitas, banco),
        *_em_ordem(aceitas, banco),
        *_nada_depois_da_parada(banco),
        *_limites(banco),
        *_nada_preso(banco),
    ]


def _cada_mensagem_em_um_turno(escritas: Iterable[Escrita], banco: Banco) -> Iterator[str]:
    rows = defaultdict(list)
    for entrada in banco.entradas:
        rows[entrada.msg_id].append(entrada)
    for escrita in escritas:
        found = rows.get(escrita.msg_id, [])
        if len(found) != 1:
            yield f"I1: message {escrita.msg_id} has {len(found)} rows"
        elif found[0].turno is None and found[0].desfecho is None:
            yield f"I1: message {escrita.msg_id} is in no turn"
        elif found[0].turno is not None and found[0].turno not in banco.turnos:
            yield f"I1: message {escrita.msg_id} is in a turn that is not there"


def _no_maximo_um_envio(aceitas: Sequence[Aceita], banco: Banco) -> Iterator[str]:
    """Compare by (phone, text), so that a send which nobody recorded is found as well."""
    taken = Counter((aceita.telefone, aceita.texto) for aceita in aceitas)
    sent = Counter((saida.telefone, saida.texto) for saida in banco.saidas if saida.estado == "sent")
    for key in taken.keys() | sent.keys():
        if taken[key] > sent[key]:
            yield f"I2: {key[0]} got {taken[key]} times what {sent[key]} rows say: {key[1][:40]!r}"
        elif taken[key] < sent[key]:
            yield f"I2: {key[0]} never got what a row says was sent: {key[1][:40]!r}"
    known = {aceita.id for aceita in aceitas}
    ids = Counter(saida.provider_id for saida in banco.saidas if saida.estado == "sent")
    for provider_id, times in ids.items():
        if provider_id not in known:
            yield f"I2: a row is sent under {provider_id}, which the gateway never gave"
        if times > 1:
            yield f"I2: {times} rows claim the same send {provider_id}"


def _em_ordem(aceitas: Sequence[Aceita], banco: Banco) -> Iterator[str]:
    row_of = {saida.provider_id: saida.id for saida in banco.saidas if saida.provider_id and not saida.proativa}
    last: dict[str, int] = {}
    for aceita in aceitas:
        row = row_of.get(aceita.id)
        if row is not None and row < last.get(aceita.telefone, 0):
            yield f"I3: {aceita.telefone} got row {row} after row {last[aceita.telefone]}"
        if row is not None:
            last[aceita.telefone] = row
    turn: dict[int, int] = {}
    for entrada in sorted(banco.entradas, key=lambda e: e.id):
        if entrada.turno is None:
            continue
        if entrada.turno < turn.get(entrada.conversa, 0):
            yield f"I3: message {entrada.msg_id} was answered before one that came earlier"
        turn[entrada.conversa] = entrada.turno


def _nada_depois_da_parada(banco: Banco) -> Iterator[str]:
    for saida in banco.saidas:
        stop = banco.optouts.get(saida.telefone)
        if stop and not saida.isenta and saida.enviando_em and saida.enviando_em > stop and saida.estado in NO_AR:
            yield f"I4: row {saida.id} began to be sent after {saida.telefone} had opted out"


def _limites(banco: Banco) -> Iterator[str]:
    by_chip: defaultdict[int, list[datetime]] = defaultdict(list)
    by_doctor: defaultdict[str, list[datetime]] = defaultdict(list)
    for saida in banco.saidas:
        if saida.enviando_em is None or saida.estado not in NO_AR:
            continue
        if saida.chip is not None:
            by_chip[saida.chip].append(saida.enviando_em)
        if saida.proativa:
            by_doctor[saida.telefone].append(saida.enviando_em)
    for chip, times in by_chip.items():
        for window, limit in zip((HORA, DIA), banco.limites[chip], strict=True):
            if _most_within(times, window) > limit:
                yield f"I5: chip {chip} sent more than {limit} in {window}"
    for phone, times in by_doctor.items():
        if _most_within(times, SEMANA) > CAP_SEMANA:
            yield f"I5: {phone} was written to first more than {CAP_SEMANA} times in a week"


def _most_within(times: Sequence[datetime], window: timedelta) -> int:
    ordered = sorted(times)
    return max(sum(1 for t in ordered if end - window < t <= end) for end in ordered)


def _nada_preso(banco: Banco) -> Iterator[str]:
    if banco.acordadas:
        yield f"I7: {banco.acordadas} conversations still wait for a turn"
    if banco.mortas:
        yield f"I7: {banco.mortas} conversations were set aside as dead"
    stuck = Counter(saida.estado for saida in banco.saidas if saida.estado in ABERTOS)
    for state, count in stuck.items():
        yield f"I7: {count} messages are still {state}"


_ENTRADAS = (
    "SELECT id, provider_msg_id, conversation_id, turn_id, desfecho FROM inbox WHERE tipo = 'mensagem' ORDER BY id"
)
# A reminder that waits for the hour a doctor asked for is neither late nor stuck.
_SAIDAS = """SELECT o.id, ltrim(d.telefone, '+') AS telefone, o.turn_id, o.body, o.state, o.provider_msg_id, o.chip_id,
  o.proativa, o.isenta_optout, o.enviando_em FROM outbox o JOIN medico d ON d.id = o.medico_id
  WHERE NOT (o.tipo = 'lembrete' AND o.state = 'pending' AND o.next_at > now()) ORDER BY o.id"""
_OPTOUTS = """SELECT ltrim(d.telefone, '+') AS telefone, min(t.terminado_em) AS em FROM turno t
  JOIN medico d ON d.id = t.medico_id WHERE t.desfecho = 'optout' GROUP BY 1"""


def ler_banco(url: str) -> Banco:
    """Read what the checker needs."""
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:

        def ask(sql: str) -> list[dict[str, Any]]:
            return connection.execute(sql.encode()).fetchall()

        [boxes] = ask(
            "SELECT count(*) FILTER (WHERE due_at IS NOT NULL AND dead IS NULL) AS acordadas,"
            " count(*) FILTER (WHERE dead IS NOT NULL) AS mortas FROM mailbox"
        )
        return Banco(
            entradas=tuple(Entrou(*row.values()) for row in ask(_ENTRADAS)),
            saidas=tuple(Saiu(*row.values()) for row in ask(_SAIDAS)),
            turnos=frozenset(row["id"] for row in ask("SELECT id FROM turno")),
            optouts={row["telefone"]: row["em"] for row in ask(_OPTOUTS)},
            limites={
                row["id"]: (row["limite_hora"], row["limite_dia"])
                for row in ask("SELECT id, limite_hora, limite_dia FROM chip")
            },
            acordadas=boxes["acordadas"],
            mortas=boxes["mortas"],
        )
