"""What differs between two machines, read once at the doors (API, flows, command line) and handed down."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping
from enum import StrEnum
from string import hexdigits
from typing import Annotated, Self
from urllib.parse import urlsplit

import orjson
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, FilePath, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from lib.errors import SettingsError

PREFIX = "AGENTE_"
SECRET_MIN = 32
LEASE_MARGIN_S = 10.0
GRACE_MIN_S = 90.0
SALVY_TESTE = "salvy_test_"
# Each vendor's address, and what it cannot be used without.
FORNECEDORES: Mapping[str, tuple[str, ...]] = {
    "zapi_url": ("zapi_client_token", "zapi_webhook_secret"),
    "meta_url": ("meta_token", "meta_app_secret", "meta_verify_token"),
    "chatwoot_url": ("chatwoot_token", "chatwoot_conta", "chatwoot_caixa", "chatwoot_webhook_secret"),
    "slack_url": ("slack_token", "slack_signing_secret", "slack_canal"),
    "salvy_url": ("salvy_api_key", "salvy_webhook_secret"),
    "ativador_url": ("ativador_api_key",),
    "busca_url": ("busca_api_key",),
}
ENDERECOS = ("evolution_url", "anthropic_url", *FORNECEDORES)
# Secrets that are addresses or go to our own servers: nothing of the sandbox's is in them.
SEM_CHAVE = frozenset({"database_url", "redis_url", "prefect_api_auth_string"})
# How the sandbox's keys are known, plain and in the base64 of a webhook secret.
DO_SANDBOX = ("sandbox", "c2FuZGJveC")
SVIX = "whsec_"
IMPRESSAO_HEX = 64
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
        hide_input_in_errors=True,  # an error's text would show the other settings too
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
    zapi_url: str | None = Field(None, description="address of Z-API, https://api.z-api.io; empty: not used")
    zapi_client_token: SecretStr | None = Field(None, description="its account security token")
    zapi_instancias: Annotated[Mapping[str, SecretStr], NoDecode] = Field(
        default_factory=dict, description='its instances with their tokens, as JSON: {"3C…": "token"}'
    )
    zapi_webhook_secret: SecretStr | None = Field(
        None, description="root of its webhook addresses, 32 characters or more; 'new,old' while rotating"
    )
    meta_url: str | None = Field(
        None, description="address of the WhatsApp Cloud API, https://graph.facebook.com; empty: not used"
    )
    meta_token: SecretStr | None = Field(None, description="its system user token")
    meta_app_secret: SecretStr | None = Field(None, description="signs its webhooks; 'new,old' while rotating")
    meta_verify_token: SecretStr | None = Field(None, description="what its webhook check must say")
    chatwoot_url: str | None = Field(None, description="address of Chatwoot; empty: not used")
    chatwoot_token: SecretStr | None = Field(None, description="access token of the user that Júlia writes as")
    chatwoot_conta: int | None = Field(None, description="its account id")
    chatwoot_caixa: int | None = Field(None, description="id of its API inbox")
    chatwoot_webhook_secret: SecretStr | None = Field(None, description="signs its webhooks; 'new,old' while rotating")
    slack_url: str | None = Field(None, description="address of Slack's API, https://slack.com/api; empty: not used")
    slack_token: SecretStr | None = Field(None, description="its bot token")
    slack_signing_secret: SecretStr | None = Field(None, description="signs what it sends; 'new,old' while rotating")
    slack_canal: str | None = Field(None, description="id of the channel that is told what happens")
    slack_canal_critico: str | None = Field(None, description="channel of what cannot wait; empty: the same one")
    salvy_url: str | None = Field(None, description="address of Salvy, https://api.salvy.com.br; empty: not used")
    salvy_api_key: SecretStr | None = Field(None, description="its key; outside production a salvy_test_ one")
    salvy_webhook_secret: SecretStr | None = Field(None, description="whsec_…, signs its webhooks; 'new,old'")
    ativador_url: str | None = Field(None, description="https address of the chip activator; empty: not used")
    ativador_api_key: SecretStr | None = Field(None, description="its key")
    ativador_certificado: FilePath | None = Field(None, description="PEM file of its certificate, the only one trusted")
    ativador_sha256: str | None = Field(None, description="or that certificate's SHA-256 fingerprint, in hexadecimal")
    provisao_olhada_s: float = Field(
        5.0, gt=0, le=60, description="how often a new number's activation, text messages and pairing are looked at"
    )
    busca_url: str | None = Field(None, description="address of the search API; empty: not used")
    busca_api_key: SecretStr | None = Field(None, description="its key")

    @field_validator("destinos_permitidos", "hosts", "links_permitidos", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("zapi_instancias", mode="before")
    @classmethod
    def _mapping(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:  # its text would show the tokens
            raise ValueError("must be a JSON object of instance and token") from None

    @field_validator("*", mode="before")
    @classmethod
    def _blank_is_absent(cls, value: object, info: ValidationInfo) -> object:
        field = cls.model_fields[info.field_name or ""]
        return field.get_default(call_default_factory=True) if value == "" and not field.is_required() else value

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.lease_s <= max(self.turno_max_s, self.envio_max_s) + self.margem_s:
            raise ValueError("lease_s must be longer than turno_max_s and envio_max_s by more than margem_s")
        if not self.webhook_secrets or any(len(key) < SECRET_MIN for key in self.webhook_secrets):
            raise ValueError(f"evolution_webhook_secret needs {SECRET_MIN} characters or more")
        self._check_addresses()
        self._check_vendors()
        self._check_activator()
        if self.ambiente is Ambiente.PRODUCAO:
            self._check_production()
        return self

    def _check_addresses(self) -> None:
        for name in ENDERECOS:
            target = urlsplit(getattr(self, name) or "https://none")
            if target.scheme not in {"http", "https"} or not target.hostname:
                raise ValueError(f"{variable(name)} must be an http or https address")
            outside = target.scheme == "http" and target.hostname not in LOOPBACK
            if outside and self.ambiente is Ambiente.PRODUCAO:
                raise ValueError(f"{variable(name)} must be https in production")

    def _check_vendors(self) -> None:
        """A vendor is used, with all it needs, or not at all."""
        for address, needed in FORNECEDORES.items():
            if getattr(self, address) is None:
                continue
            missing = [variable(name) for name in needed if _absent(getattr(self, name))]
            if missing:
                raise ValueError(f"{variable(address)} is set, so these are needed too: {', '.join(missing)}")
        if any(len(key) < SECRET_MIN for key in self.zapi_webhook_secrets):
            raise ValueError(f"{variable('zapi_webhook_secret')} needs {SECRET_MIN} characters or more")
        if any(_absent(token) for token in self.zapi_instancias.values()):
            raise ValueError(f"{variable('zapi_instancias')} has an instance without a token")
        if not all(_is_svix(secret) for secret in self.salvy_webhook_secrets):
            raise ValueError(f"{variable('salvy_webhook_secret')} must be {SVIX} and base64")
        test_key = self.salvy_api_key and self.salvy_api_key.get_secret_value().startswith(SALVY_TESTE)
        if test_key is not None and test_key is (self.ambiente is Ambiente.PRODUCAO):
            name = variable("salvy_api_key")
            raise ValueError(f"{name} must be a {SALVY_TESTE} key outside production, and only there")

    def _check_activator(self) -> None:
        """Its certificate is its own, so that one alone is trusted."""
        pinned = self.ativador_certificado or self.ativador_sha256
        given = " or ".join(map(variable, ("ativador_certificado", "ativador_sha256")))
        scheme = urlsplit(self.ativador_url or "").scheme
        if scheme == "https" and not pinned:
            raise ValueError(f"{variable('ativador_url')} needs {given}: its certificate is its own")
        if scheme == "http" and pinned:
            raise ValueError(f"{variable('ativador_url')} must be https where {given} is set")
        digits = (self.ativador_sha256 or "0" * IMPRESSAO_HEX).replace(":", "")
        if len(digits) != IMPRESSAO_HEX or not set(digits) <= set(hexdigits):
            raise ValueError(f"{variable('ativador_sha256')} must be {IMPRESSAO_HEX} hexadecimal digits")

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
        found = [variable(name) for name, key in self._keys() if any(mark in key for mark in DO_SANDBOX)]
        if found:
            raise ValueError(f"the sandbox's keys are refused in production: {', '.join(dict.fromkeys(found))}")

    def _keys(self) -> Iterator[tuple[str, str]]:
        """Every key, token and webhook secret, with the field it is in."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, SecretStr) and name not in SEM_CHAVE:
                yield name, value.get_secret_value()
        for token in self.zapi_instancias.values():
            yield "zapi_instancias", token.get_secret_value()

    @property
    def modelos(self) -> tuple[str, ...]:
        """The ids of all models that may be asked."""
        return (self.llm_modelo, *((self.llm_modelo_reserva,) if self.llm_modelo_reserva else ()))

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """Evolution's current webhook secret first, then the one being rotated out."""
        return _secrets(self.evolution_webhook_secret)

    @property
    def zapi_webhook_secrets(self) -> tuple[str, ...]:
        """Z-API's, current one first; empty when it is not used. So are the others below."""
        return _secrets(self.zapi_webhook_secret)

    @property
    def meta_app_secrets(self) -> tuple[str, ...]:
        """Meta's app secrets."""
        return _secrets(self.meta_app_secret)

    @property
    def meta_verify_tokens(self) -> tuple[str, ...]:
        """What Meta's webhook check may say."""
        return _secrets(self.meta_verify_token)

    @property
    def chatwoot_webhook_secrets(self) -> tuple[str, ...]:
        """Chatwoot's."""
        return _secrets(self.chatwoot_webhook_secret)

    @property
    def slack_signing_secrets(self) -> tuple[str, ...]:
        """Slack's."""
        return _secrets(self.slack_signing_secret)

    @property
    def salvy_webhook_secrets(self) -> tuple[str, ...]:
        """Salvy's."""
        return _secrets(self.salvy_webhook_secret)


def _absent(value: object) -> bool:
    """Tell whether a needed setting is missing; a secret of commas and spaces opens nothing and shuts everybody out."""
    if isinstance(value, SecretStr):
        return not _secrets(value)
    return value is None or (isinstance(value, str) and not value.strip())


def _is_svix(secret: str) -> bool:
    try:
        return secret.startswith(SVIX) and len(b64decode(secret.removeprefix(SVIX), validate=True)) > 0
    except ValueError:
        return False


def _secrets(value: SecretStr | None) -> tuple[str, ...]:
    text = value.get_secret_value() if value else ""
    return tuple(part.strip() for part in text.split(",") if part.strip())


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
