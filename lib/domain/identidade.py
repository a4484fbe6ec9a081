"""Who Júlia is, and that she says so (decision D1)."""

import re

from lib.domain.texto import dobrar, palavras

APRESENTACAO = (
    "Sou a Júlia, assistente automatizada da empresa, e ajudo médicos a encontrar plantões. "
    "Para não receber mais mensagens, responda SAIR. Para falar com uma pessoa da equipe, é só pedir."
)
RESPOSTA_ROBO = (
    "Sim, sou uma assistente automatizada: meu nome é Júlia e ajudo a equipe com os plantões. "
    "Se preferir falar com uma pessoa, é só me dizer. Se não quiser mais mensagens, responda SAIR."
)

_MAQUINA = (
    r"(?:robo|robozinh[oa]|bot|chat ?bot|chat ?gpt|gpt|ia|inteligencia artificial|maquina|computador|automac\w+"
    r"|assistente virtual|programa de computador)"
)
_GENTE = r"(?:pessoas?|human[oa]s?|gente|ser human[oa])"
_VOCE = r"(?:voce|vc|ce|tu|julia)"

_PERGUNTA = re.compile(
    "|".join(
        (
            (
                rf"\b{_VOCE}s? (?:por acaso |nao |nao e que |realmente )?(?:e|eh|es|seria"
                rf"|sao) (?:mesmo )?(?:um |uma |o |a )?{_MAQUINA}\b"
            ),
            rf"\b{_VOCE}s? (?:e|eh|es|seria) (?:mesmo )?(?:um |uma )?(?:{_GENTE}|real|de verdade|automatic[oa])\b",
            (
                r"\b(?:isso|isto|esse|essa|este|esta|aqui|esse numero|quem fala|quem escreve) (?:aqui )?(?:e"
                rf"|eh|seria) (?:um |uma )?{_MAQUINA}\b"
            ),
            (
                rf"^(?:oi |ola |mas |ue |nossa )*(?:sera que )?(?:e|eh|es) (?:um |uma )?(?:{_MAQUINA}"
                rf"|{_GENTE} (?:mesmo|real|de verdade))\b"
            ),
            r"^(?:robo|bot|chat ?bot)$",
            rf"\b(?:falando|conversando|falo|tratando) com (?:um |uma |o |a )?(?:{_MAQUINA}|{_GENTE})\b",
            rf"\b{_VOCE} existe\b",
            r"\b(?:mensagem|resposta|atendimento|conversa) (?:e |eh )?(?:automatic[oa]|automatizad[oa])\b",
            r"\btem (?:alguem|gente|uma pessoa) (?:de verdade |real )?(?:ai|do outro lado|por tras|respondendo)\b",
        )
    )
)
_ARTIGO = r"(?:um |uma |o |a |nenhum |nenhuma )?"
_NAO_SOU = r"(?:nao|nem|nunca|jamais) (?:sou|fui|seria)(?: so| apenas| somente)?"
_NEGA = re.compile(
    "|".join(
        (
            (
                rf"\b{_NAO_SOU} {_ARTIGO}(?:{_MAQUINA}|automatizad[oa]|automatic[oa]|virtual|programa"
                r"|assistente (?:virtual|automatizada))\b"
            ),
            rf"\bnao (?:e|eh|ha|tem|existe) {_ARTIGO}(?:robo|robozinh[oa]|bot|chat ?bot|inteligencia artificial)\b",
            rf"\bnao (?:esta|ta) (?:falando|conversando) com {_ARTIGO}{_MAQUINA}\b",
            (
                r"(?<!nao )(?<!nem )\bsou (?:(?:sim|apenas|so|somente|a julia"
                rf"|julia) )*(?:{_ARTIGO}(?:\w+ )?)(?:{_GENTE}|mulher|de carne e osso"
                r"|de verdade|real)\b"
            ),
            r"(?<!nao )(?<!nem )\bsou (?:uma |a )?(?:medica|enfermeira)\b",
            rf"(?<!nao )\b(?:esta|ta) (?:falando|conversando) com {_ARTIGO}{_GENTE}\b",
            rf"\baqui (?:e|quem fala e|fala) {_ARTIGO}{_GENTE}\b(?! da equipe vai)",
            r"\b(?:robo|bot)\b(?: \w+)? (?:claro que nao|que nada|imagina|de jeito nenhum)\b",
            r"\b(?:claro que nao|imagina|que isso) (?:sou|eu sou|e) (?:uma )?(?:pessoa|humana|gente)\b",
            r"\b100 (?:humana?|real|de verdade)\b",
            (
                r"\bi m (?:a )?(?:human|real person)\b|\bi am (?:a )?(?:human|real person)\b|\b(?:i m"
                r"|i am) not (?:a |an )?(?:bot|robot|ai)\b"
            ),
        )
    )
)


def pergunta_se_robo(texto: str) -> bool:
    """Tell whether the doctor asks if a machine or a person is writing."""
    return _PERGUNTA.search(palavras(texto)) is not None


def nega_automacao(texto: str) -> bool:
    """Tell whether a sentence of ours denies being automated or claims to be a human being."""
    frases = re.split(r"[.!?\n;]+", dobrar(texto))
    return any(_NEGA.search(palavras(frase)) for frase in (*frases, texto))
