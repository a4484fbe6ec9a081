"""Controls of what managers do in Slack, and what it shows them."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from fastapi import APIRouter, HTTPException
from pydantic import Field

from lib.sandbox.mundos import Mundos
from lib.sandbox.porta import Pedido
from lib.sandbox.slack_mundo import Mensagem, Pessoa

GESTORA: Final = "U00000002"


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


def slack_router(mundos: Mundos) -> APIRouter:
    """Channels, and the acts of people in them."""
    router = APIRouter()
    router.include_router(_shows(mundos))
    router.include_router(_acts(mundos))
    return router


def _shows(mundos: Mundos) -> APIRouter:
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


def _acts(mundos: Mundos) -> APIRouter:
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
