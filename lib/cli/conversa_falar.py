"""`agente conversa falar`: you are the doctor; the running stack's sandbox is the WhatsApp between you and Júlia."""

from __future__ import annotations

import asyncio
import hashlib
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from lib.clock import Clock
from lib.db import Database
from lib.domain.telefone import digitos, mascarar
from lib.errors import AgenteError
from lib.providers.sandbox import Sandbox
from lib.queries import conversa
from lib.resources import EVOLUTION, Resources
from lib.usecases.instancias import ligar_chips

NUMEROS_FICTICIOS: Final = "+5511900"
OLHADA_S: Final = 0.2
AJUDA: Final = "Escreva e tecle Enter. /foto [legenda] e /audio mandam mídia; /sair ou Ctrl-D termina."
PIXEL: Final = "image/jpeg"


class FalarError(AgenteError):
    """There is nobody to talk to; the message is for people, in Portuguese."""


@dataclass(slots=True)
class Papo:
    """One chat: who writes to which of our numbers, and what has been shown already."""

    db: Database
    sandbox: Sandbox
    clock: Clock
    instancia: str
    telefone: str
    nome: str
    espera_s: float
    seq: int = 0
    ultima: str | None = None
    escritas: set[str] = field(default_factory=set)

    async def say(self, linha: str) -> bool:
        """Send one line as the doctor; False ends the chat."""
        comando, _, resto = linha.strip().partition(" ")
        match comando.lower():
            case "":
                return True
            case "/sair":
                return False
            case "/ajuda":
                print(AJUDA, flush=True)
            case "/foto":
                image = {"mimetype": PIXEL, "fileLength": "1024", "width": 64, "height": 64}
                message = {"imageMessage": image | ({"caption": resto} if resto else {})}
                self.ultima = await self._media(message)
            case "/audio":
                audio = {"mimetype": "audio/ogg; codecs=opus", "seconds": 7, "ptt": True}
                self.ultima = await self._media({"audioMessage": audio})
            case _ if comando.startswith("/"):
                print(f"Não conheço {comando}. {AJUDA}", flush=True)
            case _:
                self.ultima = await self.sandbox.write(self.instancia, self.telefone, linha.strip(), nome=self.nome)
        return True

    async def _media(self, message: Mapping[str, object]) -> str:
        return await self.sandbox.send_media(self.instancia, self.telefone, message, nome=self.nome, agora=self.clock())

    async def show(self) -> None:
        """Print what WhatsApp has delivered to the doctor since the last look."""
        for aceita in await self.sandbox.accepted(self.telefone, after=self.seq):
            self.seq = aceita.seq
            print(f"Júlia: {aceita.texto}", flush=True)

    async def keep_showing(self) -> None:
        """Print what is delivered, until cancelled."""
        while True:
            await self.show()
            await asyncio.sleep(OLHADA_S)

    async def answered(self) -> bool:
        """Wait until the last message is read and all that was to be said of it is said; False when it takes too long.

        Tells why there will be no answer, where there will be none.
        """
        until = monotonic() + self.espera_s
        while self.ultima is not None and monotonic() < until:
            found = await conversa.settled(self.db, self.ultima)
            if found and found["morta"]:
                print(f"(a conversa morreu: {found['morta']}; veja `agente mensagem mortas`)", flush=True)
                return False
            if found and found["lida"] and found["enviada"]:
                before = self.seq
                await self.show()
                if self.seq == before and found["desfecho"] != "respondida":
                    print(f"(sem resposta: veja `agente mensagem ver e{found['id']}`)", flush=True)
                self.ultima = None
                return True
            await self.show()
            await asyncio.sleep(OLHADA_S)
        return self.ultima is None


def read_lines(loop: asyncio.AbstractEventLoop) -> asyncio.Queue[str | None]:
    """Read the terminal in a thread that nobody waits for at the end; None marks the end."""
    queue: asyncio.Queue[str | None] = asyncio.Queue()

    def pump() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(queue.put_nowait, line)
        loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=pump, daemon=True).start()
    return queue


def numero_de(nome: str) -> str:
    """Return the fictional number of a name: the same name always has the same one."""
    return f"{NUMEROS_FICTICIOS}{int.from_bytes(hashlib.sha256(nome.lower().encode()).digest()[:6]) % 10**6:06d}"


async def begin(resources: Resources, medico: str | None, espera_s: float) -> Papo:
    """Find the doctor to be and the number to write to.

    Raises:
        FalarError: no stack, no sandbox, or no connected number.
    """
    is_sandbox = await resources.gateways.is_sandbox()
    if is_sandbox is None:
        raise FalarError("o gateway não responde. Suba a pilha com `agente up`, ou veja tudo com `agente demo`.")
    if not is_sandbox:
        raise FalarError("o gateway configurado não é o sandbox: esta conversa só existe nele.")
    ligados = await ligar_chips(resources)
    if not ligados.abertas:
        raise FalarError("nenhum chip conectado: crie dados com `agente seed` e ligue-os com `agente chip ligar`.")
    sandbox = Sandbox(resources.get_http_client(EVOLUTION))
    row = None if medico else await conversa.find_warm(resources.db, resources.clock(), NUMEROS_FICTICIOS)
    nome = medico or (row["nome"] if row else "Visitante")
    telefone = row["telefone"] if row else numero_de(nome)
    found = await conversa.find_fictional(resources.db, nome, telefone, NUMEROS_FICTICIOS)
    instancia = found["instancia"]
    if instancia is None:
        raise FalarError("nenhum chip ativo e conectado: ligue-os com `agente chip ligar`.")
    telefone, nome = digitos(found["telefone"] or telefone), found["nome"] or nome
    past = await sandbox.accepted(telefone)
    return Papo(
        resources.db, sandbox, resources.clock, instancia, telefone, nome, espera_s, past[-1].seq if past else 0
    )


async def conversar(resources: Resources, medico: str | None, espera_s: float) -> int:
    """Chat until the input ends. Return the exit code: 1 when an answer did not come in time."""
    papo = await begin(resources, medico, espera_s)
    print(f"Você é {papo.nome} ({mascarar(papo.telefone)}), falando com o chip {papo.instancia}. {AJUDA}", flush=True)
    lines = read_lines(asyncio.get_running_loop())
    if not sys.stdin.isatty():
        return await _script(papo, lines)
    showing = asyncio.create_task(papo.keep_showing())
    try:
        while True:
            waiting = asyncio.create_task(lines.get())
            await asyncio.wait({waiting, showing}, return_when=asyncio.FIRST_COMPLETED)
            if showing.done():
                waiting.cancel()
                await showing
            line = await waiting
            if line is None or not await papo.say(line):
                return 0
    finally:
        showing.cancel()
        await asyncio.gather(showing, return_exceptions=True)


async def _script(papo: Papo, lines: asyncio.Queue[str | None]) -> int:
    """Say each line and wait for its answer before the next."""
    while (line := await lines.get()) is not None:
        print(f"Você: {line.strip()}", flush=True)
        if not await papo.say(line):
            break
        if not await papo.answered():
            print(f"erro: sem resposta em {papo.espera_s:.0f} s.", file=sys.stderr)
            return 1
    return 0
