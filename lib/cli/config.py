"""`agente config`: the settings and what they mean."""

from __future__ import annotations

from enum import StrEnum
from textwrap import wrap

import typer
from pydantic.fields import FieldInfo

from lib.settings import Settings, variable

WIDTH = 100
HEAD = """\
# Settings of Agente Júlia, read from the environment and from a file named .env beside this one.
# Written by `agente config exemplo`. `agente up` needs none of them: it sets its own.
"""

app = typer.Typer(help="Configuração do agente.", no_args_is_help=True)


def example() -> str:
    """Return the text of `.env.example`: every setting with its meaning, required ones first to fill in."""
    fields = Settings.model_fields.items()
    required = [_entry(name, field) for name, field in fields if field.is_required()]
    optional = [_entry(name, field) for name, field in fields if not field.is_required()]
    return "\n".join([HEAD, "# --- required ---\n", *required, "# --- optional, with their defaults ---\n", *optional])


def _entry(name: str, field: FieldInfo) -> str:
    comment = "".join(f"# {line}\n" for line in wrap(field.description or "", WIDTH))
    if field.is_required():
        return f"{comment}{variable(name)}=\n"
    return f"{comment}# {variable(name)}={_shown(field.default)}\n"


def _shown(default: object) -> str:
    if default is None or default == ():
        return ""
    return default.value if isinstance(default, StrEnum) else str(default)


@app.command("exemplo")
def exemplo() -> None:
    """Mostra o arquivo .env.example, com todas as variáveis e o que significam."""
    typer.echo(example(), nl=False)


@app.callback()
def _config() -> None:
    """Keep `exemplo` a verb of its own: Typer would drop it where it is the only one."""
