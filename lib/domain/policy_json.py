"""A policy's input as it is stored with the turn, and back: a stored decision can be decided again."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter

from lib.domain.policy import EntradaPolicy

_ENTRADA = TypeAdapter(EntradaPolicy)


def para_json(entrada: EntradaPolicy) -> dict[str, Any]:
    """Return the input as JSON values: instants as ISO text, enums by value, nothing that the doctor wrote.

    The quoted words of an objection and the knowledge found are left out: no rule reads them.
    """
    situacao = replace(entrada.situacao, resumo="")
    if situacao.objecao is not None:
        situacao = replace(situacao, objecao=replace(situacao.objecao, trecho=""))
    stored: dict[str, Any] = _ENTRADA.dump_python(replace(entrada, situacao=situacao), mode="json")
    return stored


def de_json(entrada: Mapping[str, Any]) -> EntradaPolicy:
    """Return the input that was stored; fields that it does not have yet take their defaults.

    Raises:
        pydantic.ValidationError: a field is missing or holds an unknown value; never a default instead.
    """
    return _ENTRADA.validate_python(dict(entrada))
