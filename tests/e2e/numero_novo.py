"""A stage for new numbers: sandbox and API as processes, runs of an order beside the test or in a process that dies."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from psycopg.errors import DeadlockDetected, LockNotAvailable

from lib import log
from lib.resources import Resources, open_resources
from lib.settings import Settings, load_settings
from lib.usecases import pedidos
from lib.usecases.provisionar import Fim, Trabalho, trabalhar
from tests.e2e.palco import RAPIDO, Palco

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

DDD: Final = 11
PASSO_MS: Final = 40
CHAMADA_S: Final = 1.0
TENTATIVAS: Final = 5
LIMPA: Final = "TRUNCATE provisao, provisao_ativacao, chip, webhook, aviso, flag RESTART IDENTITY CASCADE"
FORNECEDORES: Final = {
    "AGENTE_SALVY_API_KEY": "salvy_test_sandbox",
    "AGENTE_SALVY_WEBHOOK_SECRET": "whsec_c2FuZGJveC1zYWx2eS13ZWJob29rLXNlY3JldA==",
    "AGENTE_ATIVADOR_API_KEY": "sandbox-ativador-api-key",
    "AGENTE_PROVISAO_OLHADA_S": "0.1",
}


@dataclass
class Balcao:
    """Where numbers are ordered. `log` takes what the runs that die have to say."""

    palco: Palco
    log: Path
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        url = self.palco.sandbox_url
        self.env |= FORNECEDORES | {"AGENTE_SALVY_URL": f"{url}/salvy", "AGENTE_ATIVADOR_URL": f"{url}/ativador"}
        self.palco.api_env |= self.env

    def arrumar(self) -> None:
        """Empty the sandbox and set it to a quick pace, with the area code in stock and the webhooks to our API."""
        self.sandbox("DELETE", "/tudo")
        self.sandbox("PUT", "/programa", {"url": self.palco.api_url})
        self.sandbox("PUT", "/salvy/ddds", {"ddds": [DDD, 41]})
        self.sandbox("PUT", "/ativador", {"passo_ms": PASSO_MS})
        self.sandbox("PUT", "/evolution", {"parear_ms": 20})
        for _ in range(TENTATIVAS):
            with suppress(DeadlockDetected, LockNotAvailable):  # the API reads in another order
                self.palco.sql(LIMPA)
                return
        raise AssertionError("the tables are never free")

    def sandbox(self, method: str, path: str, body: Any = None) -> Any:
        return self.palco.sandbox(method, f"/_sandbox{path}", body)

    def falhas(self, *defeitos: dict[str, Any]) -> None:
        """Have each of these fail once."""
        self.sandbox("PUT", "/falhas", [{"vezes": 1, **one} for one in defeitos])

    @property
    def ambiente(self) -> dict[str, str]:
        """The environment of a process that works on orders."""
        palco = self.palco
        return RAPIDO | self.env | {
            "AGENTE_DATABASE_URL": palco.pg_url,
            "AGENTE_EVOLUTION_URL": palco.sandbox_url,
            "AGENTE_ANTHROPIC_URL": palco.sandbox_url,
            "AGENTE_API_URL": palco.api_url,
        }  # fmt: skip

    @asynccontextmanager
    async def resources(self) -> AsyncIterator[Resources]:
        """Open resources as such a process has them, but for how long a call to the activator may last."""
        given = {name.removeprefix("AGENTE_").lower(): value for name, value in self.ambiente.items()}
        settings = Settings.model_validate(given)
        async with open_resources(settings, nome="teste") as opened:
            yield breve(opened)

    async def pedir(self) -> int:
        """Order a number."""
        async with self.resources() as resources:
            return await pedidos.pedir(resources, DDD, "teste")

    async def rodar(self, pedido: int) -> Trabalho:
        """Work on an order as one run does."""
        async with self.resources() as resources, asyncio.timeout(60):
            return await trabalhar(resources, pedido)

    def morrer(self, pedido: int, crashpoint: str) -> int:
        """Work on an order in a process of its own that dies at a point; return its exit code."""
        assert self.palco.criadouro is not None
        env = {name: value for name, value in os.environ.items() if not name.startswith("AGENTE_")}
        env |= self.ambiente | {"AGENTE_CRASHPOINT": crashpoint}
        child = self.palco.criadouro.call("tests.e2e.numero_novo:corrida", str(pedido), env=env, log=self.log)
        return child.wait(60)

    async def ate(self, verdade: Callable[[], object], segundos: float = 10.0) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(segundos):
            while not await asyncio.to_thread(verdade):  # noqa: ASYNC110 - other programs are asked
                await asyncio.sleep(0.02)

    def ativacoes(self) -> list[dict[str, Any]]:
        """What the activator knows."""
        return list(self.sandbox("GET", "/ativador")["ativacoes"])

    def conferir(self, pedido: int, *, ativacoes: int = 1) -> None:
        """Check that all was done, and each thing once."""
        [numero] = self.sandbox("GET", "/salvy/numeros")
        assert numero["status"] != "canceled"
        [instancia] = [
            one for one in self.sandbox("GET", "/instancias") if one.get("provedor", "evolution") == "evolution"
        ]
        assert (instancia["nome"], instancia["estado"]) == (f"julia-{pedido:04d}", "open"), instancia
        known = self.ativacoes()
        assert [one["status"] for one in known].count("success") == 1
        assert len(known) == ativacoes, known
        [row] = self.palco.sql("SELECT * FROM provisao")
        assert (row["id"], row["etapa"], row["salvy_id"], row["parada_em"]) == (pedido, "pronta", numero["id"], None)
        [chip] = self.palco.sql("SELECT * FROM chip")
        assert (chip["status"], chip["fase"], chip["conectado"], chip["id"]) == (
            "warming",
            "repouso",
            True,
            row["chip_id"],
        )
        assert (chip["telefone"], chip["salvy_id"], chip["instancia"]) == (
            row["telefone"], numero["id"], instancia["nome"],
        )  # fmt: skip
        [passou] = self.palco.sql("SELECT de, para FROM chip_transicao")
        assert (passou["de"], passou["para"]) == ("provisioned", "warming")
        assert self.palco.sql("SELECT chave FROM aviso WHERE tipo = 'chip' AND starts_with(chave, 'pedido:')") == []


def corrida(pedido: str) -> None:
    """Work on an order as one run does, in a process of its own."""

    async def work() -> None:
        async with open_resources(load_settings(), nome="corrida") as resources:
            done = await trabalhar(breve(resources), int(pedido))
            log.get_logger(__name__).info("corrida", fim=done.fim.value)

    log.configure(json=True)
    asyncio.run(work())


def breve(resources: Resources) -> Resources:
    """The same resources, with calls to the activator that are given up soon."""
    assert resources.ativador is not None
    return replace(resources, ativador=replace(resources.ativador, prazo_s=CHAMADA_S))


def pronta(feito: Trabalho) -> bool:
    """Whether a run brought its order to the end."""
    return feito.fim is Fim.PRONTA
