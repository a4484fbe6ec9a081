"""Every door that a vendor knocks at, and how it proves itself there: one row each, whatever the vendor."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from lib.auth import webhook_key
from lib.providers.zapi_webhook import path_key

PASTA: Final = Path(__file__).parents[1] / "fixtures"
AGORA: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
EVOLUTION, ZAPI, META = "chip-01", "3C0000000000000000000000000000A1", "200000000000001"


def whsec(letter: str) -> str:
    """A secret in Svix's form."""
    return f"whsec_{base64.b64encode(letter.encode() * 32).decode()}"


# By vendor: the secret in use, the one being rotated out, and one that is none of ours.
SEGREDOS: Final[Mapping[str, tuple[str, str, str]]] = {
    "evolution": ("ev-novo-" + "a" * 32, "ev-velho-" + "b" * 32, "ev-alheio-" + "c" * 32),
    "zapi": ("za-novo-" + "d" * 32, "za-velho-" + "e" * 32, "za-alheio-" + "f" * 32),
    "meta": ("me-novo-" + "g" * 32, "me-velho-" + "h" * 32, "me-alheio-" + "i" * 32),
    "verify": ("ve-novo-" + "j" * 32, "ve-velho-" + "k" * 32, "ve-alheio-" + "l" * 32),
    "chatwoot": ("ch-novo-" + "m" * 32, "ch-velho-" + "n" * 32, "ch-alheio-" + "o" * 32),
    "slack": ("sl-novo-" + "p" * 32, "sl-velho-" + "q" * 32, "sl-alheio-" + "r" * 32),
    "salvy": (whsec("s"), whsec("t"), whsec("u")),
}
FICHAS: Final = {
    "evolution_api_key": "ficha-evolution-0123456789",
    "anthropic_api_key": "ficha-anthropic-0123456789",
    "zapi_client_token": "ficha-zapi-0123456789",
    "meta_token": "ficha-meta-0123456789",
    "chatwoot_token": "ficha-chatwoot-0123456789",
    "slack_token": "xoxb-ficha-slack-0123456789",
    "salvy_api_key": "salvy_test_ficha-0123456789",
}


def ajustes() -> dict[str, Any]:
    """Settings with every vendor that sends webhooks set up, each with two secrets, and none of them there."""
    nowhere = "http://127.0.0.1:9"
    secrets = {vendor: f"{new},{old}" for vendor, (new, old, _) in SEGREDOS.items()}
    return FICHAS | {
        "evolution_url": nowhere,
        "anthropic_url": nowhere,
        "evolution_webhook_secret": secrets["evolution"],
        "zapi_url": nowhere,
        "zapi_instancias": {ZAPI: "ficha-instancia-0123456789"},
        "zapi_webhook_secret": secrets["zapi"],
        "meta_url": nowhere,
        "meta_app_secret": secrets["meta"],
        "meta_verify_token": secrets["verify"],
        "chatwoot_url": nowhere,
        "chatwoot_conta": 1,
        "chatwoot_caixa": 1,
        "chatwoot_webhook_secret": secrets["chatwoot"],
        "slack_url": nowhere,
        "slack_signing_secret": secrets["slack"],
        "slack_canal": "C00000001",
        "salvy_url": nowhere,
        "salvy_webhook_secret": secrets["salvy"],
    }


@dataclass(frozen=True)
class Batida:
    """One request: where it goes and what it carries."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Porta:
    """One way to knock. `prova(raw, secret, seconds)` is the path and headers that prove a body.

    `guarda` is the table that gets one row, None when nothing is kept. A door with `janela` refuses what is older than
    300 s; one that is not `assinada` does not look at the body to know who knocks. `outra` knocks with a proof that is
    right for somebody else. `estranho` is what it does with authentic bytes that say nothing, `fundo` with a nesting.
    """

    nome: str
    rota: str
    fornecedor: str
    corpo: bytes
    prova: Callable[[bytes, str, datetime], tuple[str, dict[str, str]]]
    outra: Callable[[bytes], tuple[str, dict[str, str]]]
    refeito: bytes = b""
    guarda: str | None = "webhook"
    aceito: int = 200
    method: str = "POST"
    assinada: bool = True
    janela: bool = False
    estranho: str | None = "webhook"
    fundo: int = 413

    def bate(self, raw: bytes | None = None, *, segredo: int = 0, em: datetime = AGORA) -> Batida:
        """Knock with the n-th secret at an instant; with its own body unless another is given."""
        body = self.corpo if raw is None else raw
        path, headers = self.prova(body, SEGREDOS[self.fornecedor][segredo], em)
        return Batida(self.method, path, headers, body)

    def nua(self) -> Batida:
        """Knock without any proof."""
        path = self.rota.replace("{instancia}", EVOLUTION).replace("{chave}", ZAPI)
        return Batida(self.method, path, {"content-type": JSON}, self.corpo)

    def alheia(self) -> Batida:
        """Knock with another's proof."""
        path, headers = self.outra(self.corpo)
        return Batida(self.method, path, headers, self.corpo)


def sample(name: str) -> bytes:
    return (PASTA / f"{name}.json").read_bytes()


def mac(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def stamp(em: datetime) -> str:
    return str(int(em.timestamp()))


def evolution(_raw: bytes, segredo: str, _em: datetime, instancia: str = EVOLUTION) -> tuple[str, dict[str, str]]:
    key = webhook_key(segredo, instancia)
    return f"/webhooks/evolution/{EVOLUTION}", {"x-agente-webhook-key": key, "content-type": JSON}


def zapi(_raw: bytes, segredo: str, _em: datetime, instancia: str = ZAPI) -> tuple[str, dict[str, str]]:
    key = path_key(segredo, instancia).rpartition(".")[2]
    return f"/webhooks/zapi/{ZAPI}.{key}", {"content-type": JSON}


def meta(raw: bytes, segredo: str, _em: datetime) -> tuple[str, dict[str, str]]:
    return "/webhooks/meta", {"x-hub-signature-256": f"sha256={mac(segredo, raw)}", "content-type": JSON}


def verify(_raw: bytes, segredo: str, _em: datetime) -> tuple[str, dict[str, str]]:
    asked = urlencode({"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": segredo})
    return f"/webhooks/meta?{asked}", {}


def chatwoot(raw: bytes, segredo: str, em: datetime) -> tuple[str, dict[str, str]]:
    signed = mac(segredo, stamp(em).encode() + b"." + raw)
    named = {"x-chatwoot-timestamp": stamp(em), "x-chatwoot-signature": f"sha256={signed}"}
    return "/webhooks/chatwoot", {**named, "x-chatwoot-delivery": "00000000-0000-4000-8000-000000000001"}


def slack(raw: bytes, segredo: str, em: datetime, kind: str = JSON) -> tuple[str, dict[str, str]]:
    signed = mac(segredo, b"v0:" + stamp(em).encode() + b":" + raw)
    named = {"x-slack-request-timestamp": stamp(em), "x-slack-signature": f"v0={signed}"}
    return "/webhooks/slack", {**named, "content-type": kind}


def slack_form(raw: bytes, segredo: str, em: datetime) -> tuple[str, dict[str, str]]:
    return slack(raw, segredo, em, FORM)


def salvy(raw: bytes, segredo: str, em: datetime) -> tuple[str, dict[str, str]]:
    signed = b"msg_0001." + stamp(em).encode() + b"." + raw
    digest = hmac.digest(base64.b64decode(segredo.removeprefix("whsec_")), signed, hashlib.sha256)
    named = {"svix-id": "msg_0001", "svix-timestamp": stamp(em)}
    return "/webhooks/salvy", {**named, "svix-signature": f"v1,{base64.b64encode(digest).decode()}"}


def anew(raw: bytes) -> bytes:
    """The same JSON in other bytes."""
    return orjson.dumps(orjson.loads(raw), option=orjson.OPT_SORT_KEYS)


def _evolution_message() -> bytes:
    said = {"conversation": "Bom dia!"}
    key = {"remoteJid": "5511900001001@s.whatsapp.net", "fromMe": False, "id": "3A000000000000000001"}
    data = {"key": key, "message": said, "messageType": "conversation", "messageTimestamp": int(AGORA.timestamp())}
    return orjson.dumps({"event": "messages.upsert", "instance": EVOLUTION, "data": data}, option=orjson.OPT_INDENT_2)


SL: Final = SEGREDOS["slack"][0]
MENSAGEM: Final = _evolution_message()
ZAPI_TEXTO: Final = orjson.dumps(
    orjson.loads(sample("zapi/received.text")) | {"instanceId": ZAPI}, option=orjson.OPT_INDENT_2
)
META_TEXTO, CHATWOOT_DITA = (
    sample("meta/message.text_pre2026_no_bsuid"),
    sample("chatwoot/message_created.outgoing_agent"),
)
MENCAO, CONTA_SALVY = sample("slack/event.app_mention"), sample("salvy/webhook.phone-account.reactivated")
COMANDO: Final = b"command=%2Fjulia&text=quantos%20plantoes&user_id=U1&channel_id=C1&trigger_id=1.2.3"
CLIQUE: Final = urlencode({"payload": sample("slack/interactive.block_actions_payload_decoded").decode()}).encode()
DESAFIO: Final = b'{"type": "url_verification", "token": "t", "challenge": "3eZbrw1aBm2rZgRNFdxV"}'

PORTAS: Final[tuple[Porta, ...]] = (
    Porta(
        nome="evolution",
        rota="/webhooks/evolution/{instancia}",
        fornecedor="evolution",
        corpo=MENSAGEM,
        prova=evolution,
        outra=lambda raw: evolution(raw, SEGREDOS["evolution"][0], AGORA, "chip-02"),
        guarda="inbox",
        aceito=202,
        assinada=False,
        estranho="inbox",
        fundo=202,  # kept as it came, marked as dead: its reader stops by itself
    ),
    Porta(
        nome="zapi",
        rota="/webhooks/zapi/{chave}",
        fornecedor="zapi",
        corpo=ZAPI_TEXTO,
        prova=zapi,
        outra=lambda raw: zapi(raw, SEGREDOS["zapi"][0], AGORA, "3C0000000000000000000000000000B2"),
        guarda="inbox",
        aceito=202,
        assinada=False,
        estranho="inbox",
    ),
    Porta(
        nome="meta",
        rota="/webhooks/meta",
        fornecedor="meta",
        corpo=META_TEXTO,
        prova=meta,
        outra=lambda raw: meta(raw, SL, AGORA),
        refeito=anew(META_TEXTO),
        guarda="inbox",
    ),
    Porta(
        nome="meta-verify",
        rota="/webhooks/meta",
        fornecedor="verify",
        corpo=b"",
        prova=verify,
        outra=lambda raw: verify(raw, SEGREDOS["meta"][0], AGORA),
        guarda=None,
        method="GET",
        assinada=False,
    ),
    Porta(
        nome="chatwoot",
        rota="/webhooks/chatwoot",
        fornecedor="chatwoot",
        corpo=CHATWOOT_DITA,
        prova=chatwoot,
        outra=lambda raw: chatwoot(raw, SL, AGORA),
        refeito=anew(CHATWOOT_DITA),
        janela=True,
    ),
    Porta(
        nome="slack-event",
        rota="/webhooks/slack",
        fornecedor="slack",
        corpo=MENCAO,
        prova=slack,
        outra=lambda raw: slack(raw, SEGREDOS["chatwoot"][0], AGORA),
        refeito=anew(MENCAO),
        janela=True,
        estranho=None,
    ),
    Porta(
        nome="slack-command",
        rota="/webhooks/slack",
        fornecedor="slack",
        corpo=COMANDO,
        prova=slack_form,
        outra=lambda raw: slack_form(raw, SEGREDOS["chatwoot"][0], AGORA),
        refeito=COMANDO.replace(b"%20", b"+"),
        janela=True,
        estranho=None,
    ),
    Porta(
        nome="slack-payload",
        rota="/webhooks/slack",
        fornecedor="slack",
        corpo=CLIQUE,
        prova=slack_form,
        outra=lambda raw: slack_form(raw, SEGREDOS["chatwoot"][0], AGORA),
        refeito=CLIQUE.replace(b"+", b"%20"),
        janela=True,
        estranho=None,
    ),
    Porta(
        nome="slack-url",
        rota="/webhooks/slack",
        fornecedor="slack",
        corpo=DESAFIO,
        prova=slack,
        outra=lambda raw: slack(raw, SEGREDOS["chatwoot"][0], AGORA),
        refeito=anew(DESAFIO),
        guarda=None,
        janela=True,
        estranho=None,
    ),
    Porta(
        nome="salvy",
        rota="/webhooks/salvy",
        fornecedor="salvy",
        corpo=CONTA_SALVY,
        prova=salvy,
        outra=lambda raw: salvy(raw, SEGREDOS["salvy"][2], AGORA),
        refeito=anew(CONTA_SALVY),
        aceito=202,
        janela=True,
    ),
)
COM_CORPO: Final = tuple(porta for porta in PORTAS if porta.method == "POST")


def ids(porta: Porta) -> str:
    return porta.nome


def segredos() -> list[str]:
    """Every secret and token that is set, and the keys made of them."""
    keys = [webhook_key(secret, EVOLUTION) for secret in SEGREDOS["evolution"]]
    paths = [path_key(secret, ZAPI).rpartition(".")[2] for secret in SEGREDOS["zapi"]]
    return [*(one for trio in SEGREDOS.values() for one in trio), *FICHAS.values(), *keys, *paths]


def provas(batida: Batida) -> list[str]:
    """The signatures and keys that a request's headers carry, without what names their kind."""
    named = [value for name, value in batida.headers.items() if name.endswith(("-key", "signature", "signature-256"))]
    return [value.removeprefix("sha256=").removeprefix("v0=").removeprefix("v1,") for value in named]
