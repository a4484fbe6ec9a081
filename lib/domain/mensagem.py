"""What a doctor did, the same for every gateway, and whether it wakes a turn (hot path, step 5; decision D23)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from lib.domain.optout import Parada, classificar_parada

TARDIA = timedelta(minutes=10)
SEM_RESPOSTA_TARDIA = "sem_resposta: chegou com mais de 10 minutos"
SEM_TEXTO = "sem_resposta: mensagem sem texto"
APAGADA = "silencio: apagada pelo médico"


class Midia(StrEnum):
    """The kind of a message, as stored in `inbox.midia` and `interacao.midia`."""

    TEXTO = "texto"
    IMAGEM = "imagem"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENTO = "documento"
    FIGURINHA = "figurinha"
    LOCALIZACAO = "localizacao"
    CONTATO = "contato"
    ENQUETE = "enquete"
    VOTO = "voto"
    BOTAO = "botao"
    LISTA = "lista"
    INTERATIVA = "interativa"
    REACAO = "reacao"
    EDICAO = "edicao"
    APAGAMENTO = "apagamento"
    CONVITE_GRUPO = "convite_grupo"
    EVENTO = "evento"
    LIGACAO = "ligacao"
    DESCONHECIDA = "desconhecida"


# Without words of their own these still say something: the turn's rules decide what is answered to them.
DE_ARQUIVO = frozenset({Midia.IMAGEM, Midia.VIDEO, Midia.AUDIO, Midia.DOCUMENTO})
DE_ESCOLHA = frozenset({Midia.BOTAO, Midia.LISTA, Midia.INTERATIVA})
REVISOES = frozenset({Midia.EDICAO, Midia.APAGAMENTO})
_CALADAS = {
    Midia.FIGURINHA: "figurinha",
    Midia.LIGACAO: "ligação",
    Midia.EDICAO: "edição de mensagem que ainda não chegou",
    Midia.APAGAMENTO: "apagamento de mensagem que ainda não chegou",
}


@dataclass(frozen=True, slots=True)
class Anuncio:
    """The ad that a doctor wrote from: its title, and of its address the host alone."""

    titulo: str | None = None
    site: str | None = None


@dataclass(frozen=True, slots=True)
class Detalhes:
    """What a kind carries besides words; None or empty where it does not apply. No phone numbers of third parties."""

    tipo_original: str | None = None
    visualizacao_unica: bool = False
    temporaria: bool = False
    encaminhada: bool = False
    segundos: int | None = None
    bytes: int | None = None
    mimetype: str | None = None
    arquivo: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    contatos: tuple[str, ...] = ()
    escolha_id: str | None = None
    pergunta: str | None = None
    opcoes: tuple[str, ...] = ()
    votos: tuple[str, ...] = ()
    grupo: str | None = None
    anuncio: Anuncio | None = None


@dataclass(frozen=True, slots=True)
class MensagemRecebida:
    """One act of a doctor. `telefone` is E.164 with a plus, `lid` digits; one is known, but for an edit or a deletion.

    `texto` holds words, a caption, the chosen title, or for places, contacts and polls a sentence in brackets; None for
    media without words. `alvo_msg_id` is what a reaction, an edit or a deletion is about; `citada_msg_id` the quoted
    message. `assinada` is false for an edit or a deletion whose author only its target can tell.
    """

    msg_id: str
    midia: Midia
    telefone: str | None = None
    lid: str | None = None
    nome: str | None = None
    texto: str | None = None
    enviada_em: datetime | None = None
    alvo_msg_id: str | None = None
    citada_msg_id: str | None = None
    assinada: bool = True
    detalhes: Detalhes = field(default_factory=Detalhes)

    @property
    def conteudo(self) -> dict[str, Any] | None:
        """What `inbox.conteudo` stores: the known details by their names, or None when there are none."""
        return conteudo(self.detalhes)


class Destino(StrEnum):
    """Where a message goes: to a turn, only to the thread, or to the list of what nobody answers by itself."""

    TURNO = "turno"
    SILENCIO = "silencio"
    SEM_RESPOSTA = "sem_resposta"


@dataclass(frozen=True, slots=True)
class Tratamento:
    """What becomes of a message on arrival; `desfecho` is the stored outcome, None while a turn has to give it.

    `imediato`: no further message is waited for. `parada`: what is being thought of for this doctor is stale at once.
    """

    destino: Destino
    desfecho: str | None = None
    imediato: bool = False
    parada: bool = False


def conteudo(detalhes: Detalhes) -> dict[str, Any] | None:
    """Return the details that are known as JSON values, or None."""
    found: dict[str, Any] = {}
    for nome in Detalhes.__slots__:
        valor = getattr(detalhes, nome)
        if isinstance(valor, Anuncio):
            valor = {parte: texto for parte in Anuncio.__slots__ if (texto := getattr(valor, parte)) is not None}
        if valor is not None and valor is not False and valor not in ((), {}):
            found[nome] = list(valor) if isinstance(valor, tuple) else valor
    return found or None


def tratamento(mensagem: MensagemRecebida, idade: timedelta | None) -> Tratamento:
    """Decide where a message goes; `idade` is how old it was on arrival, None when its gateway did not say.

    A stop is never late and never waits. A choice by button or list is complete, so nothing more is waited for.
    """
    if mensagem.texto and classificar_parada(mensagem.texto) is Parada.EXPLICITA:
        return Tratamento(Destino.TURNO, imediato=True, parada=True)
    if calada := _silencio(mensagem):
        return Tratamento(Destino.SILENCIO, f"silencio: {calada}")
    if mensagem.midia is Midia.DESCONHECIDA:
        tipo = f" ({mensagem.detalhes.tipo_original})" if mensagem.detalhes.tipo_original else ""
        return Tratamento(Destino.SEM_RESPOSTA, f"sem_resposta: tipo de mensagem não reconhecido{tipo}")
    if not mensagem.texto and mensagem.midia not in DE_ARQUIVO:
        return Tratamento(Destino.SEM_RESPOSTA, SEM_TEXTO)
    if idade is not None and idade > TARDIA:
        return Tratamento(Destino.SEM_RESPOSTA, SEM_RESPOSTA_TARDIA)
    return Tratamento(Destino.TURNO, imediato=mensagem.midia in DE_ESCOLHA)


def _silencio(mensagem: MensagemRecebida) -> str | None:
    """Say why a kind asks for no answer; None when it may."""
    match mensagem.midia:
        case Midia.REACAO:
            return f"reação {mensagem.texto}" if mensagem.texto else "reação retirada"
        case Midia.VOTO:
            return None if mensagem.texto else "voto retirado"
        case Midia.EDICAO if not mensagem.texto:
            return "edição sem texto legível"
        case midia:
            return _CALADAS.get(midia)
