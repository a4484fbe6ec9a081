"""Controls of what our people do: agents in Chatwoot, managers in Slack; and what both show them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final, Literal

from fastapi import APIRouter, HTTPException
from pydantic import Field

from lib.sandbox.chatwoot_world import ENTRA, GESTORA_ID, SAI, ConversaCw, MensagemCw
from lib.sandbox.mundos import Mundos
from lib.sandbox.porta import Pedido
from lib.sandbox.slack_mundo import Mensagem, Pessoa

GESTORA: Final = "U00000002"


class MensagemDeAgente(Pedido):
    """An agent writes to the doctor, or a note that only colleagues see."""

    texto: str = Field(min_length=1)
    privada: bool = False
    autor_id: int = GESTORA_ID


class Etiqueta(Pedido):
    """Whether a label is on a conversation."""

    presente: bool


class Responsavel(Pedido):
    """Whose a conversation is; nobody's without a person."""

    pessoa_id: int | None = None


class Status(Pedido):
    """A conversation's status."""

    status: Literal["open", "resolved", "pending", "snoozed"]


class Telefone(Pedido):
    """A contact's phone, E.164 with a plus."""

    telefone: str | None = None


class HabitosDoChatwoot(Pedido):
    """Chatwoot's bad habits; what is left out stays as it is."""

    embaralhar_s: float | None = Field(None, ge=0, le=60)
    duplicar: bool | None = None
    trava_unica: bool | None = None
    limite_filtro: bool | None = None


class ComandoDoSlack(Pedido):
    """A manager writes `/julia <texto>`."""

    canal: str
    texto: str
    usuario: str = GESTORA


class FalaNoSlack(Pedido):
    """A manager writes: names the app, says something else, or writes to the app alone."""

    texto: str = Field(min_length=1)
    canal: str | None = Field(None, description="sem canal, é mensagem direta")
    usuario: str = GESTORA
    mencao: bool = True
    thread_ts: str | None = None


class BotaoDoSlack(Pedido):
    """A manager presses a button."""

    canal: str
    ts: str
    action_id: str
    valor: str | None = None
    usuario: str = GESTORA


class TelaDoSlack(Pedido):
    """A manager sends an open view: block id → action id → text."""

    valores: dict[str, dict[str, str]] = Field(default_factory=dict)


class PessoaDoSlack(Pedido):
    """A member of the workspace."""

    nome: str


def team_router(mundos: Mundos) -> APIRouter:
    """Chatwoot and Slack."""
    router = APIRouter()
    router.include_router(_chatwoot_shows(mundos))
    router.include_router(_chatwoot_acts(mundos))
    router.include_router(_slack_shows(mundos))
    router.include_router(_slack_acts(mundos))
    return router


def _chatwoot_shows(mundos: Mundos) -> APIRouter:
    router = APIRouter(prefix="/chatwoot")

    @router.get("/conversas", summary="Conversas do Chatwoot, a mexida por último primeiro")
    async def conversas() -> dict[str, Any]:
        mundo = mundos.chatwoot
        newest = sorted(mundo.conversas.values(), key=lambda conversa: -conversa.mudou_s)
        people = [{"id": one.id, "nome": one.nome, "papel": one.papel} for one in mundo.pessoas.values()]
        labels = list(dict.fromkeys((*mundo.labels, *(label for one in newest for label in one.labels))))
        return {"conversas": [_conversation(mundos, one) for one in newest], "pessoas": people, "etiquetas": labels}

    @router.get("/conversas/{conversa_id}", summary="Uma conversa do Chatwoot com suas mensagens")
    async def conversa(conversa_id: int) -> dict[str, Any]:
        found = _known(mundos, conversa_id)
        said = [_said(mundos, message) for message in mundos.chatwoot.da_conversa(conversa_id)]
        return _conversation(mundos, found) | {"mensagens": said}

    return router


def _known(mundos: Mundos, conversa_id: int) -> ConversaCw:
    found = mundos.chatwoot.conversas.get(conversa_id)
    if found is None:
        raise HTTPException(404, f"conversa {conversa_id} não existe no Chatwoot")
    return found


def _conversation(mundos: Mundos, conversa: ConversaCw) -> dict[str, Any]:
    mundo = mundos.chatwoot
    contato, responsavel = mundo.contatos[conversa.contato_id], mundo.pessoas.get(conversa.responsavel_id or 0)
    said = [message for message in mundo.da_conversa(conversa.id) if message.tipo in {ENTRA, SAI}]
    return {
        "id": conversa.id,
        "contato": {
            "id": contato.id,
            "nome": contato.nome,
            "telefone": contato.telefone,
            "identificador": contato.identificador,
        },
        "status": conversa.status,
        "etiquetas": list(conversa.labels),
        "responsavel": {"id": responsavel.id, "nome": responsavel.nome} if responsavel else None,
        "ultima": said[-1].texto if said else None,
        "mudou_s": conversa.mudou_s,
    }


def _said(mundos: Mundos, message: MensagemCw) -> dict[str, Any]:
    kinds = ("incoming", "outgoing", "activity", "template")
    pessoa = mundos.chatwoot.pessoas.get(message.autor_id or 0)
    return {
        "id": message.id,
        "texto": message.texto,
        "tipo": kinds[message.tipo],
        "privada": message.privada,
        "autor": {"id": pessoa.id, "nome": pessoa.nome} if pessoa else None,
        "source_id": message.source_id,
        "em_s": message.criada_s,
    }


def _chatwoot_acts(mundos: Mundos) -> APIRouter:
    router = APIRouter(prefix="/chatwoot")
    central = mundos.central

    @router.post("/conversas/{conversa_id}/mensagens", status_code=202, summary="Um agente escreve, ao médico ou nota")
    async def mensagem(conversa_id: int, pedido: MensagemDeAgente) -> dict[str, int]:
        _known(mundos, conversa_id)
        said = central.escrever(conversa_id, pedido.texto, privada=pedido.privada, autor_id=pedido.autor_id)
        return {"id": said.id}

    @router.put("/conversas/{conversa_id}/etiquetas/{nome}", summary="Um agente põe ou tira uma etiqueta")
    async def etiqueta(conversa_id: int, nome: str, pedido: Etiqueta) -> dict[str, Any]:
        conversa = _known(mundos, conversa_id)
        central.etiquetar(conversa_id, nome, presente=pedido.presente)
        return {"etiquetas": conversa.labels}

    @router.put("/conversas/{conversa_id}/responsavel", summary="Um agente atribui a conversa, ou a ninguém")
    async def responsavel(conversa_id: int, pedido: Responsavel) -> dict[str, int | None]:
        conversa = _known(mundos, conversa_id)
        central.atribuir(conversa_id, pedido.pessoa_id)
        return {"pessoa_id": conversa.responsavel_id}

    @router.put("/conversas/{conversa_id}/status", summary="Um agente resolve ou reabre a conversa")
    async def status(conversa_id: int, pedido: Status) -> dict[str, str]:
        conversa = _known(mundos, conversa_id)
        central.mudar_status(conversa_id, pedido.status)
        return {"status": conversa.status}

    @router.put("/contatos/{contato_id}/telefone", summary="Um agente escreve o telefone do contato")
    async def telefone(contato_id: int, pedido: Telefone) -> Telefone:
        if contato_id not in mundos.chatwoot.contatos:
            raise HTTPException(404, f"contato {contato_id} não existe no Chatwoot")
        central.definir_telefone(contato_id, pedido.telefone)
        return pedido

    @router.get("/habitos", summary="Os maus hábitos ligados")
    async def ligados() -> dict[str, float | bool]:
        return {name: getattr(mundos.chatwoot, name) for name in HabitosDoChatwoot.model_fields}

    @router.put("/habitos", summary="Maus hábitos: eventos fora de ordem, repetidos, caixa de uma só conversa, limite")
    async def habitos(pedido: HabitosDoChatwoot) -> dict[str, float | bool]:
        mundo = mundos.chatwoot
        for name, value in pedido.model_dump(exclude_none=True).items():
            setattr(mundo, name, value)
        return await ligados()

    return router


def _slack_shows(mundos: Mundos) -> APIRouter:
    router = APIRouter(prefix="/slack")

    @router.get("/canais", summary="Canais e pessoas do Slack")
    async def canais() -> dict[str, Any]:
        counts: dict[str, int] = {}
        for message in mundos.slack.mensagens:
            counts[message.canal] = counts.get(message.canal, 0) + 1
        channels = [asdict(one) | {"mensagens": counts.get(one.id, 0)} for one in mundos.slack.canais.values()]
        return {"canais": channels, "pessoas": [asdict(one) for one in mundos.slack.pessoas.values()]}

    @router.get("/mensagens", summary="As mensagens de um canal, também as só para um usuário")
    async def mensagens(canal: str, usuario: str | None = None) -> dict[str, Any]:
        seen = [one for one in mundos.slack.mensagens if one.canal == canal]
        open_views = [
            {"id": tela.id, "usuario": tela.usuario, "view": dict(tela.view)}
            for tela in mundos.slack.telas.values()
            if tela.aberta and usuario in {None, tela.usuario}
        ]
        shown = [_shown(mundos, one) for one in seen if usuario is None or one.para in {None, usuario}]
        return {"mensagens": shown, "telas": open_views}

    return router


def _shown(mundos: Mundos, message: Mensagem) -> dict[str, Any]:
    pessoa = mundos.slack.pessoas.get(message.usuario)
    files = [mundos.slack.arquivos[one].titulo for one in message.arquivos if one in mundos.slack.arquivos]
    return {
        "ts": message.ts,
        "canal": message.canal,
        "usuario": message.usuario,
        "nome": pessoa.nome if pessoa else message.usuario,
        "robo": bool(pessoa and pessoa.robo),
        "texto": message.texto,
        "blocos": message.blocos,
        "thread_ts": message.thread_ts,
        "para": message.para,
        "editada": message.editada,
        "arquivos": files,
    }


def _slack_acts(mundos: Mundos) -> APIRouter:
    router = APIRouter(prefix="/slack")
    pessoas = mundos.pessoas

    @router.post("/comando", status_code=202, summary="Alguém escreve /julia …")
    async def comando(pedido: ComandoDoSlack) -> dict[str, str]:
        _present(mundos, pedido.usuario, pedido.canal)
        return {"trigger_id": pessoas.escreve_comando(pedido.usuario, pedido.canal, pedido.texto)}

    @router.post("/fala", status_code=202, summary="Alguém menciona a Júlia, fala no canal ou escreve direto a ela")
    async def fala(pedido: FalaNoSlack) -> dict[str, str]:
        _present(mundos, pedido.usuario, pedido.canal)
        if pedido.canal is None:
            said = pessoas.escreve_direto(pedido.usuario, pedido.texto)
        elif pedido.mencao:
            said = pessoas.menciona(pedido.usuario, pedido.canal, pedido.texto, pedido.thread_ts)
        else:
            said = pessoas.fala(pedido.usuario, pedido.canal, pedido.texto)
        return {"canal": said.canal, "ts": said.ts}

    @router.post("/botao", status_code=202, summary="Alguém aperta um botão de uma mensagem")
    async def botao(pedido: BotaoDoSlack) -> dict[str, str]:
        _present(mundos, pedido.usuario, pedido.canal)
        try:
            trigger = pessoas.aperta(pedido.usuario, pedido.canal, pedido.ts, pedido.action_id, pedido.valor)
        except LookupError as error:
            raise HTTPException(404, str(error)) from error
        return {"trigger_id": trigger}

    @router.post("/telas/{view_id}", status_code=202, summary="Alguém preenche e envia uma tela aberta")
    async def tela(view_id: str, pedido: TelaDoSlack) -> Mapping[str, str]:
        try:
            pessoas.envia_tela(view_id, pedido.valores)
        except LookupError as error:
            raise HTTPException(404, str(error)) from error
        return {"id": view_id}

    @router.put("/pessoas/{usuario}", summary="Põe alguém no espaço de trabalho, ou muda seu nome")
    async def pessoa(usuario: str, pedido: PessoaDoSlack) -> dict[str, str]:
        mundos.slack.pessoas[usuario] = Pessoa(usuario, pedido.nome)
        return {"usuario": usuario, "nome": pedido.nome}

    return router


def _present(mundos: Mundos, usuario: str, canal: str | None) -> None:
    if usuario not in mundos.slack.pessoas:
        raise HTTPException(404, f"{usuario} não está no Slack")
    if canal is not None and canal not in mundos.slack.canais:
        raise HTTPException(404, f"canal {canal} não existe no Slack")
