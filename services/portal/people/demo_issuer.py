"""The demonstration's issuer: one click per kind of post, no password. It refuses to exist in production.

Its tokens are ordinary ones (Ed25519, an hour of life at most), so that nothing else in the system can tell a
demonstration from a real sign-in. It knows nobody but by the token it gave, so that its end of a session
(``END_SESSION``) has nothing to forget: it is there for the way out to be seen, and refuses what a real one refuses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import OKPKey

from shared.standards.posts import KINDS, POSTS, Kind, Shape

PREFIX = "/demo-issuer"
END_SESSION = "/end-session"
TOKEN_SECONDS = 60 * 60
RENEW_BELOW_SECONDS = 30 * 60
SESSION_SECONDS = 12 * 60 * 60  # a working day; then one click again
ALGORITHM = "Ed25519"
AGENCIES = ("poverty_office", "civil_affairs", "disability_federation")
# Where each kind stands on the sign-in page.
GROUPS: tuple[tuple[str, tuple[Kind, ...]], ...] = (
    ("centre", (Kind.AID_CLERK, Kind.REVIEWER, Kind.APPROVER, Kind.CASHIER)),
    ("school", (Kind.REGISTRAR, Kind.CLASS_TEACHER, Kind.HELPER_TEACHER, Kind.PRINCIPAL)),
    ("offices", (Kind.AGENCY_PUBLISHER, Kind.TOWNSHIP_CADRE, Kind.CITY_OFFICER)),
    ("watch", (Kind.AUDITOR, Kind.ACCOUNT_ADMINISTRATOR)),
)
# Kinds with a second desk, for what takes two people of one office.
TWO_DESKS = (Kind.AID_CLERK, Kind.REVIEWER)
_CITY_DIGITS = 4


class DemoRefused(Exception):
    """Someone tried to run the issuer without passwords in production."""


@dataclass(frozen=True)
class Persona:
    """Who to be: a kind of post, and the place it is held in where it is not the whole division. ``class_name`` is
    stage/grade/class, ``township`` a prefix of nine digits. ``second``: the person at the next desk, for what takes two
    people of one office."""

    kind: str
    division: str
    school: str | None = None
    agency: str | None = None
    class_name: str | None = None
    township: str | None = None
    second: bool = False

    def claims(self) -> dict[str, Any]:
        """The claims that name this persona. Raises ValueError when the place is missing."""
        if self.kind not in KINDS:
            raise ValueError("unknown kind of post")
        kind = Kind(self.kind)
        place = self._place(kind)
        if not all(place.values()):
            raise ValueError("a place is needed")
        desk = "2" if self.second and kind in TWO_DESKS else ""
        # The people of the whole division have one name each, whichever division it is.
        own = () if place.get("division") and kind is not Kind.TOWNSHIP_CADRE else tuple(place.values())
        name = f"演示·{POSTS[kind].zh}" + ("(二)" if desk else "")
        subject = ":".join(("demo", kind.value, *own, *filter(None, (desk,))))
        return {"kind": kind.value, "name": name, "sub": subject, "post": subject, **place}

    def _place(self, kind: Kind) -> dict[str, str]:
        shape = POSTS[kind].shape
        if shape is Shape.SCHOOL:
            return {"school": self.school or ""}
        if shape is Shape.CLASS:
            return {"school": self.school or "", "class": self.class_name or ""}
        if shape is Shape.AGENCY:
            return {"agency": self.agency or ""}
        if kind is Kind.TOWNSHIP_CADRE:
            return {"division": self.township or ""}
        return {"division": self.division[:_CITY_DIGITS] if kind is Kind.CITY_OFFICER else self.division}


class DemoIssuer:
    """Signs tokens with the Ed25519 key of ``seed`` (32 bytes). Raises DemoRefused in production."""

    def __init__(
        self, seed: bytes, *, issuer: str, audience: str, environment: str, now: Callable[[], float] = time.time
    ) -> None:
        if environment == "production":
            raise DemoRefused("the demonstration issuer signs in anybody and is refused in production")
        private = Ed25519PrivateKey.from_private_bytes(seed)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._key = OKPKey.import_key(pem, {"use": "sig", "alg": ALGORITHM})
        self._key.ensure_kid()
        self._issuer, self._audience, self._now = issuer, audience, now

    def jwks(self) -> Mapping[str, Any]:
        """The public key set, as served at /demo-issuer/jwks.json."""
        return {"keys": [dict(self._key.as_dict(private=False))]}

    def token(self, persona: Persona, seconds: int = TOKEN_SECONDS) -> str:
        """A signed token of at most an hour. Raises ValueError for a persona without its place."""
        return self._signed({**persona.claims(), "auth_time": int(self._now())}, seconds)

    def renewed(self, claims: Mapping[str, Any]) -> str | None:
        """A fresh token for someone at work whose token ends soon; None while there is time, or after a working day."""
        now = self._now()
        signed_in = claims.get("auth_time")
        if float(claims["exp"]) - now > RENEW_BELOW_SECONDS or not isinstance(signed_in, int):
            return None
        return self._signed(claims, TOKEN_SECONDS) if now - signed_in < SESSION_SECONDS else None

    def leaving_address(self, signed_out: str, state: str) -> str:
        """Where a browser goes to end its session here; it comes back to ``signed_out`` with ``state``."""
        asked = {"client_id": self._audience, "post_logout_redirect_uri": signed_out, "state": state}
        return f"{PREFIX}{END_SESSION}?{urlencode(asked)}"

    def check_leaving(self, asked: Mapping[str, str], signed_out: str) -> None:
        """Raises ValueError when it is not this client that asks, or not to come back to its page ``signed_out``."""
        if asked.get("client_id") != self._audience or asked.get("post_logout_redirect_uri") != signed_out:
            raise ValueError("an unknown client, or an address it did not register")

    def _signed(self, told: Mapping[str, Any], seconds: int) -> str:
        now = int(self._now())
        claims = {
            **told,
            "iss": self._issuer,
            "aud": self._audience,
            "iat": now,
            "nbf": now,
            "exp": now + min(seconds, TOKEN_SECONDS),
        }
        header = {"alg": ALGORITHM, "kid": self._key.kid, "typ": "JWT"}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])
