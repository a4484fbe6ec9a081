"""There is one way out: nobody but lib.http builds an HTTP client, and nobody at all talks to whom it cannot verify."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
FONTES: Final = sorted(path for room in ("api", "flows", "lib") for path in (ROOT / room).rglob("*.py"))
BIBLIOTECAS: Final = frozenset(
    {"aiohttp", "requests", "urllib3", "httpx2", "slack_sdk", "websockets", "pycurl", "http.client", "urllib.request"}
)
CONSTRUTORES: Final = frozenset(
    {"AsyncClient", "Client", "AsyncHTTPTransport", "HTTPTransport", "AsyncConnectionPool", "ConnectionPool"}
    | {"AsyncHTTPConnection", "HTTPConnection", "AsyncHTTPProxy", "HTTPProxy"}
)
AVULSAS: Final = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request", "stream"})
FROUXO: Final = frozenset({"CERT_NONE", "_create_unverified_context", "CERT_OPTIONAL"})
# The supervisor asks a child on this machine whether it is up; it does so in a thread, before there is a loop.
PERMITIDO: Final = MappingProxyType({"lib/stack/filhos.py": {"import urllib.request"}})


def _imports(node: ast.AST) -> Iterator[str]:
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    for name in names:
        for library in BIBLIOTECAS:
            if name == library or name.startswith(library + "."):
                yield f"import {library}"


def _built(node: ast.AST, direct: set[str]) -> Iterator[str]:
    if isinstance(node, ast.Call):
        match node.func:
            case ast.Attribute(value=ast.Name(id="httpx" | "httpcore" as module), attr=name):
                if name in CONSTRUTORES | AVULSAS:
                    yield f"{module}.{name}("
            case ast.Name(id=name) if name in direct:
                yield f"{name}("
    if isinstance(node, ast.ClassDef):
        for parent in node.bases:
            if isinstance(parent, ast.Attribute) and parent.attr in CONSTRUTORES:
                yield f"class of {parent.attr}"


def _unverified(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.keyword(arg="verify", value=ast.Constant(value=False | None)):
            yield "verify=False"
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in FROUXO:
            yield name
        case ast.Assign(targets=targets):
            for target in targets:
                if isinstance(target, ast.Attribute) and target.attr == "check_hostname":
                    yield "check_hostname ="
        case ast.keyword(arg="check_hostname"):
            yield "check_hostname ="


def found_in(source: str) -> set[str]:
    """What of all that a source file does."""
    tree = ast.parse(source)
    direct = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in {"httpx", "httpcore"}
        for alias in node.names
        if alias.name in CONSTRUTORES | AVULSAS
    }
    return {
        sin
        for node in ast.walk(tree)
        for kind in (_imports(node), _built(node, direct), _unverified(node))
        for sin in kind
    }


def test_no_client_is_built_and_nothing_is_left_unverified_outside_lib_http() -> None:
    assert len(FONTES) > 100
    found = {path.relative_to(ROOT).as_posix(): found_in(path.read_text()) for path in FONTES}
    found.pop("lib/http.py")
    assert {
        name: sins - PERMITIDO.get(name, set()) for name, sins in found.items() if sins - PERMITIDO.get(name, set())
    } == {}


def test_lib_http_itself_builds_one_kind_of_client_and_relaxes_one_kind_of_trust() -> None:
    source = (ROOT / "lib/http.py").read_text()
    assert source.count("httpx.AsyncClient(") == 1
    assert source.count("CERT_NONE") == 1
    assert "verify=" not in source


@pytest.mark.parametrize(
    ("source", "sin"),
    [
        ("import requests", "import requests"),
        ("from aiohttp import ClientSession", "import aiohttp"),
        ("from urllib import request", "import urllib.request"),
        ("import http.client", "import http.client"),
        ("from slack_sdk.web import WebClient", "import slack_sdk"),
        ("import httpx\nhttpx.AsyncClient()", "httpx.AsyncClient("),
        ("import httpx\nhttpx.get('http://a.test')", "httpx.get("),
        ("from httpx import AsyncClient as Cliente\nCliente()", "Cliente("),
        ("import httpcore\nhttpcore.AsyncConnectionPool()", "httpcore.AsyncConnectionPool("),
        ("f(verify=False)", "verify=False"),
        ("import ssl\nc.verify_mode = ssl.CERT_NONE", "CERT_NONE"),
        ("c.check_hostname = False", "check_hostname ="),
        ("import ssl\nssl._create_unverified_context()", "_create_unverified_context"),
    ],
)
def test_the_look_finds_what_it_looks_for(source: str, sin: str) -> None:
    assert sin in found_in(source)
