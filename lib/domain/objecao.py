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
_QUER = (
    r"(?:quero|queria|quer(?:emos)?|preciso|gostaria de|posso|poderia|consigo|tem como|da (?:pra"
    r"|para)|prefiro|deixa eu|me deixa)"
)
# Grave first, then the more specific before the more general. Words are literal, patterns are regular expressions;
# both on folded text, whole words only.
_TABELA: tuple[tuple[TipoObjecao, tuple[str, ...], tuple[str, ...]], ...] = (
    (
        _T.AMEACA,
        (
            "procon",
            "boletim de ocorrencia",
            "acao judicial",
            "meu advogado",
            "minha advogada",
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
            (
                r"(?:na|(?:acionar|procurar|vou) a) justica|(?:acionar|falar com|procurar) (?:um |o )?advogado"
                r"|(?:chamar|vou (?:a"
                r"|na)) policia|na delegacia"
            ),
            r"(?:fere|viola|contra|violacao d[ae]|conforme) (?:a )?lgpd",
        ),
    ),
    (
        _T.AGRESSAO,
        (
            *("idiota", "imbecil", "palhaco", "palhaca", "vtnc", "vsf", "fdp", "cala a boca", "vai pro inferno"),
            *("vagabundo", "vagabunda", "otario", "otaria", "desgraca", "arrombado"),
        ),
        (
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
                r"|coordenador\w*|escalista)"
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
        (
            "desconfio",
            "desconfiado",
            "desconfiada",
            "parece golpe",
            "golpe",
            "golpista",
            "fraude",
            "estelionato",
            "spam",
        ),
        (
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
                r"(?:estrutura|condic\w+|hospital|plantao|equipe) (?:\w+ ){0,2}(?:ruim|pessim[oa]s?|horrivel"
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
            "muito pouco",
            "nao compensa",
            "nao vale a pena",
            "valor defasado",
        ),
        (
            r"(?:valor|preco|pagamento|cache|hora) (?:\w+ ){0,4}(?:baix[oa]|pouco|ruim|defasad[oa]|irrisori[oa])",
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
        ("escala fixa", "exclusividade", "sou fiel"),
        (
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
        _T.TEMPO,
        ("sem tempo", "semana corrida", "muito ocupado", "muito ocupada", "muita correria"),
        (r"nao (?:tenho|to com|estou com) (?:muito )?tempo|(?:ta|esta|estou|to) (?:muito |bem )?corrid[oa]",),
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
_ACUSACAO = re.compile(r"\b(?:golpe|golpistas?|fraude|estelionato|spam)\b(?!\s*\?)")
_IRRITACAO = re.compile(
    r"\b(?:absurdo|ridicul[oa]|palhacada|inaceitavel|que vergonha|falta de respeito|desrespeito"
    r"|pessima experiencia|enganad[oa]s?"
    r"|mentiros[oa]s?|mentira|irritad[oa]|decepcionad[oa]|calote|nao confio nem um pouco"
    r"|nunca mais (?:trabalho|volto)|cansei)\b"
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
    """Find the weightiest objection; None when there is none.

    Asking for a robot or for what a selection process is, is no objection. Irritation without a subject is one of
    communication, of high severity.
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
