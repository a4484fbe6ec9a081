"""What endpoints depend on: resources and who may call. A router cannot be made without saying for which role."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from lib.auth import Papel, allows, token_hash
from lib.errors import ForbiddenError, UnauthorizedError
from lib.queries import token
from lib.queries.token import Credencial
from lib.resources import Resources

bearer: Final = HTTPBearer(auto_error=False, description="Token criado com `agente token criar`.")


def resources_of(request: Request) -> Resources:
    """Return what the application opened at its start."""
    resources: Resources = request.app.state.resources
    return resources


@cache
def require(papel: Papel) -> Callable[..., Awaitable[Credencial]]:
    """Return the dependency that lets only holders of this role (or one that includes it) through.

    Always the same one for a role: an endpoint that asks for the caller too costs no second look.
    """

    async def check(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
    ) -> Credencial:
        if credentials is None:
            raise UnauthorizedError("no token")
        resources = resources_of(request)
        found = await token.find(resources.db, token_hash(credentials.credentials), resources.clock())
        if found is None:
            raise UnauthorizedError("unknown, ended or revoked token")
        if not allows(found.papel, papel):
            raise ForbiddenError(f"{found.papel} may not do what {papel} may")
        return found

    return check


class Rotas(APIRouter):
    """A router with a declared policy: `papel` is needed for each of its routes."""

    def __init__(self, prefix: str, papel: Papel) -> None:
        super().__init__(prefix=prefix, dependencies=[Depends(require(papel), scope="function")])
        self.papel = papel


def rotas(prefix: str, papel: Papel) -> Rotas:
    """Return a router whose routes all need this role; `create_app` takes no other kind."""
    return Rotas(prefix, papel)
