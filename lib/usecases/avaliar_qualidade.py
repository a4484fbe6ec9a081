"""Judging one ended conversation by the language model: what it is shown, and what of its answer is believed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from lib.domain.custo import custo_micro_usd
from lib.domain.qualidade import NOTA_MAXIMA, NOTA_MINIMA, Avaliacao, evidencia_valida
from lib.domain.texto import dobrar, nfc
from lib.errors import AgenteError
from lib.log import mask
from lib.providers.llm import Mensagem, Modelo, Pedido, Texto
from lib.queries.qualidade import Encerrada, Julgamento

PRAZO_S = 40.0
MAX_TOKENS = 900
ITENS_MAX = 8
QUEM: Mapping[str, str] = MappingProxyType({"medico": "Médico", "julia": "Júlia", "humano": "Equipe"})
# Shorter parts of a name are prepositions, or words of everyday.
PARTE_MINIMA = 3

Nota = Annotated[int, Field(strict=True, ge=NOTA_MINIMA, le=NOTA_MAXIMA)]
Frase = Annotated[str, StringConstraints(max_length=500)]
Frases = Annotated[tuple[Frase, ...], Field(max_length=ITENS_MAX)]


class JudgementRejectedError(AgenteError):
    """The model answered, but what it said cannot be kept; `classe` says why, in a word."""

    def __init__(self, classe: str) -> None:
        super().__init__(classe)
        self.classe = classe


class _Resposta(BaseModel):
    model_config = ConfigDict(extra="ignore")

    naturalidade: Nota
    persona: Nota
    objetivo: Nota
    satisfacao: Nota
    geral: Nota
    positivos: Frases
    negativos: Frases
    sugestoes: Frases
    evidencia: Frases


def _schema() -> dict[str, Any]:
    """The answer's JSON schema; the API takes no bounds, so they are told in words."""
    nota = {"type": "integer", "description": f"nota inteira de {NOTA_MINIMA} a {NOTA_MAXIMA}"}
    frases = {"type": "array", "items": {"type": "string"}, "description": f"no máximo {ITENS_MAX}"}
    properties = {name: nota if field.annotation is int else frases for name, field in _Resposta.model_fields.items()}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


ESQUEMA = _schema()


async def avaliar(modelo: Modelo, encerrada: Encerrada, prompt: str, nome_modelo: str) -> Julgamento:
    """Ask for a judgement once and check it.

    The doctor's name and number are no part of the request, and are taken out of the messages.

    Raises:
        JudgementRejectedError: cut off, refused, not of the schema, or with evidence that nobody said.
        ModelUnavailableError: no answer; another attempt may help.
        ModelRefusedError: no attempt will help.
    """
    falas = [(QUEM.get(who, "Equipe"), anonymous(said, encerrada.nome)) for who, said in encerrada.falas]
    pedido = Pedido(
        sistema=(prompt,),
        mensagens=(Mensagem("user", (Texto(transcript(falas)),)),),
        modelo=nome_modelo,
        prazo_s=PRAZO_S,
        max_tokens=MAX_TOKENS,
        esquema=ESQUEMA,
    )
    resposta = await modelo.gerar(pedido)
    if resposta.recusada or resposta.truncada:
        raise JudgementRejectedError("recusada" if resposta.recusada else "truncada")
    try:
        read = _Resposta.model_validate_json(resposta.texto.replace("\\u0000", "").replace("\x00", ""))
    except ValidationError as cause:
        raise JudgementRejectedError("resposta_invalida") from cause
    avaliacao = Avaliacao(**read.model_dump())
    if not evidencia_valida(avaliacao, [said for _, said in falas]):
        raise JudgementRejectedError("evidencia_invalida")
    uso = resposta.uso
    custo = custo_micro_usd(nome_modelo, uso.entrada, uso.saida, uso.cache_escrita, uso.cache_leitura)
    return Julgamento(encerrada.conversa_id, avaliacao, resposta.modelo or nome_modelo, custo)


def transcript(falas: Sequence[tuple[str, str]]) -> str:
    """Write the conversation between its marks; nothing inside can close them."""
    lines = (f"{who}: {' '.join(said.split()).replace('<', '(').replace('>', ')')}" for who, said in falas)
    return "\n".join(("<conversa>", *lines, "</conversa>"))


def anonymous(said: str, nome: str) -> str:
    """Take the doctor's name, and whatever looks like a number or an address of a person, out of a message."""
    text = nfc(said)
    parts = sorted({dobrar(part) for part in nome.split() if len(part) >= PARTE_MINIMA}, key=len, reverse=True)
    if parts:
        # `dobrar` keeps positions, so that what is found in the folded text can be cut out of the real one.
        names = re.compile(rf"\b(?:{'|'.join(map(re.escape, parts))})\b")
        for found in reversed(list(names.finditer(dobrar(text)))):
            text = f"{text[: found.start()]}[nome]{text[found.end() :]}"
    return mask(text)
