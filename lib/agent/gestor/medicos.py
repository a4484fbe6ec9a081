"""Doctors: found, listed, kept from our messages and let back."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from pydantic import Field

from lib.agent.gestor.contrato import Argumentos, Ferramenta, Previa, Quem, Resultado, erro
from lib.agent.gestor.quem_e import MEDICO, achar, breve, ve_telefone
from lib.agent.gestor.telas import fone, hora, lista
from lib.auth import Papel
from lib.db import Row
from lib.domain.anonimo import como_dado
from lib.domain.estado import Permissao
from lib.domain.horario import SAO_PAULO
from lib.queries import medico
from lib.resources import Resources

NOVO = timedelta(days=7)
PERMISSOES = MappingProxyType(
    {
        "none": "nunca contatado",
        "initial": "contatado, ainda sem resposta",
        "active": "aceita mensagens",
        "cooling_off": "em pausa a pedido",
        "opted_out": "não quer mensagens",
    }
)
_CONTROLES = MappingProxyType({"ai": "com a Júlia", "humano": "com uma pessoa da equipe"})


class Filtro(StrEnum):
    """Which doctors to list."""

    RESPONDERAM_HOJE = "responderam_hoje"
    POSITIVOS = "positivos"
    SEM_RESPOSTA = "sem_resposta"
    NOVOS = "novos"
    TODOS = "todos"


TITULOS = MappingProxyType(
    {
        Filtro.RESPONDERAM_HOJE: "Médicos que responderam hoje",
        Filtro.POSITIVOS: "Médicos positivos",
        Filtro.SEM_RESPOSTA: "Médicos que não responderam à última mensagem",
        Filtro.NOVOS: "Médicos novos (7 dias)",
        Filtro.TODOS: "Médicos",
    }
)


class BuscarMedico(Argumentos):
    """Whom to look for."""

    identificador: str = Field(min_length=2, description=MEDICO)


class ListarMedicos(Argumentos):
    """Which doctors, and how many."""

    filtro: Filtro = Field(description="Quais médicos.")
    limite: int = Field(10, ge=1, le=30, description="Quantos mostrar.")


class Bloquear(Argumentos):
    """Whom to keep from our messages, and why."""

    medico: str = Field(min_length=2, description=MEDICO)
    motivo: str = Field(min_length=3, description="Por quê; fica na auditoria.")


class Desbloquear(Bloquear):
    """Whom to let back, and why."""


async def buscar(resources: Resources, args: BuscarMedico, quem: Quem) -> Resultado:
    """Show one doctor's card, or the few who may be meant."""
    row = await achar(resources.db, args.identificador)
    return row if isinstance(row, Resultado) else _card(row, quem)


def _card(row: Row, quem: Quem) -> Resultado:
    alvo = f"medico:{row['id']}"
    blocos = lista(f"#{row['id']} {row['nome'] or 'sem nome'}", _lines(row, aberto=ve_telefone(quem.papel)))
    safe = "\n".join(_lines(row, aberto=False))
    return Resultado(f"#{row['id']} {como_dado(row['nome'] or 'sem nome')}\n{safe}", blocos, alvo=alvo)


def _lines(row: Row, *, aberto: bool) -> list[str]:
    conversa = "nenhuma"
    if row["conversation_id"] is not None:
        conversa = f"{row['conversation_id']}, {_CONTROLES.get(row['controle'], row['controle'])}"
    temperatura = "-" if row["temperatura"] is None else f"{float(row['temperatura']):.2f}".replace(".", ",")
    lugar = f"{row['cidade'] or '-'}-{row['uf'] or '-'}"
    crm = (row["crm"] or "-") if aberto else ("cadastrado" if row["crm"] else "-")
    objecao = row["objecao"] if row["objecao"] and row["objecao_resolvida_em"] is None else "nenhuma"
    return [
        f"Telefone: {fone(row['telefone'], aberto=aberto)}",
        f"CRM: {crm}",
        f"Especialidade: {row['especialidade'] or 'desconhecida'}; {lugar}",
        f"Situação: {PERMISSOES.get(row['permissao'] or 'none', row['permissao'])}; temperatura {temperatura}",
        f"Objeção em aberto: {objecao}",
        f"Última mensagem do médico: {hora(row['ultima_entrada_em'])}; nossa: {hora(row['ultima_saida_em'])}",
        f"Conversa: {conversa}",
    ]


async def listar(resources: Resources, args: ListarMedicos, quem: Quem) -> Resultado:
    """List doctors, who wrote last first, phones always masked."""
    hoje = _meia_noite(quem.agora)
    rows = await medico.page(resources.db, args.filtro.value, hoje, quem.agora - NOVO, args.limite)
    if not rows:
        return Resultado(f"{TITULOS[args.filtro]}: nenhum.")
    total = rows[0]["total"]
    title = f"{TITULOS[args.filtro]}: {total}"
    lines = [f"{breve(row)}; última mensagem dele: {hora(row['ultima_entrada_em'])}" for row in rows]
    nota = f"Mostrando {len(rows)} de {total}." if total > len(rows) else None
    texto = "\n".join([title, *map(como_dado, lines), *([nota] if nota else [])])
    return Resultado(texto, lista(title, lines, nota))


def _meia_noite(agora: datetime) -> datetime:
    return agora.astimezone(SAO_PAULO).replace(hour=0, minute=0, second=0, microsecond=0)


async def prever_bloqueio(resources: Resources, args: Bloquear, _: Quem) -> Previa | Resultado:
    """Name the doctor and say what a block means."""
    row = await achar(resources.db, args.medico)
    if isinstance(row, Resultado):
        return row
    if row["permissao"] == Permissao.OPTED_OUT:
        return erro(f"{breve(row)} já não recebe mensagens.")
    texto = f"Bloquear {breve(row)}: nada mais será enviado, e o que está na fila é descartado. Motivo: {args.motivo}"
    return Previa(texto, {"medico": f"#{row['id']}", "motivo": args.motivo}, f"medico:{row['id']}")


async def bloquear(resources: Resources, args: Bloquear, _: Quem) -> Resultado:
    """Set the one fact of an opt-out (decision D3)."""
    row = await achar(resources.db, args.medico)
    if isinstance(row, Resultado):
        return row
    new, discarded = await medico.block(resources.db, row["id"])
    done = "bloqueado" if new else "já estava bloqueado"
    fila = f" {discarded} na fila descartada(s)." if discarded else ""
    return Resultado(f"{breve(row)}: {done}. Nada mais será enviado a este médico.{fila}", alvo=f"medico:{row['id']}")


async def prever_desbloqueio(resources: Resources, args: Desbloquear, _: Quem) -> Previa | Resultado:
    """Name the doctor and say what lifting an opt-out means."""
    row = await achar(resources.db, args.medico)
    if isinstance(row, Resultado):
        return row
    if row["permissao"] != Permissao.OPTED_OUT:
        return erro(f"{breve(row)} não está bloqueado: {PERMISSOES.get(row['permissao'] or 'none')}.")
    texto = (
        f"Desbloquear {breve(row)}: este médico pediu para não receber mensagens, ou foi bloqueado pela equipe. "
        f"Confirme só se ele voltou a aceitar. Motivo: {args.motivo}"
    )
    return Previa(texto, {"medico": f"#{row['id']}", "motivo": args.motivo}, f"medico:{row['id']}")


async def desbloquear(resources: Resources, args: Desbloquear, _: Quem) -> Resultado:
    """Lift an opt-out; proactive sends still answer to hours and limits."""
    row = await achar(resources.db, args.medico)
    if isinstance(row, Resultado):
        return row
    if not await medico.unblock(resources.db, row["id"]):
        return Resultado(f"{breve(row)} não estava bloqueado: nada mudou.", alvo=f"medico:{row['id']}")
    return Resultado(f"{breve(row)} pode receber mensagens de novo.", alvo=f"medico:{row['id']}")


BUSCAR_MEDICO = Ferramenta(
    "buscar_medico",
    "Mostra a ficha de um médico: telefone, CRM, situação, temperatura e conversa.",
    BuscarMedico,
    Papel.VIEWER,
    buscar,
)
LISTAR_MEDICOS = Ferramenta(
    "listar_medicos",
    "Lista médicos: os que responderam hoje, os positivos, os sem resposta, os novos ou todos.",
    ListarMedicos,
    Papel.VIEWER,
    listar,
)
BLOQUEAR_MEDICO = Ferramenta(
    "bloquear_medico",
    "Pede para bloquear um médico: nada mais é enviado a ele. Só acontece depois do botão Confirmar.",
    Bloquear,
    Papel.OPERATOR,
    bloquear,
    prever_bloqueio,
    repetivel=True,
)
DESBLOQUEAR_MEDICO = Ferramenta(
    "desbloquear_medico",
    "Pede para desbloquear um médico que voltou a aceitar mensagens. Só acontece depois do botão Confirmar.",
    Desbloquear,
    Papel.OPERATOR,
    desbloquear,
    prever_desbloqueio,
)
