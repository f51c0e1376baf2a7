"""Where an outgoing request may go: never into this machine, its network or a cloud's own services (SSRF).

A name is resolved once, every address of the answer is checked, and the connection is made to the very address that
was checked: a name that answers otherwise a moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], list[str]]
PORTS = frozenset({443, 8443})
URL_CHARACTERS = 2_000
# Networks that carry an IPv4 address inside: what they lead to depends on a gateway.
_TRANSLATING = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")))


class AddressRefused(ValueError):
    """Nothing may be sent there; ``code`` says why: not_https, credentials, port, no_host, unresolved, inside, or (for
    a client of the installation's own services) stranger."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Target:
    """Where to connect: ``address`` is an IP address; ``host`` names it in the request and in TLS."""

    scheme: str
    host: str
    address: str
    port: int
    path: str

    @property
    def pinned(self) -> str:
        """The address as a URL whose host is the IP address that was checked."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    @property
    def host_header(self) -> str:
        """The host as the request names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == 443 and self.scheme == "https" else f"{host}:{self.port}"


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a name, IPv4 first: only one is tried, and few county networks carry IPv6. Raises OSError."""
    found = sorted(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), key=lambda each: each[0] != socket.AF_INET)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True)
class Gate:
    """``allowed``: hosts and addresses let through by configuration, wherever they lie, also by http and on any port
    (an issuer on the county's own network, a test's 127.0.0.1)."""

    allowed: frozenset[str] = frozenset()
    resolve: Resolve = resolved

    def check(self, url: str) -> SplitResult:
        """What can be judged without asking anybody. Raises AddressRefused."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise AddressRefused("no_host") from None
        host = parts.hostname or ""
        if not host or len(url) > URL_CHARACTERS or not url.isprintable() or " " in url:
            raise AddressRefused("no_host")
        if parts.username is not None or parts.password is not None:
            raise AddressRefused("credentials")
        if host not in self.allowed:
            if parts.scheme != "https":
                raise AddressRefused("not_https")
            if port is not None and port not in PORTS:
                raise AddressRefused("port")
        if parts.scheme not in ("http", "https"):
            raise AddressRefused("not_https")
        literal = _literal(host)
        if literal is not None and host not in self.allowed and is_inside(literal):
            raise AddressRefused("inside")
        return parts

    def target(self, url: str) -> Target:
        """The one address to connect to. Raises AddressRefused."""
        parts = self.check(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            addresses = self.resolve(host, port)
        except (OSError, UnicodeError):
            raise AddressRefused("unresolved") from None
        if not addresses:
            raise AddressRefused("unresolved")
        for address in addresses:
            found = _literal(address)
            if not {host, address} & self.allowed and (found is None or is_inside(found)):
                raise AddressRefused("inside")
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(parts.scheme, host, addresses[0], port, path)


def is_inside(address: IpAddress) -> bool:
    """Whether an address is none of the public internet's: loopback, private, link-local, unique-local, multicast,
    reserved, or one that carries another address inside."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_inside(address.ipv4_mapped)
        if any(address in network for network in _TRANSLATING) or address.is_site_local:
            return True
    return not address.is_global or address.is_multicast or address.is_reserved


def _literal(host: str) -> IpAddress | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
