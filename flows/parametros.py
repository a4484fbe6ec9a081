"""What every flow's form asks: in which mode to run, and as of which instant."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

# A scheduler's clock may run ahead of ours by this much.
CLOCK_SKEW = timedelta(minutes=5)


class Modo(StrEnum):
    """O que fazer com as mudanças: gravar, listar ou só contar."""

    APLICAR = "aplicar"
    PLANO = "plano"
    SIMULAR = "simular"


class Parametros(BaseModel):
    """Parâmetros comuns a todos os fluxos."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    modo: Modo = Field(
        default=Modo.APLICAR,
        title="Modo",
        description=(
            "aplicar: grava as mudanças. plano: não grava e lista cada mudança. simular: não grava e só conta."
        ),
    )
    as_of: AwareDatetime | None = Field(
        default=None,
        title="Data de referência",
        description="Faz o que estava vencido neste instante, com fuso horário; vazio usa o instante da execução.",
    )

    def instant(self, now: datetime) -> datetime:
        """Return the instant that the run is about.

        Raises:
            ValueError: it lies in the future and the run would apply changes that are not due.
        """
        if self.as_of is None:
            return now
        if self.modo is Modo.APLICAR and self.as_of > now + CLOCK_SKEW:
            raise ValueError("as_of está no futuro: use o modo plano ou simular")
        return self.as_of
