"""The model over the managers' tools: it looks, it proposes, and it never acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any, Final

from lib.agent import prompts
from lib.agent.gestor import FERRAMENTAS
from lib.agent.gestor.conferir import conferir
from lib.agent.gestor.contrato import Ferramenta, Quem
from lib.agent.gestor.pedir import PAPEIS, pedir
from lib.auth import allows
from lib.domain.anonimo import como_dado
from lib.domain.data_falada import SEMANA
from lib.domain.horario import SAO_PAULO
from lib.errors import ModelRefusedError, ModelUnavailableError
from lib.log import get_logger
from lib.providers.llm import Ferramenta as Oferecida
from lib.providers.llm import Mensagem, Pedido, Resposta, ResultadoFerramenta, Texto, UsoFerramenta
from lib.providers.slack_blocos import Bloco
from lib.resources import Resources

MAX_RODADAS: Final = 6
MAX_CHAMADAS: Final = 8
PRAZO_S: Final = 40.0
PEDIDO_MAX: Final = 2_000
RESULTADO_MAX: Final = 6_000
PROPOSTAS_MAX: Final = 3
INTEIRAS: Final = frozenset({"end_turn", "stop_sequence"})

SEM_MODELO = (
    "Não consigo conversar agora: o modelo de linguagem não respondeu. Os comandos funcionam sem ele, "
    "como `/julia status`, `/julia metricas hoje` e `/julia medico`; veja todos com `/julia ajuda`."
)
SEM_RESPOSTA = "Não consegui responder a isso. Tente um comando: `/julia ajuda` mostra todos."
SO_CONSULTAS = "O que as consultas devolveram:"
COM_PREVIA = "A prévia está abaixo. Nada foi feito ainda: use o botão Confirmar."

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Respondida:
    """What to post: the words, and the previews that wait for their buttons."""

    texto: str
    propostas: tuple[tuple[Bloco, ...], ...] = ()


@dataclass(slots=True)
class _Run:
    """What one request has gathered so far."""

    quem: Quem
    sistema: tuple[str, ...]
    ferramentas: tuple[Ferramenta, ...]
    mensagens: list[Mensagem]
    ditos: tuple[str, ...]
    prazo: float
    chamadas: int = 0
    resultados: list[str] = field(default_factory=list)
    propostas: dict[str, tuple[Bloco, ...]] = field(default_factory=dict)


async def conversar(
    resources: Resources, texto: str, sessao: Sequence[Mapping[str, Any]], quem: Quem, prazo_s: float = PRAZO_S
) -> Respondida:
    """Answer a manager; `sessao` is what was said before, oldest first, as {"papel": user|assistant, "texto"}.

    Tools that the role does not reach are not offered. A model that is away, late or untruthful costs the words,
    never the truth: then what the tools returned is shown as it is.
    """
    run = _Run(
        quem=quem,
        sistema=(prompts.load("gestor").texto,),
        ferramentas=tuple(tool for tool in FERRAMENTAS if allows(quem.papel, tool.papel)),
        mensagens=[*_past(sessao), _asked(texto, quem)],
        ditos=(_now(quem.agora), texto, *(str(said.get("texto", "")) for said in sessao)),
        prazo=monotonic() + prazo_s,
    )
    try:
        written = await _write(resources, run)
    except (ModelUnavailableError, ModelRefusedError) as away:
        log.warning("gestor.sem_modelo", erro=type(away).__name__)
        return Respondida(_fallback(run, SEM_MODELO), tuple(run.propostas.values()))
    wrong = conferir(written, fatos=run.resultados, ditos=run.ditos, segredos=run.sistema)
    if wrong:
        log.warning("gestor.resposta_bloqueada", violacoes=wrong)
        return Respondida(_fallback(run, SEM_RESPOSTA), tuple(run.propostas.values()))
    return Respondida(written, tuple(run.propostas.values()))


def _fallback(run: _Run, sem_nada: str) -> str:
    """Show what is known without the model's words."""
    if run.propostas:
        return COM_PREVIA
    shown = "\n\n".join(dict.fromkeys(run.resultados))
    if not shown:
        return sem_nada
    return "\n".join([*([sem_nada] if sem_nada == SEM_MODELO else []), SO_CONSULTAS, shown])


async def _write(resources: Resources, run: _Run) -> str:
    """Let the model look and write, for at most `MAX_RODADAS` rounds of tools; "" when no whole text came."""
    for rodada in range(MAX_RODADAS + 1):
        resposta = await _call(resources, run)
        if not resposta.usos:
            return resposta.texto if resposta.parada in INTEIRAS else ""
        if resposta.truncada or resposta.recusada or rodada == MAX_RODADAS:
            return ""
        run.mensagens.append(Mensagem("assistant", resposta.blocos))
        results = [await _tool(resources, run, uso) for uso in resposta.usos]
        run.mensagens.append(Mensagem("user", tuple(results)))
    return ""


async def _call(resources: Resources, run: _Run) -> Resposta:
    left_s = run.prazo - monotonic()
    if left_s <= 0:
        raise ModelUnavailableError("the request's deadline passed")
    return await resources.modelo.gerar(
        Pedido(
            sistema=run.sistema,
            mensagens=tuple(run.mensagens),
            modelo=resources.settings.llm_modelo,
            prazo_s=left_s,
            ferramentas=tuple(Oferecida(tool.nome, tool.descricao, tool.esquema()) for tool in run.ferramentas),
        )
    )


async def _tool(resources: Resources, run: _Run, uso: UsoFerramenta) -> ResultadoFerramenta:
    """Answer one call; past the limit, or with too many previews shown, it is told so."""
    if run.chamadas >= MAX_CHAMADAS:
        return ResultadoFerramenta(uso.id, "limite de consultas", erro=True)
    run.chamadas += 1
    acts = next((tool.confirma for tool in run.ferramentas if tool.nome == uso.nome), False)
    if acts and len(run.propostas) >= PROPOSTAS_MAX:
        return ResultadoFerramenta(uso.id, "já há prévias demais: espere a pessoa decidir", erro=True)
    asked = await pedir(resources, uso.nome, uso.entrada, run.quem)
    texto = asked.resultado.texto[:RESULTADO_MAX]
    if asked.confirmacao is None:
        run.resultados.append(texto)
    else:
        run.propostas[str(asked.confirmacao.id)] = asked.resultado.blocos
    return ResultadoFerramenta(uso.id, f"<dados>\n{texto}\n</dados>", erro=asked.resultado.erro)


def _past(sessao: Sequence[Mapping[str, Any]]) -> list[Mensagem]:
    """Write what was said before, one message per change of side, beginning with the person's."""
    merged: list[Mensagem] = []
    for said in sessao:
        papel = "assistant" if said.get("papel") == "assistant" else "user"
        bloco = Texto(como_dado(str(said.get("texto", ""))) or "-")
        if not merged and papel == "assistant":
            continue
        if merged and merged[-1].papel == papel:
            merged[-1] = Mensagem(merged[-1].papel, (*merged[-1].blocos, bloco))
        else:
            merged.append(Mensagem("assistant" if papel == "assistant" else "user", (bloco,)))
    if merged and merged[-1].papel == "user":
        merged.append(Mensagem("assistant", (Texto("(sem resposta)"),)))
    return merged


def _asked(texto: str, quem: Quem) -> Mensagem:
    """Write the request; its phones stay, because the tools need them."""
    plain = "".join(c for c in texto[:PEDIDO_MAX] if c.isprintable() or c == "\n").replace("<", "(").replace(">", ")")
    context = f"{_now(quem.agora)}\nPapel de quem pede: {PAPEIS[quem.papel]}"
    return Mensagem("user", (Texto(f"<contexto>\n{context}\n</contexto>\n<pedido>\n{plain or '-'}\n</pedido>"),))


def _now(agora: datetime) -> str:
    local = agora.astimezone(SAO_PAULO)
    return f"Agora: {SEMANA[local.weekday()]}, {local:%d/%m/%Y %H:%M} (Brasília)"
