from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import yaml
from prefect.utilities.callables import parameter_schema
from pydantic import BaseModel, ValidationError

from flows.chunks import Job
from flows.deployments import FILAS, FILE, ROOT, Implantacao, fingerprint, read_file
from flows.parametros import Modo, Parametros

ALL = {item.name: item for item in read_file()}
CRON = {
    "trust-score": "*/15 * * * *",
    "followups": "0 10 * * *",
    "temperatura": "0 3 * * *",
    "qualidade": "0 2 * * *",
    "modelos-meta": "0 4 * * *",
    "sincronizar-chips": "2-59/5 * * * *",
    "provisionar-chip": "*/10 * * * *",
    "cuidar-pool": "4-59/5 * * * *",
    "rampup": "6-59/15 * * * *",
    "aquecimento": "26 * * * *",
    "snapshot-chips": "10 0 * * *",
}
# How many runs at once; those that may be several have a lock for each of their rows.
SIMULTANEAS = {"provisionar-chip": 4}


def test_every_flow_of_the_folder_is_deployed_once_under_its_own_name() -> None:
    modules = {path.stem for path in (ROOT / "flows").glob("*.py") if "@flow(" in path.read_text(encoding="utf-8")}
    assert {item.entrypoint.split(".")[1] for item in ALL.values()} == modules
    assert len(read_file()) == len(ALL) == len(CRON)
    for name, item in ALL.items():
        assert item.flow().name == name


@pytest.mark.parametrize("item", ALL.values(), ids=ALL)
def test_the_file_says_what_the_flow_says(item: Implantacao) -> None:
    flow = item.flow()
    assert item.description == inspect.getdoc(flow.fn) == flow.description
    assert (item.work_pool.name, item.work_pool.work_queue_name in FILAS) == ("agente", True)
    limit = SIMULTANEAS.get(item.name, 1)
    assert (item.concurrency_limit.limit, item.concurrency_limit.collision_strategy.value) == (limit, "CANCEL_NEW")
    assert inspect.getmodule(flow.fn).__dict__["JOB"].sozinho is (limit == 1)
    assert item.enforce_parameter_schema
    assert item.tags
    [agenda] = item.schedules
    assert (agenda.cron, agenda.timezone, agenda.active) == (CRON[item.name], "America/Sao_Paulo", True)
    assert agenda.slug
    assert flow.timeout_seconds


@pytest.mark.parametrize("item", ALL.values(), ids=ALL)
def test_the_form_has_titles_bounds_and_literal_defaults(item: Implantacao) -> None:
    schema = parameter_schema(item.flow()).model_dump_for_openapi()
    assert set(schema["properties"]) == {"parametros"}
    reference = schema["properties"]["parametros"]["$ref"].rpartition("/")[2]
    form = schema["definitions"][reference]
    assert form["additionalProperties"] is False
    assert schema["definitions"]["Modo"]["enum"] == [modo.value for modo in Modo]
    for field in form["properties"].values():
        assert "default" in field
        assert field["description"]
        if field.get("type") == "integer":
            assert {"minimum", "maximum", "title"} <= set(field)


def test_every_flow_has_one_job_with_a_reason_for_having_nothing_to_do() -> None:
    for item in ALL.values():
        job = inspect.getmodule(item.flow().fn).__dict__["JOB"]
        assert isinstance(job, Job)
        assert job.nome == item.name
        assert job.nada


def test_parameters_share_one_shape() -> None:
    assert issubclass(Parametros, BaseModel)
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Parametros.model_validate({"moddo": "simular"})
    with pytest.raises(ValidationError, match="timezone"):
        Parametros.model_validate({"as_of": "2026-01-01T00:00:00"})


def test_an_unknown_key_in_the_file_is_refused(tmp_path: Path) -> None:
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    content["deployments"][0]["concurency_limit"] = {"limit": 1}
    other = tmp_path / "prefect.yaml"
    other.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ValidationError, match="concurency_limit"):
        read_file(other)
    assert fingerprint(other) != fingerprint()
