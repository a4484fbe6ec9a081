"""Evolution's groups: what an invitation leads to, joining, listing, leaving."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from lib.domain.telefone import ler_jid
from lib.providers.chamada import Falha, ProviderError, Resposta
from lib.providers.evolution_json import instant, items, tree, whole, words
from lib.providers.evolution_linha import Linha, malformed, segment
from lib.providers.whatsapp import GatewayError

CODIGO: Final = re.compile(r"[a-zA-Z0-9]{22}")
LINK: Final = re.compile(r"(?:https?://)?chat\.whatsapp\.com/(?:invite/)?([^/?#\s]*)(?:[/?#].*)?", re.IGNORECASE)
GRUPO: Final = re.compile(r"[0-9-]+@g\.us")
GRUPO_S: Final = 30.0
LISTA_S: Final = 180.0  # one look-up of a picture for each group


class MotivoConvite(StrEnum):
    """Why WhatsApp will not let us in, in its own words."""

    REVOGADO = "gone"
    INVALIDO = "not-acceptable"
    DESCONHECIDO = "item-not-found"
    MALFEITO = "bad-request"
    CHEIO = "resource-limit"
    JA_MEMBRO = "conflict"
    SEM_PERMISSAO = "not-authorized"
    PROIBIDO = "forbidden"
    TRANCADO = "locked"


class ConviteRecusadoError(GatewayError):
    """WhatsApp itself refused the invitation; being asked again it will refuse again."""

    def __init__(self, reason: str, motivo: MotivoConvite) -> None:
        super().__init__(reason, status=HTTPStatus.NOT_FOUND)
        self.motivo = motivo


@dataclass(frozen=True, slots=True)
class Participante:
    """A member; nameless where WhatsApp shows neither phone nor LID."""

    telefone: str | None
    lid: str | None
    admin: bool


@dataclass(frozen=True, slots=True)
class Grupo:
    """A group as its metadata describe it. `participantes` is empty where they were not asked for or are hidden."""

    jid: str
    nome: str | None
    descricao: str | None
    tamanho: int | None
    criado_em: datetime | None
    participantes: tuple[Participante, ...] = ()


def codigo_de_convite(texto: str) -> str | None:
    """Return the code of an invitation, given as a link (`?mode=…` and all) or bare; None when it is none."""
    text = texto.strip()
    link = LINK.fullmatch(text)
    code = link[1] if link else text
    return code if CODIGO.fullmatch(code) else None


class Grupos(Linha):
    """Groups. All raise `GatewayError`."""

    __slots__ = ()

    async def invite_info(self, instancia: str, convite: str) -> Grupo:
        """Return the group that an invitation leads to. Safe to repeat.

        Evolution answers a dead link, a flood of questions and a closed socket with the same 404 and the same text:
        a failure never proves the link invalid. `ConviteRecusadoError` says so where WhatsApp's word came through.
        """
        params = {"inviteCode": _code(convite)}
        path = f"/group/inviteInfo/{segment(instancia)}"
        try:
            answer = await self.ask("inviteInfo", "GET", path, params=params, prazo_s=GRUPO_S)
        except GatewayError as failure:
            _raise_refusal(failure)
            raise
        return _one("inviteInfo", answer)

    async def accept_invite(self, instancia: str, convite: str) -> str:
        """Join a group and return its address. A GET that changes something: not safe to repeat.

        Raises:
            ConviteRecusadoError: not joined, and never will be this way; or joined long ago (`JA_MEMBRO`).
            GatewayError: anything else; its cause says `INCERTA` where we may be in all the same.
        """
        params = {"inviteCode": _code(convite)}
        path = f"/group/acceptInviteCode/{segment(instancia)}"
        try:
            answer = await self.ask("acceptInviteCode", "GET", path, params=params, segura=False, prazo_s=GRUPO_S)
        except GatewayError as failure:
            _raise_refusal(failure)
            raise
        jid = answer.objeto.get("groupJid")
        if answer.objeto.get("accepted") is not True or not isinstance(jid, str):
            raise malformed("acceptInviteCode", answer, "accepted no group")
        return jid

    async def fetch_groups(self, instancia: str, *, participantes: bool = False) -> tuple[Grupo, ...]:
        """Return all groups that the number is in; with many groups this takes minutes. Safe to repeat."""
        params = {"getParticipants": "true" if participantes else "false"}  # Evolution refuses to guess
        path = f"/group/fetchAllGroups/{segment(instancia)}"
        answer = await self.ask("fetchAllGroups", "GET", path, params=params, prazo_s=LISTA_S)
        if not isinstance(answer.corpo, list):
            raise malformed("fetchAllGroups", answer, "no list of groups")
        return tuple(found for found in map(_grupo, map(tree, answer.corpo)) if found)

    async def find_group(self, instancia: str, grupo: str) -> Grupo:
        """Return one group that the number is in. Safe to repeat."""
        path = f"/group/findGroupInfos/{segment(instancia)}"
        answer = await self.ask("findGroupInfos", "GET", path, params=_jid(grupo), prazo_s=GRUPO_S)
        return _one("findGroupInfos", answer)

    async def group_participants(self, instancia: str, grupo: str) -> tuple[Participante, ...]:
        """Return the members of a group that the number is in. Safe to repeat."""
        path = f"/group/participants/{segment(instancia)}"
        answer = await self.ask("participants", "GET", path, params=_jid(grupo), prazo_s=GRUPO_S)
        rows = answer.objeto.get("participants")
        if not isinstance(rows, list):
            raise malformed("participants", answer, "no list of participants")
        return tuple(map(_participante, map(tree, rows)))

    async def group_invite(self, instancia: str, grupo: str) -> str:
        """Return the code of the group's own invitation. Safe to repeat."""
        path = f"/group/inviteCode/{segment(instancia)}"
        answer = await self.ask("inviteCode", "GET", path, params=_jid(grupo), prazo_s=GRUPO_S)
        code = codigo_de_convite(str(answer.objeto.get("inviteCode")))
        if code is None:
            raise malformed("inviteCode", answer, "no code")
        return code

    async def leave_group(self, instancia: str, grupo: str) -> None:
        """Leave a group. Safe to repeat."""
        path = f"/group/leaveGroup/{segment(instancia)}"
        await self.ask("leaveGroup", "DELETE", path, params=_jid(grupo), prazo_s=GRUPO_S)


def _code(convite: str) -> str:
    code = codigo_de_convite(convite)
    if code is None:
        raise ConviteRecusadoError("evolution: this is no invitation", MotivoConvite.MALFEITO)
    return code


def _jid(grupo: str) -> dict[str, str]:
    if not GRUPO.fullmatch(grupo):
        raise GatewayError("evolution: this is no group's address")
    return {"groupJid": grupo}


def _one(nome: str, answer: Resposta) -> Grupo:
    found = _grupo(answer.objeto)
    if found is None:
        raise malformed(nome, answer, "no group")
    return found


def _raise_refusal(failure: GatewayError) -> None:
    """Raise WhatsApp's own refusal where its word came through."""
    cause = failure.__cause__
    if not isinstance(cause, ProviderError) or cause.falha is not Falha.PERMANENTE:
        return
    words_said = set(re.findall(r"[a-z]+(?:-[a-z]+)*", cause.motivo))
    known = next((motivo for motivo in MotivoConvite if motivo.value in words_said), None)
    if known:
        raise ConviteRecusadoError(failure.reason, known) from cause


def _grupo(row: Mapping[str, Any]) -> Grupo | None:
    """Read a group's metadata; None when they name no group."""
    jid = row.get("id")
    if not isinstance(jid, str) or not GRUPO.fullmatch(jid):
        return None
    members = tuple(map(_participante, map(tree, items(row.get("participants")))))
    size = whole(row.get("size"))
    return Grupo(
        jid=jid,
        nome=words(row.get("subject"), 200),
        descricao=words(row.get("desc"), 4_000),
        tamanho=size if size is not None else len(members) or None,
        criado_em=instant(row.get("creation")),
        participantes=members,
    )


def _participante(row: Mapping[str, Any]) -> Participante:
    """Read a member; a LID group names them by LID, with the phone beside it, sometimes bare digits of the LID."""
    jid, other = str(row.get("id") or row.get("jid") or ""), row.get("phoneNumber")
    whose = ler_jid(jid, other if isinstance(other, str) and "@" in other else None)
    admin = row.get("admin") in {"admin", "superadmin"}
    return Participante(whose.telefone if whose else None, whose.lid if whose else None, admin)
