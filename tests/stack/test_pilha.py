from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.stack.estado import StackError
from lib.stack.pilha import apagar, derrubar, situacao
from tests.stack.vivos import alive, marked, wait_for

pytestmark = pytest.mark.processo

TOY = Path(__file__).with_name("brinquedo.py")
EXPECTED = 9  # the supervisor, guards and children of `filha` and `teimosa`, two grandchildren; the step has ended
STILL = EXPECTED - 2


class Toy:
    """The toy stack in a process of its own, its processes marked."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.env = {**marked(), "AGENTE_DADOS_DIR": str(project / "dados")}
        self.process = self.another()

    def another(self) -> subprocess.Popen[str]:
        """Start the program on the same project."""
        argv = [sys.executable, str(TOY), str(self.project)]
        return subprocess.Popen(argv, env=self.env, stdout=subprocess.PIPE, text=True)

    def wait_ready(self) -> list[str]:
        """Read what it says until it is ready; return the texts of its own lines."""
        assert self.process.stdout is not None
        said: list[str] = []
        for line in self.process.stdout:
            event = json.loads(line)
            if event["evento"] == "pronto":
                return said
            said.append(event["texto"])
        raise AssertionError(said)


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    started = Toy(tmp_path)
    yield started
    started.process.kill()
    started.process.communicate()
    assert wait_for(lambda: not alive(started.env), 5.0), alive(started.env)


def test_children_start_in_the_order_of_their_needs_and_a_step_must_end(toy: Toy, tmp_path: Path) -> None:
    said = [line.split(" em ")[0] for line in toy.wait_ready()]
    assert said[0] == "filha pronto"
    assert set(said[1:]) == {"teimosa pronto", "passo concluído"}
    assert (tmp_path / "passo.feito").exists()
    log = tmp_path / ".agente" / "logs" / "teimosa.log"
    until = time.monotonic() + 10
    while log.read_text() != "oi\n":
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.02)
    assert len(alive(toy.env)) == STILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_being_asked_to_stop_ends_every_process_within_ten_seconds(toy: Toy, number: signal.Signals) -> None:
    toy.wait_ready()
    began = time.monotonic()
    toy.process.send_signal(number)
    assert toy.process.wait(10) == 0
    assert time.monotonic() - began < 10
    assert alive(toy.env) == {}
    assert not situacao(toy.project).viva


def test_being_asked_while_starting_ends_every_process_too(toy: Toy) -> None:
    assert wait_for(lambda: len(alive(toy.env)) > 1)
    toy.process.send_signal(signal.SIGINT)
    assert toy.process.wait(10) in {0, 130}
    assert alive(toy.env) == {}


def test_a_killed_supervisor_leaves_nothing_not_even_a_grandchild_in_a_session_of_its_own(toy: Toy) -> None:
    toy.wait_ready()
    assert len(alive(toy.env)) == STILL
    toy.process.kill()
    toy.process.wait()
    assert wait_for(lambda: not alive(toy.env), 5.0), alive(toy.env)


def test_a_guard_killed_with_its_supervisor_leaves_strays_that_the_next_start_clears(toy: Toy) -> None:
    toy.wait_ready()
    toy.process.send_signal(signal.SIGSTOP)
    guards = [pid for pid, line in alive(toy.env).items() if "guarda.py" in line]
    for pid in [*guards, toy.process.pid]:
        os.kill(pid, signal.SIGKILL)
    toy.process.communicate()
    assert wait_for(
        lambda: len(alive(toy.env)) == 2, 5.0
    )  # the children died with their guards, the grandchildren did not
    toy.process = toy.another()
    toy.wait_ready()
    assert len(alive(toy.env)) == STILL


def test_a_second_start_says_where_the_first_is_and_ends_well(toy: Toy) -> None:
    toy.wait_ready()
    second = toy.another()
    output = second.communicate(timeout=20)[0]
    assert second.returncode == 0
    event = json.loads(output)
    assert event["propria"] is False
    assert event["urls"] == dict(situacao(toy.project).urls)
    assert toy.process.poll() is None


def test_down_stops_what_another_process_holds(toy: Toy) -> None:
    toy.wait_ready()
    now = situacao(toy.project)
    assert now.viva
    assert now.fase == "pronta"
    assert set(now.pids) == {"filha", "teimosa"}
    assert derrubar(toy.project)
    assert toy.process.wait(5) == 0
    assert alive(toy.env) == {}
    assert not derrubar(toy.project)


def test_ports_are_remembered_and_passwords_never_shown(toy: Toy) -> None:
    toy.wait_ready()
    first = situacao(toy.project)
    assert "***@127.0.0.1" in first.urls["banco"]
    assert "***@127.0.0.1" in first.urls["redis"]
    assert (toy.project / ".agente" / "estado.json").stat().st_mode & 0o077 == 0
    secret = first.ambiente["AGENTE_EVOLUTION_WEBHOOK_SECRET"]
    assert len(secret) >= 32
    derrubar(toy.project)
    toy.process.communicate()
    toy.process = toy.another()
    toy.wait_ready()
    again = situacao(toy.project)
    assert again.urls == first.urls
    assert again.ambiente == first.ambiente


def test_reset_deletes_the_data_and_refuses_in_production(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.wait_ready()
    dados = toy.project / "dados"
    monkeypatch.setenv("AGENTE_DADOS_DIR", str(dados))
    monkeypatch.setenv("AGENTE_AMBIENTE", "producao")
    with pytest.raises(StackError, match="produção"):
        apagar(toy.project)
    assert (dados / "webhook.secret").exists()
    monkeypatch.delenv("AGENTE_AMBIENTE")
    assert apagar(toy.project) == dados
    assert toy.process.wait(5) == 0
    assert alive(toy.env) == {}
    assert list(dados.iterdir()) == []
