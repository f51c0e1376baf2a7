"""A service's own log on a real database, sequenced and signed, for tests of its proofs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from fastapi.testclient import TestClient

from shared.database.database import driver
from shared.eventsourcing.sequencer import Term
from shared.transparency.checkpointer import Checkpointer, Signed, latest
from shared.transparency.checkpoints import log_signers, origin_of
from shared.transparency.notes import Signer
from shared.transparency.routes import log_routes, store_routes
from shared.web.application import create_app
from shared.web.viewers import viewer
from tests.shared.web.tokens import claims
from tests.support.trial import SOURCE, Server, Trial, fresh_trial

READING = b"r" * 32
OLD_SEED, NEW_SEED = b"o" * 32, b"n" * 32
(OLD, NEW) = log_signers(SOURCE, [OLD_SEED, NEW_SEED])


@dataclass
class SignedLog:
    """``trial`` with a sequencer and a signer in the test's own thread."""

    trial: Trial
    term: Term
    signing: Checkpointer

    def grow(self, count: int) -> None:
        """``count`` more events, sequenced, not yet signed."""
        self.trial.join(count)
        while self.term.sequence():
            pass

    def sign(self) -> Signed:
        """Until everything is signed; the last checkpoint."""
        while not self.signing.tick():
            pass
        with self.trial.database.working() as connection:
            found = latest(driver(connection))
        assert found is not None
        return found

    def resigned_by(self, *signers: Signer) -> SignedLog:
        return SignedLog(self.trial, self.term, Checkpointer(self.trial.database, origin_of(SOURCE), signers))

    @contextmanager
    def as_superuser(self) -> Iterator[psycopg.Connection[Any]]:
        """Triggers off, rights without limit: what an intruder with the database's password can do."""
        with self.trial.database.owner() as connection:
            raw = driver(connection)
            raw.execute("SET LOCAL session_replication_role = replica")
            yield raw


@contextmanager
def signed_log(postgres: Server) -> Iterator[SignedLog]:
    """A fresh one."""
    with (
        fresh_trial(postgres) as trial,
        psycopg.connect(trial.database.worker_conninfo, autocommit=True) as connection,
    ):
        term = Term(connection, SOURCE)
        term.claim()
        term.recover()
        yield SignedLog(trial, term, Checkpointer(trial.database, origin_of(SOURCE), [NEW]))


def client(log: SignedLog, kind: str = "", division: str = "460100") -> TestClient:
    """Requests of somebody in this kind of post; without one, of nobody."""
    from shared.web.viewers import viewer_from

    database = log.trial.database
    routers = [log_routes(database, SOURCE, "460100"), store_routes(database, SOURCE, lambda: READING)]
    app = create_app("trial", routers, authenticator=None)
    if kind:
        someone = viewer_from(claims(kind=kind, division=division), "en")
        app.dependency_overrides[viewer] = lambda: someone

        @app.middleware("http")
        async def known(request: Any, go_on: Any) -> Any:
            request.state.viewer = someone
            return await go_on(request)

    return TestClient(app)
