"""Who Júlia is, and that she says so (decision D1)."""

import re
from itertools import pairwise

from lib.domain.escrita import frases, partes, uma_escrita
from lib.domain.texto import dobrar

APRESENTACAO = (
    "Sou a Júlia, assistente automatizada da empresa, e ajudo médicos a encontrar plantões. "
    "Para não receber mais mensagens, responda SAIR. Para falar com uma pessoa da equipe, é só pedir."
)
SIM_AUTOMATIZADA = "Sim, sou uma assistente automatizada."
RESPOSTA_ROBO = (
    "Sim, sou uma assistente automatizada: meu nome é Júlia e ajudo a equipe com os plantões. "
    "Se preferir falar com uma pessoa, é só me dizer. Se não quiser mais mensagens, responda SAIR."
)

_ROBO = r"(?:robos?|robozinh[oa]|robot|bots?|chat ?bots?)"
_IA = r"(?:i ?a(?! \w+r\b)|inteligencias? artificia(?:l|is))"  # "ia sair" is a verb
_MAQUINA = (
    rf"(?:{_ROBO}|{_IA}|(?:chat ?)?gpt|maquinas?|computador|automac\w+|software|algoritmo|(?:assistente"
    r"|atendente|secretaria) virtual"
    r"|secretaria eletronica|siri|alexa|gravacao|mensagem (?:pronta|gravada)|conta automatizada"
    r"|sistema automatic\w+|programa(?= de computador| ou| ne|$))"
)
_GENTE = r"(?:pessoas?|human[oa]s?|gente|ser human[oa]|ser vivo)"
# Praise and company are no question: "você é gente boa", "estou falando com uma pessoa do RH".
_GENTE_SO = (
    rf"{_GENTE}(?= (?:ou|rea(?:l|is)|de verdade|de vdd|de carne|mesm[oa]|msm|ne|nao|aqui|ai|normal|viva|hein|kk\w*"
    r"|rs\w*)\b|$)"
)
_VERDADE = r"(?:real|de verdade|de vdd|de carne e osso|mulher de verdade|programad[oa])"
_AUTO = r"(?:automatic|automatizad|robotic)[oa]s?"
_VOCE = r"(?:voces?|tu|(?:a |essa )?julia)"
_ART = r"(?:um |uma |o |a |nenhum |nenhuma |uns |algum |alguma )?"
_ESCREVE = r"(?:fal|escrev|respond|digit|atend|convers)(?:a|e|o|ando|endo|ou|eu)"
_CONVERSA = r"(?:falando|conversando|falo|converso|tratando|trocando mensagem) (?:com|voce)"

_PERGUNTA = re.compile(
    "|".join(
        (
            (
                rf"\b{_VOCE} (?:por acaso |nao |e que |realmente |mesmo |ai )*(?:e|es|seria|sao|parece|virou|foi)"
                rf" (?:mesmo |so )?{_ART}(?:{_MAQUINA}|{_AUTO}|{_GENTE_SO}|{_VERDADE}(?= |$))(?! cirurgic)"
            ),
            (
                r"\b(?:isso|isto|esse|essa|este|esta|aqui|ess[ae] (?:numero|mensagem|conversa|julia)"
                rf"|quem (?:\w+ ){{0,2}}"
                rf"{_ESCREVE}) (?:aqui |ai |comigo )?(?:e|sao|seria|parece) (?:mesmo |tudo )?{_ART}"
                rf"(?:{_MAQUINA}|{_AUTO}|{_GENTE_SO})(?! cirurgic)"
            ),
            (
                r"(?:^|\b(?:se|que|sera|serio|mas|ue|nossa|oi|ola|ou|ne|verdade|certeza|pergunta"
                r"|coisa) )(?:nao )?(?:e|seria) "
                rf"{_ART}(?:{_MAQUINA})(?= (?:ne|nao|ou|isso|que (?:esta|{_ESCREVE})|mesmo|aqui|agora|{_ESCREVE}"
                r"|kk\w*|rs\w*)\b|$)"
            ),
            (
                rf"^(?:sera que )?(?:e|seria) (?:{_ART}{_GENTE}|voce mesma?) (?:mesm[oa]|real|de verdade|ou"
                rf"|que (?:esta|{_ESCREVE})"
                rf"|{_ESCREVE})\b|^e {_ART}(?:pessoa|humano|humana)$|^human[oa]$|^e gente$"
                rf"|\b{_VOCE} e alguem de verdade\b"
            ),
            (
                rf"^(?:oi |ola |mas |ue |quem e )*{_ART}(?:{_ROBO}|inteligencia artificial|maquina)(?: (?:ne|mesmo|e"
                r"|voce|isso|agora))*$"
            ),
            (
                rf"\b{_GENTE} ou (?:e )?{_ART}{_MAQUINA}|\b{_MAQUINA} ou (?:e )?{_ART}{_GENTE}\b"
                rf"|\b{_MAQUINA} que {_ESCREVE}\b"
            ),
            rf"\b{_CONVERSA} {_ART}(?:{_MAQUINA}(?! cirurgic)|{_GENTE_SO})",
            rf"\b{_VOCE} (?:nao )?existe\b",
            (
                r"\b(?:mensagem|respostas?|atendimento|conversa|contato) (?:e |sao )?(?:automatic|automatizad"
                r"|eletronic)[oa]s?\b"
            ),
            (
                rf"\btem (?:algum |alguma |um |uma )?(?:alguem|{_GENTE}) (?:de verdade |real )?(?:ai|do outro lado"
                r"|por tras"
                rf"|respondendo|escrevendo|lendo)\b(?! (?:para|na|no|que|com|em|nesse|nessa|as|dia)\b)"
            ),
            (
                r"\b(?:esta |voces? )usa(?:m|ndo)? (?:a )?(?:ia|inteligencia artificial)\b(?! n[oa]s? )|\busa(?:m"
                r"|ndo)? (?:o )?(?:chat ?)?gpt\b|\ba ia respondendo\b"
            ),
            (
                rf"\b(?:parece(?:ndo)?|virou|aposto que e|acho que e|certeza que e) {_ART}(?:{_ROBO}"
                r"|maquina)\b(?! cirurgic)"
            ),
            rf"^(?:isso |aqui |ai )*(?:e )?(?:tudo )?{_AUTO}(?: (?:ne|isso|mesmo|aqui|ai))*$|^atendimento eletronico$",
            (
                r"\b(?:are you|is this|am i (?:talking|speaking) (?:estou|with)) (?:a |an )?(?:ro)?(?:bot|ai|human"
                r"|machine|real|person|chatbot)\b"
            ),
        )
    )
)
# Every one of those holds one of these; most messages hold none and need not be looked at closer.
_INDICIO = re.compile(
    r"rob|bot|\bi ?a\b|intelig|maquina|computador|automa|software|algoritmo|virtual|eletronic|programa|human|pessoa"
    r"|gente|siri|alexa|gravacao|pronta|gravada|ser vivo|existe|gpt|alguem|\breal|verdade|\bvdd|carne|person"
    r"|machine|\bai\b"
)
_NAO_SOU = r"(?:nao|nem|nunca|jamais) (?:sou|fui|seria)(?: so| apenas| somente)?"
# What is honest though it holds the words of a denial, taken out before one is looked for.
_HONESTA = re.compile(
    rf"\bnao (?:posso|vou|devo|quero|preciso|tenho como|faria sentido) (?:\w+ ){{0,2}}(?:fingir|dizer|afirmar|passar"
    r"|parecer)"
    rf" (?:que (?:eu )?sou |por |ser )?{_ART}(?:{_GENTE}|medica)"
    r"|\b(?:robos?|sistema|braco) (?:cirurgic\w+|da vinci|robotic\w+)|\bcirurgia robotica"
)
_SEM_FUGA = r"(?:(?!(?:e|mas|posso|para|que|com|assistente|automatizada|automatica|virtual|robo|se|quem|chamar) )\w+ )"
_NEGA = re.compile(
    "|".join(
        (
            rf"\b{_NAO_SOU} {_ART}(?:{_MAQUINA}|{_AUTO}|virtual|programa|assistente (?:virtual|automatizada))\b",
            rf"(?<!hospital )\bnao (?:e|ha|tem|existe|temos|uso|usamos|utilizo|utilizamos) {_ART}(?:{_ROBO}|{_IA})\b",
            (
                rf"\b(?:nao esta|nem esta|nao) (?:falando|conversando|tratando) com {_ART}{_MAQUINA}\b"
                rf"|\bnao e com {_ART}{_ROBO}\b"
            ),
            rf"(?<!nao )(?<!nem )\bsou {_SEM_FUGA}{{0,5}}(?:{_GENTE}|mulher|de carne e osso|de verdade|real)\b",
            rf"\bsou (?:\w+ ){{0,8}}nao {_ART}(?:{_ROBO}|programa|maquina)\b",
            (
                rf"(?<!hospital )\bnao tem {_ART}(?:{_ROBO}|maquina|{_IA}) (?:nenhum[ao]? )?(?:aqui|por aqui"
                r"|nessa conversa)\b"
            ),
            r"\bcom (?:as )?minhas proprias maos\b|(?<!nao )(?<!nem )\bsou (?:uma |a )?(?:medica|enfermeira)\b",
            (
                r"(?<!nao )\b(?:esta|estando|ta) (?:falando|conversando"
                rf"|tratando) com(?:igo)? (?:que sou )?{_ART}{_GENTE}\b"
            ),
            rf"\bvoce (?:fala|conversa|trata) com {_ART}{_GENTE}\b(?!.*\b(?:quando|se|depois|amanha|assim que)\b)",
            rf"\baqui (?:e|quem fala e|fala|escreve) {_ART}{_GENTE}\b(?! da equipe vai)",
            rf"\bquem (?:\w+ ){{0,2}}{_ESCREVE} (?:aqui |por aqui |com voce |voce |agora )*e {_ART}{_GENTE}\b",
            rf"\be {_ART}{_GENTE} (?:mesm[oa]|de verdade|real|que (?:te |lhe )?{_ESCREVE})\b",
            (
                rf"\b(?:tem|existe|ha) (?:sempre |sim )?{_ART}{_GENTE} (?:de verdade "
                r"|real )?(?:aqui )?(?:te )?(?:escrevendo"
                r"|digitando|respondendo|falando|por tras|d(?:este|esse|o outro|o) lado)\b"
            ),
            rf"\bdo (?:outro lado|lado de ca) (?:e|tem|ha|esta) {_ART}{_GENTE}\b",
            (
                r"\b(?:digito|escrevo|respondo|redijo)(?: \w+){0,3} (?:a mao|na mao|pessoalmente|manualmente"
                r"|uma (?:a|por) uma)\b"
                r"|\bdigito (?:cada|tudo|todas)\b"
            ),
            (
                rf"\b(?:nada de|nenhum|nenhuma|sem) (?:{_ROBO}|{_IA}) (?:por aqui|aqui|nessa conversa|nesta conversa"
                r"|envolvid\w+|nisso)\b"
            ),
            rf"\b(?:aqui )?so (?:trabalha|tem|responde|ha) {_GENTE}\b|\bso gente$",
            (
                rf"\b(?:{_ROBO}|maquina)\b(?: \w+)? (?:claro que nao|que nada|imagina|de jeito nenhum|que isso"
                r"|jamais)\b"
                rf"|^(?:eu )?{_ROBO} nada\b|\bque robo que nada\b|^(?:um |uma |eu )*{_ROBO} (?:eu )?(?:nao|jamais"
                rf"|nunca)\b|\blonge de ser {_ART}{_MAQUINA}\b"
            ),
            r"\b(?:claro que nao|imagina|que isso) (?:sou|eu sou|e) (?:uma )?(?:pessoa|humana|gente)\b",
            (
                r"\b(?:conversa|mensagem|respostas?|atendimento|contato|isso|isto)(?: \w+)? nao (?:e|sao) (?:uma |um )?"
                rf"(?:resposta |mensagem )?{_AUTO}\b|\bnada (?:aqui |disso |por aqui )?e {_AUTO}\b"
                r"|^(?:nao )*nao e automatizad[oa]\b"
            ),
            r"\b100 (?:humana?|real|de verdade)\b|^(?:sim |claro |com certeza |tao )*human[oa]\b(?! (?:nao|da equipe))",
            (
                r"\bi m (?:a )?(?:human|real person)\b|\bi am (?:a )?(?:human|real person)\b"
                r"|\btalking estou a (?:human|real|person)"
                r"|\b(?:i m|i am) not (?:a |an )?(?:bot|robot|ai)\b"
            ),
        )
    )
)

_VIRGULA = re.compile(r",|:|\be (?=quanto|qual|quando|onde|como|tem|que)")
_SO_CORTESIA = re.compile(
    r"(?:(?:oi+|ola|opa|e ai|bom dia|boa (?:tarde|noite)|tudo bem|julia|doutora|ok|obrigad[oa]|valeu|kk\w*|k|rs\w*"
    r"|ha\w*|hein|ne|com quem (?:eu )?(?:falo|estou falando)|quem (?:e|fala)|ou(?: nao)?|voce(?: e)?|sinceramente"
    r"|fala (?:serio|a verdade)|(?:estou )?falando com quem|jura|serio|desculpa?|por favor|antes de (?:continuar"
    r"|tudo)|me (?:diz|responde"
    r"|fala)(?: (?:uma coisa|a verdade))?"
    r"|so (?:quero|queria) saber|(?:uma )?(?:pergunta|duvida|curiosidade)|sim|nao|entao|mas|haha)(?: |$))*"
)


def pergunta_se_robo(texto: str) -> bool:
    """Tell whether the doctor asks if a machine or a person is writing, in one sentence or over several lines."""
    inteira = uma_escrita(texto)
    if not _INDICIO.search(inteira):
        return False
    return any(_PERGUNTA.search(dita) for dita in (*(frase.dita for frase in frases(texto)), inteira))


def sem_pergunta_se_robo(texto: str) -> str:
    """Return what else the doctor wrote, as written: empty when nothing but that question and courtesies remain."""
    outras: list[str] = []
    for frase in partes(texto):
        # Another question may follow the comma: "é robô, quanto paga?"
        trechos = _VIRGULA.split(frase) if pergunta_se_robo(frase) else [frase]
        outras += [trecho.strip() for trecho in trechos if not (pergunta_se_robo(trecho) or so_cortesia(trecho))]
    return "\n".join(outras)


def so_cortesia(parte: str) -> bool:
    """Tell whether nothing but greetings, laughter and fillers is said."""
    return _SO_CORTESIA.fullmatch(uma_escrita(parte)) is not None


def nega_automacao(texto: str) -> bool:
    """Tell whether a sentence of ours denies being automated or claims to be a human being."""
    ditas = [frase.dita for frase in frases(texto)]
    # "Robô? Não!" denies over two sentences, and a line may break anywhere.
    ditas += [*map(" ".join, pairwise(ditas)), uma_escrita(texto)]
    return any(_NEGA.search(_HONESTA.sub(" ", dita).strip()) for dita in ditas)


def se_apresenta(texto: str) -> bool:
    """Tell whether a text of ours already says that an automated assistant is writing."""
    return "assistente automatizada" in dobrar(texto)
