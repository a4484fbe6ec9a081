"""What a run did, in numbers that must add up, and the state that follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from lib.errors import AgenteError


class BrokenInvariantError(AgenteError):
    """What a run should have done it did not: its state is Failed, whatever else went well."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Counts of one run or one chunk; `+` adds two.

    `seen` rows were looked at; `eligible` of these needed something, the others already were as they should be. Every
    eligible row must end as `changed`, as `skipped` (left alone for a reason) or as `failed` (by class of error). What
    is none of the three is `missing`: nobody may lose a row silently. In a plan `changed` counts what would be changed.
    `kinds` tells apart what was changed and need not add up: one row may change in two ways.

    Raises:
        ValueError: a count is negative, or `eligible` is more than `seen`.
    """

    seen: int = 0
    eligible: int = 0
    changed: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        counts = (self.seen, self.eligible, self.changed)
        parts = (*self.skipped.values(), *self.failed.values(), *self.kinds.values())
        if min(*counts, *parts, 0) < 0:
            raise ValueError(f"counts must not be negative: {self}")
        if self.eligible > self.seen:
            raise ValueError(f"more eligible than seen: {self}")

    def __add__(self, other: Self) -> Outcome:
        return Outcome(
            self.seen + other.seen,
            self.eligible + other.eligible,
            self.changed + other.changed,
            added(self.skipped, other.skipped),
            added(self.failed, other.failed),
            added(self.kinds, other.kinds),
        )

    @property
    def missing(self) -> int:
        """Eligible rows that were neither changed, nor skipped for a reason, nor counted as failed; 0 when all is told.

        Negative when more is told than was eligible.
        """
        return self.eligible - self.changed - sum(self.skipped.values()) - sum(self.failed.values())

    def counts(self) -> dict[str, Any]:
        """Return the numbers as JSON, as kept in `execucao_fluxo`."""
        return {
            "seen": self.seen,
            "eligible": self.eligible,
            "changed": self.changed,
            "skipped": dict(self.skipped),
            "failed": dict(self.failed),
            "kinds": dict(self.kinds),
        }

    def table(self) -> list[dict[str, Any]]:
        """Return the rows of the table artifact, in Portuguese: people read it."""
        lines: list[tuple[str, str, int]] = [
            ("vistos", "", self.seen),
            ("elegíveis", "", self.eligible),
            ("mudados", "", self.changed),
            *(("mudados", kind, n) for kind, n in sorted(self.kinds.items())),
            *(("pulados", reason, n) for reason, n in sorted(self.skipped.items())),
            *(("falhas", name, n) for name, n in sorted(self.failed.items())),
        ]
        return [{"o quê": what, "detalhe": detail, "quantos": n} for what, detail, n in lines]

    def summary(self, *, planned: bool = False) -> str:
        """Say it in one line of Portuguese."""
        parts = [f"{self.seen} vistos", f"{self.eligible} elegíveis"]
        parts.append(f"{self.changed} {'seriam mudados' if planned else 'mudados'}")
        parts += [f"{n} pulados ({reason})" for reason, n in sorted(self.skipped.items())]
        parts += [f"{n} falhas ({name})" for name, n in sorted(self.failed.items())]
        return ", ".join(parts)

    def require_honest(self, tolerance: float) -> None:
        """Check the rules that decide the state of a run.

        `tolerance` is the share of the eligible that may fail, 0 to 1.

        Raises:
            BrokenInvariantError: rows are missing, or too many failed.
        """
        if self.missing:
            raise BrokenInvariantError(
                f"a conta não fecha: de {self.eligible} elegíveis, {self.missing} não foram mudados nem explicados"
            )
        failures = sum(self.failed.values())
        if failures > tolerance * self.eligible:
            raise BrokenInvariantError(f"falhas demais: {failures} de {self.eligible} elegíveis")


@dataclass(frozen=True, slots=True)
class Parcial:
    """What one chunk did, and the lines of its plan: ids and decisions, never personal data."""

    outcome: Outcome = field(default_factory=Outcome)
    plano: tuple[Mapping[str, Any], ...] = ()


def added(left: Mapping[str, int], right: Mapping[str, int]) -> Mapping[str, int]:
    """Add two counts by name; names that count nothing vanish."""
    names = {**left, **right}
    sums = {name: left.get(name, 0) + right.get(name, 0) for name in names}
    return {name: n for name, n in sums.items() if n}


def total(parts: Iterable[Parcial], *, plano_max: int) -> Parcial:
    """Add up chunks; the plan is cut at `plano_max` lines."""
    outcome, plano = Outcome(), list[Mapping[str, Any]]()
    for part in parts:
        outcome += part.outcome
        plano += part.plano[: plano_max - len(plano)]
    return Parcial(outcome, tuple(plano))
