"""Who is looking, in which role, and what of the county they may see.

The scope follows the *role*: a school's token that also names a division still sees one school only.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection, Request

from shared.database.scopes import Scope
from shared.kernel.refusals import Forbidden
from shared.web.authentication import Authenticator, Claims, Unauthenticated
from shared.web.languages import Language, language_of

if TYPE_CHECKING:
    from shared.web.rate_limits import Limits

SESSION_COOKIE = "rollcall_session"
AID_CLERK, SCHOOL, AGENCY, AUDITOR, SERVICE = "aid_clerk", "school", "agency", "auditor", "service"
ROLES = frozenset({AID_CLERK, SCHOOL, AGENCY, AUDITOR, SERVICE})
_DIVISION_WIDE = frozenset({AID_CLERK, AUDITOR, SERVICE})
_DIVISION = re.compile(r"\d{2}|\d{4}|\d{6}|\d{9}|\d{12}")
_PLACE = re.compile(r"[^\s\x00-\x1f]{1,64}")


@dataclass(frozen=True)
class Viewer:
    """The person (or service) behind a request. ``expires_at`` is the end of their token in Unix seconds."""

    principal: str
    name: str
    roles: frozenset[str]
    scope: Scope
    language: Language
    expires_at: float

    def has(self, *roles: str) -> bool:
        """Whether any of ``roles`` is held."""
        return not self.roles.isdisjoint(roles)


def token_of(request: HTTPConnection) -> str | None:
    """The token of a request: the bearer header, else the session cookie."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.cookies.get(SESSION_COOKIE) or None


def viewer_from(claims: Claims, language: Language) -> Viewer:
    """Claims → viewer. An unknown role counts for nothing; a missing or odd place gives no rows, never all."""
    told = claims.get("roles")
    roles = (
        ROLES.intersection(role for role in told if isinstance(role, str)) if isinstance(told, list) else frozenset()
    )
    name = claims.get("name")
    return Viewer(
        principal=str(claims["sub"]),
        name=name if isinstance(name, str) else "",
        roles=roles,
        scope=Scope(
            division=_claim(claims, "division", _DIVISION) if roles & _DIVISION_WIDE else None,
            school=_claim(claims, "school", _PLACE) if SCHOOL in roles else None,
            agency=_claim(claims, "agency", _PLACE) if AGENCY in roles else None,
        ),
        language=language,
        expires_at=float(claims["exp"]),
    )


def _claim(claims: Claims, name: str, pattern: re.Pattern[str]) -> str | None:
    value: Any = claims.get(name)
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


async def viewer(request: Request) -> Viewer:
    """FastAPI dependency. Raises Unauthenticated, IssuerUnreachable, TooOften."""
    known = getattr(request.state, "viewer", None)
    if isinstance(known, Viewer):
        return known
    authenticator: Authenticator | None = request.app.state.authenticator
    token = token_of(request)
    if token is None or authenticator is None:
        raise Unauthenticated("no token")
    found = viewer_from(await authenticator.claims(token), language_of(request))
    request.state.viewer = found
    limits: Limits | None = getattr(request.app.state, "limits", None)
    if limits is not None:
        limits.admit(request, found)
    return found


def require(*roles: str) -> Callable[[Request], Awaitable[Viewer]]:
    """Dependency: the viewer, if they hold one of ``roles``; raises Forbidden otherwise."""
    if unknown := set(roles) - ROLES:
        raise ValueError(f"unknown roles {sorted(unknown)}")

    async def permitted(request: Request) -> Viewer:
        found = await viewer(request)
        if not found.has(*roles):
            raise Forbidden("您的角色没有此项权限", "Your role does not permit this", needs=sorted(roles))
        return found

    return permitted
