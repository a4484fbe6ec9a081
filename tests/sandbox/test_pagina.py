"""The page: its files, what a browser may do with them, and that data never becomes markup."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from lib.sandbox.page import PASTA

ARQUIVOS = sorted(path.name for path in PASTA.iterdir() if path.suffix != ".html")
PERIGOSO = re.compile(r"\binnerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|setHTML")


def test_the_page_is_portuguese_and_loads_only_its_own_files(sandbox: httpx.Client) -> None:
    page = sandbox.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert 'lang="pt-BR"' in page.text
    for tab in ("Telefones", "Chatwoot", "Slack", "Falhas", "Sistemas"):
        assert tab in page.text
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert sandbox.get(address).status_code == 200, address


def test_a_browser_may_run_and_load_nothing_else(sandbox: httpx.Client) -> None:
    headers = sandbox.get("/").headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src", "img-src")} == {"'self'"}
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ARQUIVOS)
def test_every_file_is_served_as_what_it_is(sandbox: httpx.Client, name: str) -> None:
    kind = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}[Path(name).suffix]
    answer = sandbox.get(f"/_pagina/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{kind}; charset=utf-8")


@pytest.mark.parametrize("name", [name for name in ARQUIVOS if name.endswith(".js")])
def test_no_script_makes_markup_of_data_or_names_another_machine(name: str) -> None:
    script = (PASTA / name).read_text()
    assert not PERIGOSO.search(script)
    assert set(re.findall(r"https?://[^\"'`\s]+", script)) <= {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize(
    "path", ["/_pagina/../page.py", "/_pagina/%2e%2e%2fpage.py", "/_pagina/index.html", "/_pagina/x.js"]
)
def test_nothing_else_is_served(sandbox: httpx.Client, path: str) -> None:
    assert sandbox.get(path).status_code == 404


def test_foreign_text_reaches_the_page_as_data(sandbox: httpx.Client, chip: str) -> None:
    said = "<img src=x onerror=alert(1)>"
    body = {"instance": chip, "telefone": "5511900001001", "texto": said, "nome": "<b>Ana</b>"}
    sandbox.post("/_sandbox/medicos/mensagem", json=body).raise_for_status()
    shown = sandbox.get(f"/_sandbox/conversas/{chip}/5511900001001")
    assert shown.headers["content-type"].startswith("application/json")
    assert (shown.json()["mensagens"][0]["texto"], shown.json()["nome"]) == (said, "<b>Ana</b>")


def test_the_faults_that_the_page_offers_are_by_vendor(sandbox: httpx.Client) -> None:
    offered = sandbox.get("/_sandbox/alvos").json()
    vendors = {"evolution", "zapi", "meta", "anthropic", "chatwoot", "slack", "salvy", "ativador", "busca"}
    assert set(offered["alvos"]) == vendors
    assert all(offered["alvos"].values())
    assert "vazio" in offered["variantes"]["ruido"]
