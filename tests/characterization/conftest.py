"""The stage of the whole-system tests."""

from __future__ import annotations

from tests.e2e.conftest import criadouro as criadouro
from tests.e2e.conftest import palco as palco
from tests.e2e.conftest import sandbox_url as sandbox_url
