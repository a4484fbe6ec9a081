"""What the sandbox takes from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEFAULT_KEY: Final = "sandbox-evolution-key"
_RECEIPTS: Final = 3


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """Start values; most can be changed later through `/_sandbox`.

    `retry_s` is the first pause before a webhook is sent again (Evolution: 5 s). `receipts_ms` are the delays of
    SERVER_ACK, DELIVERY_ACK and READ after a send. `pair_ms` is how long an instance stays `connecting` before its
    QR code counts as scanned; negative means never.
    """

    api_key: str = DEFAULT_KEY
    directory: Path | None = None
    retry_s: float = 5.0
    receipts_ms: tuple[int, ...] = (50, 150, 400)
    pair_ms: int = 300
    server_url: str = "http://127.0.0.1:8080"
    seed: int = 0

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "SandboxConfig":
        """Read `AGENTE_EVOLUTION_API_KEY` and `AGENTE_SANDBOX_*`.

        Raises:
            ValueError: a number is not a number, or there are not three receipt delays.
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
        )


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
