"""Structured logs: JSON off a terminal, personal data masked in every value, never a wait for whoever reads them."""

from __future__ import annotations

import logging
import queue
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from typing import IO, Any, cast

import orjson
import structlog
from structlog.typing import EventDict, Processor

HIDDEN = "***"
QUEUED_MAX = 10_000
DRAIN_S = 2.0
DEPTH_MAX = 8
QUIET = ("httpx", "httpcore", "anthropic", "uvicorn.access", "asyncio")  # a line for each request, with addresses in it

# Compared without case and with `-` as `_`; a longer name ending in one of the second is hidden too (`new_token`).
_EXACT = ("text", "content", "name", "number", "lid", "raw", "headers", "prompt", "resposta")
_ENDINGS = (
    *("texto", "body", "conteudo", "nome", "pushname", "telefone", "phone", "numero", "jid", "cpf", "crm", "email"),
    *("authorization", "cookie", "apikey", "api_key", "webhook_key", "token", "senha", "password", "secret"),
)
SECRET_KEYS = frozenset({*_EXACT, *_ENDINGS, "push_name"})
SECRET_ENDINGS = tuple(f"_{key}" for key in _ENDINGS)
PLAIN_KEYS = frozenset({"logger_name", "thread_name", "flow_name", "run_name"})

_PERSONAL = re.compile(
    r"""
    (?P<keep>[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}      # a UUID
      |\b\d{4}-\d{2}-\d{2}[T\ ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?      # an instant
      |\b\d{4}-\d{2}-\d{2}\b)
    |(?P<secret>\bagj_[\w-]+|\bsk-[\w-]{8,}|\bxox[a-z]-[\w-]+|\bwhsec_[\w+/=-]+|\bsalvy_[a-z_]+_[\w-]+
      |(?<=/token/)[^/\s"'?]+|(?<=/webhooks/zapi/)[^/\s"'?]+|\b(?:Bearer|Basic)\s+[\w.~+/=-]+
      |(?<=://)[^\s/@:]*:[^\s/@]+(?=@)
      |(?<=[?&;])(?:token|apikey|api_key|key|secret|senha|password)=[^\s&;"']+)
    |(?P<row>DETAIL:.*)  # a refused row, as Postgres prints it
    |(?P<email>[\w.+-]+@[A-Za-z][\w-]*(?:\.[A-Za-z][\w-]*)+)
    |(?P<jid>\d[\d:_-]{4,}@[a-z][a-z.]*)
    |(?P<cpf>(?<!\d)\d{3}\.\d{3}\.\d{3}-\d{2}(?!\d))
    |(?P<phone>(?<![\w.])\+?(?:\d{10,15}|(?:\d{1,3}[\s.-]*)?\(?\d{2}\)?[\s.-]*(?:9[\s.-]?)?\d{4}[\s.-]?\d{4})(?![\w]))
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PHONE_NUMBER = re.compile(r"55[1-9]\d9?\d{8}")


def _hide(found: re.Match[str]) -> str:
    kind = found.lastgroup
    text = found[0]
    if kind == "keep":
        return text
    if kind in {"phone", "jid"}:
        digits = re.sub(r"\D", "", text.partition("@")[0])
        return f"****{digits[-4:]}"
    return HIDDEN


def mask(text: str) -> str:
    """Hide phone numbers (all but the last four digits), addresses, CPF, e-mails and credentials inside a text."""
    return _PERSONAL.sub(_hide, text)


def _secret(key: str) -> bool:
    name = key.lower().replace("-", "_")
    return name not in PLAIN_KEYS and (name in SECRET_KEYS or name.endswith(SECRET_ENDINGS))


def masked(value: Any, depth: int = 0) -> Any:
    """Return the value with personal data hidden at any depth; what is deeper than 8 levels is hidden whole."""
    if value is None or isinstance(value, bool | int | float):
        return HIDDEN if _PHONE_NUMBER.fullmatch(str(value)) else value
    if depth >= DEPTH_MAX or isinstance(value, bytes | bytearray | memoryview):
        return HIDDEN
    if isinstance(value, Mapping):
        return {mask(str(k)): HIDDEN if _secret(str(k)) else masked(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(part, depth + 1) for part in value]
    return mask(str(value))


def _mask_event(_logger: object, _method: str, event: EventDict) -> EventDict:
    event.pop("color_message", None)  # uvicorn's second copy of its line
    return cast("MutableMapping[str, Any]", masked(event))


def _to_json(event: Mapping[str, Any], **_options: object) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class QueuedHandler(logging.Handler):
    """Writes lines from its own thread. When the reader is too slow, lines are dropped and counted; nobody waits."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__()
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(QUEUED_MAX)
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._dropped = 0
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Format here, where the context is, and hand over."""
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self._dropped += 1
        except Exception:  # noqa: BLE001 - a door: a value that cannot be shown must not stop what it tells of
            self.handleError(record)

    def close(self) -> None:
        """Write what waits, for 2 seconds at most."""
        if self._thread.is_alive():
            try:
                self._lines.put(None, timeout=DRAIN_S)
            except queue.Full:
                self._dropped += 1
            else:
                self._thread.join(DRAIN_S)
        super().close()

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            if self._dropped:
                line = f"{line}\n" + _to_json(
                    {"event": "log lines dropped", "level": "warning", "linhas": self._dropped}
                )
                self._dropped = 0
            try:
                self._stream.write(line + "\n")
                if self._lines.empty():
                    self._stream.flush()
            except (OSError, ValueError):
                return


def configure(json: bool | None = None, *, stream: IO[str] | None = None, level: int = logging.INFO) -> None:
    """Send structlog and the standard library's logging, uvicorn's too, through one masked way out.

    `json` None means: unless the output is a terminal. Calling it again replaces what was set.
    """
    out = stream or sys.stdout
    as_json = not out.isatty() if json is None else json
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.format_exc_info,
    ]
    to_json = structlog.processors.JSONRenderer(serializer=_to_json)
    render: Processor = to_json if as_json else structlog.dev.ConsoleRenderer(colors=out.isatty())
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _mask_event, render],
    )
    handler = QueuedHandler(out)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared[:-2],
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def bind(**ids: object) -> AbstractContextManager[None]:
    """Put an operation's ids on every line inside the `with`, in the tasks it starts as well."""
    return cast("AbstractContextManager[None]", structlog.contextvars.bound_contextvars(**ids))


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger; before `configure` it prints as structlog does by default."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
