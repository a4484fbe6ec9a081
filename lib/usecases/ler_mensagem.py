"""One message as people look at it afterwards: what came of it and why, where the time went, what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lib.db import Database, Row
from lib.domain.cascata import Etapa, Medidas, Saida, cascata, cascata_envio
from lib.domain.custo import custo_micro_usd
from lib.domain.referencia import Lado, Referencia
from lib.domain.selecao_leitura import porque_venceu
from lib.domain.telefone import mascarar
from lib.queries import decisao, mensagem
from lib.queries.decisao import DecisaoGuardada
from lib.settings import Settings

DECISOES = 200  # of the messages of one turn: attempts, the newest first


@dataclass(frozen=True, slots=True)
class Chamada:
    """One call of the model; tokens as billed, cost in millionths of a US dollar, null when the price is not known."""

    finalidade: str
    modelo: str
    ms: float
    tokens_entrada: int
    tokens_saida: int
    tokens_cache_escrita: int
    tokens_cache_leitura: int
    custo_micro_usd: int | None
    parada: str | None


@dataclass(frozen=True, slots=True)
class Ferramenta:
    """One tool call."""

    nome: str
    ms: float
    erro: bool


@dataclass(frozen=True, slots=True)
class TurnoVisto:
    """The turn that took the message. `prompts` maps each prompt file to the hash of its content."""

    id: int
    desfecho: str
    motivo: str
    tentativa: int
    regra: str | None
    versao_policy: str | None
    modo: str | None
    decisao: dict[str, Any] | None
    situacao: dict[str, Any] | None
    prompt_hash: str | None
    prompts: dict[str, str]
    chamadas: tuple[Chamada, ...]
    ferramentas: tuple[Ferramenta, ...]
    custos: dict[str, int]
    custo_micro_usd: int | None
    mensagens: tuple[str, ...]
    iniciado_em: datetime
    terminado_em: datetime


@dataclass(frozen=True, slots=True)
class EnvioVisto:
    """One message to send: where it stands, by which chip and why that one, and its receipts by the gateway's name.

    `decisao_id` is the choice of its newest attempt, which `lib.usecases.ler_decisao` tells whole.
    """

    id: str
    tipo: str
    estado: str
    motivo: str | None
    texto: str
    chip: str | None
    escolha: str | None
    decisao_id: int | None
    tentativas: int
    criada_em: datetime
    devida_em: datetime
    enviando_em: datetime | None
    enviada_em: datetime | None
    entrega: str | None
    recibos: dict[str, datetime]


@dataclass(frozen=True, slots=True)
class Revisao:
    """An edit, a deletion or a reaction that is about the message."""

    id: str
    midia: str
    em: datetime
    desfecho: str | None


@dataclass(frozen=True, slots=True)
class MensagemVista:
    """A message and all that is known of it; the phone is masked. `resultado` is its one outcome, `motivo` says why."""

    id: str
    conversation_id: int | None
    medico: str | None
    telefone: str | None
    chip: str | None
    midia: str
    texto: str | None
    em: datetime
    resultado: str
    motivo: str | None
    editada_em: datetime | None
    apagada_em: datetime | None
    revisoes: tuple[Revisao, ...]
    turno: TurnoVisto | None
    envios: tuple[EnvioVisto, ...]
    etapas: tuple[Etapa, ...]


async def ver_mensagem(db: Database, referencia: Referencia, settings: Settings) -> MensagemVista | None:
    """Return what is known of a message; None when there is no such one.

    When its burst was due is not stored: it follows from the settings in force now.
    """
    match referencia.lado:
        case Lado.ENTRADA:
            row = await mensagem.inbound(db, referencia.id)
        case Lado.SAIDA:
            row = await mensagem.outbound(db, referencia.id)
        case Lado.CONVERSA:
            return None
    if row is None:
        return None
    stored: Row | None = None
    if row["turn_id"] is not None:
        stored, sends = await mensagem.turn(db, row["turn_id"])
    else:
        sends = await mensagem.send(db, referencia.id) if referencia.lado is Lado.SAIDA else []
    made = await decisao.of_messages(db, [sent["id"] for sent in sends], DECISOES)
    resultado, motivo = outcome(row, stored) if referencia.lado is Lado.ENTRADA else (row["state"], row["motivo"])
    return MensagemVista(
        id=str(referencia),
        conversation_id=row["conversation_id"],
        medico=row["medico"],
        telefone=row["endereco"] and mascarar(row["endereco"]),
        chip=row["chip"],
        midia=row.get("midia", "texto"),
        texto=row["texto"],
        em=row.get("received_at") or row["criada_em"],
        resultado=resultado,
        motivo=motivo,
        editada_em=row.get("editada_em"),
        apagada_em=row.get("apagada_em"),
        revisoes=tuple(_revision(found) for found in row.get("revisoes", ())),
        turno=_turn(stored) if stored else None,
        envios=tuple(_send(sent, made) for sent in sends),
        etapas=steps(stored, sends, settings),
    )


def outcome(row: Row, turno: Row | None) -> tuple[str, str | None]:
    """Return the one outcome of what came in and its reason, or where it stands while it has none."""
    if turno is not None:
        return turno["desfecho"], turno["motivo"]
    if row["desfecho"]:
        kind, _, reason = str(row["desfecho"]).partition(": ")
        return ("morta", row["desfecho"]) if row["tipo"] == "morta" else (kind, reason or None)
    if row["tipo"] != "mensagem":
        return row["tipo"], None
    if row["morta"]:
        return "morta", row["morta"]
    return ("em_turno" if row["em_turno"] else "na_fila"), None


def steps(turno: Row | None, sends: Sequence[Row], settings: Settings) -> tuple[Etapa, ...]:
    """Return the waterfall: of the whole turn, or of the one send that no turn made."""
    saidas = [
        Saida(sent["criada_em"], sent["next_at"], sent["enviando_em"], sent["enviada_em"], _receipts(sent))
        for sent in sends
    ]
    if turno is None:
        return tuple(etapa for saida in saidas for etapa in cascata_envio(saida))
    if not turno["entradas"]:
        return ()
    chamadas = [
        (f"modelo: {c['finalidade']}", c["ms"]) for c in turno["chamadas"] or () if c["finalidade"] != "analise"
    ]
    ferramentas = [(f"ferramenta: {f['nome']}", f["ms"]) for f in turno["ferramentas"] or ()]
    return cascata(
        Medidas(
            recebidas=[datetime.fromisoformat(entrada["recebida_em"]) for entrada in turno["entradas"]],
            iniciado_em=turno["iniciado_em"],
            terminado_em=turno["terminado_em"],
            internas=turno["etapas"],
            saidas=saidas,
            quieto=timedelta(seconds=settings.quieto_s),
            quieto_max=timedelta(seconds=settings.quieto_max_s),
            passos=(*chamadas, *ferramentas),
        )
    )


def _revision(found: Mapping[str, Any]) -> Revisao:
    return Revisao(f"e{found['id']}", found["midia"], datetime.fromisoformat(found["em"]), found["desfecho"])


def _turn(row: Row) -> TurnoVisto:
    kept = ("id", "desfecho", "motivo", "tentativa", "regra", "versao_policy", "modo", "decisao", "situacao",
            "prompt_hash", "custos", "custo_micro_usd", "iniciado_em", "terminado_em")  # fmt: skip
    return TurnoVisto(
        **{name: row[name] for name in kept},
        prompts=dict(row["prompts"] or {}),
        chamadas=tuple(_call(chamada) for chamada in row["chamadas"] or ()),
        ferramentas=tuple(Ferramenta(f["nome"], f["ms"], f["erro"]) for f in row["ferramentas"] or ()),
        mensagens=tuple(f"e{entrada['id']}" for entrada in row["entradas"]),
    )


def _call(chamada: Mapping[str, Any]) -> Chamada:
    uso = chamada["uso"]
    tokens = (uso["entrada"], uso["saida"], uso["cache_escrita"], uso["cache_leitura"])
    custo = custo_micro_usd(chamada["modelo"], *tokens)
    return Chamada(chamada["finalidade"], chamada["modelo"], chamada["ms"], *tokens, custo, chamada.get("parada"))


def _send(row: Row, made: Sequence[DecisaoGuardada]) -> EnvioVisto:
    mine = next((one for one in made if one.outbox_id == row["id"]), None)
    return EnvioVisto(
        id=f"s{row['id']}",
        tipo=row["tipo"],
        estado=row["state"],
        motivo=row["motivo"],
        texto=row["body"],
        chip=row["chip"],
        escolha=porque_venceu(mine.decisao) if mine else None,
        decisao_id=mine.id if mine else None,
        tentativas=row["attempts"],
        criada_em=row["criada_em"],
        devida_em=row["next_at"],
        enviando_em=row["enviando_em"],
        enviada_em=row["enviada_em"],
        entrega=row["entrega"],
        recibos=_receipts(row),
    )


def _receipts(row: Row) -> dict[str, datetime]:
    return {status: datetime.fromisoformat(em) for status, em in row["recibos"].items()}
