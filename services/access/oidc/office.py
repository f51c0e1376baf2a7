"""What the steps of a sign-in through the issuer work with, and what they hand each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from services.access.desk import Desk
from services.access.errors import OidcOff
from services.access.oidc.party import RelyingParty


@dataclass(frozen=True)
class Callback:
    """What came back to the browser: ``code`` or ``error``, and who says so (``iss``) where the issuer says."""

    state: str
    code: str | None = None
    error: str | None = None
    issuer: str | None = None


class Begun(NamedTuple):
    """Where the browser goes, and the secret it keeps until it comes back."""

    address: str
    secret: str


@dataclass(frozen=True)
class Office:
    """The desk, and the party it speaks to the issuer as."""

    desk: Desk
    party: RelyingParty | None

    @property
    def asked(self) -> RelyingParty:
        """Raises OidcOff."""
        if self.party is None:
            raise OidcOff
        return self.party
