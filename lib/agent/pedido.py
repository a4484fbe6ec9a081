"""What the model is asked: a stable prefix first, so that it is cached, then the conversation and this turn's facts.

The prefix, tools and system, is the same for every doctor and holds nothing of anybody's. What the conversation was
comes as messages, what this turn knows and demands in the last one: the system's word in `<contexto>`, everything that
people wrote or that is known of them in fences of its own, as data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from lib.agent import prompts
from lib.agent.contexto import Contexto, Passada, VagaMostrada
from lib.agent.tools.vagas import valor
from lib.domain.anonimo import como_dado, nome_como_dado
from lib.domain.conhecimento import escolher
from lib.domain.data_falada import SEMANA
from lib.domain.diretriz import DiretrizLida, TipoDiretriz, margem_pct
from lib.domain.horario import SAO_PAULO
from lib.domain.modo import Modo
from lib.domain.plantao import quando
from lib.domain.policy import Decisao
from lib.domain.situacao import Situacao
from lib.providers.llm import Mensagem, Texto

PREFIXO = ("julia", "ferramentas")
PAGA = ("valor_tipo", "valor_centavos", "valor_min_centavos", "valor_max_centavos")
PRIMEIRO_CONTATO = "primeiro_contato"
TEXTO_MAX = 4_000  # characters of one message of the history
MARCAS: Mapping[str, str] = MappingProxyType(
    {
        "imagem": "[imagem]",
        "video": "[vídeo]",
        "audio": "[áudio]",
        "documento": "[documento]",
        "figurinha": "[figurinha]",
        "localizacao": "[localização]",
        "contato": "[contato]",
        "enquete": "[enquete]",
        "voto": "[voto]",
        "reacao": "[reação]",
        "convite_grupo": "[convite de grupo]",
        "evento": "[evento]",
        "ligacao": "[ligação]",
    }
)
APAGADA = "[mensagem apagada]"
DESCONHECIDA = "[mensagem de outro tipo]"
_SEM_MARCA = frozenset({"texto", "botao", "lista", "interativa", "edicao"})
_ROTULOS: Mapping[TipoDiretriz, str] = MappingProxyType(
    {
        TipoDiretriz.FOCO_SEMANA: "Foco da semana",
        TipoDiretriz.TOM_SEMANA: "Tom da semana",
        TipoDiretriz.EVITAR: "Evite",
        TipoDiretriz.INSTRUCAO_GERAL: "Instrução",
        TipoDiretriz.OBSERVACOES: "Observação",
    }
)


@dataclass(frozen=True, slots=True)
class Roteiro:
    """One generation's input: `sistema` is the cacheable prefix and `prompt_hash` its hash.

    `prompts` maps every prompt file that was used, of the prefix or not, to its hash.
    """

    sistema: tuple[str, ...]
    mensagens: tuple[Mensagem, ...]
    prompt_hash: str
    prompts: Mapping[str, str]


def montar(
    contexto: Contexto,
    situacao: Situacao,
    decisao: Decisao,
    agora: datetime,
    *,
    diretrizes: Sequence[DiretrizLida] = (),
    modo: Modo | None = None,
    pergunta: str | None = None,
    notas: Sequence[str] = (),
    texto: str | None = None,
) -> Roteiro:
    """Put together what the model reads for this turn.

    `diretrizes` are those in force for this conversation; `modo` is the mode after the message, the stored one without
    it; `pergunta` is to be asked in the reply; `notas` are the system's own words on the messages; `texto` stands for
    the burst where a rule has cut it.
    """
    used = [*PREFIXO, f"modo_{modo or contexto.modo.modo}", *([] if contexto.apresentada else [PRIMEIRO_CONTATO])]
    files = {name: prompts.load(name) for name in used}
    prefix = tuple(files[name].texto for name in PREFIXO)
    demands = [
        *_restricoes(decisao),
        *(files[name].texto.strip() for name in used[len(PREFIXO) :]),
        f"Objetivo: {situacao.objetivo}. Intenção percebida: {situacao.intencao}. Tom: {decisao.tom}.",
        *([f"Termine com esta pergunta: {pergunta}"] if pergunta else []),
        *_margens(contexto, diretrizes),
        *_diretrizes(diretrizes),
        *(f"Nota: {nota}" for nota in notas),
        *_pessoa(contexto),
        *_vagas(contexto),
        _agora(agora),
    ]
    blocks = [
        _fenced("contexto", "\n".join(demands)),
        *_known(contexto, situacao),
        *_dados(contexto, texto),
    ]
    return Roteiro(
        sistema=prefix,
        mensagens=(*_history(contexto), Mensagem("user", (Texto("\n".join(blocks)),))),
        prompt_hash=_hash(prefix),
        prompts={name: file.hash for name, file in files.items()},
    )


def fatos(contexto: Contexto) -> tuple[str, ...]:
    """Return the shifts already shown as the model reads them: what a reply may repeat without a new search."""
    return tuple(_vaga(vaga) for vaga in contexto.vagas_mostradas)


def palavras_do_medico(contexto: Contexto, texto: str | None = None) -> str:
    """Return the burst as data: one message a line, with marks for what has no words; `texto` stands for the words."""
    if texto is not None and texto != contexto.texto:
        return como_dado(texto)
    return "\n".join(_marked(recebida.midia, recebida.texto) for recebida in contexto.recebidas)


def _hash(parts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def _fenced(tag: str, content: str) -> str:
    return f"<{tag}>\n{content}\n</{tag}>"


def _restricoes(decisao: Decisao) -> list[str]:
    return [f"Restrição: {restricao}" for restricao in decisao.restricoes]


def _margens(contexto: Contexto, diretrizes: Sequence[DiretrizLida]) -> list[str]:
    """Say how far a value may be discussed, shift by shift; without a directive, that it may not (decision D6)."""
    geral = margem_pct(diretrizes)
    lines = [
        "Valores: não negocie."
        if geral is None
        else f"Valores: pode discutir até {geral}% acima do valor da vaga, dizendo que a equipe confirma."
    ]
    for vaga in contexto.vagas_mostradas:
        own = margem_pct(diretrizes, vaga_id=vaga.id, hospital_id=vaga.hospital_id)
        if own != geral:
            lines.append(f"Na vaga_id {vaga.id}: até {own}% acima do valor dela, dizendo que a equipe confirma.")
    return lines


def _diretrizes(diretrizes: Sequence[DiretrizLida]) -> list[str]:
    return [f"{_ROTULOS[d.tipo]}: {como_dado(d.conteudo)}" for d in diretrizes if d.tipo in _ROTULOS]


def _pessoa(contexto: Contexto) -> list[str]:
    return [f"Especialidade: {contexto.especialidade or 'desconhecida'}"]


def _vagas(contexto: Contexto) -> list[str]:
    shown = fatos(contexto)
    return ["Vagas já mostradas nesta conversa e ainda abertas:", *(f"- {vaga}" for vaga in shown)] if shown else []


def _vaga(vaga: VagaMostrada) -> str:
    place = f"{como_dado(vaga.hospital)}, {como_dado(vaga.cidade)}-{vaga.uf}"
    when = quando(vaga.inicio, vaga.fim, vaga.uf)
    pay = {name: getattr(vaga, name) for name in PAGA}
    return f"vaga_id {vaga.id}: {place}, {vaga.especialidade}, {when}, {valor(pay)}"


def _agora(agora: datetime) -> str:
    local = agora.astimezone(SAO_PAULO)
    return f"Agora: {SEMANA[local.weekday()]}, {local:%d/%m/%Y %H:%M} (Brasília)"


def _known(contexto: Contexto, situacao: Situacao) -> list[str]:
    """Knowledge, memory and what the person who gave the conversation back left in writing: each fenced."""
    blocks: list[str] = []
    pieces = escolher(contexto.conhecimentos, situacao)
    if pieces:
        blocks.append(
            _fenced("conhecimento", "\n".join(f"{como_dado(p.titulo)}: {como_dado(p.texto)}" for p in pieces))
        )
    if contexto.memorias:
        facts = (f"- {m.tipo}, {m.assunto} ({m.confianca}): {como_dado(m.texto)}" for m in contexto.memorias)
        blocks.append(_fenced("memoria", "\n".join(facts)))
    given_back = contexto.transferencia_resolvida
    if given_back is not None:
        notes = como_dado(given_back.notas or "").strip() or "sem anotações"
        blocks.append(_fenced("notas", f"Uma pessoa da equipe atendeu e devolveu a conversa: {notes}"))
    return blocks


def _dados(contexto: Contexto, texto: str | None) -> list[str]:
    """Name, quoted text and the messages: the doctor's own."""
    name = nome_como_dado(contexto.primeiro_nome)
    quoted = [como_dado(r.citada) for r in contexto.recebidas if r.citada]
    return [
        _fenced("nome", name or "desconhecido"),
        *(_fenced("citada", words) for words in quoted),
        _fenced("mensagens", palavras_do_medico(contexto, texto)),
    ]


def _marked(midia: str, texto: str) -> str:
    """Write one message with a mark for what it is besides words."""
    mark = "" if midia in _SEM_MARCA else MARCAS.get(midia, DESCONHECIDA)
    words = como_dado(texto[:TEXTO_MAX])
    return f"{mark} {words}".strip() if words or mark else DESCONHECIDA


def _history(contexto: Contexto) -> list[Mensagem]:
    """Write what was said before, one message per change of side, beginning with the doctor's.

    What a person of the team wrote stands on the other side as data: Júlia did not say it and must not take its voice.
    """
    said = [*(_past(passada) for passada in contexto.passadas), *(_ours(body) for body in contexto.na_fila)]
    if said and said[0].papel == "assistant":
        said.insert(0, Mensagem("user", (Texto("(a conversa começou com uma mensagem nossa)"),)))
    merged: list[Mensagem] = []
    for message in said:
        if merged and merged[-1].papel == message.papel:
            merged[-1] = Mensagem(message.papel, (*merged[-1].blocos, *message.blocos))
        else:
            merged.append(message)
    return merged


def _past(passada: Passada) -> Mensagem:
    words = APAGADA if passada.apagada else _marked(passada.midia, passada.texto)
    if passada.autor == "julia":
        return _ours(words)
    if passada.autor == "humano":
        return Mensagem("user", (Texto(_fenced("notas", f"Uma pessoa da equipe escreveu ao médico: {words}")),))
    return Mensagem("user", (Texto(_fenced("mensagens", words)),))


def _ours(body: str) -> Mensagem:
    return Mensagem("assistant", (Texto(como_dado(body)),))
