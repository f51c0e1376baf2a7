"""Which issuer people may sign in through, as the operator tells it.

===========================  =====================================================================================
ROLLCALL_OIDC_ISSUER         the issuer, as it writes itself; without one there is no such sign-in
ROLLCALL_OIDC_CLIENT_ID      as which client it knows this installation
secret ``oidc-client``       the client's secret it gave (base64 of its text)
ROLLCALL_OIDC_LABEL          what the button calls it: 中文|English (default the issuer's host)
ROLLCALL_OIDC_SECOND_FACTOR  what counts as a second factor of the issuer's, ``amr=mfa,acr=…`` (default nothing)
ROLLCALL_OIDC_INSIDE         further hosts of the issuer's that stand on inner addresses (its own may)
ROLLCALL_PAGE_URL            the page as people type it: the issuer sends them back to <it>/sign-in/oidc/callback,
                             and to <it>/signed-out when they have signed out there as well
===========================  =====================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from shared.hosting.settings import SettingMissing
from shared.messaging.brokers import on_loopback
from shared.outgoing.addresses import Gate
from shared.outgoing.neighbours import host_of

CALLBACK = "/sign-in/oidc/callback"
SIGNED_OUT = "/signed-out"
CLIENT_SECRET = "oidc-client"  # name of the secret, not the secret # noqa: S105 # nosec B105
_CLAIMS = ("amr=", "acr=")


class NotAnAddress(ValueError):
    """Not an absolute address by https, nor by http on this machine."""


@dataclass(frozen=True)
class Configuration:
    """``second_factors``: ``amr=…`` and ``acr=…`` that count; ``inside``: hosts beside the issuer's own that may stand
    on inner addresses."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    redirect_uri: str
    second_factors: frozenset[str] = frozenset()
    inside: frozenset[str] = frozenset()

    @property
    def contexts(self) -> list[str]:
        """What the issuer is asked to do (``acr_values``), because it counts."""
        return sorted(each.removeprefix("acr=") for each in self.second_factors if each.startswith("acr="))

    @property
    def signed_out_uri(self) -> str:
        """Where the issuer sends the browser once it has ended its own session."""
        return self.redirect_uri.removesuffix(CALLBACK) + SIGNED_OUT

    @property
    def gate(self) -> Gate:
        """Where the issuer may be spoken to: the operator named its host, so that one may stand inside the network."""
        return Gate(host_of(self.issuer) | self.inside)


def from_environment(env: Mapping[str, str], secret: Callable[[], str]) -> Configuration | None:
    """Read the table above; None without an issuer. Raises SettingMissing."""
    issuer = env.get("ROLLCALL_OIDC_ISSUER", "")
    if not issuer:
        return None
    page = env.get("ROLLCALL_PAGE_URL") or f"http://127.0.0.1:{env.get('ROLLCALL_PORT', '8000')}"
    for name, address in (("ROLLCALL_OIDC_ISSUER", issuer), ("ROLLCALL_PAGE_URL", page)):
        try:
            check_address(address)
        except NotAnAddress:
            raise SettingMissing(f"{name} is no address by https (http only on this machine)") from None
    if urlsplit(issuer).query:
        raise SettingMissing("ROLLCALL_OIDC_ISSUER has a query")
    client_id = env.get("ROLLCALL_OIDC_CLIENT_ID", "")
    if not client_id:
        raise SettingMissing("ROLLCALL_OIDC_CLIENT_ID is not set")
    counting = _words(env.get("ROLLCALL_OIDC_SECOND_FACTOR", ""))
    if not all(each.startswith(_CLAIMS) and len(each) > len(_CLAIMS[0]) for each in counting):
        raise SettingMissing("ROLLCALL_OIDC_SECOND_FACTOR is amr=…,acr=…")
    return Configuration(
        issuer=issuer,
        client_id=client_id,
        client_secret=secret(),
        redirect_uri=page.rstrip("/") + CALLBACK,
        second_factors=counting,
        inside=_words(env.get("ROLLCALL_OIDC_INSIDE", "")),
    )


def check_address(address: object) -> str:
    """An absolute address by https, or by http where it is this machine's own; without a name, password or fragment.
    Raises NotAnAddress."""
    if not isinstance(address, str) or not address.isascii() or not address.isprintable() or " " in address:
        raise NotAnAddress
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise NotAnAddress from None
    if not host or parts.username is not None or parts.password is not None or "#" in address:
        raise NotAnAddress
    if parts.scheme != "https" and not (parts.scheme == "http" and on_loopback(host)):
        raise NotAnAddress
    return address


def _words(text: str) -> frozenset[str]:
    return frozenset(each.strip() for each in text.split(",") if each.strip())
