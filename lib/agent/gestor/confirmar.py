"""Pressing the button: by the same person, for the very same act, in time, once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from lib.agent.gestor.contrato import Ferramenta, Quem, Resultado, erro
from lib.agent.gestor.pedir import ORIGEM, ferramenta, lido, recusa_de_papel, resumo
from lib.agent.gestor.telas import corrido, hora
from lib.log import get_logger
from lib.providers.slack_blocos import context
from lib.queries import slack
from lib.queries.slack import Confirmacao
from lib.resources import Resources
from lib.usecases.auditar import auditar, detalhes_de

CONFIRMADA = "confirmada"
CANCELADA = "cancelada"
_VALOR = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):([0-9a-f]{16})")
_SUMIU = ("botao", "Este pedido não existe mais. Peça de novo.")
_CORTADO = (
    "A confirmação foi registrada, mas o processo caiu antes de anotar o resultado, e este pedido não se repete "
    "sozinho. Confira a situação e, se preciso, peça de novo."
)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Decidida:
    """What pressing came to. `particular`: for who pressed alone, the preview stays as it is."""

    resultado: Resultado
    particular: bool = False


async def decidir(resources: Resources, valor: str, quem: Quem, webhook_id: int, *, confirma: bool) -> Decidida:
    """Decide the act that a button carries and, confirmed, run it once; pressed again, give the first result.

    `webhook_id` names the press: met again after a crash it goes on where it was, any other one only reads.
    """
    found = _VALOR.fullmatch(valor)
    if found is None:
        return await _refused(resources, quem, None, "botao", "Este botão não vale.")
    word = CONFIRMADA if confirma else CANCELADA
    running = {"webhook": webhook_id}
    mine, act = await slack.decide(resources.db, UUID(found[1]), quem.usuario, found[2], word, running, quem.agora)
    fault = _fault(act, found[2], quem.usuario, mine=mine)
    if act is None or fault is not None:
        return await _refused(resources, quem, act, *(fault or _SUMIU))
    again = not mine and act.resultado == running and act.decisao == CONFIRMADA
    if not mine and not again:
        return _earlier(act)
    await _note(resources, quem, act, act.decisao or word)
    if act.decisao == CANCELADA:
        return await _settled(resources, act, Resultado("Cancelado: nada foi feito."))
    return await _settled(resources, act, await _run(resources, act, quem, again=again))


def _fault(act: Confirmacao | None, prefixo: str, usuario: str, *, mine: bool) -> tuple[str, str] | None:
    """Say why a press does not count, as a word for the log and in words for the person; None when it may."""
    if act is None:
        return _SUMIU
    if act.usuario != usuario:
        return "outra_pessoa", "Só quem pediu pode confirmar ou cancelar."
    if not act.hash.hex().startswith(prefixo) or resumo(act.ferramenta, act.args) != act.hash:
        return "hash", "Este pedido mudou depois de mostrado: não vale mais."
    if not mine and act.decidida_em is None:
        return "vencida", f"Este pedido venceu em {hora(act.expira_em)}: nada foi feito. Peça de novo."
    return None


async def _run(resources: Resources, act: Confirmacao, quem: Quem, *, again: bool) -> Resultado:
    """Run the tool with the arguments as they were shown; the role is looked at again."""
    tool = ferramenta(act.ferramenta)
    if tool is None:
        return erro("Esse pedido não existe mais.")
    checked = recusa_de_papel(tool, quem.papel) or lido(tool, act.args)
    if isinstance(checked, Resultado):
        resultado = checked
    elif again and not tool.repetivel:
        resultado = erro(_CORTADO)
    else:
        resultado = await tool.executar(resources, checked, replace(quem, causa=f"slack:{act.id}"))
    await _note(resources, quem, act, "erro" if resultado.erro else "feito", tool, resultado.alvo)
    return resultado


async def _settled(resources: Resources, act: Confirmacao, resultado: Resultado) -> Decidida:
    await slack.settle(resources.db, act.id, {"texto": resultado.texto, "erro": resultado.erro})
    return Decidida(_shown(act, resultado))


def _shown(act: Confirmacao, resultado: Resultado) -> Resultado:
    sinal = "✖" if resultado.erro or act.decisao == CANCELADA else "✔"
    blocos = (*corrido(f"{sinal} {resultado.texto}"), context(f"Pedido de {act.usuario}, {act.decisao}."))
    return replace(resultado, blocos=blocos)


def _earlier(act: Confirmacao) -> Decidida:
    """Give what the first press came to."""
    stored: Mapping[str, Any] = act.resultado or {}
    if "texto" not in stored:
        return Decidida(Resultado("Este pedido já foi confirmado e está em andamento."), particular=True)
    return Decidida(_shown(act, Resultado(str(stored["texto"]), erro=bool(stored.get("erro")))))


async def _refused(resources: Resources, quem: Quem, act: Confirmacao | None, motivo: str, texto: str) -> Decidida:
    log.warning("gestor.botao_recusado", motivo=motivo)
    await _note(resources, quem, act, f"recusado: {motivo}")
    return Decidida(erro(texto), particular=True)


async def _note(
    resources: Resources,
    quem: Quem,
    act: Confirmacao | None,
    resultado: str,
    tool: Ferramenta | None = None,
    alvo: str | None = None,
) -> None:
    """Write a press down, or with its tool the act itself."""
    kept = {} if act is None else {"confirmacao": str(act.id), "ferramenta": act.ferramenta}
    await auditar(
        resources.db,
        quem.agora,
        ator=quem.usuario,
        origem=ORIGEM,
        acao=tool.nome if tool else "confirmacao",
        alvo=alvo,
        resultado=resultado,
        detalhes={**kept, **(detalhes_de(act.args) if act and tool else {}), "papel": quem.papel.value},
    )
