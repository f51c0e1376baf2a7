"""One access service on a real database for each module, and the shortest ways to have people in it."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.access import app
from services.access.accounts import account_desk
from services.access.administration import Administrator
from services.access.commands import EstablishPost, FillPost, OpenAccount
from services.access.desk import Desk
from services.access.posts import post_desk
from services.access.sessions import session_desk
from services.access.sessions.sign_in import Attempt, SignedInAs, sign_in
from shared.eventsourcing.store import Command
from shared.kernel.facts import Fact
from tests.services.installation import DIVISION, Installation

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # Shanghai's noon
PASSWORD = "梧桐树下的十二只白鹭飞过了河"
COUNTY = Administrator("system:test", division=DIVISION)


class Office:
    """Access without its web edge. ``now`` is the one clock; it moves when a test says so."""

    def __init__(self, installation: Installation, *, second_factor: frozenset[str] = frozenset()) -> None:
        self.installation = installation
        settings = replace(installation.settings("access"), second_factor=second_factor)
        self.service = app.build(settings)
        self.desk: Desk = app.desk_of(settings, self.service.keyring)
        installation.start(self.service)
        self.now = NOON
        self._numbers = itertools.count()

    def later(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now

    def command(self) -> Command:
        return Command("test", uuid.uuid4(), b"")

    def someone(
        self, *, school: str | None = None, division: str = DIVISION, password: str | None = PASSWORD
    ) -> tuple[UUID, str]:
        """Somebody with an account, and their login name; with a password of their own unless None is given."""
        login = f"person{next(self._numbers)}"
        intent = OpenAccount(uuid.uuid4(), login, "王小明", division, school, "test")
        handed = account_desk.open_account(self.desk, COUNTY, intent, self.command(), self.now)
        if password is not None:
            assert handed.password is not None
            entered = self.enter(login, handed.password)
            fresh = session_desk.change_password(self.desk, entered.secret, handed.password, password, self.now)
            session_desk.sign_out(self.desk, fresh.secret, everywhere=False, now=self.now)
        return handed.account_id, login

    def post(self, kind: str = "aid_clerk", *, holder: UUID | None = None, **place: str) -> UUID:
        """A post, of the county unless told where, with its holder."""
        post_id = uuid.uuid4()
        school, school_class, agency = (place.get(each) for each in ("school_code", "school_class", "agency"))
        division = place.get("division_code", DIVISION)
        intent = EstablishPost(post_id, kind, division, school, school_class, agency, "test")
        post_desk.establish(self.desk, COUNTY, intent, self.command(), self.now)
        if holder is not None:
            post_desk.fill(self.desk, COUNTY, FillPost(post_id, holder, "test"), self.command(), self.now)
        return post_id

    def enter(self, login: str, password: str = PASSWORD, address: str = "10.0.0.1") -> SignedInAs:
        return sign_in(self.desk, Attempt(login, password, address), self.now)

    def claims(self, secret: str) -> dict[str, Any]:
        """What a token got now says, unchecked."""
        from joserfc import jws

        token = session_desk.token(self.desk, secret, self.now).token
        import json

        told: dict[str, Any] = json.loads(jws.extract_compact(token.encode()).payload)
        return told

    def facts(self, kind: type[Any]) -> Sequence[Any]:
        """Every fact of a kind in the log, oldest first."""
        self.installation.sequence()
        streams = dict.fromkeys(each.logged.event.stream_id for each in self.installation.entries("access"))
        with self.desk.database.writing() as connection:
            stored = self.desk.store.load_many(connection, list(streams))
        found: list[Fact] = [each.fact for stream in streams for each in stored[stream]]
        return [fact for fact in found if isinstance(fact, kind)]


@pytest.fixture(scope="module")
def office(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    home: Path = tmp_path_factory.mktemp("access")
    installation = Installation(postgres, home)
    yield Office(installation)
    installation.close()
