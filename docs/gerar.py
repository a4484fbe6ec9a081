"""Runs the real thing and puts what it shows into README and docs: outputs between markers, pictures in docs/imagens.

`make docs`. A marked place is `<!-- saida:NAME -->` … `<!-- /saida:NAME -->`; everything between is replaced.
Pictures need Debian's chromium; without it they are left as they are.
"""  # noqa: INP001 - a script beside the documents, no package

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
IMAGENS = ROOT / "docs" / "imagens"
DOCUMENTOS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FICA = "tudo continua de pé"
DEMO_S = 300.0
PARA_S = 20.0
PAUSA_S = 8.0
RELATORIO = ROOT / "tests" / "orcamento" / "relatorio.py"
# Address, width and height. The sandbox's page asks for what it shows, so it gets 3.5 s of the browser's own, faster,
# time; Prefect's fades in and gets 40.
FOTOS = {
    "prefect-deployments.png": ("{prefect}/deployments", 1280, 560),
    "prefect-execucoes.png": ("{prefect}/runs", 1280, 1170),
    "prefect-artefato.png": ("{prefect}/artifacts/key/trust-score-latest", 1280, 440),
    "sandbox.png": ("{sandbox}/?aba=sistemas", 1280, 900),
    "sandbox-conversa.png": ("{sandbox}/?aba=telefones&numero={numero}&medico={medico}", 1280, 800),
    "sandbox-chatwoot.png": ("{sandbox}/?aba=chatwoot&conversa={thread}", 1280, 800),
    "sandbox-slack.png": ("{sandbox}/?aba=slack", 1280, 800),
}
# What a command shows on a terminal of so many columns, as a picture: name, the command's words, columns. Nobody scans
# the code of the second one, so it ends with 1.
TERMINAIS = (
    ("chip-porque.png", ("chip", "porque", "{envio}"), 140),
    ("chip-qr.png", ("chip", "qr", "{novo}", "--espera", "5"), 90),
)
NOVO = "julia-nova"
# What a command prints, put into the documents.
SAIDAS = (("chip-novo", ("chip", "novo", "--ddd", "41")), ("chip-previsao", ("chip", "previsao", "--mensagens", "800")))
LETRA = (8, 15)  # a sign's width and height in the pictures of terminals
TEMPO = {"prefect": ["--virtual-time-budget=40000"], "sandbox": ["--virtual-time-budget=3500"]}


def say(text: str) -> None:
    """Tell the person who waits."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


@contextmanager
def demonstration(home: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Run `agente demo` on empty data until it has shown all; yield its output and the addresses, then stop it."""
    agente = str(Path(sys.executable).with_name("agente"))
    env = {**os.environ, "AGENTE_DADOS_DIR": str(home), "NO_COLOR": "1"}
    shown = home.parent / "demo.txt"
    with shown.open("wb") as out:
        demo = subprocess.Popen([agente, "demo"], cwd=ROOT, env=env, stdout=out, stderr=out)  # noqa: S603 - our own program
    try:
        until = time.monotonic() + DEMO_S
        while FICA not in (text := shown.read_text()):
            if demo.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"a demonstração não chegou ao fim:\n{text}")
            time.sleep(0.5)
        urls = json.loads((ROOT / ".agente" / "estado.json").read_text())["urls"]
        yield text.partition(FICA)[0].rpartition("\n")[0], urls
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(PARA_S)


def tidy(text: str) -> str:
    """Drop trailing blanks and the empty lines around."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def place(name: str, text: str) -> None:
    """Write a text into every document that has its marks."""
    pattern = re.compile(rf"(<!-- saida:{name} -->\n).*?(<!-- /saida:{name} -->)", re.DOTALL)
    for document in DOCUMENTOS:
        before = document.read_text()
        after = pattern.sub(lambda found: f"{found[1]}{text}\n{found[2]}", before)
        if after != before:
            document.write_text(after)
            say(f"{document.relative_to(ROOT)}: {name}")


def enact(urls: dict[str, str]) -> dict[str, str]:
    """Let people do something worth a picture; return which number, doctor and thread to show."""
    agente = str(Path(sys.executable).with_name("agente"))
    command = [agente, "slack", "usuario", "autorizar", "U00000002", "--papel", "operator", "--nome", "Gestora"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own program
    with httpx.Client(base_url=f"{urls['sandbox']}/_sandbox", timeout=10, trust_env=False) as sandbox:
        [*_, sent] = sandbox.get("/aceitas").json()["aceitas"]
        shown = {"numero": sent["instance"], "medico": sent["numero"]}
        doctor = {"instance": sent["instance"], "telefone": sent["numero"], "nome": "Dra. Fictícia"}
        for text in ("Você é um robô?", "Obrigada! Prefiro falar com uma pessoa da equipe"):
            sandbox.post("/medicos/mensagem", json=doctor | {"texto": text}).raise_for_status()
            time.sleep(PAUSA_S)
        [thread, *_] = sandbox.get("/chatwoot/conversas").json()["conversas"]
        reply = {"texto": "Oi, aqui é a Rita, da equipe. Como posso ajudar?", "privada": False}
        sandbox.post(f"/chatwoot/conversas/{thread['id']}/mensagens", json=reply).raise_for_status()
        asked = {"canal": "C0SANDBOX1", "texto": "status", "usuario": "U00000002"}
        sandbox.post("/slack/comando", json=asked).raise_for_status()
        time.sleep(PAUSA_S)
        for name, words in SAIDAS:
            place(name, f"```text\n$ agente {' '.join(words)}\n{tidy(printed(words))}\n```")
        sandbox.put("/evolution", json={"parear_ms": -1}).raise_for_status()
    command = [agente, "chip", "criar", NOVO, "--telefone", "11 90099-0001"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own program
    return shown | {"thread": str(thread["id"]), "envio": newest_send(), "novo": NOVO}


def printed(words: Iterable[str]) -> str:
    """Run a command of the program and return all that it prints, in the order in which it does."""
    agente = str(Path(sys.executable).with_name("agente"))
    env = {**os.environ, "NO_COLOR": "1", "COLUMNS": "120"}
    done = subprocess.run(  # noqa: S603 - our own program
        [agente, *words], cwd=ROOT, env=env, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        raise SystemExit(done.stdout)
    return done.stdout


def newest_send() -> str:
    """Name the message to send of which a choice was stored last."""
    url = json.loads((ROOT / ".agente" / "estado.json").read_text())["ambiente"]["AGENTE_DATABASE_URL"]
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT outbox_id FROM chip_decisao WHERE chip_id IS NOT NULL ORDER BY id DESC"
        ).fetchone()
    if row is None:
        raise SystemExit("nenhuma escolha de chip foi guardada")
    return f"s{row[0]}"


def photograph(urls: dict[str, str], home: Path) -> None:
    """Take the pictures, or say why not."""
    if shutil.which("chromium") is None:
        say("chromium não encontrado: as imagens ficam como estão (apt-get install chromium)")
        return
    IMAGENS.mkdir(exist_ok=True)
    for name, (where, width, height) in FOTOS.items():
        shoot(name, where.format(**urls), (width, height), home, *TEMPO[name.partition("-")[0].removesuffix(".png")])
    for name, words, columns in TERMINAIS:
        lines, page = terminal([word.format(**urls) for word in words], columns)
        html = home / f"{name}.html"
        html.write_text(page, encoding="utf-8")
        shoot(name, html.as_uri(), (columns * LETRA[0] + 32, lines * LETRA[1] + 32), home)


def shoot(name: str, where: str, size: tuple[int, int], home: Path, *more: str) -> None:
    """Take one picture of a page."""
    command = [
        *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
        *("--force-color-profile=srgb", f"--user-data-dir={home / 'chromium'}"),
        *(f"--window-size={size[0]},{size[1]}", *more, f"--screenshot={IMAGENS / name}", where),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=90)  # noqa: S603 - a fixed command
    say(f"docs/imagens/{name}")


def terminal(words: list[str], columns: int) -> tuple[int, str]:
    """Run a command of the program and return what a terminal shows of it: how many lines, and a page that looks so."""
    agente = str(Path(sys.executable).with_name("agente"))
    env = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(columns)}
    done = subprocess.run([agente, *words], cwd=ROOT, env=env, check=False, capture_output=True, text=True)  # noqa: S603 - our own program
    if not done.stdout:
        raise SystemExit(done.stderr)
    screen = Console(record=True, width=columns, file=io.StringIO())
    screen.print(Text(f"$ agente {' '.join(words)}", style="bold"))
    screen.print(Text.from_ansi(done.stdout.strip("\n")))
    lines = screen.export_text(clear=False).count("\n")
    width, height = LETRA
    style = f"font:{height - 2}px/{height}px 'DejaVu Sans Mono',monospace;margin:16px;width:{columns * width}px"
    page = "<meta charset=utf-8><body style='margin:0;background:{background};color:{foreground}'>"
    page += f'<pre style="{style}">{{code}}</pre></body>'
    return lines, screen.export_html(theme=MONOKAI, inline_styles=True, code_format=page)


def main() -> None:
    """Produce everything."""
    with tempfile.TemporaryDirectory(dir="/var/tmp" if os.geteuid() == 0 else None) as folder:  # noqa: S108 - mkdtemp
        home = Path(folder)
        home.chmod(0o711)
        data = home / "dados"
        say("rodando `agente demo` com dados novos…")
        with demonstration(data) as (text, urls):
            place("demo", f"```text\n$ make demo\n{tidy(text)}\n```")
            photograph(urls | enact(urls), home)
    if RELATORIO.exists():
        say("medindo os orçamentos…")
        command = [sys.executable, "-m", "tests.orcamento.relatorio"]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603 - our own program
        table = [line for line in done.stdout.splitlines() if line.startswith("|")]
        place("orcamento", "\n".join(table))


if __name__ == "__main__":
    main()
