"""What an issuer says of itself (OpenID Connect Discovery 1.0), believed only where it fits. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from services.access.oidc.configuration import NotAnAddress, check_address
from services.access.oidc.id_token import ALGORITHMS

WELL_KNOWN = "/.well-known/openid-configuration"
Authentication = Literal["client_secret_basic", "client_secret_post"]
_BASIC: Authentication = "client_secret_basic"
_POST: Authentication = "client_secret_post"


class DoesNotFit(ValueError):
    """The document cannot be used; ``code`` says why: not_an_object, issuer, address, response_types, pkce,
    algorithms or authentication."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Provider:
    """``names_itself``: it puts its name into each callback (RFC 9207), and one without is refused.
    ``end_session_endpoint``: where a browser ends its session there; None when the issuer has none, or tells an address
    that nobody is led to."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    authentication: Authentication
    names_itself: bool
    end_session_endpoint: str | None


def address_of(issuer: str) -> str:
    """Where the document of an issuer is."""
    return issuer.rstrip("/") + WELL_KNOWN


def provider_of(told: Any, issuer: str) -> Provider:
    """The document of ``issuer``. Raises DoesNotFit."""
    if not isinstance(told, dict):
        raise DoesNotFit("not_an_object")
    if told.get("issuer") != issuer:
        raise DoesNotFit("issuer")
    if "code" not in _list(told, "response_types_supported", ("code",)):
        raise DoesNotFit("response_types")
    if "S256" not in _list(told, "code_challenge_methods_supported", ("S256",)):
        raise DoesNotFit("pkce")
    if not ALGORITHMS.keys() & set(_list(told, "id_token_signing_alg_values_supported", ("RS256",))):
        raise DoesNotFit("algorithms")
    offered = _list(told, "token_endpoint_auth_methods_supported", (_BASIC,))
    if not {_BASIC, _POST} & set(offered):
        raise DoesNotFit("authentication")
    try:
        return Provider(
            authorization_endpoint=check_address(told.get("authorization_endpoint")),
            token_endpoint=check_address(told.get("token_endpoint")),
            jwks_uri=check_address(told.get("jwks_uri")),
            authentication=_BASIC if _BASIC in offered else _POST,
            names_itself=told.get("authorization_response_iss_parameter_supported") is True,
            end_session_endpoint=_optional(told.get("end_session_endpoint")),
        )
    except NotAnAddress:
        raise DoesNotFit("address") from None


def _optional(address: object) -> str | None:
    """People can sign in without it, so that a bad one is none."""
    try:
        return check_address(address)
    except NotAnAddress:
        return None


def _list(told: Mapping[str, Any], name: str, otherwise: tuple[str, ...]) -> list[str]:
    found = told.get(name)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else list(otherwise)
