"""What a reply may not promise: a booking (decision D5), a better price (D6), going on against a stop (D3)."""

import re
from collections.abc import Iterable

from lib.domain.dinheiro import valores_centavos, valores_de_fatos
from lib.domain.saida_frases import frases
from lib.domain.texto import dobrar, palavras

_NAO = r"(?<!nao )(?<!nao foi )(?<!nunca )(?<!nem )(?<!ainda nao )"
_COISA = r"(?:plant\w+|vagas?|horario|lugar|reserva|presenca|escala|data|turno)"
_POSSE = r"(?:(?:o|a|os|as|seu|sua|esse|essa|este|esta|teu|tua) ){0,2}"
RESERVA = re.compile(
    rf"{_NAO}\b(?:esta|ta|estao|ficou|fica|foi|ja e|vai estar|vai ficar|estara|deixo|deixar) (?:\w+ ){{0,2}}"
    r"(?:reservad|confirmad|garantid|agendad|escalad)[oa]s?\b(?! por outr)"
    rf"|{_NAO}\b(?:reservei|confirmei|garanti|agendei|escalei|fechei|bloqueei|segurei|encaixei)\b"
    r"(?! (?:que|se|com o|com a|os dados|seus dados|o lembrete|seu lembrete|um lembrete|esse lembrete)\b)"
    rf"|{_NAO}\bacabei de (?:reservar|confirmar|garantir|agendar|fechar)\b"
    rf"|\b{_COISA} (?:ja )?(?:e|eh) (?:sua|seu|todo seu)\b|\bja (?:e|eh) (?:sua|seu)\b"
    rf"|\b{_COISA} (?:reservad|confirmad|garantid|fechad)[oa]s?\b(?! por outr)"
    r"|\b(?:reserva|confirmacao) (?:ja )?(?:feita|efetuada|realizada|concluida|aprovada|aceita)\b"
    r"|\b(?:deixei|deixo) (?:\w+ ){0,3}(?:reservad|garantid|separad|confirmad)[oa]s?\b"
    r"|^(?:(?:pronto|ok|certo|perfeito|otimo|oba|show|feito|beleza) )*"
    r"(?:reservad|confirmad|agendad|garantid|escalad)[oa]s?\b"
    r"|\b(?:pode contar|conta|pode ficar tranquil[oa]) com (?:o|esse|este) plantao\b"
    rf"|{_NAO}\b(?:estou|to|estamos|vou estar) (?:ja |te |lhe |agora )*(?:reservando|garantindo|escalando|bloqueando)\b"
    rf"|{_NAO}\b(?:estou|to|estamos|vou estar) (?:ja |te |lhe |agora )*(?:confirmando|fechando|agendando|segurando)"
    rf" {_POSSE}{_COISA}\b"
    rf"|\b(?:confirmando|reservando|garantindo|agendando|fechando) (?:sua|seu|tua|teu) {_COISA}\b"
    rf"|{_NAO}\b(?:vou|irei|posso|consigo|vamos|podemos) (?:ja |te |lhe |agora |sim |deixar )*"
    r"(?:reservar|reservad[oa]|garantir(?! que)|garantid[oa]|escalar|bloquear)\b"
    rf"|{_NAO}\b(?:vou|irei|posso|consigo|vamos|podemos) (?:ja |te |lhe |agora |sim )*"
    rf"(?:confirmar|fechar|agendar|segurar) {_POSSE}{_COISA}\b"
    r"|\b(?:quer|deseja|gostaria) que eu (?:ja |te )?(?:reserve|garanta|feche"
    r"|confirme (?:o plantao|a vaga|a reserva))\b"
    r"|\b(?:coloquei|inclui|te coloquei|te inclui|voce (?:ja )?(?:esta|entrou)) (?:\w+ ){0,3}na escala\b"
    rf"|{_NAO}\bvoce (?:foi|ja foi|esta|ta) (?:\w+ )?(?:escalad|aprovad|confirmad|selecionad)[oa]\b"
    rf"|\b(?:consegui|peguei|separei) (?:a vaga|o plantao|esse plantao|essa vaga) (?:pra|para) (?:voce|vc|ti)\b"
    rf"|{_NAO}\bo hospital (?:ja )?(?:confirmou|aprovou|aceitou|te espera)\b(?! (?:que|se|os dados))"
    r"|\b(?:te espero|te esperamos|nos vemos|estao te esperando) (?:la |no |na )?(?:plantao|hospital)?\b"
    r"(?=.*\b(?:plantao|hospital)\b)"
    r"|\bpode ir (?:direto|tranquil[oa])\b|\b(?:ta|esta) (?:tudo )?(?:fechad|acertad|combinad)[oa]\b"
)
_CONTINUA = re.compile(
    r"\bnao adianta (?:pedir|responder|bloquear)\b"
    r"|\bvou continuar (?:te )?(?:escrevendo|mandando|enviando|insistindo)\b"
    r"|\bnao (?:da|e possivel|tem como|consegue|pode) (?:\w+ ){0,2}(?:sair|parar de receber|cancelar o recebimento"
    r"|descadastrar|bloquear)\b"
)
_ALGO_MAIS = (
    r"(?:um valor (?:melhor|maior)|valor (?:melhor|maior)|mais (?:um pouco|dinheiro|r |\d)"
    r"|(?:oferecer |dar |conseguir )?um (?:extra|bonus|adicional))"
)
NEGOCIA = re.compile(
    rf"{_NAO}\b(?:consigo|posso|vou|podemos|conseguimos|vamos|da pra|da para|tenho como|faco|fazemos|chego|chegamos)"
    r" (?:te |lhe |ja |sim |ate )*(?:"
    rf"{_ALGO_MAIS}|(?:aumentar|melhorar|subir|elevar|negociar|cobrir|dobrar|ajustar|reajustar|baixar|reduzir|oferecer"
    r" (?:mais|um valor|ate))\b(?! (?:isso|essa (?:informacao|resposta)|o horario))"
    r"|(?:por|a|em) (?:r )?\d)"
    r"|\b(?:sobe|aumenta|passa|vai) (?:pra|para) (?:r )?\d|\bse fechar (?:agora|hoje)\b"
    r"|\b(?:fechamos|fecho|faco|fazemos) por (?:r )?\d"
    r"|\b\d+ (?:por cento )?(?:a mais|de aumento|de desconto|de bonus)\b"
    r"|\b(?:bonus|adicional|extra) de (?:r )?\d"
)
_PERCENTUAL = re.compile(r"(\d{1,3})(?:[.,]\d+)?\s*(?:%|por cento)")
_ECO = re.compile(
    r"\b(?:acima de|a partir de|pelo menos|no minimo|minimo de|mais de|menos de|abaixo de|voce (?:disse|pediu|falou"
    r"|mencionou|quer|prefere|busca|procura|espera|informou)|anotei|preferencia|que voce|sua meta)\b"
)
_PAGA = re.compile(
    r"\b(?:paga|pagam|pagamos|oferece\w*|consigo|conseguimos|fechamos|fica|sai|temos|tenho|achei|encontrei)\b"
)
_NEGADO = re.compile(r"\b(?:nao|nenhuma?|nada|sem)\b")


def promete_reserva(texto: str) -> bool:
    """Tell whether a booking is claimed, done, under way or promised."""
    return any(RESERVA.search(palavras(frase)) for frase in (*frases(texto), texto))


def nega_parada(texto: str) -> bool:
    """Tell whether a stop is denied or defied."""
    return any(_CONTINUA.search(palavras(frase)) for frase in frases(texto))


def negocia(texto: str, margem_pct: int | None) -> bool:
    """Tell whether a better price is promised; with a margin in force, only a percentage beyond it."""
    lidas = [frase.replace("%", " por cento") for frase in frases(texto)]
    promessas = [frase for frase in lidas if NEGOCIA.search(palavras(frase))]
    if margem_pct is None:
        return bool(promessas)
    return any(int(pct) > margem_pct for frase in promessas for pct in _PERCENTUAL.findall(frase))


def valor_sem_fonte(texto: str, fatos: Iterable[str], ditos: Iterable[str], margem_pct: int | None) -> bool:
    """Tell whether an amount is in no fact.

    An amount the doctor wrote may be repeated as his wish, not as our pay; a margin in force (per cent) allows what
    lies between a fact and the fact plus the margin.
    """
    citados = valores_centavos(texto)
    if not citados:
        return False
    dados = valores_de_fatos(fatos)
    deles = valores_de_fatos(ditos)
    for frase in frases(texto):
        repete = _repete(frase)
        for valor in valores_centavos(frase) - dados:
            if not (repete and valor in deles) and not _na_margem(valor, dados, margem_pct):
                return True
    # An amount that a line break cuts in two is seen in the whole only.
    return any(not _na_margem(valor, dados, margem_pct) for valor in citados - dados - deles)


def _na_margem(valor: int, dados: Iterable[int], margem_pct: int | None) -> bool:
    return margem_pct is not None and any(dado <= valor <= dado + dado * margem_pct // 100 for dado in dados)


def _repete(frase: str) -> bool:
    dito = palavras(dobrar(frase))
    return _ECO.search(dito) is not None and (_PAGA.search(dito) is None or _NEGADO.search(dito) is not None)
