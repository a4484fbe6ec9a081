"""Fills any JSON schema from a text, deterministically."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from lib.sandbox.lexicon import CITIES, NEUTRAL, PERIODS, SPECIALTIES, SYNONYMS, WEEKDAYS
from lib.sandbox.prompt import plain

_RANGE: Final = re.compile(r"(-?\d+(?:[.,]\d+)?)\s*(?:-|\u2013|\.\.+|a|to|e)\s*(-?\d+(?:[.,]\d+)?)")
_MINIMUM: Final = re.compile(r"minimum\W+?(-?\d+(?:\.\d+)?)")
_MAXIMUM: Final = re.compile(r"maximum\W+?(-?\d+(?:\.\d+)?)")
_PLACE: Final = r"(?:Hospital|Santa Casa|UPA|Maternidade|Pronto[- ]Socorro)"
_HOSPITAL: Final = re.compile(_PLACE + r"(?:\s+(?:d[aeo]s?\s+)?[A-ZÀ-Ý][\wÀ-ÿ]+)+")
_HOSPITAL_TYPED_FAST: Final = re.compile(
    _PLACE + r"\s+(?:d[aeo]s?\s+)?(?!que\b|fica\b)[\wÀ-ÿ]{3,}(?:\s+[\wÀ-ÿ]{3,})?", re.IGNORECASE
)
_SPEAKER: Final = re.compile(r"^\s*(?:\[[^\]]*\]\s*)?(?:[\wÀ-ÿ. ]{1,25}:)\s*")
_SENTENCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "resumo": "Conversa breve sobre plantões, sem pendências graves.",
        "justificativa": "O texto da conversa sustenta esta leitura.",
        "motivo": "O texto da conversa sustenta esta leitura.",
        "sugest": "Responder com uma pergunta objetiva no fim.",
        "melhor": "Responder com uma pergunta objetiva no fim.",
        "objetivo": "entender a disponibilidade do médico",
        "forte": "Tom cordial.",
        "fraco": "Poderia ser mais direta.",
    }
)
_WORD_START: Final = r"(?<!\w)"
_QUOTE_CHARS: Final = 120
_DEEPEST: Final = 12


@dataclass(frozen=True, slots=True)
class Filler:
    """Values for schemas, drawn from one text; `seed` varies what the text leaves open."""

    text: str
    seed: int
    root: Mapping[str, Any]

    def fill(self, schema: Mapping[str, Any], path: str = "", depth: int = 0) -> Any:  # noqa: C901, PLR0911 - one per keyword
        """A value valid for this part of the schema."""
        schema = self.resolve(schema)
        if "const" in schema:
            return schema["const"]
        if options := schema.get("enum"):
            return self.choose(options)
        if variants := schema.get("anyOf") or schema.get("oneOf"):
            return self._variant(variants, path, depth)
        if parts := schema.get("allOf"):
            return self.fill({key: value for part in parts for key, value in part.items()}, path, depth)
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            return self._variant([{**schema, "type": one} for one in kind], path, depth)
        match kind:
            case "object":
                properties = schema.get("properties") or {}
                optional = () if depth < _DEEPEST else set(properties) - set(schema.get("required") or ())
                return {
                    name: self.fill(part, f"{path}.{name}", depth + 1)
                    for name, part in properties.items()
                    if name not in optional
                }
            case "array":
                count = max(
                    int(schema.get("minItems", 0)), min(1 + self._draw(path) % 2, int(schema.get("maxItems", 2)))
                )
                return [self.fill(schema.get("items") or {}, f"{path}.{index}", depth + 1) for index in range(count)]
            case "integer" | "number":
                return self._number(schema, path, whole=kind == "integer")
            case "boolean":
                return self._truth(path)
            case "null":
                return None
            case _:
                return self._string(schema, path)

    def choose(self, options: list[Any]) -> Any:
        """The option the text speaks of, else a neutral one, else the first."""
        words = plain(self.text)
        scores = [self._hits(str(option), words) if option is not None else 0 for option in options]
        if max(scores) > 0:
            return options[scores.index(max(scores))]
        return next((option for option in options if option is None or plain(str(option)) in NEUTRAL), options[0])

    def quote(self, path: str) -> str:
        """A real substring of the text, whole words, without its speaker's name."""
        spoken = (_SPEAKER.sub("", line).strip() for line in self.text.splitlines())
        lines = [line for line in spoken if any(char.isalnum() for char in line)]
        if not lines:
            return ""
        line = lines[self._draw(path) % len(lines)]
        return line if len(line) <= _QUOTE_CHARS else line[: _QUOTE_CHARS + 1].rsplit(maxsplit=1)[0][:_QUOTE_CHARS]

    def resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """The schema with its `$ref` followed."""
        seen = 0
        while "$ref" in schema and seen < _DEEPEST:
            target: Any = self.root
            for step in str(schema["$ref"]).removeprefix("#/").split("/"):
                target = target.get(step, {}) if isinstance(target, dict) else {}
            schema, seen = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}, seen + 1
        return schema

    def _variant(self, variants: list[Mapping[str, Any]], path: str, depth: int) -> Any:
        """The first variant that is not null; null when an optional choice finds nothing in the text."""
        solid = [variant for variant in map(self.resolve, variants) if variant.get("type") != "null"]
        if not solid:
            return None
        options = solid[0].get("enum")
        if len(solid) < len(variants):
            words = plain(self.text)
            if options and not any(self._hits(str(option), words) for option in options):
                return None
            if depth >= _DEEPEST:
                return None
        return self.fill(solid[0], path, depth)

    def _hits(self, option: str, words: str) -> int:
        if plain(option) in NEUTRAL:
            return 0
        parts = [part for part in re.split(r"[_\W]+", plain(option)) if part]
        clues = [clue for part in parts for stem, known in SYNONYMS.items() if part.startswith(stem) for clue in known]
        direct = [part[:7] for part in parts if len(part) > 3]  # noqa: PLR2004 - shorter parts are prepositions
        said = [
            clue for clue in clues if re.search(rf"{_WORD_START if clue[0].isalpha() else ''}{re.escape(clue)}", words)
        ]
        return 2 * sum(part in words for part in direct) + sum(2 * len(clue.split()) for clue in said)

    def _number(self, schema: Mapping[str, Any], path: str, *, whole: bool) -> float:
        low, high = self._bounds(schema, path, whole=whole)
        share = 0.55 + 0.35 * (self._draw(path) % 1000) / 1000
        value = low + (high - low) * share
        return round(value) if whole else round(value, 2)

    def _bounds(self, schema: Mapping[str, Any], path: str, *, whole: bool) -> tuple[float, float]:
        low = schema.get("minimum", schema.get("exclusiveMinimum"))
        high = schema.get("maximum", schema.get("exclusiveMaximum"))
        if low is None and high is None:
            low, high = _described_bounds(str(schema.get("description", "")))
        if low is None and high is None and whole and "confianca" not in path:
            low, high = 1, 10
        low = 0 if low is None else low
        high = (low + 10 if whole else low + 1) if high is None else high
        return float(low), float(high)

    def _truth(self, path: str) -> bool:
        return self._hits(path.rsplit(".", 1)[-1], plain(self.text)) > 0

    def _string(self, schema: Mapping[str, Any], path: str) -> str:
        hint = plain(f"{path.rsplit('.', 2)[-2] if path.count('.') > 1 else ''}.{path.rsplit('.', 1)[-1]}")
        if found := mention(hint, self.text):
            return found
        sentence = next((text for stem, text in _SENTENCES.items() if stem in hint), None)
        value = sentence if sentence is not None else self.quote(path)
        shortest, longest = int(schema.get("minLength", 0)), int(schema.get("maxLength", 10_000))
        return value.ljust(shortest, ".")[:longest]

    def _draw(self, path: str) -> int:
        return int.from_bytes(hashlib.blake2s(f"{self.seed}:{path}".encode(), digest_size=4).digest())


def _described_bounds(description: str) -> tuple[float | None, float | None]:
    """Bounds told in words, where a schema may not carry them: `1 a 10`, `{minimum: 1, maximum: 10}`."""
    low, high = _MINIMUM.search(description), _MAXIMUM.search(description)
    if low and high:
        return float(low[1]), float(high[1])
    said = _RANGE.search(plain(description))
    return (float(said[1].replace(",", ".")), float(said[2].replace(",", "."))) if said else (None, None)


def mention(name: str, text: str) -> str | None:  # noqa: PLR0911 - one return per kind of word
    """What the text says about a property of this name, if anything."""
    words = plain(text)
    if "especialidade" in name:
        return next((one for one in SPECIALTIES if one in words), None)
    if "cidade" in name or "regiao" in name or "local" in name:
        return next((city for city in CITIES if plain(city) in words), None)
    if "hospital" in name or name.endswith("nome"):
        found = _HOSPITAL.search(text) or _HOSPITAL_TYPED_FAST.search(text)
        return found[0].strip() if found else None
    if "periodo" in name or "turno" in name:
        return next((period for period, clues in PERIODS.items() if any(clue in words for clue in clues)), None)
    if "semana" in name:
        return next((day for day in WEEKDAYS if day in words), None)
    if "data" in name or name.endswith("dia"):
        found = re.search(r"\d{4}-\d{2}-\d{2}", text)
        return found[0] if found else None
    return None
