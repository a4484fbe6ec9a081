"""Meta's messaging tiers: to how many people a business may write first in rolling 24 hours."""

from __future__ import annotations

import re
from typing import Final

SEM_LIMITE: Final = 2_147_483_647
_TIER: Final = re.compile(r"TIER_(\d{1,6})(K?)")


def limite_do_tier(tier: str | None) -> int | None:
    """Return a tier's limit (`TIER_250`, `TIER_1K`, `TIER_UNLIMITED`), None when it is no tier that we know."""
    if tier == "TIER_UNLIMITED":
        return SEM_LIMITE
    read = _TIER.fullmatch(tier or "")
    return int(read[1]) * (1_000 if read[2] else 1) if read else None
