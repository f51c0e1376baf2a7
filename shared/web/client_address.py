"""From which network address somebody came, told by the page in front to the service behind it, with a proof.

Without a proof the address of the connection counts: nobody who speaks to a service himself pretends to be elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress

from starlette.requests import HTTPConnection

SECRET = "access-portal"  # name of the secret, not the secret # noqa: S105 # nosec B105
ADDRESS, PROOF, AGENT = "client-address", "client-address-proof", "client-agent"
_AGENT_CHARACTERS = 200


def address_headers(secret: bytes, request: HTTPConnection) -> dict[str, str]:
    """The headers by which the page tells who is in front of it, and with what."""
    address = _peer(request)
    return {ADDRESS: address, PROOF: _proof(secret, address), AGENT: agent_of(request)}


def address_of(secret: bytes, request: HTTPConnection) -> str:
    """The address a request began at: told with a proof, else the connection's own."""
    told, proof = request.headers.get(ADDRESS, ""), request.headers.get(PROOF, "")
    if told and hmac.compare_digest(proof.encode(), _proof(secret, told).encode()):
        return told
    return _peer(request)


def agent_of(request: HTTPConnection) -> str:
    """What the browser calls itself, told by the page or by itself: nothing is proved of it either way. ASCII, cut."""
    told = request.headers.get(AGENT) or request.headers.get("user-agent", "")
    return told.encode("ascii", "replace").decode()[:_AGENT_CHARACTERS]


def _peer(request: HTTPConnection) -> str:
    host = request.client.host if request.client else ""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return "unknown"


def _proof(secret: bytes, address: str) -> str:
    return hmac.new(secret, b"client-address\0" + address.encode(), hashlib.sha256).hexdigest()
