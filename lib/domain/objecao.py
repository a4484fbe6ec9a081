"""Objections in a doctor's message: type, severity and the words that show it (domain facts 1.11 and 2.6)."""

import re
from dataclasses import dataclass
from enum import StrEnum

from lib.domain.texto import dobrar, nfc


class Severidade(StrEnum):
    """How much an objection weighs; `grave` pauses proactive contact and calls a person."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    GRAVE = "grave"


class TipoObjecao(StrEnum):
    """What the doctor objects to."""

    PRECO = "preco"
    TEMPO = "tempo"
    CONFIANCA = "confianca"
    PROCESSO = "processo"
    DISPONIBILIDADE = "disponibilidade"
    QUALIDADE = "qualidade"
    LEALDADE = "lealdade"
    RISCO = "risco"
    MOTIVACAO = "motivacao"
    COMUNICACAO = "comunicacao"
    AMEACA = "ameaca"
    AGRESSAO = "agressao"
    PEDIDO_HUMANO = "pedido_humano"
    NENHUMA = "nenhuma"


@dataclass(frozen=True, slots=True)
class Objecao:
    """One objection; confianca in [0, 1], trecho the doctor's own words."""

    tipo: TipoObjecao
    severidade: Severidade
    confianca: float
    trecho: str


CONFIANCA_PALAVRA = 0.95
CONFIANCA_PADRAO = 0.75

# Someone of the doctor's own, whom to ask first: no wish for one of our people.
_DOS_SEUS = (
    r"(?! (?:daqui|aqui|la|d[oa] meu|d[oa] minha|meu|minha|(?:[^.!?\n]*\b)?(?:antes|primeiro"
    r"|(?:ja |e )?te (?:digo|falo|aviso|retorno|respondo|confirmo))\b))"
)
_T, _S = TipoObjecao, Severidade
_BASE = {
    _T.COMUNICACAO: _S.LOW,
    _T.DISPONIBILIDADE: _S.LOW,
    _T.PRECO: _S.MEDIUM,
    _T.TEMPO: _S.MEDIUM,
    _T.PROCESSO: _S.MEDIUM,
    _T.MOTIVACAO: _S.MEDIUM,
    _T.LEALDADE: _S.MEDIUM,
    _T.CONFIANCA: _S.HIGH,
    _T.QUALIDADE: _S.HIGH,
    _T.RISCO: _S.HIGH,
    _T.AMEACA: _S.GRAVE,
    _T.AGRESSAO: _S.GRAVE,
    _T.PEDIDO_HUMANO: _S.GRAVE,
}
_MEIO = r"(?!nao |nem )\w+ "
_QUER = (
    r"(?:quero|queria|quer(?:emos)?|preciso|gostaria de|posso|poderia|consigo|tem como|da (?:pra"
    r"|para)|prefiro|deixa eu|me deixa)"
)
# The weightier first; among equals the more specific before the more general. Words are literal, patterns are regular
# expressions; both on folded text, whole words only.
_TABELA: tuple[tuple[TipoObjecao, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        _T.AMEACA,
        (
            "procon",
            "acao judicial",
            "medidas legais",
            "anpd",
        ),
        (
            (
                r"(?:vou|irei|vamos) (?:te|os|as|lhes) (?:processar|denunciar)|(?:vou|irei|vamos) (?:processar"
                r"|denunciar)(?=\s*(?:$|[.!]))"
            ),
            r"(?:processar|denunciar) (?:voces?|vcs?|a empresa|esse numero)",
            r"processo (?:judicial|na justica|por danos?)|(?:meter|abrir|entrar com) (?:um )?processo(?! seletivo)",
            # A court, a police force or a lawyer may also be where a doctor works or who reads a contract.
            (
                r"(?:vejo|vemos|ver|se ve|encontr(?:o|amos)|resolv\w+|entr\w+|vou|irei|vamos|parar|cobr\w+"
                r"|responder)(?: \w+){0,3} (?:na|a|pra|com) justica|(?:acionar|procurar|vou) a justica"
                r"|^\W*na justica\W*$"
            ),
            (
                r"(?:acionar|procurar|chamar) (?:um |o |meu |minha )?advogad[oa]"
                r"|falar com (?:o |a )?(?:meu|minha) advogad[oa]"
                r"|(?:meu|minha) advogad[oa](?! trabalhista)(?![^.!?\n]*\b(?:contrat\w+|documento|analis\w+))"
            ),
            (
                r"(?:chamar|acionar|vou (?:a|na|pra)|denunciar (?:a|na)) (?:a )?policia(?! (?:militar|civil|federal))"
                r"|(?:vou|queixa|denuncia|registr\w+)(?: \w+){0,3} na delegacia"
                r"|(?:vou|irei|vamos|quero) (?:fazer|registrar|abrir) (?:um )?(?:boletim de ocorrencia|b\.?o\.?)"
            ),
            r"(?:fere|viola|contra|violacao d[ae]|conforme) (?:a )?lgpd",
        ),
    ),
    (
        _T.AGRESSAO,
        (
            *("idiota", "imbecil", "palhaco", "palhaca", "vtnc", "vsf", "fdp", "cala a boca", "vai pro inferno"),
            *("vagabundo", "vagabunda", "otario", "otaria", "arrombado"),
        ),
        (
            r"(?:seus?|suas?|bando de) desgracad[oa]s?|desgraca(?! (?:d[eoa]s?|n[oa]|aqui|alheia)\b)",
            r"vai se (?:foder|ferrar|lascar)|va se (?:foder|ferrar)|vai tomar no \w+|filh[oa] da puta|puta que pariu",
            (
                r"(?:seu|sua|seus|suas) (?:burr[oa]s?|lixo|merda|trouxas?|inuteis|inutil)|(?:empresa"
                r"|bando) de (?:merda|lixo)"
            ),
        ),
    ),
    (
        _T.PEDIDO_HUMANO,
        ("atendimento humano", "atendente humano", "chama o gerente", "chame o gerente", "chama um humano"),
        (
            (
                rf"{_QUER} (?:eu )?(?:falar|conversar|tratar) (?:direto |diretamente )?com (?:um |uma |o |a "
                r"|algum |alguma )?"
                r"(?:human[oa]|pessoas?|atendente|alguem|(?<! a )gente|gerente|supervisor\w*|responsavel"
                rf"|coordenador\w*|escalista)\b{_DOS_SEUS}"
            ),
            r"^\W*falar com (?:um |uma )?(?:human[oa]|pessoa|atendente|alguem)",
            (
                r"me (?:passa|passe|transfere|transfira|coloca) (?:pra|para|com|pro) (?:um |uma |o |a )?"
                r"(?:human[oa]|pessoa|atendente|alguem|gerente|responsavel)"
            ),
        ),
    ),
    (
        _T.CONFIANCA,
        (*("desconfiado", "desconfiada", "parece golpe", "golpista", "golpistas", "fraude", "estelionato"),),
        (
            r"(?<!nao )desconfio|golpe(?! d[eo] (?:ar|calor|sorte|vista|estado|mestre))",
            r"(?<!caiu no )(?<!caixa de )(?<!pasta de )(?<!foi pro )(?<!no meu )spam",
            (
                r"nao confio|(?:como|onde) (?:voces? |vcs? )?(?:conseguiu|conseguiram|acho\w+|pegou"
                r"|pegaram) (?:o )?meu (?:numero|contato|telefone)"
            ),
            r"quem (?:te |lhe )?(?:passou|deu) (?:o )?meu (?:numero|contato|telefone)|nunca ouvi falar",
            r"(?:isso|empresa|voces?) (?:e|sao|eh) (?:mesmo )?(?:serios?|seria|serias|confiave(?:l|is))",
        ),
    ),
    (
        _T.RISCO,
        ("calote", "caloteiros", "perigoso", "perigosa", "inseguro", "insegura", "assalto", "area de risco"),
        (
            (
                r"nao (?:me )?pagar(?:am|em)|(?:pagamento|pagamentos|salario) (?:\w+ )?(?:atrasad\w+|atrasa)"
                r"|atrasa(?:m|ram|ou)? (?:o |os )?pagamentos?"
            ),
            r"demora\w* (?:muito )?(?:pra|para|a) pagar|medo de (?:nao receber|levar)",
        ),
    ),
    (
        _T.QUALIDADE,
        ("sem estrutura", "superlotado", "superlotada", "pessimas condicoes", "hospital ruim"),
        (
            r"falta (?:de )?(?:estrutura|material|materiais|equipe|insumos?|medicament\w+)",
            (
                rf"(?:estrutura|condic\w+|hospital|plantao|equipe) (?:{_MEIO}){{0,2}}(?:ruim|pessim[oa]s?|horrivel"
                r"|precari[oa]s?|pesad[oa])"
            ),
        ),
    ),
    (
        _T.PRECO,
        (
            "paga pouco",
            "paga mal",
            "pagam pouco",
            "pagam mal",
            "nao compensa",
            "nao vale a pena",
            "valor defasado",
        ),
        (
            (
                rf"(?:valor|preco|pagamento|cache|remuneracao) (?:{_MEIO}){{0,4}}(?:baix[oa]|(?<!um )pouco|ruim"
                r"|defasad[oa]|irrisori[oa])|hora (?:\w+ ){0,2}(?:baixa|defasada)"
            ),
            (
                r"(?:(?:e|eh|ta|to achando|acho|achei|isso) |^)(?:muito |bem |tao )?pouco"
                r"(?=\W*$|[.,!?]| (?:demais|pra|para|por))"
            ),
            r"abaixo d[oa]s? (?:mercado|tabela|media|que)|por (?:esse|este) (?:valor|preco) (?:nao|eu nao)",
            r"(?:melhorar|aumentar|subir) (?:o |esse )?valor|paga\w* (?:muito |bem |tao )?(?:pouco|mal)",
        ),
    ),
    (
        _T.PROCESSO,
        ("muita burocracia", "burocracia", "burocratico", "muita papelada", "muito documento", "muitos documentos"),
        (
            (
                r"(?:cadastro|processo|processo seletivo|credenciamento) (?:\w+ ){0,2}(?:complicad[oa]"
                r"|long[oa]|demorad[oa]|chat[oa])"
            ),
        ),
    ),
    (
        _T.LEALDADE,
        ("sou fiel",),
        (
            r"(?:tenho|com|de|assinei) (?:\w+ )?(?:escala fixa|exclusividade)(?! (?:d[aeo]s? )?voces)(?![^.!?\n]*\?)",
            (
                r"ja (?:tenho|trabalho|estou|faco|atuo) (?:\w+ ){0,2}(?:outra|outro) (?:empresa|grupo|equipe"
                r"|cooperativa|hospital)"
            ),
        ),
    ),
    (
        _T.MOTIVACAO,
        ("desanimado", "desanimada", "burnout", "me aposentei", "cansei de plantao"),
        (
            (
                r"(?:parei|parando|cansad[oa]) de (?:dar |fazer |pegar )?plant\w+|nao (?:faco|dou|pego"
                r"|trabalho com|quero) mais (?:plant\w+)"
            ),
        ),
    ),
    (
        _T.TEMPO,
        ("sem tempo", "semana corrida", "muito ocupado", "muito ocupada", "muita correria"),
        (r"nao (?:tenho|to com|estou com) (?:muito )?tempo|(?:ta|esta|estou|to) (?:muito |bem )?corrid[oa]",),
    ),
    (
        _T.DISPONIBILIDADE,
        (
            "agenda cheia",
            "agenda lotada",
            "estou de ferias",
            "to de ferias",
            "nao estou disponivel",
            "ja tenho plantao",
            "ja estou escalado",
        ),
        (
            r"ja estou escalad[oa]|vou (?:estar )?viajar|vou estar viajando",
            (
                r"nao (?:posso|consigo|da)(?: \w+)? (?:nesse|nessa|neste|nesta|esse|essa|no|na|nos|nas) (?:dia"
                r"|dias|data|datas|semana|mes|horario"
                r"|segunda|terca|quarta|quinta|sexta|sabado|domingo)"
            ),
        ),
    ),
    (
        _T.COMUNICACAO,
        (
            "muita mensagem",
            "muitas mensagens",
            "mensagens demais",
            "nao gosto de whatsapp",
            "prefiro email",
            "prefiro ligacao",
        ),
        (r"nao (?:gosto|quero) (?:de )?(?:tratar|falar|conversar) (?:por|pelo) (?:aqui|whats\w*)",),
    ),
)
# A question or a denial is no accusation: "isso não é golpe, né?".
_ACUSACAO = re.compile(
    r"(?<!nao e )(?<!nao eh )(?<!nao seja )(?<!nao for )(?<!medo de )(?<!se e )"
    r"\b(?:golpe|golpistas?|fraude|estelionato|spam)\b(?![^.!?\n]*\?)"
)
_IRRITACAO = re.compile(
    r"\b(?:(?:um|que|e|eh) absurdo|absurdo (?:isso|esse|essa|o|a)|ridicul[oa]|palhacada|inaceitavel"
    r"|que vergonha(?!\W+(?:(?:a )?minha|desculp\w+|esqueci))|falta de respeito|desrespeito|pessima experiencia"
    r"|(?:fui|fomos|ser|sendo|senti) enganad[oa]s?|mentiros[oa]s?|mentiras|(?:(?<!nao )e|eh|so|tudo|muita|mais) mentira"
    r"|(?:estou|to|fiquei|ficando|muito|bem) irritad[oa]|decepcionad[oa]|calote|nao confio nem um pouco"
    r"|nunca mais (?:trabalho|volto)|cansei d(?:e|isso|essa|esse|esta|isto)(?! plant\w+))\b"
    r"|^\W*absurdo\b"
)


def _compilar(padroes: tuple[str, ...], *, literal: bool) -> re.Pattern[str]:
    opcoes = (re.escape(p).replace(r"\ ", " ") if literal else p for p in padroes)
    return re.compile(
        rf"\b(?:{'|'.join(opcoes)})\b".replace(" ", r"\s+") if literal else rf"(?<!\w)(?:{'|'.join(opcoes)})(?!\w)"
    )


_COMPILADA = tuple(
    (
        tipo,
        ((CONFIANCA_PALAVRA, _compilar(frases, literal=True)), (CONFIANCA_PADRAO, _compilar(padroes, literal=False))),
    )
    for tipo, frases, padroes in _TABELA
)


def _severidade(tipo: TipoObjecao, dobrado: str) -> Severidade:
    base = _BASE[tipo]
    if tipo is TipoObjecao.CONFIANCA and _ACUSACAO.search(dobrado):
        return Severidade.GRAVE
    if base in {Severidade.LOW, Severidade.MEDIUM} and _IRRITACAO.search(dobrado):
        return Severidade.HIGH
    return base


def detectar(texto: str) -> Objecao | None:
    """Find the weightiest objection; None when there is none. Source: domain facts 2.6.

    Asking whether a robot writes, what a selection process is or whether this is serious is no accusation. Irritation
    without a subject is an objection to the communication, of high severity.
    """
    original = nfc(texto)
    dobrado = dobrar(texto)
    for tipo, formas in _COMPILADA:
        for confianca, forma in formas:
            if achado := forma.search(dobrado):
                return Objecao(tipo, _severidade(tipo, dobrado), confianca, original[achado.start() : achado.end()])
    if achado := _IRRITACAO.search(dobrado):
        trecho = original[achado.start() : achado.end()]
        return Objecao(TipoObjecao.COMUNICACAO, Severidade.HIGH, CONFIANCA_PALAVRA, trecho)
    return None
