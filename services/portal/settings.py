"""What the portal is told from outside: where the services are and who signs in people."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from shared.hosting.ports import PORT_OFFSETS
from shared.web.live import SUBSCRIBERS
from shared.web.rate_limits import UNLIMITED, Rates

# Whom the page asks, by the port after its own.
SERVICES: Mapping[str, int] = {name: offset for name, offset in PORT_OFFSETS.items() if name != "portal"}


@dataclass(frozen=True)
class PortalSettings:
    """``services``: name → base URL. ``demo_seed``: 32 bytes of the demo issuer's Ed25519 key; None = no demo issuer
    (then ``jwks_url`` names the real one's keys, and ``sign_in_url`` where people sign in, if that is a page).
    ``oidc_label``: what the issuer people may also sign in through is called, zh and en; None = there is none.
    ``access_issuer``: the ``iss`` of access's tokens; ``portal_key`` proves to access for whom the page speaks."""

    division: str
    environment: str
    issuer: str
    audience: str
    services: Mapping[str, str]
    jwks_url: str | None = None
    sign_in_url: str | None = None
    demo_seed: bytes | None = field(default=None, repr=False)
    oidc_label: tuple[str, str] | None = None
    access_issuer: str = ""
    portal_key: bytes = field(default=b"", repr=False)
    form_key: bytes = field(default_factory=lambda: os.urandom(32), repr=False)
    secure_cookies: bool = False
    live_lists: int = SUBSCRIBERS
    rates: Rates = UNLIMITED


def oidc_label(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """ROLLCALL_OIDC_LABEL (中文|English), else the host of ROLLCALL_OIDC_ISSUER; None without an issuer."""
    issuer = environ.get("ROLLCALL_OIDC_ISSUER", "")
    if not issuer:
        return None
    zh, _, en = environ.get("ROLLCALL_OIDC_LABEL", "").partition("|")
    host = urlsplit(issuer).hostname or issuer
    return zh.strip() or host, en.strip() or zh.strip() or host


def local_services(first_port: int) -> dict[str, str]:
    """The services of an embedded start, on the loopback address."""
    return {name: f"http://127.0.0.1:{first_port + offset}" for name, offset in SERVICES.items()}


def service_addresses(first_port: int, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The same, unless ROLLCALL_<SERVICE>_URL says where a service stands."""
    env = os.environ if environ is None else environ
    return {name: env.get(f"ROLLCALL_{name.upper()}_URL") or url for name, url in local_services(first_port).items()}
