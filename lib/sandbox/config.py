"""What the sandbox takes from its environment."""
# ruff: noqa: S105 - the sandbox's own keys, known to all, which open nothing else

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

DEFAULT_KEY: Final = "sandbox-evolution-key"
PREFIXO: Final = "AGENTE_"
_RECEIPTS: Final = 3
# Fields that the program knows under the same names; of two keys ("new,old") the first one is in use.
_TEXTOS: Final = (
    *("zapi_client_token", "meta_token", "meta_app_secret", "meta_verify_token"),
    *("chatwoot_token", "chatwoot_webhook_secret", "slack_token", "slack_signing_secret"),
    *("slack_canal", "slack_canal_critico", "salvy_api_key", "salvy_webhook_secret"),
    *("ativador_api_key", "busca_api_key", "api_url"),
)
_INTEIROS: Final = ("chatwoot_conta", "chatwoot_caixa")


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """Start values; most can be changed later through `/_sandbox`.

    `retry_s` is the first pause before a webhook is sent again (Evolution: 5 s). `receipts_ms` are the delays of
    SERVER_ACK, DELIVERY_ACK and READ after a send. `pair_ms` is how long an instance stays `connecting` before its
    QR code counts as scanned; negative means never. `qr_ms` is how long it has no code yet; negative means that it
    never gets one. `api_url` is the program, whose webhooks are below it; `server_url` the sandbox itself. The keys are
    those of the program: both read the same variables.
    """

    api_key: str = DEFAULT_KEY
    directory: Path | None = None
    retry_s: float = 5.0
    receipts_ms: tuple[int, ...] = (50, 150, 400)
    pair_ms: int = 300
    qr_ms: int = 0
    server_url: str = "http://127.0.0.1:8080"
    seed: int = 0
    api_url: str = "http://127.0.0.1:8000"
    zapi_client_token: str = "sandbox-zapi-client-token"
    zapi_instancias: Mapping[str, str] = field(default_factory=lambda: {"3CSANDBOX01": "sandbox-zapi-token"})
    meta_token: str = "sandbox-meta-token"
    meta_app_secret: str = "sandbox-meta-app-secret"
    meta_verify_token: str = "sandbox-meta-verify-token"
    chatwoot_token: str = "sandbox-chatwoot-token"
    chatwoot_webhook_secret: str = "sandbox-chatwoot-webhook-secret"
    chatwoot_conta: int = 1
    chatwoot_caixa: int = 4
    slack_token: str = "xoxb-sandbox-slack-token"
    slack_signing_secret: str = "sandbox-slack-signing-secret"
    slack_canal: str = "C0SANDBOX1"
    slack_canal_critico: str = ""
    salvy_api_key: str = "salvy_test_sandbox"
    salvy_webhook_secret: str = "whsec_c2FuZGJveC1zYWx2eS13ZWJob29rLXNlY3JldA=="
    ativador_api_key: str = "sandbox-ativador-api-key"
    busca_api_key: str = "sandbox-busca-api-key"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "SandboxConfig":
        """Read `AGENTE_SANDBOX_*`, and the vendors' keys by the names that the program has for them.

        Raises:
            ValueError: a number is not a number, there are not three receipt delays, or the instances are no JSON.
        """
        receipts = tuple(
            _whole("AGENTE_SANDBOX_RECIBOS_MS", part)
            for part in env.get("AGENTE_SANDBOX_RECIBOS_MS", "50,150,400").split(",")
        )
        if len(receipts) != _RECEIPTS:
            raise ValueError("AGENTE_SANDBOX_RECIBOS_MS: esperados três atrasos em ms: SERVER_ACK,DELIVERY_ACK,READ")
        directory = env.get("AGENTE_SANDBOX_DIR", "")
        return cls(
            api_key=env.get("AGENTE_EVOLUTION_API_KEY") or DEFAULT_KEY,
            directory=Path(directory) if directory else None,
            retry_s=_seconds("AGENTE_SANDBOX_RETRY_S", env.get("AGENTE_SANDBOX_RETRY_S", "5")),
            receipts_ms=receipts,
            pair_ms=_whole("AGENTE_SANDBOX_PAREAR_MS", env.get("AGENTE_SANDBOX_PAREAR_MS", "300")),
            server_url=env.get("AGENTE_SANDBOX_URL", "http://127.0.0.1:8080"),
            seed=_whole("AGENTE_SANDBOX_SEMENTE", env.get("AGENTE_SANDBOX_SEMENTE", "0")),
            **_vendors(env),
        )


def _vendors(env: Mapping[str, str]) -> dict[str, Any]:
    """The fields that the environment gives; what it leaves empty stays at its default."""
    found: dict[str, Any] = {}
    for name in (*_TEXTOS, *_INTEIROS, "zapi_instancias"):
        variable = PREFIXO + name.upper()
        given = env.get(variable, "").strip()
        if not given:
            continue
        if name in _INTEIROS:
            found[name] = _whole(variable, given)
        elif name in _TEXTOS:
            found[name] = given.partition(",")[0].strip()
        else:
            found[name] = _instances(variable, given)
    return found


def _instances(name: str, text: str) -> dict[str, str]:
    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:  # its text would show the tokens
        given = None
    if not isinstance(given, dict) or not all(isinstance(token, str) for token in given.values()):
        raise ValueError(f'{name}: esperado um objeto JSON, {{"instância": "token"}}')
    return given


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(f"{name}: esperado um número inteiro, veio {text!r}") from error


def _seconds(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ValueError(f"{name}: esperado um número de segundos, veio {text!r}") from error
