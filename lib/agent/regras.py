"""What is settled before any model: a stop, a person in charge or asked for, files, endless texts, what she is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lib.agent.contexto import Contexto
from lib.agent.fim import Fim, NovoAviso
from lib.domain.diretriz import DiretrizLida, TipoDiretriz, unica
from lib.domain.esquecimento import CONFIRMACAO_ESQUECIMENTO, pede_esquecimento, sem_esquecimento
from lib.domain.estado import Entrada, OptOut, Permissao, apply
from lib.domain.gatilhos import Disparo, disparo, gatilho
from lib.domain.identidade import RESPOSTA_ROBO, SIM_AUTOMATIZADA, pergunta_se_robo, sem_pergunta_se_robo
from lib.domain.mensagem import DE_ARQUIVO
from lib.domain.mensagem_longa import PEDE_RESUMO, ler_longa
from lib.domain.midia import TratamentoMidia, nota_midia, tratar_midia
from lib.domain.objecao import CONFIANCA_PALAVRA, Objecao, Severidade, TipoObjecao
from lib.domain.optout import (
    CONFIRMACAO_OPTOUT,
    PERGUNTA_PARADA,
    Parada,
    classificar_parada,
    confirma_parada,
)
from lib.domain.sinais import Regra, Sinais, Veredito, como_json, veredito
from lib.domain.transferencia import Gatilho, TipoAviso
from lib.models.conversa import Controle
from lib.models.turno import Desfecho

NOTA_ROBO = "A pergunta se você é um robô já foi respondida por escrito, antes da sua resposta: não a repita."
NOTA_ESQUECIMENTO = "O pedido de esquecer o que foi anotado já foi atendido e confirmado, antes da sua resposta."
_CORTESIA = {
    Gatilho.PEDIDO_HUMANO: "Claro! Já avisei a nossa equipe, e uma pessoa vai continuar com você por aqui.",
    Gatilho.JURIDICO: "Entendi. Já avisei a nossa equipe, e uma pessoa vai falar com você por aqui.",
    Gatilho.SENTIMENTO_NEGATIVO: (
        "Sinto muito por isso. Já avisei a nossa equipe, e uma pessoa vai falar com você por aqui."
    ),
}
_OBJECAO = {
    Gatilho.PEDIDO_HUMANO: TipoObjecao.PEDIDO_HUMANO,
    Gatilho.JURIDICO: TipoObjecao.AMEACA,
    Gatilho.SENTIMENTO_NEGATIVO: TipoObjecao.AGRESSAO,
}


@dataclass(frozen=True, slots=True)
class Seguir:
    """The model answers `texto`. `prefixo` goes out before its reply, `notas` are for it alone.

    `esquece` as in `Fim`; `entrada` is what the rules saw, without a word of the doctor's.
    """

    texto: str
    prefixo: str | None = None
    notas: tuple[str, ...] = ()
    esquece: bool = False
    entrada: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _Lida:
    """A burst as the rules read it; `resto` are the words that no fixed answer covers."""

    sinais: Sinais
    resto: str
    arquivos: TratamentoMidia | None


def aplicar_regras(contexto: Contexto, agora: datetime, diretrizes: tuple[DiretrizLida, ...] = ()) -> Fim | Seguir:
    """Settle the turn without a model, or say what is left for it; `diretrizes` are those in force for the doctor."""
    lida = _ler(contexto, diretrizes)
    decidido = veredito(lida.sinais)
    return _fim(contexto, agora, lida, decidido) if decidido else _seguir(lida)


def _ler(contexto: Contexto, diretrizes: tuple[DiretrizLida, ...]) -> _Lida:
    texto = contexto.texto
    esquecer, robo = pede_esquecimento(texto), pergunta_se_robo(texto)
    resto = sem_esquecimento(texto) if esquecer else texto
    resto = sem_pergunta_se_robo(resto) if esquecer or robo else resto
    midias = tuple(m.midia for m in contexto.recebidas if m.midia in DE_ARQUIVO and not m.texto.strip())
    arquivos = tratar_midia(midias, unica(diretrizes, TipoDiretriz.MIDIA))
    disparado = gatilho(texto)
    sinais = Sinais(
        opted_out=contexto.estado.permissao is Permissao.OPTED_OUT,
        humano=contexto.controle == Controle.HUMANO,
        paradas=tuple(classificar_parada(recebida.texto) for recebida in contexto.recebidas),
        parada_perguntada=contexto.parada_perguntada_em is not None,
        parada_confirmada=_acaba_de_perguntar(contexto) and confirma_parada(texto),
        gatilho=disparado.classe if disparado else None,
        esquecer=esquecer,
        robo=robo,
        resto=bool(resto.strip()),
        midias=midias,
        legendas=tuple(m.midia for m in contexto.recebidas if m.midia in DE_ARQUIVO and m.texto.strip()),
        midia_para_pessoa=arquivos is not None and arquivos.para_pessoa,
        tamanho=len(texto),
    )
    return _Lida(sinais, resto.strip(), arquivos)


def _acaba_de_perguntar(contexto: Contexto) -> bool:
    """Whether our last words were the question about stopping: a yes to anything newer is no opt-out."""
    if contexto.parada_perguntada_em is None:
        return False
    nossas = [passada.texto for passada in contexto.passadas if passada.autor != "medico"] + list(contexto.na_fila)
    return bool(nossas) and PERGUNTA_PARADA in nossas[-1]


def _fim(contexto: Contexto, agora: datetime, lida: _Lida, decidido: Veredito) -> Fim:
    sinais, regra = lida.sinais, decidido.regra
    if regra is Regra.OPTOUT:
        return _optout(contexto, agora, sinais, decidido)
    if regra in {Regra.GATILHO, Regra.MIDIA_PESSOA}:
        return _entregue(contexto, agora, lida, decidido)
    calada = regra in {Regra.OPTED_OUT, Regra.CONTROLE_HUMANO, Regra.SEM_PALAVRAS}
    return Fim(
        Desfecho.SILENCIO if calada else Desfecho.RESPONDIDA,
        decidido.motivo,
        apply(contexto.estado, Entrada(agora)),
        () if calada else (*_fixas(sinais, RESPOSTA_ROBO), *_proprias(regra, lida)),
        regra=regra,
        parada_perguntada_em=agora if regra is Regra.PARADA_INCERTA else None,
        esquece=sinais.esquecer,
        entrada=como_json(sinais),
    )


def _proprias(regra: Regra, lida: _Lida) -> tuple[str, ...]:
    """Return the rule's own words; those about forgetting and being a machine go before any."""
    if regra is Regra.MIDIA and lida.arquivos is not None:
        return (lida.arquivos.texto,)
    proprias = {Regra.PARADA_INCERTA: PERGUNTA_PARADA, Regra.MENSAGEM_LONGA: PEDE_RESUMO}
    return (proprias[regra],) if regra in proprias else ()


def _fixas(sinais: Sinais, sou_automatizada: str) -> tuple[str, ...]:
    """Return the answers that are owed whatever else the burst holds."""
    return (
        *((CONFIRMACAO_ESQUECIMENTO,) if sinais.esquecer else ()),
        *((sou_automatizada,) if sinais.robo else ()),
    )


def _seguir(lida: _Lida) -> Seguir:
    sinais = lida.sinais
    lido = ler_longa(lida.resto)
    notas = (
        *((NOTA_ESQUECIMENTO,) if sinais.esquecer else ()),
        *((NOTA_ROBO,) if sinais.robo else ()),
        *((lida.arquivos.nota,) if lida.arquivos else ()),
        *((nota_midia(sinais.legendas, com_legenda=True),) if sinais.legendas else ()),
        *((lido.nota,) if lido.nota else ()),
    )
    prefixo = "\n\n".join(_fixas(sinais, RESPOSTA_ROBO)) or None
    return Seguir(lido.texto, prefixo, notas, sinais.esquecer, como_json(sinais))


def _entregue(contexto: Contexto, agora: datetime, lida: _Lida, decidido: Veredito) -> Fim:
    """Give the conversation to a person; what hurt or was asked for stays open until that person settles it."""
    sinais = lida.sinais
    disparado = disparo(sinais.gatilho) if sinais.gatilho and decidido.regra is Regra.GATILHO else None
    cause = f"transferencia:{contexto.causa}"
    return Fim(
        Desfecho.ENTREGUE_A_PESSOA,
        decidido.motivo,
        apply(contexto.estado, Entrada(agora, _objecao(disparado))),
        (*_fixas(sinais, SIM_AUTOMATIZADA), *_despedida(lida, disparado)),
        causa=cause,
        regra=decidido.regra,
        transferencia=disparado.gatilho if disparado else Gatilho.MIDIA,
        avisos=(NovoAviso(cause, TipoAviso.TRANSFERENCIA, decidido.motivo),),
        esquece=sinais.esquecer,
        entrada=como_json(sinais),
    )


def _despedida(lida: _Lida, disparado: Disparo | None) -> tuple[str, ...]:
    if disparado is not None:
        return (_CORTESIA[disparado.gatilho],)
    return (lida.arquivos.texto,) if lida.arquivos else ()


def _objecao(disparado: Disparo | None) -> Objecao | None:
    if disparado is None:
        return None
    return Objecao(_OBJECAO[disparado.gatilho], Severidade.GRAVE, CONFIANCA_PALAVRA, "")


def _optout(contexto: Contexto, agora: datetime, sinais: Sinais, decidido: Veredito) -> Fim:
    parou = next((r for r, p in zip(contexto.recebidas, sinais.paradas, strict=True) if p is Parada.EXPLICITA), None)
    cause = parou or contexto.recebidas[-1]
    return Fim(
        Desfecho.OPTOUT,
        decidido.motivo,
        apply(apply(contexto.estado, OptOut(agora)), Entrada(agora)),
        (CONFIRMACAO_OPTOUT,),
        causa=f"optout:{cause.id}",
        isenta=True,
        regra=decidido.regra,
        estagio="optout",
        cancela_tudo=True,
        esquece=sinais.esquecer,
        entrada=como_json(sinais),
    )
