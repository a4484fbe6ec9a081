"""The mirror of our conversations in Chatwoot: what is written there, what is ours, and who is in charge."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from lib.domain.mensagem import Midia

MARCA: Final = "agente:"
ROTULO: Final = "humano"
RESOLVIDA: Final = "resolved"

_NOMES: Final = {
    Midia.IMAGEM: "imagem",
    Midia.VIDEO: "vídeo",
    Midia.AUDIO: "áudio",
    Midia.DOCUMENTO: "documento",
    Midia.FIGURINHA: "figurinha",
    Midia.LOCALIZACAO: "localização",
    Midia.CONTATO: "contato",
    Midia.ENQUETE: "enquete",
    Midia.VOTO: "voto em enquete",
    Midia.REACAO: "reação",
    Midia.CONVITE_GRUPO: "convite para grupo",
    Midia.EVENTO: "evento",
    Midia.LIGACAO: "ligação",
    Midia.DESCONHECIDA: "mensagem de um tipo desconhecido",
}
_FALHAS: Final = {
    "opted_out": "o médico pediu para não receber mensagens",
    "destino_nao_permitido": "este número não está entre os destinos permitidos deste ambiente",
    "controle_humano": "a conversa estava com outra pessoa",
    "sem_evidencia_de_envio": "não se sabe se saiu; confira no WhatsApp antes de repetir",
    "historico_indisponivel": "não se sabe se saiu; confira no WhatsApp antes de repetir",
    "devolvida": "a conversa foi devolvida à Júlia antes do envio",
}


class Decisao(StrEnum):
    """What a look at both sides calls for."""

    NADA = "nada"
    """All agree."""
    ACERTAR = "acertar"
    """Both sides changed to the same: only what they agreed on moves."""
    APLICAR = "aplicar"
    """The person changed it there: ours follows."""
    ESCREVER = "escrever"
    """Ours changed: theirs follows."""


def decide(base: bool, deles: bool, nosso: bool) -> Decisao:
    """Compare "is a person in charge?" as last agreed on, as it stands there and as it stands here.

    A change there was made by a person and wins. Nothing but these three is looked at: neither which event came, nor
    in which order, nor how often.
    """
    if deles != base:
        return Decisao.ACERTAR if nosso == deles else Decisao.APLICAR
    return Decisao.NADA if nosso == base else Decisao.ESCREVER


def base_vista(base: bool, escrita: bool | None, deles: bool) -> bool:
    """Return what both sides last agreed on, given a write of ours (`escrita`) of which nobody knows whether it stands.

    Found as written, it stood; else what was agreed on before still holds.
    """
    return base if escrita is None or escrita != deles else escrita


def pessoa_no_comando(labels: Iterable[str], responsavel_id: int | None, status: str, proprio_id: int) -> bool:
    """Tell whether a person is in charge there: labelled or assigned to somebody else than us, and not resolved."""
    return status != RESOLVIDA and (ROTULO in labels or responsavel_id not in {None, proprio_id})


def eco_de(nome: int | str) -> str:
    """Return the mark under which something of ours is posted: a message by its id, a note by its key."""
    return f"{MARCA}{nome}"


def interacao_do_eco(*marcas: str | None) -> int | None:
    """Return the message of which this is the copy; None when it is none of ours, or a note."""
    for marca in marcas:
        if marca is not None and marca.startswith(MARCA) and marca[len(MARCA) :].isdecimal():
            return int(marca[len(MARCA) :])
    return None


def e_nosso(*marcas: str | None) -> bool:
    """Tell whether something carries a mark of ours."""
    return any(marca is not None and marca.startswith(MARCA) for marca in marcas)


def texto_do_espelho(midia: str, texto: str, *, editada: bool, apagada: bool) -> str:
    """Return what a copy says, in Portuguese: the words, the kind of a file in brackets, edits and deletions marked."""
    nome = _NOMES.get(Midia(midia)) if midia in set(Midia) else "mensagem de um tipo desconhecido"
    if apagada:
        return f"[apagada: {nome or 'mensagem'}]"
    ditas = " ".join(part for part in (f"[{nome}]" if nome else "", texto.strip()) if part) or "[mensagem vazia]"
    return f"{ditas} (editada)" if editada else ditas


def texto_da_falha(state: str, motivo: str | None) -> str:
    """Return what is told to people of a message of theirs that did not reach the doctor, or may not have."""
    porque = _FALHAS.get(motivo or "", f"motivo: {motivo}" if motivo else "motivo desconhecido")
    if state == "parked":
        return f"Mensagem parada: {porque}."
    return f"Mensagem não entregue ao médico: {porque}."


TEXTO_ANEXO: Final = "Anexos não são encaminhados ao WhatsApp do médico. Escreva a mensagem em texto."
TEXTO_SO_TEXTO: Final = "Só o texto desta mensagem vai para o médico: anexos não são encaminhados ao WhatsApp dele."
TEXTO_VELHA: Final = "Mensagem não enviada ao médico: ela chegou até nós com mais de um dia de atraso."
TEXTO_SEM_MEDICO: Final = "Mensagem não enviada: este contato não é um médico conhecido da Júlia."
