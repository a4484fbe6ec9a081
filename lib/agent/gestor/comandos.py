"""`/julia <subcomando> [argumentos]`: read by rule, without the model; accents and case do not matter."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

from lib.domain.periodo import Periodo
from lib.domain.telefone import normalizar
from lib.domain.texto import palavras

COMANDO: Final = "/julia"
PARECIDO: Final = 0.6


class ComandoError(Exception):
    """The words after the subcommand are not understood; the text says what is missing, in Portuguese."""


@dataclass(frozen=True, slots=True)
class Subcomando:
    """A subcommand: the tool it calls, how it is written, and how its words become arguments."""

    nome: str
    ferramenta: str
    uso: str
    faz: str
    exemplo: str
    ler: Callable[[str], dict[str, Any]]
    apelidos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chamada:
    """What a command asks for."""

    ferramenta: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ajuda:
    """Help: of all subcommands, or of one; `erro` is what was not understood."""

    sub: Subcomando | None = None
    erro: str | None = None


def interpretar(texto: str) -> Chamada | Ajuda:
    """Read what follows `/julia`."""
    partes = texto.strip().split(maxsplit=1)
    primeira, resto = (partes[0], partes[1] if len(partes) > 1 else "") if partes else ("ajuda", "")
    dito = _plano(primeira)
    if dito in _AJUDA:
        sub = _find(_plano(resto))
        return Ajuda(sub, None if sub or not resto else _unknown(resto))
    sub = _find(dito)
    if sub is None:
        return Ajuda(erro=_unknown(primeira))
    try:
        return Chamada(sub.ferramenta, sub.ler(resto.strip()))
    except ComandoError as wrong:
        return Ajuda(sub, str(wrong))


def ajuda(pedida: Ajuda) -> tuple[str, list[str]]:
    """Return help as a title and its lines."""
    if pedida.sub is not None:
        sub = pedida.sub
        title = pedida.erro or f"{COMANDO} {sub.nome}"
        return title, [sub.faz, f"Uso: {COMANDO} {sub.nome} {sub.uso}".rstrip(), f"Exemplo: {COMANDO} {sub.exemplo}"]
    if pedida.erro is not None:
        return pedida.erro, [f"Veja todos com {COMANDO} ajuda."]
    lines = [f"{COMANDO} {sub.nome} {sub.uso}".rstrip() + f" — {sub.faz}" for sub in SUBCOMANDOS]
    return "Comandos da Júlia", [
        *lines,
        f"Detalhes de um: {COMANDO} ajuda medico. O que muda algo pede o botão Confirmar.",
    ]


def _plano(dito: str) -> str:
    return palavras(dito).replace(" ", "_")


def _find(dito: str) -> Subcomando | None:
    return next((sub for sub in SUBCOMANDOS if dito in {sub.nome, sub.ferramenta, *sub.apelidos}), None)


def _unknown(dito: str) -> str:
    names = {nome: sub.nome for sub in SUBCOMANDOS for nome in (sub.nome, sub.ferramenta, *sub.apelidos)}
    close = get_close_matches(_plano(dito), [*names, "ajuda"], n=3, cutoff=PARECIDO)
    near = list(dict.fromkeys(names.get(nome, nome) for nome in close))
    suggestion = f" Você quis dizer: {', '.join(near)}?" if near else ""
    return f"Não conheço o subcomando “{dito[:40]}”.{suggestion}"


_NUMERO = re.compile(r"\s*(\S.*?)\s+(\d{1,2})\s*", re.DOTALL)
_ENTRE_ASPAS = re.compile(r"[\"“”](.+?)[\"“”]\s*(.*)", re.DOTALL)
_COM_ID = re.compile(r"(#\s*\d+)(?!\d)[\s:,]*(.*)", re.DOTALL)
_COM_CRM = re.compile(
    r"(crm[\s/:-]*(?:[a-z]{2}[\s/:-]*)?\d{3,8}(?:[/-][a-z]{2})?)(?![\w])[\s:,]*(.*)", re.DOTALL | re.IGNORECASE
)
_TELEFONE_MAX: Final = 24
_PARTES_MAX: Final = 6
_SIM = frozenset({"on", "ligar", "liga", "ligado", "ativar", "sim"})
_NAO = frozenset({"off", "desligar", "desliga", "desligado", "desativar", "nao"})
_PERIODOS = MappingProxyType(
    {periodo.value: periodo for periodo in Periodo}
    | {"esta_semana": Periodo.SEMANA, "este_mes": Periodo.MES, "semana_anterior": Periodo.SEMANA_PASSADA}
    | {"mes_anterior": Periodo.MES_PASSADO}
)


def separar_medico(texto: str) -> tuple[str, str]:
    """Take whom a text begins with from what follows: "…", #12, a CRM, or a phone however it is spaced.

    Raises:
        ComandoError: it begins with none of these.
    """
    for pattern in (_ENTRE_ASPAS, _COM_ID, _COM_CRM):
        if found := pattern.fullmatch(texto):
            return found[1].strip(), found[2].strip()
    words = texto.split(" ")
    # The fewest words that are a phone: a number that the message begins with is not its end.
    for count in range(1, min(len(words), _PARTES_MAX) + 1):
        head = " ".join(words[:count])
        if len(head) <= _TELEFONE_MAX and normalizar(head.rstrip(",:;")):
            return head.rstrip(",:;"), " ".join(words[count:]).strip()
    raise ComandoError("Comece pelo médico: telefone com DDD, #número, CRM, ou o nome entre aspas.")


def _nada(_: str) -> dict[str, Any]:
    return {}


def _um_periodo(texto: str) -> dict[str, Any]:
    words = palavras(texto).split()
    tipos = {"geral": "geral", "respostas": "respostas", "envios": "envios", "conversoes": "conversoes"}
    tipo = next((tipos[word] for word in words if word in tipos), None)
    rest = "_".join(word for word in words if word not in tipos)
    if rest and rest not in _PERIODOS:
        raise ComandoError(f"Não conheço o período “{texto[:40]}”. Use {', '.join(p.value for p in Periodo)}.")
    return {"periodo": _PERIODOS[rest or "hoje"].value} | ({"tipo": tipo} if tipo else {})


def _dois_periodos(texto: str) -> dict[str, Any]:
    words = [word for word in palavras(texto).split() if word not in {"e", "com", "x", "vs"}]
    for cut in range(1, len(words)):
        um, outro = "_".join(words[:cut]), "_".join(words[cut:])
        if um in _PERIODOS and outro in _PERIODOS:
            return {"periodo1": _PERIODOS[um].value, "periodo2": _PERIODOS[outro].value}
    raise ComandoError(f"Diga dois períodos: {', '.join(p.value for p in Periodo)}.")


def _medico_so(texto: str) -> dict[str, Any]:
    if not texto:
        raise ComandoError("Falta dizer o médico.")
    quoted = _ENTRE_ASPAS.fullmatch(texto)
    return {"identificador": quoted[1] if quoted and not quoted[2] else texto}


def _medico_e_limite(texto: str) -> dict[str, Any]:
    if not texto:
        raise ComandoError("Falta dizer o médico.")
    try:
        medico, resto = separar_medico(texto)
    except ComandoError:
        medico, resto = texto, ""  # a bare name
        if counted := _NUMERO.fullmatch(texto):
            medico, resto = counted[1], counted[2]
    if resto and not resto.isdecimal():
        raise ComandoError(f"Depois do médico só pode vir quantas mensagens; não entendi “{resto[:40]}”.")
    return {"medico": medico} | ({"limite": int(resto)} if resto else {})


def _medico_e(campo: str, falta: str) -> Callable[[str], dict[str, Any]]:
    def ler(texto: str) -> dict[str, Any]:
        medico, resto = separar_medico(texto)
        if not resto:
            raise ComandoError(falta)
        return {"medico": medico, campo: resto}

    return ler


def _filtro(texto: str) -> dict[str, Any]:
    words = palavras(texto).split()
    limite = int(words.pop()) if words and words[-1].isdecimal() else None
    filtro = "_".join(words) or "todos"
    return {"filtro": filtro} | ({} if limite is None else {"limite": limite})


_CHAVES_VAGA = re.compile(
    r"\b(hospital|especialidade|limite)\s*[:=]?\s+|\b(hospital|especialidade|limite)[:=]", re.IGNORECASE
)
_STATUS_VAGA = MappingProxyType(
    {nome: nome for nome in ("aberta", "reservada", "fechada", "todas")}
    | {"abertas": "aberta", "reservadas": "reservada", "fechadas": "fechada"}
)


def _vagas(texto: str) -> dict[str, Any]:
    parts = _CHAVES_VAGA.split(texto)
    args: dict[str, Any] = {}
    for word in palavras(parts[0]).split():
        if word not in _STATUS_VAGA:
            raise ComandoError(f"Não entendi “{word[:40]}”.")
        args["status"] = _STATUS_VAGA[word]
    for n in range(1, len(parts), 3):
        key, value = (parts[n] or parts[n + 1]).lower(), parts[n + 2].strip()
        if not value or (key == "limite" and not value.isdecimal()):
            raise ComandoError(f"Falta dizer {key}.")
        args[key] = int(value) if key == "limite" else value
    return args


_STATUS_HANDOFF = MappingProxyType(
    {nome: nome for nome in ("pendente", "assumida", "resolvido", "todos")}
    | {"pendentes": "pendente", "assumidas": "assumida", "resolvida": "resolvido", "resolvidas": "resolvido"}
    | {"resolvidos": "resolvido", "todas": "todos"}
)


def _handoffs(texto: str) -> dict[str, Any]:
    words = palavras(texto).split()
    limite = int(words.pop()) if words and words[-1].isdecimal() else None
    status = " ".join(words)
    if status and status not in _STATUS_HANDOFF:
        raise ComandoError(f"Não entendi “{texto[:40]}”.")
    return ({"status": _STATUS_HANDOFF[status]} if status else {}) | ({} if limite is None else {"limite": limite})


def _conversa(texto: str) -> dict[str, Any]:
    head, _, rest = texto.strip().partition(" ")
    number = head.lower().removeprefix("c").removeprefix("#")
    if not number.isdecimal() or len(number) > 18:  # noqa: PLR2004 - what fits a bigint
        raise ComandoError("Falta o número da conversa, como em handoffs.")
    return {"conversa": int(number)} | ({"notas": rest.strip()} if rest.strip() else {})


def _so_conversa(texto: str) -> dict[str, Any]:
    args = _conversa(texto)
    if "notas" in args:
        raise ComandoError("Depois do número da conversa não vem mais nada.")
    return args


def _motivo(texto: str) -> dict[str, Any]:
    return {"motivo": texto} if texto else {}


def _liga_desliga(texto: str) -> dict[str, Any]:
    word = palavras(texto) or "status"
    acao = "on" if word in _SIM else "off" if word in _NAO else word
    if acao not in {"on", "off", "status"}:
        raise ComandoError(f"Não entendi “{texto[:40]}”.")
    return {"acao": acao}


_AJUDA = frozenset({"ajuda", "help", "socorro", ""})
SUBCOMANDOS: tuple[Subcomando, ...] = (
    Subcomando("status", "status_sistema", "", "Como está a operação.", "status", _nada, ("situacao", "sistema")),
    Subcomando(
        "metricas", "buscar_metricas", "[período] [geral|respostas|envios|conversoes]", "Números de um período.",
        "metricas ontem respostas", _um_periodo, ("metrica", "numeros"),
    ),
    Subcomando(
        "comparar", "comparar_periodos", "<período> <período>", "Dois períodos lado a lado.",
        "comparar semana semana_passada", _dois_periodos, ("compara",),
    ),
    Subcomando(
        "medico", "buscar_medico", "<telefone|CRM|nome|#número>", "A ficha de um médico.", "medico 11 90000-1001",
        _medico_so, ("medica", "ficha"),
    ),
    Subcomando(
        "medicos", "listar_medicos", "[responderam_hoje|positivos|sem_resposta|novos|todos] [quantos]",
        "Lista de médicos.", "medicos sem_resposta 20", _filtro, ("medicas", "listar"),
    ),
    Subcomando(
        "historico", "buscar_historico", "<médico> [quantas]", "As últimas mensagens com um médico.",
        "historico #12 20", _medico_e_limite, ("conversa",),
    ),
    Subcomando(
        "vagas", "buscar_vagas", "[aberta|reservada|fechada|todas] [hospital X] [especialidade Y] [limite N]",
        "Lista de plantões.", "vagas aberta especialidade cardiologia", _vagas, ("vaga", "plantoes"),
    ),
    Subcomando(
        "handoffs", "buscar_handoffs", "[pendente|assumida|resolvido|todos] [quantas]",
        "Conversas passadas a pessoas.", "handoffs pendente", _handoffs, ("handoff", "transferencias"),
    ),
    Subcomando(
        "enviar", "enviar_mensagem", "<médico> <texto>", "Envia a um médico, em nome da equipe, este texto.",
        "enviar 11 90000-1001 Oi, doutora! Conseguimos a vaga de sábado.",
        _medico_e("texto", "Falta o texto da mensagem."), ("mandar", "mensagem"),
    ),
    Subcomando(
        "bloquear", "bloquear_medico", "<médico> <motivo>", "Nada mais é enviado a este médico.",
        "bloquear #12 pediu por telefone", _medico_e("motivo", "Falta o motivo."), ("bloqueia",),
    ),
    Subcomando(
        "desbloquear", "desbloquear_medico", "<médico> <motivo>", "O médico volta a poder receber mensagens.",
        "desbloquear #12 voltou a aceitar, por telefone", _medico_e("motivo", "Falta o motivo."), ("desbloqueia",),
    ),
    Subcomando("assumir", "assumir", "<conversa>", "A conversa fica com você.", "assumir 41", _so_conversa),
    Subcomando(
        "devolver", "devolver", "<conversa> [notas]", "A conversa volta para a Júlia, que lê as notas.",
        "devolver 41 combinei o plantão de sábado", _conversa,
    ),
    Subcomando(
        "pausar", "pausar_julia", "[motivo]", "Para toda a operação.", "pausar número em revisão", _motivo, ("parar",),
    ),
    Subcomando("retomar", "retomar_julia", "", "Retoma a operação.", "retomar", _nada, ("continuar", "voltar")),
    Subcomando(
        "notificacoes", "toggle_notificacoes", "[on|off|status]", "Liga ou desliga as notificações no Slack.",
        "notificacoes off", _liga_desliga, ("notificacao", "avisos"),
    ),
)  # fmt: skip
