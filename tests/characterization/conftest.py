"""The stage of the whole-system tests."""

from __future__ import annotations

from tests.e2e.conftest import criadouro, palco, sandbox_url

__all__ = ["criadouro", "palco", "sandbox_url"]
