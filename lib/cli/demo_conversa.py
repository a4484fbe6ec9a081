"""The demonstration's first half: a doctor's burst of three messages, answered, shown while it happens."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Final

from lib.cli.demo_tela import Checagem, Tela
from lib.db import Row
from lib.domain.telefone import digitos, mascarar
from lib.errors import AgenteError, DatabaseUnavailableError
from lib.providers.sandbox import Aceita, Sandbox
from lib.queries import conversa, turno
from lib.resources import Resources
from lib.usecases.ler_turno import etapas

NUMEROS_FICTICIOS: Final = "+5511900"
TEXTOS: Final = ("Oi Júlia, tudo bem?", "Semana que vem estou mais livre", "Tem algum plantão pra mim? Quanto paga?")
INTERVALO_MS: Final = 450
OLHADA_S: Final = 0.15
# A killed API's claim is taken over when its lease of 60 s ends; an unclear send is looked up after 90 s.
RESPOSTA_S: Final = 300.0
RECIBOS_S: Final = 15.0
FINAIS: Final = frozenset({"sent", "dead", "cancelled", "parked"})
# Waits for the database outside the turn's own count: turn's claim, its commit, the send's claim, its record.
IDAS_FIXAS: Final = 4
ORCAMENTO: Final = 6


class DemoError(AgenteError):
    """The demonstration cannot go on; the message is for the person watching, in Portuguese."""


@dataclass(slots=True)
class Vistas:
    """What has been shown already."""

    entradas: set[int] = field(default_factory=set)
    saidas: set[int] = field(default_factory=set)
    entregas: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Resposta:
    """What came of the burst: the last look at the database, the stored turn, what WhatsApp accepted."""

    vista: Row
    turno: Row
    aceitas: Sequence[Aceita]


async def conversar(resources: Resources, sandbox: Sandbox, tela: Tela) -> list[Checagem]:
    """Let a doctor write, show the answer and where the time went; return the checks.

    Raises:
        DemoError: there is nobody to write, or no answer in time.
    """
    alvo = await conversa.find_warm(resources.db, resources.clock(), NUMEROS_FICTICIOS)
    if alvo is None:
        raise DemoError("Nenhum médico fictício serve: recrie os dados com `agente seed --limpar`.")
    tela.secao("Um médico escreve três mensagens")
    tela.linha(f"{alvo['nome']}, {alvo['especialidade']}, {mascarar(alvo['telefone'])}, chip {alvo['instancia']}")
    aceitas = await sandbox.accepted(digitos(alvo["telefone"]))
    seq = aceitas[-1].seq if aceitas else 0
    began = monotonic()
    writing = asyncio.create_task(
        sandbox.write_burst(
            alvo["instancia"], digitos(alvo["telefone"]), TEXTOS, intervalo_ms=INTERVALO_MS, nome=alvo["nome"]
        )
    )
    async with tela.esperando("a conversa acontece"):
        vista = await _watch(resources, alvo, tela)
    await writing
    stored = await turno.waterfall(resources.db, vista["entradas"][0]["turno_id"])
    if stored is None:
        raise DemoError("O turno respondido não foi encontrado no banco.")
    resposta = Resposta(vista, stored, await sandbox.accepted(digitos(alvo["telefone"]), after=seq))
    _show_times(resources, tela, resposta)
    _show_costs(tela, resposta, monotonic() - began)
    return _checks(resposta)


async def _watch(resources: Resources, alvo: Row, tela: Tela) -> Row:
    """Show what happens until every message of the answer is settled and its receipts are in."""
    vistas, until = Vistas(), monotonic() + RESPOSTA_S
    settled_at: float | None = None
    while monotonic() < until:
        try:
            vista = await conversa.watch(resources.db, alvo["conversation_id"], alvo["ultima_inbox_id"])
        except DatabaseUnavailableError:
            await asyncio.sleep(1)
            continue
        _show(tela, vista, vistas, alvo["nome"].split()[0])
        if vista["morta"]:
            raise DemoError(f"O turno morreu: {vista['morta']}.")
        if _settled(vista):
            settled_at = settled_at or monotonic()
            read = all(saida["entrega"] == "lida" for saida in vista["saidas"])
            if read or monotonic() - settled_at > RECIBOS_S:
                return vista
        await asyncio.sleep(OLHADA_S)
    raise DemoError(f"Sem resposta em {RESPOSTA_S:.0f} s. Veja os registros em .agente/logs.")


def _settled(vista: Row) -> bool:
    entradas, saidas = vista["entradas"], vista["saidas"]
    answered = len(entradas) >= len(TEXTOS) and all(entrada["turno_id"] for entrada in entradas)
    return bool(answered and saidas and all(saida["estado"] in FINAIS for saida in saidas))


def _show(tela: Tela, vista: Row, vistas: Vistas, nome: str) -> None:
    for entrada in vista["entradas"]:
        if entrada["id"] not in vistas.entradas:
            vistas.entradas.add(entrada["id"])
            tela.bolha(nome, entrada["texto"], _instant(entrada["em"]), nossa=False)
    for saida in vista["saidas"]:
        if saida["em"] and saida["id"] not in vistas.saidas:
            vistas.saidas.add(saida["id"])
            tela.bolha("Júlia", saida["texto"], _instant(saida["em"]), nossa=True)
        entrega = saida["entrega"]
        if entrega and vistas.entregas.get(saida["id"]) != entrega:
            vistas.entregas[saida["id"]] = entrega
            tela.recibo(entrega)


def _show_times(resources: Resources, tela: Tela, resposta: Resposta) -> None:
    row = resposta.turno
    tela.secao("Para onde foi o tempo")
    tela.cascata(etapas(row, resources.settings))
    tela.linha(f"decisão: {row['motivo']}")


def round_trips(row: Row) -> tuple[int, int]:
    """Return a turn's waits for Postgres from the claim to `sent`, and how many of them were tools."""
    inside = int(row["custos"]["round_trips"])
    sends = max(1, len(row["saidas"]))
    return inside + IDAS_FIXAS + 2 * (sends - 1), inside


def _show_costs(tela: Tela, resposta: Resposta, seconds: float) -> None:
    row, custos = resposta.turno, resposta.turno["custos"]
    total, tools = round_trips(row)
    burst = len(row["entradas"])
    micro = row["custo_micro_usd"]
    cost = "preço desconhecido" if micro is None else f"US$ {micro / 1_000_000:.6f}"
    tela.secao("O que custou")
    tela.tabela(
        "",
        ("", "quanto"),
        (
            ("idas ao banco, guardar", f"1 por mensagem: {burst}"),
            (
                "idas ao banco, do claim ao envio",
                f"{total - tools}, e {tools} no turno (ferramentas; uma vez por processo, diretrizes)",
            ),
            ("comandos SQL no turno", str(custos["statements"])),
            ("chamadas ao modelo", str(custos["llm_calls"])),
            ("tokens", f"{custos['tokens_in']} de entrada, {custos['tokens_out']} de saída"),
            ("conexões novas", f"{custos['tcp_connections']} (no primeiro turno do processo; depois, 0)"),
            (f"custo pela tabela de {row['modelo']}", cost),
            ("da primeira mensagem à última leitura", f"{seconds:.1f} s"),
        ),
    )


def _checks(resposta: Resposta) -> list[Checagem]:
    entradas, saidas = resposta.vista["entradas"], resposta.vista["saidas"]
    turnos = {entrada["turno_id"] for entrada in entradas}
    ditas = sorted(saida["texto"] for saida in saidas)
    once = ditas == sorted(aceita.texto for aceita in resposta.aceitas) and len(ditas) > 0
    total, tools = round_trips(resposta.turno)
    fragments = len(saidas)
    return [
        Checagem("respondida uma única vez", once, f"{len(resposta.aceitas)} aceita(s) pelo WhatsApp"),
        Checagem("as três mensagens num só turno", len(turnos) == 1 and len(entradas) == len(TEXTOS)),
        Checagem("Júlia se apresenta como automatizada", bool(resposta.vista["apresentada"])),
        Checagem("consultou os plantões com a ferramenta", tools > 0),
        Checagem("entregue e lida", all(saida["entrega"] == "lida" for saida in saidas)),
        Checagem(
            "dentro do orçamento de idas ao banco",
            1 + total <= ORCAMENTO + tools + 2 * (fragments - 1),
            f"{1 + total} por mensagem respondida, limite {ORCAMENTO} + 1 por ferramenta",
        ),
    ]


def _instant(value: str | datetime) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
