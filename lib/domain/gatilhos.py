"""What sends a conversation to a person before any model: one is asked for, the law is threatened, bad words are said.

Source: domain facts 1.8, where a bare "processo" was taken for a threat.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from lib.domain.escrita import Frase, frases
from lib.domain.transferencia import Gatilho


class Classe(StrEnum):
    """The class of words that was found; it alone is stored, never the words."""

    PESSOA = "pessoa"
    PROCESSO = "processo"
    ADVOGADO = "advogado"
    ORGAO = "orgao"
    INSULTO = "insulto"
    NEGATIVAS = "negativas"


@dataclass(frozen=True, slots=True)
class Disparo:
    """A trigger that fired; `motivo` is shown to staff and follows from `classe` alone."""

    gatilho: Gatilho
    classe: Classe
    motivo: str


NEGATIVAS_MINIMAS = 2
_DISPAROS = {
    Classe.PROCESSO: (Gatilho.JURIDICO, "ameaça jurídica: palavras de processo ou justiça"),
    Classe.ADVOGADO: (Gatilho.JURIDICO, "ameaça jurídica: palavras de advogado"),
    Classe.ORGAO: (Gatilho.JURIDICO, "ameaça jurídica: palavras de denúncia, polícia ou órgão de defesa"),
    Classe.PESSOA: (Gatilho.PEDIDO_HUMANO, "pedido de pessoa: quer falar com alguém da equipe"),
    Classe.INSULTO: (Gatilho.SENTIMENTO_NEGATIVO, "sentimento negativo: um insulto"),
    Classe.NEGATIVAS: (Gatilho.SENTIMENTO_NEGATIVO, "sentimento negativo: duas palavras negativas ou mais"),
}

_ART = r"(?:um |uma |o |a |algum |alguma |seu |sua |teu |tua )?"
_QUEM = (
    rf"(?:alguem|{_ART}(?:human[oa]|pessoas?|ser human[oa]|gente de verdade|atendentes?|gerente|supervisor\w*"
    r"|responsavel"
    r"|coordena(?:dor\w*|cao)|escalista|chefe|operador\w*|representante|funcionari[oa]|don[oa])"
    r"|quem (?:manda|decide|resolve))"
)
# Somebody of the hospital's or of the doctor's own is not somebody of ours.
_DE_FORA = (
    r"(?! (?:d[aoe]s? (?!equipe|escala|empresa|verdade|voces)\w+|aqui|la|em casa|antes|n[oa]s? \w+|que (?:faz"
    r"|conhec|sab)\w*"
    r"|me recebe|pelo|medic[oa]))"
)
_QUER = (
    r"(?:quero|queria|queremos|preciso|gostaria de|posso|poderia|podemos|consigo|tem como|da para|prefiro|deixa eu"
    r"|me deixa|desejo|necessito|exijo|(?:e|seria) possivel|tem jeito de|so)"
)
_PEDE = r"(?:cham(?:a|e|em|ar)|pe(?:de|ca|cam) para|mand(?:a|e|em))"
_PESSOA = re.compile(
    "|".join(
        (
            (
                rf"\b{_QUER} (?:e |eu |so )?(?:falar|falo|conversar|converso|tratar|trato) (?:direto "
                rf"|diretamente )?(?:com|voce) {_QUEM}\b{_DE_FORA}"
            ),
            rf"\b{_QUER} (?:falar|conversar) com gente$",
            rf"\b{_QUER} ser atendid[oa] por {_QUEM}\b",
            rf"^(?:falar|conversar) (?:com|voce) {_QUEM}\b{_DE_FORA}",
            (
                r"\bme (?:passa|passe|transfer\w+|transfir\w+|coloca|coloque|encaminh\w+"
                rf"|direcion\w+)(?: em contato)? (?:para|com)(?: o)? {_QUEM}\b{_DE_FORA}"
            ),
            (
                rf"\b{_PEDE} {_QUEM}(?: (?:ai|da equipe|da empresa|de voces|de verdade|por favor"
                r"|(?:para )?(?:me )?(?:falar"
                rf"|ligar|atender|chamar).*)){{0,2}}$"
            ),
            (
                r"\balguem (?:da equipe |de voces |ai )?(?:pode|poderia|consegue) (?:me (?:ligar|chamar|atender)"
                r"|falar comigo|conversar comigo)\b"
            ),
            r"\balguem (?:da equipe |de voces )(?:que )?(?:possa|pode|para) (?:me )?(?:atender|ligar|falar|ajudar)\b",
            (
                r"\bnao (?:quero |vou |gosto de |aceito )?(?:fal|convers|trat)(?:ar|o) (?:com|voce) (?:um |uma "
                r"|esse |essa )?(?:robo|maquina|bot|ia)\b"
            ),
            r"\bcansei de (?:falar|conversar) (?:com|voce) (?:um |uma )?(?:robo|maquina|bot|ia)\b",
            r"\b(?:quero|queria|prefiro|preciso de|so) (?:um )?(?:atendimento|atendente|suporte) human[oa]\b",
            (
                r"\btem (?:um |uma |algum |alguma )?(?:alguem|pessoa|atendente"
                r"|humano) (?:ai )?para (?:me )?(?:atender|ligar)\b"
            ),
            r"\b(?:quero|queria|preciso de) (?:um |uma )(?:atendente|human[oa]|pessoa de verdade)\b",
            r"\b(?:preciso|quero|gostaria|peco) que (?:alguem|uma pessoa) me (?:ligue|chame|atenda)\b",
            (
                r"\bme lig(?:a|ue) alguem\b|^(?:me )?(?:passa|transfer\w+)(?: para)?(?: o)? (?:um "
                r"|uma )?(?:human[oa]|atendente)\b"
            ),
            r"^(?:atendente|humano|(?:atendimento|atendente|suporte) human[oa])(?: por favor| obrigad[oa])*$",
        )
    )
)
_NAO_SELETIVO = r"(?! (?:seletiv\w+|de (?:credenci|selec|cadastr|contrat|pagam)\w*|administrativ\w+|no conselho))"
_PROCESSO = re.compile(
    "|".join(
        (
            (
                r"\bprocessar (?:voces?|todos|(?:a|essa|esta) (?:\w+ de )?empresa|esse numero|a julia|por dano\w*"
                r"|na justica"
                r"|judicialmente)\b"
            ),
            r"\b(?:vou|irei|vamos|posso) (?:te|os|as|lhes|voces?) processar\b|\b(?:vou|irei|vamos) processar$",
            (
                rf"\b(?:abrir|abro|entrar com|entro com|mover|meter|tomar|levar|leva|da|dar|vira|virar|rende|cabe|gera)"
                rf" (?:um |uma )?processo\b{_NAO_SELETIVO}"
            ),
            r"\bprocesso (?:judicial|na justica|por danos?)\b|\bacao judicial\b|\bdanos morais\b",
            r"\b(?:medidas?|providencias?) (?:legais|judiciais|cabiveis|juridicas)\b",
            (
                r"\b(?:acionar|aciono|procurar|vou|irei|resolv\w+|vemos|vejo|entrar|entro|levar"
                r"|levo)(?: \w+){0,2} (?:na|a|pela)"
                r" justica\b(?! (?:federal|militar|do trabalho|eleitoral))|\bacionar a justica\b"
                r"|\b(?:ver|botar|colocar|meter|por)(?: voces)? na justica\b|\bprocessa l[oa]s\b"
            ),
        )
    )
)
_ADVOGADO = re.compile(
    r"\b(?:fal(?:ar|ei|o)|acion(?:ar|ei|o)|procur(?:ar|ei|o)|cham(?:ar|ei|o)|contrat(?:ar|ei)|consult(?:ar|ei)"
    r"|pass(?:ar|o|ei))"
    r" (?:com |para )?(?:o |um |ao )?(?:meu |minha |nosso )?(?:advogad[oa]|juridico)\b(?!.*\bcontrato)"
    r"|\bmeu advogado (?:vai|ira|ja) (?:entrar|procurar|notificar|acionar|processar|falar|cuidar)\b"
)
_ORGAO = re.compile(
    r"(?<!trabalho no )\bprocon\b|\banpd\b|\breclame aqui\b"
    r"|\b(?:vou|irei|vamos|posso) (?:te |os |as |lhes )?denunciar"
    r"(?:$| (?:voces?|esse|essa|isso|por|no|na|ao|a empresa|tudo)\b)"
    r"|\bdenunci(?:ar|ei|o) (?:voces?|a empresa|esse numero)\b"
    r"|\b(?:vou|irei|vamos|ir|procurar|denunci\w+)"
    r"(?: (?:ate|direto|a|na|para|registrar|queixa|ao|no|levar|isso|uma)){0,4}"
    r" (?:delegacia|policia|ministerio publico)\b"
    r"|(?<!ameacou )(?<!que )\b(?:chamar|acionar|chamo) a policia\b"
    r"|\b(?:vou|irei|vamos|posso|registrei)(?: \w+){0,3} (?:boletim de ocorrencia|b o|bo)\b(?!.*\bpaciente)"
    r"|\bacionar (?:o )?(?:crm|cfm|conselho) contra voces?\b"
    r"|\b(?:fere|ferem|viola|violam|violando|ferindo|contra|violacao d[ae]|infring\w+|desrespeit\w+) (?:a )?lgpd\b"
)
_XINGA = (
    r"(?:idiotas?|imbeci(?:l|s)|otari[oa]s?|palhac[oa]s|vagabund[oa]s?|arrombad[oa]s?|babacas?|canalhas?|cretin[oa]s?"
    r"|escrot[oa]s?|picaretas?|ladroes|estelionatari[oa]s?|desgracad[oa]s?|golpistas|safad[oa]s)"
)
_INSULTO = re.compile(
    "|".join(
        (
            rf"\b{_XINGA}\b",
            r"\b(?:vtnc|vsf|fdp|vtmnc)\b|\bcala a boca\b|\bfilh[oa]s? da puta\b|\bputa que pariu\b",
            (
                r"\bva(?:i|o)?(?: se| te)? (?:foder|ferrar|lascar|catar|tomar no \w+|para o inferno|a merda"
                r"|para a merda)\b"
            ),
            (
                r"\b(?:seus?|suas?|voces (?:sao|nao passam de|e)(?: (?:um|uma|uns|umas|tudo))?|bando de|cambada de"
                r"|nao sou)"
                r" (?:burr[oa]s?|lixos?|merdas?|trouxas?|inute?i?s|palhac[oa]|incompetentes?|vagabundos?|ladrao"
                r"|golpista)\b"
            ),
            r"\b(?:empresa|servico|atendimento|robo|gente) (?:de )?(?:merda|lixo|bosta)\b",
            # "que merda" alone is said of a shift that was missed.
            r"\bque (?:vagabundos?|incompetentes?|ladrao|golpista|trouxas?)\b",
            r"\b(?:merda|lixo|bosta) de (?:empresa|servico|atendimento|robo|gente|assistente)\b",
            r"\bvoces sao (?:\w+ ){0,2}(?:pessim|horrive|ridicul|mentiros|desonest|nojent)\w*",
            r"\bestou (?:muito )?put[oa](?: da vida)? com voces\b",
            r"\bnao aguento mais (?:voces|ess[ea] (?:robo|julia))\b",
        )
    )
)
_SOBRE_SI = re.compile(
    rf"(?<!nao )\b(?:sou|fui|estou|me sinto) (?:um |uma |muito |meio |tao |voluntari[oa] como )*(?:{_XINGA}"
    r"|palhac[oa]|burr[oa])\b"
)
_CONTADO = re.compile(r"\bpacientes?\b|\bxing\w+\b|\bme cham(?:ou|aram) de\b")  # told of others
_NEGATIVAS = re.compile(
    r"\b(absurd|ridicul|palhacada|inaceitave|inadmissive|vergonh|desrespeit|falta de respeito|pessim|horrive"
    r"|engana(?=d|c)"
    r"|menti(?=r|u)|irrita|decepc|calote|revolta|insatisfeit|indigna|lamentave|descaso|incompeten|porcaria|odi(?=o"
    r"|e)|odei"
    r"|raiva|nojo|ludibri|desonest|inutil|golpe|fraude|lixo(?! (?:hospital|infect)))"
)
_NEGADA = re.compile(
    r"\b(?:nao|nem|nada) (?:e|foi|sou|estou|esta|achei|acho|tem|seja|estava|fiquei|tenho)?(?: ?(?:um|uma|tao|nada))?"
    r" ?(?:absurd|ridicul|pessim|horrive|irrita|decepc|raiva|golpe|insatisfeit|indigna|revolta)\w*(?: nem \w+)?"
)
# Bad words about a patient, the weather or the flu are not about us.
_ALHEIA = re.compile(
    r"\b(?:pacientes?|quadros?|gripe|transito|chuva|dengue|febre|dor|caso|cirurgia|jogo|noite|sono|resfriad[oa]"
    r"|covid|clima|calor"
    r"|frio|estrada|onibus|dormi|exame|familia|voluntari[oa]|pediatria)\b"
)


def gatilho(texto: str) -> Disparo | None:
    """Return the weightiest trigger in what the doctor wrote: the law before a person, a person before bad words."""
    lidas = frases(texto)
    negativas: set[str] = set()
    achadas: set[Classe] = set()
    for frase in lidas:
        achadas |= _na_frase(frase)
        if not _ALHEIA.search(frase.dita):
            negativas |= {achada.group(1) for achada in _NEGATIVAS.finditer(_NEGADA.sub(" ", frase.dita))}
    if len(negativas) >= NEGATIVAS_MINIMAS:
        achadas.add(Classe.NEGATIVAS)
    return next((disparo(classe) for classe in _DISPAROS if classe in achadas), None)


def disparo(classe: Classe) -> Disparo:
    """Return the trigger of a class of words."""
    tipo, motivo = _DISPAROS[classe]
    return Disparo(tipo, classe, motivo)


def _na_frase(frase: Frase) -> set[Classe]:
    achadas = {classe for classe, forma in _FORMAS if forma.search(frase.dita)}
    if Classe.PESSOA in achadas and frase.pergunta and frase.dita == "humano":
        achadas.remove(Classe.PESSOA)  # whether she is one, not for one
    if _INSULTO.search(_SOBRE_SI.sub(" ", frase.dita)) and not _CONTADO.search(frase.dita):
        achadas.add(Classe.INSULTO)
    return achadas


_FORMAS = (
    (Classe.PROCESSO, _PROCESSO),
    (Classe.ADVOGADO, _ADVOGADO),
    (Classe.ORGAO, _ORGAO),
    (Classe.PESSOA, _PESSOA),
)
