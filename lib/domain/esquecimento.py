"""Does the doctor ask that we forget what we noted about them? By words, before any model (domain facts 8.4)."""

import re

from lib.domain.escrita import frases, partes

CONFIRMACAO_ESQUECIMENTO = (
    "Pronto: apaguei o que eu tinha anotado sobre você. As mensagens desta conversa continuam guardadas; "
    "se quiser tratar disso também, posso chamar uma pessoa da equipe."
)

_ESQUECER = (
    r"(?:esquec(?:a|am|e|er)|apag(?:a|ue|uem|ar)|delet(?:a|e|em|ar)|exclu(?:a|i|am|ir)|elimin(?:a|e|em|ar)|limp(?:a"
    r"|e|em|ar))"
)
_TUDO = r"(?:(?:tudo|todas?|todos?|as|os|a|o|essas?|esses?|suas?|minhas?) ){0,3}"
_ANOTADO = r"(?:informac\w+|anotac\w+|dados|memorias?|preferencias?|registros?|coisas)"
_DE_MIM = r"(?:sobre mim|de mim|a meu respeito|a respeito de mim|minhas?|meus?)"
_PEDIDO = re.compile(
    "|".join(
        (
            (
                rf"\b{_ESQUECER} (?:de )?(?:tudo |o )?(?:o )?que (?:voces? )?(?:ja )?(?:sab\w+|guard\w+|anot\w+|tem|ter"
                rf"|lembr\w+|registr\w+|armazen\w+)(?: (?:ai|anotado|guardado|salvo|registrado))? {_DE_MIM}\b"
            ),
            rf"\b{_ESQUECER} {_TUDO}{_ANOTADO} (?:que (?:voces? )?(?:tem|guard\w+|anot\w+) )?{_DE_MIM}\b",
            rf"\b{_ESQUECER} (?:as )?minhas (?:preferencias|anotacoes|memorias|informacoes)\b",
            rf"\b{_ESQUECER} (?:todos )?(?:os )?meus dados\b",
            rf"\b{_ESQUECER} tudo (?:sobre|de|a respeito de) mim\b",
            r"\b(?:limp|apag)(?:a|e|ue|em|uem|ar) (?:a )?(?:sua|tua) memoria\b(?: (?:sobre|de) mim)?",
        )
    )
)
_NEGADO = re.compile(r"\bnao (?:me )?(?:precisa |quero que |quero )?(?:voce )?$")


def pede_esquecimento(texto: str) -> bool:
    """Tell whether a message asks to forget what is noted about its writer; a shift or a document is something else."""
    return any(_pede(frase.dita) for frase in frases(texto))


def sem_esquecimento(texto: str) -> str:
    """Return the sentences that do not ask it, as written."""
    return "\n".join(parte for parte in partes(texto) if not pede_esquecimento(parte))


def _pede(dita: str) -> bool:
    achado = _PEDIDO.search(dita)
    return achado is not None and not _NEGADO.search(dita[: achado.start()])
