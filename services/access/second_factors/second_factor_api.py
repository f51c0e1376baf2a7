"""A second factor over HTTP, for who has a session."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from services.access.desk import Desk
from services.access.second_factors import second_factor_desk
from services.access.sessions.session_api import Password, Secret
from shared.kernel.clock import utc_now


class CodeBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, Field(min_length=6, max_length=6)]


class RemoveBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    password: Password


class Begun(BaseModel):
    """``address``: for the authenticator (otpauth), with the seed in base 32."""

    address: str


class Confirmed(BaseModel):
    """Each code is good once; they are shown only now."""

    recovery_codes: list[str]


def second_factor_routes(desk: Desk) -> APIRouter:
    """The routes under /v1/me/second-factor."""
    routes = APIRouter(prefix="/v1/me/second-factor")

    @routes.post("")
    def begin(secret: Secret) -> Begun:
        """A seed, in force only when a code of it was shown."""
        return Begun(address=second_factor_desk.begin(desk, secret, utc_now()).address)

    @routes.post("/confirm")
    def confirm(body: CodeBody, secret: Secret) -> Confirmed:
        return Confirmed(recovery_codes=second_factor_desk.confirm(desk, secret, body.code, utc_now()))

    @routes.post("/remove", status_code=204)
    def remove(body: RemoveBody, secret: Secret) -> Response:
        """Sign in with the password alone again."""
        second_factor_desk.remove(desk, secret, body.password, utc_now())
        return Response(status_code=204)

    return routes
