"""The broken model: everything a model may send that nobody can use."""

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from lib.sandbox.prompt import Answer, Prompt

_SPANS: Final = (
    (0x20, 0x7E),
    (0xA0, 0x24F),
    (0x400, 0x4FF),
    (0x5D0, 0x5EA),
    (0x200B, 0x202E),
    (0x4E00, 0x4FFF),
    (0x1F600, 0x1F64F),
    (0, 8),
)


def _unicode(rng: random.Random) -> str:
    return "".join(chr(rng.randint(*rng.choice(_SPANS))) for _ in range(rng.randint(1, 400)))


def _call(rng: random.Random, name: str, arguments: Mapping[str, Any]) -> Answer:
    block = {"type": "tool_use", "id": f"toolu_{rng.getrandbits(96):024x}", "name": name, "input": arguments}
    return Answer((block,), "tool_use", "ferramenta")


def _garbage(rng: random.Random, _prompt: Prompt) -> Answer:
    return Answer.of_text(_unicode(rng), "ruido")


def _empty(_rng: random.Random, _prompt: Prompt) -> Answer:
    return Answer((), "end_turn", "ruido")


def _blank(rng: random.Random, _prompt: Prompt) -> Answer:
    return Answer.of_text(" \n\u200b" * rng.randint(1, 5), "ruido")


def _wrong_tool(rng: random.Random, _prompt: Prompt) -> Answer:
    return _call(rng, rng.choice(("apagar_tudo", "buscar_vagas_", "BUSCAR_VAGAS", "sql")), {"x": 1})


def _malformed(rng: random.Random, prompt: Prompt) -> Answer:
    if not prompt.tools:
        return _garbage(rng, prompt)
    tool = rng.choice(prompt.tools)
    wrong: tuple[Any, ...] = (None, -1, [], {"a": {"b": [None]}}, _unicode(rng), 1e308, "x" * 5000)
    return _call(rng, tool.name, {name: rng.choice(wrong) for name in (*tool.properties, "inesperado")})


def _truncated(rng: random.Random, _prompt: Prompt) -> Answer:
    return Answer(
        ({"type": "text", "text": "Oi! Temos um plantão no Hosp" + _unicode(rng)[:5]},), "max_tokens", "ruido"
    )


def _only_thinking(_rng: random.Random, _prompt: Prompt) -> Answer:
    return Answer(({"type": "thinking", "thinking": "", "signature": "EqQB"},), "max_tokens", "ruido")


def _thinking_first(rng: random.Random, _prompt: Prompt) -> Answer:
    thinking = {"type": "thinking", "thinking": "hmm", "signature": "EqQB"}
    return Answer((thinking, {"type": "text", "text": _unicode(rng)}), "end_turn", "ruido")


def _context_full(rng: random.Random, _prompt: Prompt) -> Answer:
    text = "Encontrei um plantão que combina com " + _unicode(rng)[:20]
    return Answer(({"type": "text", "text": text},), "model_context_window_exceeded", "ruido")


def _cut_call(rng: random.Random, prompt: Prompt) -> Answer:
    if not prompt.tools:
        return _truncated(rng, prompt)
    return Answer(_call(rng, prompt.tools[0].name, {}).content, "max_tokens", "ruido")


def _parallel(rng: random.Random, prompt: Prompt) -> Answer:
    """Three calls in one answer: a good one, one that nobody offered, one with nothing in it."""
    if not prompt.tools:
        return _garbage(rng, prompt)
    calls = (_call(rng, prompt.tools[0].name, {}), _wrong_tool(rng, prompt), _call(rng, prompt.tools[-1].name, {}))
    return Answer(tuple(block for call in calls for block in call.content), "tool_use", "ferramenta")


def _loop(rng: random.Random, prompt: Prompt) -> Answer:
    """The same good call, for ever."""
    return _call(rng, prompt.tools[0].name, {}) if prompt.tools else _empty(rng, prompt)


def _refusal(_rng: random.Random, _prompt: Prompt) -> Answer:
    return Answer((), "refusal", "ruido")


def _half_json(rng: random.Random, _prompt: Prompt) -> Answer:
    return Answer.of_text('{"nota": ' + rng.choice(("", "NaN}", "1e999}", '"oito"', "[[[[")), "ruido")


VARIANTES: Final[Mapping[str, Callable[[random.Random, Prompt], Answer]]] = MappingProxyType(
    {
        "unicode": _garbage,
        "vazio": _empty,
        "branco": _blank,
        "ferramenta_errada": _wrong_tool,
        "entrada_malformada": _malformed,
        "truncado": _truncated,
        "so_pensamento": _only_thinking,
        "pensamento_antes": _thinking_first,
        "janela_cheia": _context_full,
        "chamada_cortada": _cut_call,
        "paralelo": _parallel,
        "laco": _loop,
        "recusa": _refusal,
        "json_quebrado": _half_json,
    }
)


_WORDS: Final = (_garbage, _empty, _blank, _truncated, _only_thinking, _thinking_first, _refusal, _half_json)


def answer_as_noise(prompt: Prompt, variante: str | None) -> Answer:
    """Noise of the named kind, else of a kind drawn from the request's hash."""
    rng = random.Random(prompt.seed)
    if variante is None and prompt.choice == "none":
        return rng.choice(_WORDS)(rng, prompt)
    chosen = VARIANTES.get(variante or "") or rng.choice(tuple(VARIANTES.values()))
    return chosen(rng, prompt)
