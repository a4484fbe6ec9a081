"""Reading single values out of what an Evolution gateway sends: never an exception, never a NUL, never endless."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeGuard

TEXT_MAX = 20_000  # characters that rules and prompts may see; the raw bytes keep the rest
YEAR_2100 = 4_102_444_800
LONG_MAX = 2**53


def clean(text: str) -> str:
    """Drop what JSON allows and a Postgres text does not, and what is longer than anybody reads."""
    return text.replace("\x00", "")[:TEXT_MAX]


def words(value: Any, limit: int = TEXT_MAX) -> str | None:
    """Return a text that says something, or None."""
    if not isinstance(value, str):
        return None
    said = clean(value)[:limit]
    return said if said.strip() else None


def tree(value: Any) -> dict[str, Any]:
    """Return an object, empty when it is none."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return a list, empty when it is none."""
    return value if isinstance(value, list) else []


def number(value: Any) -> float | None:
    """Return a finite number that JSON wrote as one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < LONG_MAX else None


def whole(value: Any) -> int | None:
    """Return a whole number of at least 0, written as a number, as digits, or as the halves of a long."""
    if isinstance(value, dict):
        low, high = value.get("low"), value.get("high", 0)
        value = (high << 32) + (low & 0xFFFFFFFF) if _is_int(low) and _is_int(high) else None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:16])
    return value if _is_int(value) and 0 <= value < LONG_MAX else None


def instant(value: Any) -> datetime | None:
    """Return an instant from seconds or milliseconds since 1970; None beyond 2100."""
    stamp = whole(value)
    seconds = stamp / 1000 if stamp is not None and stamp >= YEAR_2100 else stamp
    return datetime.fromtimestamp(seconds, UTC) if seconds and seconds < YEAR_2100 else None


def _is_int(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
