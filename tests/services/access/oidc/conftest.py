"""An issuer beside access's desk, and the shortest way through both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.access.oidc import entering
from services.access.oidc.configuration import Configuration
from services.access.oidc.entering import Callback
from services.access.oidc.party import RelyingParty
from services.access.sign_in import SignedInAs
from tests.services.access.conftest import Office
from tests.support.issuer import CLIENT_ID, CLIENT_SECRET, Issuer, running_issuer

REDIRECT = "https://page.test/sign-in/oidc/callback"
ADDRESS = "10.0.0.9"


class Door:
    """Access with an issuer: ``enter`` is the whole way as a browser goes it. ``seconds`` is the clock of what is kept
    of the issuer."""

    def __init__(self, access: Office, issuer: Issuer) -> None:
        self.access, self.issuer, self.desk = access, issuer, access.desk
        self.seconds = 1_000.0
        self.renew()

    def renew(self, *factors: str) -> None:
        """Know nothing of the issuer yet; ``factors``: what counts as its second one."""
        told = Configuration(self.issuer.url, CLIENT_ID, CLIENT_SECRET, REDIRECT, frozenset(factors))
        self.party = RelyingParty(told, lambda: self.seconds)
        self.office = entering.Office(self.desk, self.party)

    def begin(self) -> tuple[str, Callback]:
        """The browser's secret, and what the issuer sends back with it."""
        begun = entering.begin(self.office, ADDRESS, self.access.now)
        return begun.secret, callback(self.issuer.visit(begun.address))

    def finish(self, secret: str, told: Callback, address: str = ADDRESS) -> SignedInAs:
        return entering.finish(self.office, secret, told, address, self.access.now)

    def enter(self) -> SignedInAs:
        return self.finish(*self.begin())


def callback(told: dict[str, str]) -> Callback:
    return Callback(told["state"], told.get("code"), told.get("error"), told.get("iss"))


@pytest.fixture(scope="module")
def running() -> Iterator[Issuer]:
    with running_issuer(REDIRECT) as issuer:
        yield issuer


@pytest.fixture
def door(office: Office, running: Issuer) -> Door:
    running.honest()
    running.clock = lambda: office.now.timestamp()
    return Door(office, running)
