"""No personal data leaves through the logs, and nobody waits for them."""

from __future__ import annotations

import io
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest

from lib import log

MARKS = ("90000", "5511", "12345678", "doutora@exemplo", "segredo", "Fulana", "oi doutora")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    for handler in handlers:
        root.removeHandler(handler)
    yield
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)


def lines(write: Callable[[], None]) -> list[dict[str, Any]]:
    """What is written, as read back from JSON."""
    out = io.StringIO()
    log.configure(json=True, stream=out)
    write()
    for handler in list(logging.getLogger().handlers):
        handler.close()
    return [orjson.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(
    "text",
    [
        "+5511900000001",
        "5511900000001",
        "11900000001",
        "(11) 90000-0001",
        "+55 11 90000-0001",
        "+55 (11) 90000 0001",
        "(11) 9 0000-0001",
        "Helena +55 11 9.0000.0001",
        "551190000001",
        "5511900000001@s.whatsapp.net",
        "201000000001001@lid",
        "5511900000001:12@s.whatsapp.net",
        "12036302512345678@g.us",
        "para 5511900000001, já",
        "numero=5511900000001",
        "Key (telefone)=(+5511900000001) already exists.",
        "123.456.789-09",
        "12345678909",
        "doutora@exemplo.com.br",
        "Bearer segredo-muito-secreto",
        "agj_segredo",
        "sk-ant-segredo123",
        "postgresql://u:segredo@host/db",
        "https://x/y?apikey=segredo&z=1",
    ],
)
def test_personal_data_in_a_text_is_hidden(text: str) -> None:
    hidden = log.mask(text)
    assert "****" in hidden or "***" in hidden
    assert not any(mark in hidden for mark in MARKS), hidden


@pytest.mark.parametrize(
    "text",
    [
        "550e8400-e29b-41d4-a716-446655440000",
        "2026-11-22T16:28:27.850Z",
        "2026-11-22 16:28:27+00:00",
        "turno 123456 em 45,2 ms",
        "R$ 1.500,00",
        "127.0.0.1:54321",
        "prefect 3.8.8",
    ],
)
def test_what_is_not_personal_stays(text: str) -> None:
    assert log.mask(text) == text


def test_values_are_masked_at_any_depth_and_by_the_names_of_their_keys() -> None:
    def write() -> None:
        log.get_logger("x").info(
            "chegou de 5511900000001",
            telefone="Fulana",
            push_name="Fulana",
            medico_nome="Fulana",
            Authorization="segredo",
            raw=b"oi doutora",
            aninhado={"lista": [{"texto": "oi doutora", "jid": "5511900000001@lid"}, ("5511900000001",)]},
            numeros={"5511900000001": 1},
            inteiro=5511900000001,
            conversa=42,
        )

    [line] = lines(write)
    assert not any(mark in str(line) for mark in MARKS), line
    assert (line["conversa"], line["level"], line["logger"]) == (42, "info", "x")


def test_a_traceback_and_the_librarys_own_logging_are_masked() -> None:
    def write() -> None:
        try:
            int("55 11 90000-0001 não é número")
        except ValueError:
            log.get_logger("x").exception("quebrou")
        logging.getLogger("uvicorn.error").warning("de %s: %s", "5511900000001", {"texto": 1})

    broke, foreign = lines(write)
    assert "ValueError" in broke["exception"]
    assert "90000" not in str(broke)
    assert foreign["logger"] == "uvicorn.error"
    assert "90000" not in str(foreign)


def test_ids_of_an_operation_are_on_each_of_its_lines() -> None:
    def write() -> None:
        with log.bind(conversa_id=7):
            log.get_logger("x").info("dentro")
            logging.getLogger("y").info("também")
        log.get_logger("x").info("fora")

    inside, also, outside = lines(write)
    assert inside["conversa_id"] == also["conversa_id"] == 7
    assert "conversa_id" not in outside


def test_a_value_that_cannot_be_shown_does_not_stop_the_program() -> None:
    def write() -> None:
        log.get_logger("x").info("estranho", objeto=object(), conjunto={1}, erro=LookupError("5511900000001"))

    [line] = lines(write)
    assert "90000" not in str(line)


def test_a_reader_who_does_not_read_stops_nobody() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as out:
        log.configure(json=True, stream=out)
        began = time.monotonic()
        logger = log.get_logger("x")
        for n in range(12_000):
            logger.info("linha", n=n, enchimento="x" * 40)
        assert time.monotonic() - began < 30
        drain = threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(reader, 65536), b"")])
        drain.start()
        for handler in list(logging.getLogger().handlers):
            handler.close()
    drain.join()
    os.close(reader)


def test_a_terminal_gets_lines_for_people_unless_json_is_asked_for() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    log.configure(stream=out)
    log.get_logger("x").info("legível")
    for handler in list(logging.getLogger().handlers):
        handler.close()
    assert "legível" in out.getvalue()
    assert not out.getvalue().startswith("{")
