"""Who asks access for something: a session's secret, an administrator's token, or the operator of the machine."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable

from starlette.requests import Request

from services.access.administration import Administrator
from services.access.errors import NotYours
from shared.web.authentication import Unauthenticated
from shared.web.viewers import Viewer

SESSION_SCHEME, OPERATOR_SCHEME = "session", "operator"
OPERATOR_SECRET = "access-operator"  # name of the secret, not the secret # noqa: S105 # name of the secret # nosec B105
OPERATOR = "system:operator"


def session_secret(request: Request) -> str:
    """FastAPI dependency: the secret of ``Authorization: Session …``. Raises Unauthenticated."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != SESSION_SCHEME or not secret.strip():
        raise Unauthenticated("no session")
    return secret.strip()


def operator_only(secret: Callable[[], bytes]) -> Callable[[Request], None]:
    """Dependency: whoever can read the installation's secrets. Raises Unauthenticated."""

    def check(request: Request) -> None:
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        expected = base64.b64encode(secret())
        if scheme.lower() != OPERATOR_SCHEME or not hmac.compare_digest(shown.strip().encode(), expected):
            raise Unauthenticated("not the operator")

    return check


def administrator(viewer: Viewer) -> Administrator:
    """A viewer as who administers: a division or a school. Raises NotYours for any other scope."""
    if viewer.scope.division is None and viewer.scope.school is None:
        raise NotYours
    return Administrator(viewer.principal, division=viewer.scope.division, school=viewer.scope.school)
