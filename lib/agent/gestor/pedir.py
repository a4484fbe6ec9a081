"""Asking for a tool: the role, the arguments, the audit, and the button before anything happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid5

import orjson
from pydantic import ValidationError

from lib.agent.gestor import FERRAMENTAS
from lib.agent.gestor.contrato import Argumentos, Ferramenta, Previa, Quem, Resultado, erro
from lib.agent.gestor.telas import corrido
from lib.auth import Papel, allows
from lib.providers.slack_blocos import Bloco, actions, button, context
from lib.queries import slack
from lib.queries.slack import Confirmacao
from lib.resources import Resources
from lib.usecases.auditar import auditar, detalhes_de

ORIGEM: Final = "slack"
VALIDADE: Final = timedelta(minutes=5)
CONFIRMAR: Final = "gestor_confirmar"
CANCELAR: Final = "gestor_cancelar"
PREFIXO: Final = 16  # hex digits of the hash that a button carries
PAPEIS: Final[Mapping[Papel, str]] = {
    Papel.VIEWER: "leitura",
    Papel.OPERATOR: "operação",
    Papel.ADMIN: "administração",
    Papel.DPO: "proteção de dados",
}


@dataclass(frozen=True, slots=True)
class Pedida:
    """What came of asking: the answer, and the act that now waits for its button, if any."""

    resultado: Resultado
    confirmacao: Confirmacao | None = None


def ferramenta(nome: str) -> Ferramenta | None:
    """Return the tool of this name."""
    return next((tool for tool in FERRAMENTAS if tool.nome == nome), None)


def resumo(nome: str, args: Mapping[str, Any]) -> bytes:
    """Hash a tool and its arguments as canonical JSON: the order of the keys does not matter."""
    return sha256(orjson.dumps([nome, dict(args)], option=orjson.OPT_SORT_KEYS)).digest()


def lido(tool: Ferramenta, args: Mapping[str, Any]) -> Argumentos | Resultado:
    """Return the arguments as the tool takes them, or which of them are wrong, never what stood in them."""
    try:
        return tool.argumentos.model_validate(dict(args))
    except ValidationError as wrong:
        names = sorted({".".join(str(part) for part in error["loc"]) or "?" for error in wrong.errors()})
        known = [name if name in tool.argumentos.model_fields else "argumento desconhecido" for name in names]
        return erro(f"Argumentos inválidos: {', '.join(dict.fromkeys(known))}.")


def recusa_de_papel(tool: Ferramenta, papel: Papel) -> Resultado | None:
    """Return the refusal where a role does not reach for a tool."""
    if allows(papel, tool.papel):
        return None
    return erro(f"Isso pede o papel de {PAPEIS[tool.papel]} ({tool.papel}); o seu é {PAPEIS[papel]} ({papel}).")


async def pedir(resources: Resources, nome: str, args: Mapping[str, Any], quem: Quem) -> Pedida:
    """Run a tool that only looks; of one that acts, show what it would do and wait for the button."""
    tool = ferramenta(nome)
    if tool is None:
        await _note(resources, quem, "desconhecida", erro("não existe"), {})
        return Pedida(erro("Não existe essa ferramenta."))
    checked = recusa_de_papel(tool, quem.papel) or lido(tool, args)
    if isinstance(checked, Resultado):
        await _note(resources, quem, nome, checked, {}, "recusado")
        return Pedida(checked)
    kept = detalhes_de(checked.model_dump(mode="json", exclude_none=True))
    if tool.prever is not None and not tool.so_le(checked):
        return await _propose(resources, tool, checked, quem)
    resultado = await tool.executar(resources, checked, quem)
    await _note(resources, quem, nome, resultado, kept)
    return Pedida(resultado)


async def _propose(resources: Resources, tool: Ferramenta, args: Argumentos, quem: Quem) -> Pedida:
    if tool.prever is None:
        raise TypeError("a tool without a preview does not wait")
    previa = await tool.prever(resources, args, quem)
    if isinstance(previa, Resultado):
        await _note(resources, quem, tool.nome, previa, detalhes_de(args.model_dump(mode="json", exclude_none=True)))
        return Pedida(previa)
    hash_ = resumo(tool.nome, previa.args)
    nova = Confirmacao(
        # The same request, met again after a crash, waits for the same button.
        id=uuid5(NAMESPACE_OID, f"{quem.causa}:{hash_.hex()}"),
        usuario=quem.usuario,
        canal=quem.canal,
        ferramenta=tool.nome,
        args=previa.args,
        hash=hash_,
        criada_em=quem.agora,
        expira_em=quem.agora + VALIDADE,
    )
    waits = await slack.propose(resources.db, nova)
    shown = Resultado(
        "Nada foi feito ainda: a prévia foi mostrada à pessoa, com os botões Confirmar e Cancelar.",
        tela(previa, waits),
        alvo=previa.alvo,
    )
    kept = detalhes_de(previa.args) | {"confirmacao": str(waits.id)}
    await _note(resources, quem, tool.nome, shown, kept, "proposto")
    return Pedida(shown, waits)


def tela(previa: Previa, confirmacao: Confirmacao) -> tuple[Bloco, ...]:
    """Return the preview with its two buttons, bound to this act and its hash."""
    valor = f"{confirmacao.id}:{confirmacao.hash.hex()[:PREFIXO]}"
    minutes = int(VALIDADE.total_seconds() // 60)
    return (
        *corrido(previa.texto),
        actions(
            button("Confirmar", CONFIRMAR, valor, estilo="primary"),
            button("Cancelar", CANCELAR, valor),
            block_id=f"gestor:{confirmacao.id}",
        ),
        context(f"Só quem pediu confirma, em até {minutes} minutos. Escrever “sim” não confirma."),
    )


async def _note(
    resources: Resources,
    quem: Quem,
    acao: str,
    resultado: Resultado,
    detalhes: Mapping[str, Any],
    palavra: str | None = None,
) -> None:
    """Write one request down; what an error said in words is kept without what people wrote."""
    await auditar(
        resources.db,
        quem.agora,
        ator=quem.usuario,
        origem=ORIGEM,
        acao=acao,
        alvo=resultado.alvo,
        resultado=palavra or ("erro" if resultado.erro else "feito"),
        detalhes={**detalhes, "papel": quem.papel.value, "causa": quem.causa},
    )
