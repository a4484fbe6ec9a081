"""The page a person looks at: instances, conversations, active faults."""

from html import escape
from typing import Final

from lib.sandbox.courier import Courier
from lib.sandbox.faults import Falha
from lib.sandbox.jid import phone_of
from lib.sandbox.messages_api import Oracle
from lib.sandbox.world import ChatMessage, Instance, World, iso

_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1d2433;--dim:#687087;--bg:#f5f6f9;--card:#fff;--line:#dfe3ec;--me:#dcf5e6;
--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e7eaf2;--dim:#98a1b8;--bg:#12151c;--card:#1b202a;--line:#2d3442;
--me:#173a2a;--bad:#ff8a80}a{color:#9db7ff}}
*{box-sizing:border-box}
body{margin:0;padding:24px;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--bg)}
main{max-width:1080px;margin:auto}h1{font-size:22px;margin:0}h2{font-size:16px;margin:28px 0 8px}
small,.dim{color:var(--dim)}p{margin:6px 0}
.grid{display:grid;gap:12px;align-items:start;grid-template-columns:repeat(auto-fill,minmax(300px,1fr))}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:12px 14px;overflow-wrap:anywhere}
.msg{border-radius:10px;padding:6px 10px;margin:6px 24px 0 0;background:var(--bg)}
.me{background:var(--me);margin:6px 0 0 24px}.bad{color:var(--bad)}
"""
_CHATS: Final = 12
_LINES: Final = 6


def page(world: World, courier: Courier, oracle: Oracle) -> str:
    """The whole HTML document; it reloads itself every two seconds."""
    faults = world.faults.active()
    instances = "".join(map(_instance, world.instances.values())) or '<p class="dim">Nenhuma instância ainda.</p>'
    newest = sorted(((key, chat) for key, chat in world.chats.items() if chat), key=lambda item: -item[1][-1].at_s)[
        :_CHATS
    ]
    chats = (
        "".join(_chat(owner, jid, chat) for (owner, jid), chat in newest)
        or '<p class="dim">Nenhuma mensagem ainda.</p>'
    )
    fault_list = "".join(map(_fault, faults)) or '<p class="dim">Nenhuma falha ligada.</p>'
    stopped = ' · <b class="bad">webhooks parados</b>' if courier.policy.stopped else ""
    return (
        '<!doctype html><html lang="pt-BR"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><title>Sandbox · Agente Júlia</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>Sandbox</h1>"
        "<p class=dim>Faz as vezes do WhatsApp (Evolution API) e do modelo de linguagem. Nada sai desta máquina. "
        '<a href="/docs">Controles</a></p>'
        f"<p>{len(world.aceitas)} mensagens aceitas · {oracle.count} chamadas ao modelo "
        f"<b>{escape(oracle.modelo)}</b> · "
        f"webhooks: {courier.delivered} entregues, {courier.pending} pendentes, "
        f"{courier.given_up} desistências{stopped}</p>"
        f"<h2>Falhas ligadas</h2><div class=grid>{fault_list}</div>"
        f"<h2>Conversas recentes</h2><div class=grid>{chats}</div>"
        f"<h2>Instâncias</h2><div class=grid>{instances}</div></main></body></html>"
    )


def _instance(instance: Instance) -> str:
    states = {"open": "conectada", "connecting": "conectando", "close": "desconectada"}
    url = instance.webhook.url if instance.webhook else "sem webhook"
    number = phone_of(instance.owner_jid) if instance.owner_jid else instance.number or "sem número"
    return (
        f"<div class=card><b>{escape(instance.name)}</b> <small>{states[instance.state]}</small><br>"
        f"{escape(number)}<br><small>{escape(url)}</small></div>"
    )


def _chat(owner: str, jid: str, chat: list[ChatMessage]) -> str:
    lines = "".join(
        f'<div class="msg{" me" if message.from_me else ""}">{escape(message.texto)}<br>'
        f"<small>{escape(message.push_name)} · {iso(message.at_s)[11:19]} UTC</small></div>"
        for message in chat[-_LINES:]
    )
    return f"<div class=card><b>{escape(phone_of(jid))}</b> <small>por {escape(owner)}</small>{lines}</div>"


def _fault(fault: Falha) -> str:
    effects = [
        f"{fault.latencia_ms} ms de atraso" if fault.latencia_ms else "",
        f"status {fault.status}" if fault.status else "",
        "corta a conexão" if fault.cortar else "",
        "depois de aceitar" if fault.depois_de_aceitar else "",
        f"{fault.probabilidade:.0%} das vezes" if fault.probabilidade < 1 else "",
        f"mais {fault.vezes} vezes" if fault.vezes else "",
    ]
    return f"<div class=card><b class=bad>{escape(fault.alvo)}</b><br>{escape(', '.join(filter(None, effects)))}</div>"
