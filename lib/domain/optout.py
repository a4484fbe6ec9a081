"""Does the doctor tell us to stop? By exact words, before any model (decision D3, domain facts 1.6)."""

import re
from enum import StrEnum
from functools import lru_cache

from lib.domain.escrita import frases, uma_escrita


class Parada(StrEnum):
    """What a message says about stopping: `explicita` opts out, `incerta` is asked back once."""

    NENHUMA = "nenhuma"
    EXPLICITA = "explicita"
    INCERTA = "incerta"


CONFIRMACAO_OPTOUT = "Pronto: você não vai mais receber mensagens nossas. Obrigada pelo tempo e bons plantões!"
PERGUNTA_PARADA = (
    "Só para eu entender direito: você quer parar de receber nossas mensagens? Se sim, responda SAIR. "
    "Se era só sobre esta conversa, pode ignorar."
)

_CURTA = 300  # characters
_POUCAS = 3  # words
_PRONOMES = r"(?:me |nos )?"
# One form for each way of saying the same; what only complains that nothing comes is taken out.
_FORMAS = (
    (
        re.compile(
            r"\bpor ?que(?: \w+){0,2} nao (?:me )?(?:mand|envi|cham|lig|escrev)\w*|\bpq(?: \w+){0,2} nao me \w+"
        ),
        " ",
    ),
    (
        re.compile(r"\b(?:nunca mais|jamais|nunca)(?= (?:me )?(?:mand|envi|cham|lig|procur|entr|fal|escrev|incomod))"),
        "nao mais",
    ),
    (re.compile(r"\bnao (?:mais )?volt(?:e|em|ar) (?:mais )?a (?:me )?"), "nao me "),
    (re.compile(r"\bdeix(?:a|e|em|ar|arem|assem)(?= de )"), "parar"),
    # The list of a shift is not ours.
    (re.compile(r"\blista d(?:e|o|a|esse|essa) (?:espera|plant\w+|vagas?|escala|interessad\w+|opcoes)\b"), "vaga"),
    (re.compile(r"\bdesinscrev(?:er|a|e|am)\b"), "descadastrar"),
)
_CORTESIA = re.compile(
    r"^(?:(?:oi|ola|opa|bom dia|boa tarde|boa noite|julia|nao obrigad[oa]|obrigad[oa]|obg|por favor|gente|ok|entao"
    r"|amig[oa]|querid[oa]|moc[oa]|senhora?|doutora?|agradeco|certo|k|rs)\b ?)+"
    r"|(?:(?:^| )(?:por favor|julia|obrigad[oa]|obg|agora|ja|imediatamente|grat[oa]|valeu|vlw|viu|hein|esta|ok|ai))+$"
)

_MEU = r"(?:(?:meus?|minhas?) (?:numero|contato|telefone|celular|zap|whats\w*|cadastro|dados))"
_TIRAR = (
    r"(?:(?:tir|retir|delet|elimin)(?:a|e|em|ar|arem|assem)|apag(?:a|ue|uem|ar|assem)|remov(?:a|e|am|er|essem)"
    r"|exclu(?:a|i|am|ir|issem)|bloque(?:ia|ie|iem|ar)|desconsider(?:a|e|em|ar))"
)
_CANCELAR = r"(?:cancel(?:a|e|em|ar)|suspend(?:a|e|am|er)|interromp(?:a|e|am|er)|encerr(?:a|e|em|ar)|parar)"
_LISTA = r"(?:lista|cadastro|base|mailing|banco de dados|sistema|contatos|agenda)"
_DESTA_LISTA = rf"(?:d(?:a|e|o|as|os|essa|esse|esta|este)s? (?:sua |seu |tua |teu )?{_LISTA}\b)"
_AVISO = r"(?:mensagem|zaps?|whats\w*|spam|propagandas?)"
_OBJETO = rf"(?:{_AVISO}|contatos?|nada|isso|essas coisas)"
_QUAIS = (
    r"(?:(?:as?|os?|mais|mas|suas?|seus?|tanta?s?|nenhuma?|novas?|outras?|de voces?|ess[ae]s?|est[ae]s?"
    r"|(?:est|ess)[ae] tipo de|qualquer|o (?:envio|recebimento) d[ea]s?) ){0,5}"
)
# Orders, wishes and infinitives only: "não me mandou mais nada" asks for more, not for less.
_CONTATAR = (
    r"(?:(?:cham|contac?t|perturb|incomod|procur|amol|importun|aporrinh)(?:e|a|em|ar|ando|arem|asse|assem)"
    r"|lig(?:a|ar|ue|uem|ando|arem|asse|assem)|escrev(?:a|am|e|er|endo|erem)|ench(?:a|am|e|er|endo|erem))"
)
_MANDAR = r"(?:(?:mand|envi|encaminh)(?:e|a|em|ar|ando|arem|asse|assem))"
_ENVIAR = rf"(?:{_MANDAR}|{_CONTATAR})"
_PARAR = r"(?:pare|parem|para|parar|pararem|parassem|parasse)"
_SEM_NAO = (
    r"(?<!nao )(?<!nao me )(?<!nao quero )(?<!nao quero me )(?<!nao quero ser )(?<!nao precisa )(?<!nao precisam )"
    r"(?<!nao precisa me )(?<!nao precisam me )(?<!nao e para )(?<!nem )(?<!se eu )"
)
_NAO_QUERO = (
    r"\bnao (?:quero|queremos|desejo|gostaria(?: mais)? de|aceito|autorizo|autorizei|permito|preciso"
    r"|tenho (?:mais )?interesse em|pedi para)"
)
_DE_NOS = r"(?:(?:voces? a|que|que voces|mais|mas|receber|de receber|ser|ficar recebendo|recebendo|me) ){0,5}"
_QUERO = r"(?:prefiro|gostaria de|quero|queria|desejo|por favor|peco para|pedi para|melhor)"

# The whole message or its first or last sentence, courtesies aside.
_EXATAS = re.compile(
    r"(?:parar|parem?|sair|stop|unsubscribe(?: me)?|opt ?out|excluir|remover|remov(?:a|e|am)(?: me)?"
    r"|nao (?:me )?(?:perturb|incomod|amol|importun)(?:e|ar|em)(?: mais)?"
    r"|(?:me )?descadastr(?:ar|e|a|o|em)(?: me)?"
    rf"|(?:pode(?:m|ria|riam)? )?me {_TIRAR}(?: dai| disso| dessa| daqui)?"
    r"|nao me (?:mand|envi)(?:e|a|em) mais"
    r"|(?:quero |gostaria de |pode |podem )?cancel(?:a|e|ar|em) (?:o )?meu (?:cadastro|contato)"
    r"|(?:quero |solicito )?(?:o |meu )*descadastr(?:o|amento)|remove me|leave me alone|take me off)"
    r"(?: (?:parar|pare|sair|stop))*"
)
_INCERTAS_EXATAS = re.compile(
    r"para|(?:para|parem?|podem? parar) com isso|podem? parar|(?:eu )?quero (?:parar|sair)|vou sair|(?:ja )?chega"
    r"|basta|ja deu|desisto|chega (?:disso|de (?:mensagem|isso))|nao quero mais(?: nada| isso| contato)?"
    r"|nao quero(?: mais)? receber|nao (?:tenho|tem) mais interesse|nao me interessa mais|me esquec\w+"
    r"|sem (?:mais )?mensagem|(?:vou|irei) (?:te |voces? )?bloquear(?: voces?)?"
    r"|nao (?:me )?(?:mand|envi)(?:e|a|em|ar)(?: mais)?|cancel(?:a|e|ar|em) (?:a )?(?:minha )?inscricao"
    r"|me (?:tir(?:a|e|em)|remov(?:a|e|am)) d(?:o|esse|este) grupo|nao quero (?:mais )?(?:falar|conversar) com voces?"
    r"|(?:sai|saia|saiam) do meu (?:whats\w*|zap|numero|pe)|me erra|(?:some|suma|sumam)(?: daqui)?"
    r"|(?:(?:eu )?(?:quero|gostaria de)|como (?:eu )?(?:faco )?(?:para )?) ?(?:parar|paro|deixo) de receber"
    r"|(?:tir(?:a|e|em)|apag(?:a|ue|uem)|remov(?:a|e|am)) (?:o )?meu nome(?: (?:dai|disso|daqui))?"
    r"|esquec\w+ (?:o )?meu (?:numero|contato|telefone)|dispenso (?:o )?contatos?"
    r"|nao autorizo (?:o )?uso d(?:e|os) meus dados"
)
_PEDIDOS = re.compile(
    "|".join(
        (
            # para de …
            rf"{_SEM_NAO}\b{_PARAR} de (?:ficar )?{_PRONOMES}{_ENVIAR} {_QUAIS}{_OBJETO}\b",
            rf"{_SEM_NAO}\b{_PARAR} (?:de |com ){_QUAIS}{_AVISO}\b",
            rf"{_SEM_NAO}\b{_PARAR} de (?:ficar )?me {_CONTATAR}\b",
            rf"{_SEM_NAO}\b{_PARAR} de (?:ficar )?(?:me )?(?:ench(?:er|endo)|spam\w+)\b",
            rf"\bchega de (?:ficar )?(?:me )?{_MANDAR} {_AVISO}\b|\bchega de (?:spam|propagandas?)\b",
            rf"(?<!nao )(?<!nao quero )\bparar de receber {_QUAIS}{_OBJETO}\b",
            rf"\bcomo (?:eu )?(?:paro|deixo) de receber {_QUAIS}{_OBJETO}\b",
            rf"\b(?:{_AVISO}|ligando|ligac\w+|insist\w+)(?: \w+){{0,8}} (?:parem|pare|stop)$",
            rf"{_SEM_NAO}\b{_CANCELAR} (?:as |minhas |essas |suas )*mensagem\b",
            (
                rf"{_SEM_NAO}\b{_CANCELAR} (?:(?:o |ess[ae] |est[ae] )?(?:envio|recebimento)(?: d[aeo]s? mensagem\b"
                r"|$)|(?:o )?contato comigo\b)"
            ),
            r"^(?:parem?|parar|stop) (?:voces )?nao (?:quero|aguento)\b",
            rf"\b{_QUERO} nao (?:mais )?receber {_QUAIS}{_OBJETO}\b",
            # me tira da lista …
            rf"{_SEM_NAO}\b(?:me )?{_TIRAR}(?: me| o| eu)?(?: (?:meu nome|{_MEU}))? {_DESTA_LISTA}",
            rf"{_SEM_NAO}\b{_TIRAR} (?:o |os )?{_MEU}\b|\bpor favor {_TIRAR} (?:o )?meu nome$",
            rf"{_SEM_NAO}\b(?:ser (?:removid|retirad|excluid|tirad|apagad)[oa]|sair) {_DESTA_LISTA}",
            (
                r"(?<!nao )\b(?:ja pedi|quero|gostaria de)(?: \w+)? (?:para )?ser (?:removid|excluid"
                rf"|descadastrad)[oa]$|{_MEU} fora {_DESTA_LISTA}"
            ),
            rf"\b(?:exclusao|remocao|retirada|descadastro|descadastramento|cancelamento) d[aeo]s? {_MEU}",
            rf"{_SEM_NAO}\b(?:ser descadastrad[oa]|descadastr(?:ar|e|a|em))\b",
            r"\b(?:me deix(?:a|e|em|ar)|deix(?:a|e|em|ar) (?:me|eu)) em paz\b",
            (
                r"\bstop (?:sending|texting|messaging|calling|contacting)\b|\btake me off\b|\bremove me from\b"
                r"|\bleave me alone\b"
            ),
            r"\b(?:do not|don t|dont) (?:text|message|contact|call|write)(?: to)? me\b",
        )
    )
)
# Each begins at the word "nao", and is tried there alone.
_RECUSAS = re.compile(
    "|".join(
        (
            # não me mande …
            rf"\bnao (?:mais )?{_PRONOMES}{_ENVIAR} (?:mais|mas) {_QUAIS}{_OBJETO}\b",
            rf"\bnao mais {_PRONOMES}{_MANDAR} {_QUAIS}{_OBJETO}\b|\bnao mais me {_CONTATAR}\b",
            rf"\bnao (?:me )?{_ENVIAR} nem (?:me )?{_ENVIAR}\b",
            rf"\bnao me {_CONTATAR}(?: mais\b| mas\b|$)",
            rf"\bnao {_CONTATAR} mais(?: (?:aqui|por aqui|nao|(?:ne|e)(?:sse|ste) numero))*$",
            rf"\bnao (?:mais )?{_PRONOMES}{_MANDAR} {_QUAIS}{_AVISO}\b",
            rf"\bnao precisam? mais {_PRONOMES}{_ENVIAR}(?: {_QUAIS}{_OBJETO}\b|$)",
            rf"\bnao precisam? {_PRONOMES}{_ENVIAR} mais(?: {_QUAIS}{_OBJETO}\b|$)",
            rf"\bnao e (?:mais )?para {_PRONOMES}{_ENVIAR} (?:mais )?{_QUAIS}{_OBJETO}\b",
            r"\bnao (?:mais )?fal(?:e|a|em) (?:mais )?comigo\b(?! (?:em|por|nesse))",
            r"\bnao (?:mais )?entr(?:e|em|a|ar) (?:mais )?em contato\b(?! com (?:o|a|ele|ela|eles)\b)",
            # não quero receber …
            rf"{_NAO_QUERO} {_DE_NOS}{_QUAIS}{_AVISO}\b",
            rf"{_NAO_QUERO} (?:\w+ )?receber {_DE_NOS}{_QUAIS}{_OBJETO}\b(?! (?:abaixo|menos|por)\b)",
            rf"{_NAO_QUERO} {_DE_NOS}{_MANDAR} (?:mais )?{_QUAIS}{_OBJETO}\b",
            rf"{_NAO_QUERO} {_DE_NOS}{_CONTATAR} mais\b|{_NAO_QUERO} mais que (?:voces )?me {_CONTATAR}$",
            (
                rf"{_NAO_QUERO} (?:(?:mais|nenhum|o|ter) ){{0,4}}contatos?(?: (?:mais|(?:de"
                r"|com) voces))*$(?<!nao quero mais contato)"
            ),
            rf"{_NAO_QUERO} (?:(?:o|mais|que|usem|usar|uso do) ){{0,3}}meu (?:numero|contato|telefone)\b",
            rf"{_NAO_QUERO} (?:mais )?(?:ser )?(?:mais )?(?:contac?tad|procurad|incomodad|importunad|chamad)[oa]\b",
            rf"{_NAO_QUERO} (?:mais )?(?:estar|ficar|constar|continuar) n(?:a|essa|esse|o) (?:sua )?{_LISTA}\b",
        )
    )
)
_NAO = re.compile(r"\bnao ")
# Every request holds one of these; most messages hold none and need not be looked at closer.
_INDICIO = re.compile(
    r"par(?:a|e|em|ar|arem|asse|assem) (?:de|com|nao|mensagem|as|minhas|essas|o|envio|recebimento)\b|(?:pare|parem"
    r"|stop)$"
    r"|chega de|paro de|nao (?:mais )?receber|nao (?:quero|aguento)"
    r"|deix|tir|remo|desconsid|exclu|apag|delet|elimin|bloque|descadastr|cancel|suspend|interromp|encerr|sair d"
    r"|pedi |retira|ser removid|fora d|stop |take |leave |dont |don t |do not "
)
# A stop with a limit (a time, a kind of shift) or one that names only shifts: not clear enough to be terminal.
_LIMITADA = re.compile(
    r"\b(?:de madrugada|de noite|a noite|tao (?:cedo|tarde)|(?:esse|nesse|neste) horario|fi(?:m|ns) de semana"
    r"|domingos?|sabados?|durante|enquanto|por enquanto|por ora|sobre|repetid\w+|ate (?:as?|amanha|segunda|o)"
    r"|d(?:e|a|o|essa|esse) (?:vagas?|plant\w+|hospital|uti|pediatria|cidade)|hoje|amanha|longas?|em (?:ingles|grupo)"
    r"|que (?:eu )?estou|antes das?|depois das?|em horario|fora d[oe]|por (?:audio|ligacao|email))\b"
)
_LIMITE_ANTES = re.compile(
    r"^(?:(?:de|a) (?:madrugada|noite)|(?:no|aos?|nos) (?:domingos?|sabados?|fi(?:m|ns) de semana|feriados?)"
    r"|por (?:enquanto|ora)|hoje nao|durante|enquanto|quando|depois das|antes das|se (?:for|nao))\b"
)
_SO_VAGAS = re.compile(
    rf"{_SEM_NAO}\b{_PARAR} de (?:ficar )?(?:me )?(?:{_ENVIAR}|oferec(?:er|endo)) "
    r"|\bnao (?:me )?(?:(?:mand|envi)(?:e|a|em|ar)|ofere(?:ca|cam|ce|cer)) mais "
    r"|\bnao quero (?:mais receber|receber mais|mais que me)\b"
)
_CANSADA = re.compile(rf"\b(?:chega de|cansei de|cansad[oa] de|nao aguento mais) (?:(?:tanta|receber|ler) )*{_AVISO}\b")
_CONTATO_LIMITADO = re.compile(rf"\bnao me {_CONTATAR}(?= (?!que ))")
_SIM = re.compile(
    r"(?:(?:sim|isso|isso mesmo|exato|exatamente|quero|quero sim|s|ss|aham|uhum|claro|com certeza|positivo|correto"
    r"|afirmativo|pode|pode sim|por favor|e isso)\b ?)+(?:(?:quero )?(?:parar|sair))?"
)


@lru_cache(maxsize=256)
def classificar_parada(texto: str) -> Parada:
    """Classify one message as it came (not a joined burst), whatever its accents, case, spelling and punctuation.

    Refusing a shift is no stop, and a stop with a limit is only `incerta`: an opt-out is terminal.
    """
    partes = [(_uma_forma(frase.dita), frase.pergunta) for frase in frases(texto)]
    dito = " ".join(parte for parte, _ in partes)
    if not dito:
        return Parada.NENHUMA
    nucleo = _nucleo(dito)
    cauda = _nucleo(_uma_forma(uma_escrita(texto.rsplit(",", 1)[-1]))) if "," in texto else ""
    pontas = [_nucleo(parte) for parte, pergunta in (partes[0], partes[-1]) if not pergunta]
    if any(_EXATAS.fullmatch(ponta) for ponta in (nucleo, *pontas)):
        return Parada.EXPLICITA
    # After a comma a bare "sair" may be anything; "me tirem daí" may not.
    if _EXATAS.fullmatch(cauda) and (" " in cauda or len(dito.split()) <= _POUCAS):
        return Parada.EXPLICITA
    # Sentence by sentence, since a limit belongs to its own; then as a whole, for a stop broken over lines.
    lidas = [_em_frase(trecho) for trecho in {*(parte for parte, _ in partes), dito}]
    for parada in (Parada.EXPLICITA, Parada.INCERTA):
        if parada in lidas:
            return parada
    return Parada.INCERTA if _INCERTAS_EXATAS.fullmatch(nucleo) else Parada.NENHUMA


def confirma_parada(texto: str) -> bool:
    """Tell whether a message answers `PERGUNTA_PARADA` with yes: a bare assent, or the unclear stop said again."""
    nucleo = _nucleo(_uma_forma(uma_escrita(texto)))
    return (_SIM.fullmatch(nucleo) or _INCERTAS_EXATAS.fullmatch(nucleo)) is not None


def _em_frase(dito: str) -> Parada:
    if achada := _achar(dito):
        limitada = _LIMITADA.search(dito, achada.start()) or _LIMITE_ANTES.match(dito)
        return Parada.INCERTA if limitada else Parada.EXPLICITA
    if _SO_VAGAS.search(dito) or _CANSADA.search(dito):
        return Parada.INCERTA
    contato = _CONTATO_LIMITADO.search(dito)
    return Parada.INCERTA if contato and _LIMITADA.search(dito, contato.end()) else Parada.NENHUMA


def _achar(dito: str) -> re.Match[str] | None:
    pedido = _PEDIDOS.search(dito) if _INDICIO.search(dito) else None
    recusas = (_RECUSAS.match(dito, nao.start()) for nao in _NAO.finditer(dito))
    achadas = [achada for achada in (pedido, next(filter(None, recusas), None)) if achada]
    return min(achadas, key=lambda achada: achada.start(), default=None)


def _uma_forma(dito: str) -> str:
    for forma, escrita in _FORMAS:
        dito = forma.sub(escrita, dito)
    return " ".join(dito.split())


def _nucleo(dito: str) -> str:
    # A bare stop is short; on a long text the courtesies would only cost time, and quadratically.
    return _CORTESIA.sub("", _CORTESIA.sub("", dito).strip()).strip() if len(dito) <= _CURTA else dito
