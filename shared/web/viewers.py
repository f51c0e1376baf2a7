"""Who is looking, in which post, with which rights, and what of the county they may see.

The scope follows the *kind of post* (shared/standards/posts.py): a registrar's token that also names a division still
sees one school only. Claims: ``sub`` (account), ``name``, ``post``, ``kind``, ``division`` | ``school`` | ``school`` +
``class`` | ``agency``, ``sid`` (session), and ``emergency`` with ``emergency_until``, or ``delegated``, where it
is held that way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection, Request

from shared.database.scopes import NO_SCOPE, Classroom, Scope
from shared.kernel.refusals import Forbidden
from shared.standards.posts import POSTS, Kind, PostKind, Shape
from shared.standards.rights import Right, held_by
from shared.web import disclosures
from shared.web.authentication import Checker, Claims, Unauthenticated
from shared.web.languages import Language, language_of
from shared.web.revocations import Revocations

if TYPE_CHECKING:
    from shared.web.rate_limits import Limits

SESSION_COOKIE = "rollcall_session"
GIVEN_TOKEN = "given_token"  # where the page puts what it got for a session (request.state) # noqa: S105 # nosec B105
_DIVISION = re.compile(r"(?!00)(\d{2}|\d{4}|\d{6}|\d{9}|\d{12})", re.ASCII)
_PLACE = re.compile(r"[^\s\x00-\x1f]{1,64}")
_CLASS = re.compile(r"([^/\x00-\x1f]{0,40})/([^/\x00-\x1f]{1,40})/([^\x00-\x1f]{1,40})")
_NOTHING: frozenset[Right] = frozenset()
_KINDS = {kind.value: kind for kind in Kind}


@dataclass(frozen=True)
class Viewer:
    """The person (or service) behind a request, in the post they act in. ``kind`` is None in a post nobody declared,
    which holds no right. ``session``, ``emergency`` and ``delegated`` are ids, empty where there is none.
    ``expires_at`` is the end of their token in Unix seconds, ``emergency_until`` that of the emergency access."""

    principal: str
    name: str
    kind: Kind | None
    rights: frozenset[Right]
    scope: Scope
    language: Language
    expires_at: float
    post: str = ""
    session: str = ""
    emergency: str = ""
    emergency_until: float = 0.0
    delegated: str = ""

    def has(self, *rights: Right) -> bool:
        """Whether any of ``rights`` is held."""
        return not self.rights.isdisjoint(rights)


def token_of(request: HTTPConnection) -> str | None:
    """The token of a request: the bearer header, else the one got for its session, else a demonstration's cookie."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    given: str | None = getattr(request.state, GIVEN_TOKEN, None)
    return given or request.cookies.get(SESSION_COOKIE) or None


def viewer_from(claims: Claims, language: Language) -> Viewer:
    """Claims → viewer. An unknown kind of post holds nothing; a missing or odd place gives no rows, never all."""
    told = claims.get("kind")
    kind = _KINDS.get(told) if isinstance(told, str) else None
    return Viewer(
        principal=str(claims["sub"]),
        name=_text(claims, "name"),
        kind=kind,
        rights=_NOTHING if kind is None else held_by(kind),
        scope=NO_SCOPE if kind is None else _scope(claims, POSTS[kind]),
        language=language,
        expires_at=float(claims["exp"]),
        post=_text(claims, "post"),
        session=_text(claims, "sid"),
        emergency=_text(claims, "emergency"),
        emergency_until=_number(claims, "emergency_until"),
        delegated=_text(claims, "delegated"),
    )


def _scope(claims: Claims, post: PostKind) -> Scope:
    shape = post.shape
    if shape is Shape.DIVISION:
        return Scope(division=_division(claims, post))
    if shape is Shape.SCHOOL:
        return Scope(school=_claim(claims, "school", _PLACE))
    if shape is Shape.AGENCY:
        return Scope(agency=_claim(claims, "agency", _PLACE))
    if shape is Shape.CLASS:
        return Scope(classroom=_classroom(claims))
    division = _division(claims, post)
    return Scope(division=division, school=None if division else _claim(claims, "school", _PLACE))


def _division(claims: Claims, post: PostKind) -> str | None:
    told = _claim(claims, "division", _DIVISION)
    return told if told is not None and post.fits(told) else None


def _classroom(claims: Claims) -> Classroom | None:
    school, told = _claim(claims, "school", _PLACE), claims.get("class")
    parts = _CLASS.fullmatch(told) if isinstance(told, str) else None
    return None if school is None or parts is None else Classroom(school, *parts.groups())


def _claim(claims: Claims, name: str, pattern: re.Pattern[str]) -> str | None:
    value: Any = claims.get(name)
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _text(claims: Claims, name: str) -> str:
    value: Any = claims.get(name)
    return value if isinstance(value, str) else ""


def _number(claims: Claims, name: str) -> float:
    value: Any = claims.get(name)
    return float(value) if isinstance(value, int | float) else 0.0


async def viewer(request: Request) -> Viewer:
    """FastAPI dependency. Raises Unauthenticated, IssuerUnreachable, TooOften."""
    known = getattr(request.state, "viewer", None)
    if isinstance(known, Viewer):
        return known
    authenticator: Checker | None = request.app.state.authenticator
    token = token_of(request)
    if token is None or authenticator is None:
        raise Unauthenticated("no token")
    found = viewer_from(await authenticator.claims(token), language_of(request))
    revocations: Revocations | None = getattr(request.app.state, "revocations", None)
    if revocations is not None:
        revocations.check(found.session)
    request.state.viewer = found
    limits: Limits | None = getattr(request.app.state, "limits", None)
    if limits is not None:
        limits.admit(request, found)
    return found


def session_viewer(account: str, division: str) -> Viewer:
    """Who has a session and acts in no post: whose own it is, seen by who oversees the whole ``division``."""
    scope = Scope(division=division)
    return Viewer(account, "", None, _NOTHING, scope, "zh", 0.0)


class Rule:
    """FastAPI dependency: the viewer, if they hold one of ``rights``. The description of a route tells them
    (``x-rollcall-right``), and whether its answer is an export or shows fields in full (``x-rollcall-recorded``)."""

    def __init__(self, *rights: Right, exports: bool = False, reveals: bool = False) -> None:
        self.rights, self.exports, self.reveals = rights, exports, reveals

    async def __call__(self, request: Request) -> Viewer:
        """Raises Forbidden, Unauthenticated, IssuerUnreachable."""
        found = await viewer(request)
        if not found.has(*self.rights):
            raise forbidden(*self.rights)
        if self.exports or self.reveals:
            disclosures.begin(request, found, exports=self.exports, reveals=self.reveals)
        return found


def require(*rights: Right, exports: bool = False, reveals: bool = False) -> Rule:
    """The rule that one of ``rights`` is held. ``exports``: the answer is a file that is taken away; ``reveals``: it
    shows personal fields in full; either leaves only when that is recorded (disclosing.py). Raises ValueError without
    any right: nobody would pass."""
    if not rights:
        raise ValueError("a rule names at least one right")
    return Rule(*rights, exports=exports, reveals=reveals)


def forbidden(*needs: Right) -> Forbidden:
    """The refusal of who holds none of ``needs``."""
    return Forbidden("您的岗位没有此项权限", "Your post does not permit this", needs=sorted(needs))
