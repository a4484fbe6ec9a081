"""What differs between two machines, read once at the doors (API, flows, command line) and handed down."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from lib.errors import SettingsError

PREFIX = "AGENTE_"
SECRET_MIN = 32
LEASE_MARGIN_S = 10.0
GRACE_MIN_S = 90.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", None, ""})


class Ambiente(StrEnum):
    """Where the program runs."""

    DESENVOLVIMENTO = "desenvolvimento"
    TESTE = "teste"
    PRODUCAO = "producao"


class Settings(BaseSettings):
    """All settings. Durations of the hot path have production defaults; tests set small ones."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_ignore_empty=True,  # `NAME=` in a copied .env.example is a missing setting, not an empty one
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        validate_default=True,
    )

    ambiente: Ambiente = Field(Ambiente.DESENVOLVIMENTO, description="desenvolvimento, teste or producao")
    database_url: SecretStr = Field(
        description="PostgreSQL, as a libpq address: postgresql://user:password@host:port/name"
    )
    redis_url: SecretStr | None = Field(None, description="Redis-compatible cache; empty: everything works, slower")
    api_url: str = Field("http://127.0.0.1:8000", description="where the gateways reach this API")
    hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="further host names this API answers to, besides api_url's and this machine's (comma separated)"
    )
    evolution_url: str = Field(description="address of the Evolution API")
    evolution_api_key: SecretStr = Field(description="its global key")
    evolution_webhook_secret: SecretStr = Field(
        description="root of the per-instance webhook keys, 32 characters or more; 'new,old' while rotating"
    )
    anthropic_url: str = Field("https://api.anthropic.com", description="address of the Anthropic API")
    anthropic_api_key: SecretStr = Field(description="its key")
    llm_modelo: str = Field("claude-haiku-5-5", description="model that analyses and answers; must allow thinking off")
    llm_modelo_reserva: str | None = Field(
        None, description="model that answers while that one is overloaded (529); empty: the turn waits"
    )
    links_permitidos: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="hosts, with what lies below them, whose links a reply may carry (comma separated); empty: none"
    )
    prefect_api_url: str | None = Field(
        None,
        validation_alias="PREFECT_API_URL",
        description="Prefect's API, ending in /api; empty: no runs are started",
    )
    prefect_api_auth_string: SecretStr | None = Field(
        None, validation_alias="PREFECT_API_AUTH_STRING", description="its user:password, where it wants one"
    )
    empresa: str = Field("Plantões Exemplo", description="company named in the first contact")
    destinos_permitidos: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="outside production, the only numbers that may be written to (comma separated), beside the sandbox",
    )
    db_conexoes: int = Field(
        8, ge=2, le=100, description="database connections of the worker and the API, each process"
    )
    envios_simultaneos: int = Field(8, ge=1, le=64, description="messages being sent at once, each process")
    turnos_simultaneos: int = Field(8, ge=1, le=64, description="turns being thought at once, each process")
    quieto_s: float = Field(1.5, ge=0, description="a turn is due after this much quiet")
    quieto_max_s: float = Field(6.0, ge=0, description="and at most this long after the first message")
    poll_s: float = Field(0.5, gt=0, le=5, description="how often due work is looked for when nobody rings")
    lease_s: float = Field(60.0, gt=0, description="how long a claim lasts without renewal")
    turno_max_s: float = Field(45.0, gt=0, description="deadline of a whole turn")
    envio_max_s: float = Field(20.0, gt=0, description="deadline of one send")
    margem_s: float = Field(LEASE_MARGIN_S, ge=0, description="a lease must outlive its work's deadline by this much")
    carencia_s: float = Field(
        90.0, ge=0, description="an unknown send is not repeated before this long without evidence"
    )
    retry_s: float = Field(1.0, ge=0, description="first delay of a retry; doubles, with full jitter, up to 5 minutes")
    pausa_leitura_max_s: float = Field(2.0, ge=0, le=2, description="longest reading pause before a reply")
    drenagem_s: float = Field(25.0, ge=0, description="how long a stopping worker may finish what it has")
    crashpoint: str | None = Field(None, description="name of the step at which the process kills itself; tests only")

    @field_validator("destinos_permitidos", "hosts", "links_permitidos", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator(
        "redis_url", "prefect_api_url", "prefect_api_auth_string", "crashpoint", "llm_modelo_reserva", mode="before"
    )
    @classmethod
    def _blank_is_absent(cls, value: object) -> object:
        return None if value == "" else value

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.lease_s <= max(self.turno_max_s, self.envio_max_s) + self.margem_s:
            raise ValueError("lease_s must be longer than turno_max_s and envio_max_s by more than margem_s")
        if not self.webhook_secrets or any(len(key) < SECRET_MIN for key in self.webhook_secrets):
            raise ValueError(f"evolution_webhook_secret needs {SECRET_MIN} characters or more")
        if self.ambiente is Ambiente.PRODUCAO:
            self._check_production()
        return self

    def _check_production(self) -> None:
        address = conninfo_to_dict(self.database_url.get_secret_value())
        hosts = {part for name in ("host", "hostaddr") for part in str(address.get(name) or "").split(",")}
        remote = any(host not in LOOPBACK and not host.startswith("/") for host in hosts)
        if remote and address.get("sslmode") not in {"require", "verify-ca", "verify-full"}:
            raise ValueError("database_url needs sslmode=require or stricter in production")
        if self.margem_s < LEASE_MARGIN_S or self.carencia_s < GRACE_MIN_S:
            raise ValueError(
                f"margem_s needs {LEASE_MARGIN_S:.0f} and carencia_s {GRACE_MIN_S:.0f} or more in production"
            )
        if self.crashpoint:
            raise ValueError("crashpoint is refused in production")
        for name in ("evolution_url", "anthropic_url"):
            target = urlsplit(getattr(self, name))
            if target.scheme != "https" and target.hostname not in LOOPBACK:
                raise ValueError(f"{name} must be https in production")
        if (
            "sandbox" in self.evolution_api_key.get_secret_value()
            or "sandbox" in self.anthropic_api_key.get_secret_value()
        ):
            raise ValueError("the sandbox's keys are refused in production")

    @property
    def modelos(self) -> tuple[str, ...]:
        """The ids of all models that may be asked."""
        return (self.llm_modelo, *((self.llm_modelo_reserva,) if self.llm_modelo_reserva else ()))

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The current webhook secret first, then the one being rotated out."""
        return tuple(
            part.strip() for part in self.evolution_webhook_secret.get_secret_value().split(",") if part.strip()
        )


def load_settings() -> Settings:
    """Read the environment and `.env`.

    Raises:
        SettingsError: with one line for each missing or bad setting; the doors print it and exit with 2.
    """
    try:
        return Settings()
    except ValidationError as cause:
        lines = tuple(_line(dict(error)) for error in cause.errors())
        raise SettingsError(lines) from None


def _line(error: dict[str, object]) -> str:
    place = error["loc"]
    name = f"{variable(str(place[0]))}: " if isinstance(place, tuple) and place else ""
    message = "is missing" if error["type"] == "missing" else str(error["msg"]).removeprefix("Value error, ")
    return f"{name}{message}"


def variable(field: str) -> str:
    """Return the environment variable that sets a field; Prefect's own keep their names."""
    known = Settings.model_fields.get(field)
    alias = known.validation_alias if known else field if field.isupper() else None
    return alias if isinstance(alias, str) else PREFIX + field.upper()
