"""An issuer beside access's desk, and the shortest way through both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from services.access.oidc import entering, linking
from services.access.oidc import office as oidc_office
from services.access.oidc.configuration import Configuration
from services.access.oidc.office import Callback
from services.access.oidc.party import RelyingParty
from services.access.sessions.sign_in import Origin, SignedInAs
from tests.services.access.conftest import PASSWORD, Office
from tests.services.installation import Installation
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
        self.office = oidc_office.Office(self.desk, self.party)

    def begin(self) -> tuple[str, Callback]:
        """The browser's secret, and what the issuer sends back with it."""
        begun = entering.begin(self.office, Origin(ADDRESS), self.access.now)
        return begun.secret, callback(self.issuer.visit(begun.address))

    def finish(self, secret: str, told: Callback, address: str = ADDRESS) -> SignedInAs:
        return entering.finish(self.office, secret, told, Origin(address), self.access.now)

    def linked(self, subject: str) -> tuple[UUID, str]:
        """Somebody with a post who has linked the identity with this subject: account and login name. The issuer's
        browser is theirs from now on."""
        person, login = self.access.someone()
        self.access.post(holder=person)
        self.link(login, subject)
        return person, login

    def link(self, login: str, subject: str) -> None:
        """Link an identity as its holder does."""
        session = self.access.enter(login)
        begun = linking.begin_link(self.office, session.secret, PASSWORD, Origin(ADDRESS), self.access.now)
        self.issuer.person = {"sub": subject}
        told = callback(self.issuer.visit(begun.address))
        linking.finish_link(self.office, session.secret, begun.secret, told, Origin(ADDRESS), self.access.now)

    def enter(self) -> SignedInAs:
        return self.finish(*self.begin())


def callback(told: dict[str, str]) -> Callback:
    return Callback(told["state"], told.get("code"), told.get("error"), told.get("iss"))


@pytest.fixture(scope="package")
def office(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One for all of these modules."""
    installation = Installation(postgres, tmp_path_factory.mktemp("access"))
    yield Office(installation)
    installation.close()


@pytest.fixture(scope="package")
def running() -> Iterator[Issuer]:
    with running_issuer(REDIRECT) as issuer:
        yield issuer


@pytest.fixture
def door(office: Office, running: Issuer) -> Door:
    running.honest()
    running.clock = lambda: office.now.timestamp()
    return Door(office, running)
