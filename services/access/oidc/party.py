"""Speaking to the issuer: its document and its keys, kept for a while, and a code exchanged for who somebody is.

Every call goes through shared/outgoing: one checked address, no redirect, seconds, a bounded answer. None is made while
a transaction is open.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote_plus, urlencode

import structlog

from services.access.errors import IssuerRefused
from services.access.oidc.configuration import Configuration
from services.access.oidc.discovery import DoesNotFit, Provider, address_of, provider_of
from services.access.oidc.id_token import Expected, Identity, NotBelieved, identity_of, key_id
from shared.outgoing.fetching import DEADLINE_SECONDS, FetchFailed, fetch_json
from shared.web.authentication import KEYS_FRESH_SECONDS, REFETCH_PAUSE_SECONDS, IssuerUnreachable, signing_keys

SCOPE = "openid email"
DOCUMENT_FRESH_SECONDS = 3_600
CODE_CHARACTERS = 4_096

log = structlog.get_logger()
T = TypeVar("T")


class _Kept(Generic[T]):
    """Something the issuer publishes. Asked for again when it is old, or when somebody is ``missing`` something in it,
    and then not more often than the pause allows: forged key ids cost nothing. What is held stays good while the issuer
    is away."""

    def __init__(self, read: Callable[[], T], fresh_seconds: float, clock: Callable[[], float]) -> None:
        self._read, self._fresh_seconds, self._clock = read, fresh_seconds, clock
        self._held: T | None = None
        self._read_at = self._tried_at = float("-inf")
        self._reading = threading.Lock()

    def now(self, missing: Callable[[T], bool] = lambda _held: False) -> T:
        """What is held, or was just read. Raises IssuerUnreachable."""
        with self._reading:
            held, clock = self._held, self._clock()
            old = held is None or clock - self._read_at > self._fresh_seconds or missing(held)
            if old and clock - self._tried_at > REFETCH_PAUSE_SECONDS:
                self._tried_at = clock
                try:
                    self._held = self._read()
                    self._read_at = clock
                except (FetchFailed, DoesNotFit) as failed:
                    log.warning("oidc_issuer_unusable", reason=failed.code)
                except (ValueError, KeyError, TypeError) as failed:
                    log.warning("oidc_issuer_unusable", reason=type(failed).__name__)
            if self._held is None:
                raise IssuerUnreachable
            return self._held


class RelyingParty:
    """This installation as the client of one issuer. ``clock``: seconds that only grow, for what is kept;
    ``deadline_seconds``: of each call."""

    def __init__(
        self,
        configuration: Configuration,
        clock: Callable[[], float] = time.monotonic,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self.configuration, self._deadline_seconds = configuration, deadline_seconds
        self._provider = _Kept(self._read_provider, DOCUMENT_FRESH_SECONDS, clock)
        self._keys = _Kept(self._read_keys, KEYS_FRESH_SECONDS, clock)

    def address(self, *, state: str, nonce: str, challenge: str) -> str:
        """Where the browser goes. Raises IssuerUnreachable."""
        endpoint = self._provider.now().authorization_endpoint
        asked = {
            "response_type": "code",
            "client_id": self.configuration.client_id,
            "redirect_uri": self.configuration.redirect_uri,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if self.configuration.contexts:
            asked["acr_values"] = " ".join(self.configuration.contexts)
        return _led_to(endpoint, asked)

    def leaving_address(self, state: str) -> str | None:
        """Where the browser goes to end its session at the issuer (RP-Initiated Logout 1.0); None when the issuer
        offers no such thing. Without ``id_token_hint``: no token is kept. Raises IssuerUnreachable."""
        endpoint = self._provider.now().end_session_endpoint
        if endpoint is None:
            return None
        mine = self.configuration
        asked = {"client_id": mine.client_id, "post_logout_redirect_uri": mine.signed_out_uri, "state": state}
        return _led_to(endpoint, asked)

    def check_ready(self) -> None:
        """Raises IssuerUnreachable while nothing is known of the issuer."""
        self._provider.now()

    def check_issuer(self, told: str | None) -> None:
        """The callback comes from the issuer that was asked (RFC 9207). Raises IssuerRefused, IssuerUnreachable."""
        if told != self.configuration.issuer and (told is not None or self._provider.now().names_itself):
            raise IssuerRefused("issuer_mixed_up")

    def identity(self, code: str, *, verifier: str, nonce: str, now: datetime) -> Identity:
        """Whom a code stands for. Raises IssuerRefused, IssuerUnreachable."""
        token = self._exchanged(code, verifier)
        expected = Expected(self.configuration.issuer, self.configuration.client_id, nonce)
        try:
            signer = key_id(token)
            keys = self._keys.now(lambda held: signer is not None and signer not in held)
            return identity_of(token, keys, expected, now)
        except NotBelieved as refused:
            raise IssuerRefused(f"token_{refused.code}") from None

    def _exchanged(self, code: str, verifier: str) -> str:
        provider, mine = self._provider.now(), self.configuration
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": mine.redirect_uri,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        if provider.authentication == "client_secret_basic":  # RFC 6749 §2.3.1: each part as in a form
            pair = f"{quote_plus(mine.client_id)}:{quote_plus(mine.client_secret)}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": mine.client_id, "client_secret": mine.client_secret}
        try:
            told = self._asked(provider.token_endpoint, form=form, headers=headers)
        except FetchFailed as failed:
            if failed.code.startswith("status_4"):
                raise IssuerRefused(f"code_{failed.code}") from None
            log.warning("oidc_issuer_unusable", reason=failed.code)
            raise IssuerUnreachable from failed
        token = told.get("id_token") if isinstance(told, dict) else None
        if not isinstance(token, str):
            raise IssuerRefused("no_id_token")
        return token

    def _read_provider(self) -> Provider:
        issuer = self.configuration.issuer
        told = self._asked(address_of(issuer))
        provider = provider_of(told, issuer)
        if provider.end_session_endpoint is None and told.get("end_session_endpoint") is not None:
            log.warning("oidc_end_session_unusable")
        return provider

    def _read_keys(self) -> Mapping[str, Any]:
        return signing_keys(self._asked(self._provider.now().jwks_uri))

    def _asked(self, url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> Any:
        gate, seconds = self.configuration.gate, self._deadline_seconds
        return fetch_json(gate, url, form=form, headers=headers, deadline_seconds=seconds)


def _led_to(endpoint: str, asked: Mapping[str, str]) -> str:
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"
