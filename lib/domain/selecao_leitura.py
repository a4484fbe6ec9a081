"""A stored choice in words: why this chip, why not that one, and what would have changed it.

Nothing here is remembered: every sentence follows from the stored inputs, and each counterfactual is a change of them
that can be applied and decided anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from lib.domain.chip import ENVIA, REPLIES, StatusChip, TipoEnvio
from lib.domain.horario import SAO_PAULO
from lib.domain.selecao import (
    Candidato,
    Decisao,
    Pedido,
    Regra,
    ordem,
    regra_do_pedido,
    vencedor,
)

PASSOS_MAX: Final = len(Regra)
TRUST_MAX: Final = 100
TIPOS: Final[Mapping[TipoEnvio, str]] = MappingProxyType(
    {
        TipoEnvio.RESPOSTA: "resposta",
        TipoEnvio.LEMBRETE: "lembrete pedido",
        TipoEnvio.FOLLOWUP: "follow-up",
        TipoEnvio.PROSPECCAO: "primeiro contato",
    }
)
DESCARTES: Final[Mapping[Regra, str]] = MappingProxyType(
    {
        Regra.LISTENER: "só escuta grupos",
        Regra.STATUS: "o status não envia isto",
        Regra.PERMISSAO: "sem permissão para isto",
        Regra.TRUST: "trust abaixo do mínimo",
        Regra.DESCONECTADO: "desconectado",
        Regra.RESTRITO: "só pode responder",
        Regra.COOLDOWN: "em descanso",
        Regra.DISJUNTOR: "disjuntor aberto",
        Regra.LIMITE_DIA: "limite do dia",
        Regra.LIMITE_HORA: "limite da hora",
        Regra.PORTFOLIO: "limite da conta na Meta",
        Regra.INTERVALO: "intervalo entre envios",
        Regra.ENDERECO: "não alcança o médico",
        Regra.JANELA: "janela de 24 h fechada",
    }
)


@dataclass(frozen=True, slots=True)
class Mudanca:
    """What would have changed a choice: in words, and the chip and message as they would then be.

    `em` is the instant from which it holds by itself, None when something has to be done. `texto` None: nothing would.
    """

    texto: str | None
    em: datetime | None
    chip: Candidato
    pedido: Pedido


def porque_venceu(decisao: Decisao) -> str:
    """Say why the winner won: what set it apart from the next one."""
    able = sorted(
        (chip for chip in decisao.candidatos if regra_do_pedido(chip, decisao.pedido) is None),
        key=lambda chip: ordem(chip, decisao.pedido),
    )
    if not able:
        return "nenhum chip podia enviar isto"
    if len(able) == 1 and decisao.elegiveis <= 1:
        return "era o único que podia"
    return _desempate(able[0], able[1] if len(able) > 1 else None, decisao.pedido)


def porque_nao(chip: Candidato, decisao: Decisao) -> str:
    """Say why a chip was not taken, with the figure that decided."""
    pedido = decisao.pedido
    regra = regra_do_pedido(chip, pedido)
    if regra is not None:
        return _descarte(regra, chip, pedido)
    if chip.chip_id == decisao.cedeu:
        return "seria o escolhido, mas outros envios do mesmo lote usaram a folga dele"
    if decisao.chip_id is None:
        return "podia enviar"
    winner = next(one for one in decisao.candidatos if one.chip_id == decisao.chip_id)
    return f"venceu outro: {_desempate(winner, chip, pedido)}"


def contrafactual(chip: Candidato, decisao: Decisao) -> Mudanca:
    """Return the change that makes a dropped chip able to send it, or one that could send it the winner.

    Applied, it flips the verdict: `regra_do_pedido` of its chip and message is then None, or `vencedor` names the chip.
    """
    pedido = decisao.pedido
    if regra_do_pedido(chip, pedido) is not None:
        return _tornar_elegivel(chip, pedido)
    return _fazer_vencer(chip, decisao)


def venceria(mudanca: Mudanca, decisao: Decisao) -> bool:
    """Tell whether the chip, changed so, would be the choice."""
    others = [one for one in decisao.candidatos if one.chip_id != mudanca.chip.chip_id]
    return vencedor([*others, mudanca.chip], mudanca.pedido) == mudanca.chip.chip_id


def _tornar_elegivel(chip: Candidato, pedido: Pedido) -> Mudanca:
    """Mend one rule after the other until none holds."""
    asked, changed = pedido, chip
    words: list[str] = []
    waits = pedido.agora
    only_time = True
    for _ in range(PASSOS_MAX):
        regra = regra_do_pedido(changed, asked)
        if regra is None:
            break
        mended = _mend(regra, changed, asked)
        if mended is None:
            return Mudanca(None, None, chip, pedido)
        said, until, changed, asked = mended
        words.append(said)
        if until is None:
            only_time = False
        else:
            waits = max(waits, until)
            asked = replace(asked, agora=max(asked.agora, until))
    when = waits if only_time else None
    told = " e ".join(words)
    return Mudanca(f"elegível {told}", when, changed, asked)


def _mend(regra: Regra, chip: Candidato, pedido: Pedido) -> tuple[str, datetime | None, Candidato, Pedido] | None:
    """Return (words, when by itself, chip, message) with this rule out of the way; None when nothing does it."""
    if regra in _POR_TEMPO:
        found = _wait(regra, chip, pedido)
        return None if found is None else (*found, pedido)
    changes: Mapping[Regra, tuple[str, dict[str, Any]]] = {
        Regra.STATUS: (f"se estivesse {_status_que_envia(pedido.tipo)}", {"status": StatusChip.ACTIVE}),
        Regra.PERMISSAO: (f"com permissão para {TIPOS[pedido.tipo]}", {"permitido": True}),
        Regra.TRUST: (f"com trust ≥ {pedido.reserva}", {"trust": pedido.reserva}),
        Regra.DESCONECTADO: ("se estivesse conectado", {"conectado": True}),
        Regra.PORTFOLIO: ("com folga no limite da conta na Meta", {"folga_conta": 1}),
    }
    if regra in changes:
        said, over = changes[regra]
        return said, None, replace(chip, **over), pedido
    if regra is Regra.JANELA:
        said = "se o médico tivesse escrito a este número nas últimas 24 h, ou com um modelo aprovado"
        return said, None, chip, replace(pedido, janelas=pedido.janelas | {chip.chip_id})
    return None


_POR_TEMPO: Final = frozenset(
    {Regra.RESTRITO, Regra.COOLDOWN, Regra.DISJUNTOR, Regra.LIMITE_DIA, Regra.LIMITE_HORA, Regra.INTERVALO}
)


def _wait(regra: Regra, chip: Candidato, pedido: Pedido) -> tuple[str, datetime | None, Candidato] | None:
    """Return (words, when, chip as it is then) for what time mends, or a higher limit where there is none."""
    if regra is Regra.LIMITE_DIA:
        return _room(chip, "dia", chip.limite_dia, chip.dia_livre_em)
    if regra is Regra.LIMITE_HORA:
        return _room(chip, "hora", chip.limite_hora, chip.hora_livre_em)
    if regra is Regra.DISJUNTOR and not (chip.aberto_ate and chip.aberto_ate > pedido.agora):
        return "quando a sondagem em curso terminar bem", None, replace(chip, aberto_ate=None)
    waits: dict[Regra, tuple[datetime | None, str, dict[str, Any]]] = {
        Regra.RESTRITO: (chip.reply_only_until, "quando a restrição acaba", {"reply_only_until": None}),
        Regra.COOLDOWN: (chip.cooldown_ate, "quando o descanso acaba", {"cooldown_ate": None}),
        Regra.DISJUNTOR: (chip.aberto_ate, "quando o disjuntor deixa passar uma sondagem", {"no_ar": False}),
    }
    spaced: tuple[datetime | None, str, dict[str, Any]] = (
        chip.intervalo_ate,
        f"{chip.intervalo_s} s depois do último envio",
        {"ultimo_em": None},
    )
    em, why, over = waits.get(regra, spaced)
    return _at(em, why, replace(chip, **over))


def _room(
    chip: Candidato, janela: str, limite: int, livre_em: datetime | None
) -> tuple[str, datetime | None, Candidato] | None:
    over: dict[str, Any] = {f"uso_{janela}": max(0, limite - 1)}
    if livre_em is None:
        over |= {f"limite_{janela}": 1}
        return f"com limite de ao menos 1 por {janela}", None, replace(chip, **over)
    return _at(livre_em, f"quando abre vaga no limite de {limite} por {janela}", replace(chip, **over))


def _at(em: datetime | None, why: str, chip: Candidato) -> tuple[str, datetime | None, Candidato] | None:
    return None if em is None else (f"às {_hora(em)}, {why}", em, chip)


def _fazer_vencer(chip: Candidato, decisao: Decisao) -> Mudanca:
    """Find the least change that makes a chip the winner which could have sent it."""
    pedido = decisao.pedido
    winner = next((one for one in decisao.candidatos if one.chip_id == vencedor(decisao.candidatos, pedido)), chip)
    if winner.chip_id == chip.chip_id:
        return Mudanca(None, None, chip, pedido)
    words: list[str] = []
    changed = chip
    if chip.trust < pedido.minimo <= winner.trust:
        changed = replace(chip, trust=pedido.minimo)
        words.append(f"com trust ≥ {pedido.minimo}")
        if venceria(Mudanca("", None, changed, pedido), decisao):
            return Mudanca(f"venceria {words[0]}", None, changed, pedido)
    for said, over in _preferencias(changed, winner, pedido):
        found = Mudanca(f"venceria {' e '.join([*words, said])}", None, replace(changed, **over), pedido)
        if venceria(found, decisao):
            return found
    said = "se fosse o chip da conversa"
    asked = replace(pedido, afim_conversa=chip.chip_id)
    return Mudanca(f"venceria {' e '.join([*words, said])}", None, changed, asked)


def _preferencias(chip: Candidato, winner: Candidato, pedido: Pedido) -> list[tuple[str, dict[str, Any]]]:
    """Return what would put a chip before the winner where neither is the conversation's: less use, or more trust."""
    if pedido.lugar > 0:
        return []
    found: list[tuple[str, dict[str, Any]]] = []
    if winner.uso_hora > 0:
        uso = winner.uso_hora - 1
        found.append((f"com no máximo {uso} envios na última hora", {"uso_hora": uso}))
    elif chip.uso_hora > 0:
        found.append(("sem envios na última hora", {"uso_hora": 0}))
    if chip.uso_hora <= winner.uso_hora and winner.trust < TRUST_MAX:
        trust = winner.trust + 1
        found.append((f"com trust ≥ {trust}", {"trust": trust}))
    return found


def _desempate(winner: Candidato, other: Candidato | None, pedido: Pedido) -> str:
    usos = f"{_usos(winner.uso_hora)} na última hora"
    reasons = (
        (winner.chip_id == pedido.afim_conversa, "é o chip da conversa"),
        (winner.chip_id == pedido.afim_medico, "é o último chip que falou com o médico"),
        (
            other is not None and other.trust < pedido.minimo <= winner.trust,
            f"tem trust {winner.trust}, e o mínimo é {pedido.minimo}",
        ),
        (
            pedido.lugar > 0,
            f"era a vez dele: {pedido.lugar + 1}º envio do lote, os chips se alternam do menos ao mais usado",
        ),
        (other is None or winner.uso_hora < other.uso_hora, f"era o menos usado: {usos}"),
        (other is not None and winner.trust > other.trust, f"uso igual ({usos}), trust maior: {winner.trust}"),
    )
    return next((said for holds, said in reasons if holds), "uso e trust iguais: o cadastrado primeiro")


def _descarte(regra: Regra, chip: Candidato, pedido: Pedido) -> str:
    breaker = "o disjuntor espera o fim de uma sondagem"
    if chip.aberto_ate is not None and chip.aberto_ate > pedido.agora:
        breaker = f"disjuntor aberto até {_hora(chip.aberto_ate)}"
    details: Mapping[Regra, str] = {
        Regra.STATUS: f"status {chip.status}, que não envia {TIPOS[pedido.tipo]}",
        Regra.PERMISSAO: f"sem permissão para {TIPOS[pedido.tipo]} (trust {chip.trust})",
        Regra.TRUST: f"trust {chip.trust}, abaixo de {pedido.reserva}",
        Regra.RESTRITO: f"o WhatsApp só o deixa responder até {_hora(chip.reply_only_until)}",
        Regra.COOLDOWN: f"em descanso até {_hora(chip.cooldown_ate)}",
        Regra.DISJUNTOR: breaker,
        Regra.LIMITE_DIA: f"{chip.uso_dia} envios em 24 h, limite de {chip.limite_dia}",
        Regra.LIMITE_HORA: f"{_usos(chip.uso_hora)} na última hora, limite de {chip.limite_hora}",
        Regra.PORTFOLIO: "a conta na Meta já escreveu a tantas pessoas quantas pode em 24 h",
        Regra.INTERVALO: f"último envio às {_hora(chip.ultimo_em)}, intervalo mínimo de {chip.intervalo_s} s",
        Regra.ENDERECO: "não alcança este médico, conhecido só por um identificador de outro gateway",
        Regra.JANELA: "o médico não escreveu a este número em 24 h, e não há modelo aprovado",
    }
    return details.get(regra, DESCARTES[regra])


def _status_que_envia(tipo: TipoEnvio) -> str:
    able = sorted(status.value for status, tipos in ENVIA.items() if tipo in tipos)
    return " ou ".join(able) if tipo not in REPLIES else "em uso"


def _usos(quantos: int) -> str:
    return "1 envio" if quantos == 1 else f"{quantos} envios"


def _hora(em: datetime | None) -> str:
    """Write an instant as people read it: to the next whole second, so that at it the rule no longer holds."""
    if em is None:
        return "-"
    whole = em if em.microsecond == 0 else em.replace(microsecond=0) + timedelta(seconds=1)
    local = whole.astimezone(SAO_PAULO)
    return f"{local:%d/%m %H:%M:%S}"
