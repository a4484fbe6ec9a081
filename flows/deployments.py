"""What prefect.yaml says, put onto a Prefect server in one process: pool, queues and deployments, only when changed."""

from __future__ import annotations

import hashlib
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import prefect
import yaml
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import (
    DeploymentScheduleCreate,
    VariableCreate,
    VariableUpdate,
    WorkPoolCreate,
)
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectNotFound
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.utilities.callables import parameter_schema
from prefect.workers.process import ProcessWorker
from pydantic import BaseModel, ConfigDict

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "prefect.yaml"
VARIABLE = "agente_deployments"
# Lower goes first.
FILAS: Mapping[str, int] = MappingProxyType({"critico": 1, "padrao": 2, "lote": 3})


class Agenda(BaseModel):
    """One schedule."""

    model_config = ConfigDict(extra="forbid")

    slug: str
    cron: str
    timezone: str
    active: bool


class Limite(BaseModel):
    """How many runs at once, and what becomes of one too many."""

    model_config = ConfigDict(extra="forbid")

    limit: int
    collision_strategy: ConcurrencyLimitStrategy


class Fila(BaseModel):
    """Where a deployment's runs wait."""

    model_config = ConfigDict(extra="forbid")

    name: str
    work_queue_name: str


class Implantacao(BaseModel):
    """One deployment; a key that we do not use is refused, not ignored."""

    model_config = ConfigDict(extra="forbid")

    name: str
    entrypoint: str
    description: str
    tags: list[str]
    work_pool: Fila
    concurrency_limit: Limite
    enforce_parameter_schema: bool
    schedules: list[Agenda]

    def flow(self) -> Flow[..., Any]:
        """Import the flow."""
        return load_flow_from_entrypoint(self.entrypoint, use_placeholder_flow=False)


def read_file(path: Path = FILE) -> tuple[Implantacao, ...]:
    """Read the deployments of a prefect.yaml.

    Raises:
        ValidationError: something is missing, wrong or unknown.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tuple(Implantacao.model_validate(entry) for entry in content["deployments"])


def fingerprint(path: Path = FILE) -> str:
    """Return the hash of all that a deployment is made of: the file, the flows, this interpreter and folder."""
    digest = hashlib.sha256(path.read_bytes())
    for source in sorted((ROOT / "flows").glob("*.py")):
        digest.update(source.read_bytes())
    digest.update(f"{prefect.__version__} {sys.executable} {ROOT}".encode())
    return digest.hexdigest()


async def deploy_if_changed(client: PrefectClient, path: Path = FILE) -> bool:
    """Deploy unless the server already has exactly this; return whether it was done.

    Deploying again would make a second set of the runs that are already scheduled.
    """
    implantacoes, wanted = read_file(path), fingerprint(path)
    known = await client.read_variable_by_name(VARIABLE)
    there = {deployment.name for deployment in await client.read_deployments()}
    if known and known.value == wanted and {item.name for item in implantacoes} <= there:
        return False
    for pool in sorted({item.work_pool.name for item in implantacoes}):
        await make_pool(client, pool)
    for item in implantacoes:
        await deploy(client, item)
    if known:
        await client.update_variable(VariableUpdate(name=VARIABLE, value=wanted))
    else:
        await client.create_variable(VariableCreate(name=VARIABLE, value=wanted))
    return True


async def make_pool(client: PrefectClient, name: str) -> None:
    """Create or update the process pool; what only this machine knows stands here, not in prefect.yaml.

    With a command of its own a run starts two seconds sooner than by the worker's preparation of a workspace.
    """
    template = ProcessWorker.get_default_base_job_template()
    properties = template["variables"]["properties"]
    properties["command"]["default"] = shlex.join([sys.executable, "-m", "prefect.engine"])
    properties["working_dir"]["default"] = str(ROOT)
    pool = WorkPoolCreate(name=name, type="process", base_job_template=template)
    await client.create_work_pool(pool, overwrite=True)
    for queue, priority in FILAS.items():
        try:
            found = await client.read_work_queue_by_name(queue, work_pool_name=name)
        except ObjectNotFound:
            await client.create_work_queue(queue, priority=priority, work_pool_name=name)
        else:
            await client.update_work_queue(found.id, priority=priority)


async def deploy(client: PrefectClient, item: Implantacao) -> None:
    """Create or update one deployment."""
    flow = item.flow()
    schedules = [
        DeploymentScheduleCreate(
            schedule=CronSchedule(cron=agenda.cron, timezone=agenda.timezone), active=agenda.active, slug=agenda.slug
        )
        for agenda in item.schedules
    ]
    await client.create_deployment(
        flow_id=await client.create_flow(flow),
        name=item.name,
        version=flow.version,
        schedules=schedules,
        concurrency_limit=item.concurrency_limit.limit,
        concurrency_options=ConcurrencyOptions(collision_strategy=item.concurrency_limit.collision_strategy),
        description=item.description,
        work_pool_name=item.work_pool.name,
        work_queue_name=item.work_pool.work_queue_name,
        tags=item.tags,
        entrypoint=item.entrypoint,
        pull_steps=[],
        # Prefect's own schema lets unknown names pass, and the run would fail later.
        parameter_openapi_schema={**parameter_schema(flow).model_dump_for_openapi(), "additionalProperties": False},
        enforce_parameter_schema=item.enforce_parameter_schema,
    )
