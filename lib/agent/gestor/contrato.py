"""What a managers' tool is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ConfigDict

from lib.agent.tools.contrato import Argumentos as ArgumentosDoModelo
from lib.agent.tools.contrato import schema_of
from lib.auth import Papel
from lib.providers.slack_blocos import Bloco
from lib.resources import Resources


class Argumentos(ArgumentosDoModelo):
    """Arguments of a manager's tool, from a command or from the model; unknown ones are refused."""

    model_config = ConfigDict(str_max_length=300)


@dataclass(frozen=True, slots=True)
class Quem:
    """Who asks, where and when; `causa` names what asked, the same when it is met again after a crash."""

    usuario: str
    nome: str | None
    papel: Papel
    canal: str
    agora: datetime
    causa: str

    @property
    def por(self) -> str:
        """How this person signs what they do."""
        return f"{self.nome} ({self.usuario})" if self.nome else self.usuario


@dataclass(frozen=True, slots=True)
class Resultado:
    """What a tool says: `texto` for the model and for screens without blocks, phones masked and others' words as data.

    `blocos` are for the person alone and may say more. `alvo` is on whom it acted, for the audit log (`medico:12`).
    """

    texto: str
    blocos: tuple[Bloco, ...] = ()
    erro: bool = False
    alvo: str | None = None


@dataclass(frozen=True, slots=True)
class Previa:
    """What would be done, shown before it is confirmed; `args` are the arguments as they will be run, resolved."""

    texto: str
    args: Mapping[str, Any] = field(default_factory=dict)
    alvo: str | None = None


Executar = Callable[[Resources, Any, Quem], Awaitable[Resultado]]
Prever = Callable[[Resources, Any, Quem], Awaitable[Previa | Resultado]]


def _nunca(_: Any) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Ferramenta:
    """A managers' tool: what it is called, who may use it, and what it does.

    With `prever` it acts only after its button; a `Resultado` in the preview's stead is a refusal. `so_le` tells which
    arguments ask for nothing but a look. `repetivel`: running it again for the same cause changes nothing more, so
    that an act cut short by a crash may be finished.
    """

    nome: str
    descricao: str
    argumentos: type[Argumentos]
    papel: Papel
    executar: Executar
    prever: Prever | None = None
    repetivel: bool = False
    so_le: Callable[[Any], bool] = _nunca

    @property
    def confirma(self) -> bool:
        """Whether it acts only after its button."""
        return self.prever is not None

    def esquema(self) -> Mapping[str, Any]:
        """Return the JSON schema of its arguments."""
        return schema_of(self.argumentos)


def erro(texto: str) -> Resultado:
    """Return a refusal; the text is for people, in Portuguese."""
    return Resultado(texto, erro=True)
