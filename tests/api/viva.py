"""What a running API is to a test."""

from __future__ import annotations

from dataclasses import dataclass

import httpx
from fastapi import FastAPI


@dataclass(frozen=True)
class Api:
    """A running API and a client of it."""

    app: FastAPI
    client: httpx.AsyncClient
