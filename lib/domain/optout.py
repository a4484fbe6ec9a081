"""Does the doctor tell us to stop? By exact words, before any model (decision D3, domain facts 1.6)."""

import re
from enum import StrEnum

from lib.domain.texto import palavras


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
_CORTESIA = re.compile(
    r"^(?:(?:oi|ola|opa|bom dia|boa tarde|boa noite|julia|nao obrigad[oa]|obrigad[oa]|por favor"
    r"|por gentileza|pfv|pf|favor|gente|ok|entao)\b ?)+"
    r"|(?:(?:^| )(?:por favor|por gentileza|pfv|pf|favor|julia|obrigad[oa]|obg|agora|ja"
    r"|imediatamente))+$"
)
# The whole message, courtesies aside.
_EXATAS = re.compile(
    r"(?:parar|pare|parem|sair|stop|unsubscribe|opt ?out|excluir|nao (?:perturb|incomod)(?:e|ar|em)"
    r"|(?:me )?descadastr(?:ar|e|a|o|em)(?: me)?|remov(?:er|a|e|am)(?: me)?|me remov(?:a|e|am)"
    r"|me tir(?:a|e|em)(?: dai| disso)?|me exclu(?:a|i|am)|par(?:a|e|em) de (?:encher|perturbar|incomodar)"
    r"|(?:quero |gostaria de |pode |podem )?cancel(?:a|e|ar|em) (?:o )?meu (?:cadastro|contato))"
    r"(?: (?:parar|pare|sair|stop))*"
)
_INCERTAS_EXATAS = re.compile(
    r"para|(?:para|podem? parar) com isso|pode parar|quero parar|quero sair|vou sair|chega"
    r"|ja chega|basta|ja deu|desisto"
    r"|chega (?:disso|de (?:mensage\w*|msgs?|isso))|nao quero mais(?: nada| isso| contato)?"
    r"|nao quero(?: mais)? receber"
    r"|nao (?:tenho|tem) mais interesse|nao me interessa mais|me esquec\w+"
    r"|sem (?:mais )?(?:mensage\w*|msgs?)"
    r"|(?:vou|irei) (?:te |voces? )?bloquear(?: voces?)?|nao (?:me )?(?:mand|envi)(?:e|a|em"
    r"|ar)(?: mais)?"
    r"|cancelar (?:a )?(?:minha )?inscricao|me (?:tir(?:a|e|em)|remov(?:a|e|am)) d(?:o|esse"
    r"|este) grupo"
)
_SEM_NAO = r"(?<!nao )(?<!nao me )(?<!nao quero )(?<!nao precisa )(?<!nao precisam )(?<!nao e para )(?<!nao e pra )"
_MENSAGEM = r"(?:mensage\w*|msgs?|mensagin\w+|zap|zaps|whats\w*|spam|propagandas?|contatos?|nada|isso|essas coisas)"
# Orders and infinitives only: "não me mandou mais nada" asks for more, not for less.
_CONTATAR = (
    r"(?:(?:cham|contat|perturb|incomod|procur|amol)(?:e|a|em|ar|ando)"
    r"|lig(?:a|ar|ue|uem|ando)|escrev(?:a|am|e|er|endo)|ench(?:a|am|e|er|endo))"
)
_ENVIAR = rf"(?:(?:mand|envi)(?:e|a|em|ar|ando)|{_CONTATAR})"
_TIRAR = r"(?:(?:tir|retir|delet)(?:a|e|em|ar)|apag(?:a|ue|uem|ar)|remov(?:a|e|am|er)|exclu(?:a|i|am|ir))"
_LISTA = r"(?:lista|cadastro|base|mailing|banco de dados|sistema|contatos|agenda)"
_DESTA_LISTA = rf"d(?:a|e|o|as|os|essa|esse|esta|este)s? (?:sua |seu |tua |teu )?{_LISTA}\b"
_PARAR_DE = rf"{_SEM_NAO}\b(?:pare|parem|para|parar|pode parar|podem parar) (?:de|com as|com essas|com)(?: ficar)?"
_NAO_QUERO = r"\bnao (?:quero|desejo|gostaria de)(?: mais)?"
_FRASES = re.compile(
    "|".join(
        (
            rf"{_PARAR_DE} (?:me )?(?:{_ENVIAR} (?:mais )?)?(?:as |essas |suas |tantas )?{_MENSAGEM}\b",
            rf"{_PARAR_DE} me {_CONTATAR}\b",
            rf"\bnao (?:me )?{_ENVIAR} mais (?:nenhum[ao]? )?{_MENSAGEM}\b",
            rf"\bnao me {_CONTATAR}(?: mais\b|$)",
            r"\bnao (?:me )?(?:mand|envi)(?:e|a|em|ar) (?:mais )?(?:nenhuma )?(?:mensage\w*|msgs?|spam|propagandas?)\b",
            r"\bnao entr(?:e|em|a) (?:mais )?em contato\b",
            rf"{_NAO_QUERO} receber(?: mais)?(?: de voces?)?(?: as| essas?| suas?| nenhuma?| mais)* {_MENSAGEM}\b",
            rf"{_NAO_QUERO} ser (?:contatad|procurad|incomodad)[oa]\b",
            rf"{_SEM_NAO}\b(?:me )?{_TIRAR}(?: me| o)?(?: meu (?:numero|nome|contato|telefone))? {_DESTA_LISTA}",
            rf"{_SEM_NAO}\b{_TIRAR} (?:o |os )?meus? (?:numero|contato|cadastro|telefone|dados)\b",
            rf"{_SEM_NAO}\bsair {_DESTA_LISTA}",
            r"(?<!nao )(?<!nao quero )(?<!nao quero me )(?<!nao me )\bdescadastr(?:ar|e|a|em)\b",
            (
                r"\b(?:parar|cancelar|interromper|suspender) (?:(?:as|o (?:envio"
                r"|recebimento) d[ae]s?) )?(?:mensage\w+|msgs)\b"
            ),
            r"\b(?:me )?deix(?:a|e|em|ar) (?:me )?em paz\b",
            (
                r"^(?:quero|gostaria de|prefiro) (?:parar de|nao) receber (?:as |suas |essas "
                r"|mais )*(?:mensage\w*|msgs?)\b"
            ),
        )
    )
)
# A stop with a limit (a time, a kind of shift) or one that names only shifts: not clear enough to be terminal.
_LIMITADA = re.compile(
    r"\b(?:de madrugada|de noite|a noite|tao (?:cedo|tarde)|(?:esse|nesse|neste) horario|fi(?:m"
    r"|ns) de semana|domingos?|sabados?"
    r"|durante|por enquanto|sobre|repetid\w+|d(?:e|a|o|essa|esse) (?:vagas?|plant\w+|hospital|uti"
    r"|pediatria|cidade)|hoje)\b"
)
_SO_VAGAS = re.compile(
    rf"\b(?:pare|parem|para|pode parar) de (?:me )?{_ENVIAR} |\bnao (?:me )?(?:(?:mand|envi)(?:e|a"
    r"|em|ar)|ofere(?:ca|cam|ce|cer)) mais "
    r"|\bnao quero (?:mais receber|receber mais|mais que me)\b"
)
_LISTA_DE_VAGA = re.compile(r"\blista d(?:e|o|a|esse|essa) (?:espera|plant\w+|vagas?|escala|interessad\w+)\b")


def classificar_parada(texto: str) -> Parada:
    """Classify one message as it came (not a joined burst), whatever its accents, case and punctuation.

    Refusing a shift is no stop, and a stop with a limit is only `incerta`: an opt-out is terminal.
    """
    dito = palavras(texto)
    # A bare stop is short; on a long text the courtesies would only cost time, and quadratically.
    nucleo = _CORTESIA.sub("", _CORTESIA.sub("", dito).strip()).strip() if len(dito) <= _CURTA else dito
    if _EXATAS.fullmatch(nucleo):
        return Parada.EXPLICITA
    if _LISTA_DE_VAGA.search(dito):
        return Parada.NENHUMA
    if frase := _FRASES.search(dito):
        return Parada.INCERTA if _LIMITADA.search(dito, frase.start()) else Parada.EXPLICITA
    if _INCERTAS_EXATAS.fullmatch(nucleo) or _SO_VAGAS.search(dito):
        return Parada.INCERTA
    return Parada.NENHUMA
