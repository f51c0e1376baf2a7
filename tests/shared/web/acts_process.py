"""A service that is refusing and giving away, in a process of its own, to be killed: ``python -m`` this module, with
the pickled settings and a path on standard input. Whatever leaves is written to that path. Ends only by signal."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

from fastapi.testclient import TestClient

from services.registry.events import AccessRefused, DataExported
from shared.eventsourcing.store import EventStore
from shared.hosting.settings import Settings
from shared.kernel.acts import ActFacts
from shared.web import Authenticator, create_app
from shared.web.acts import Acts
from tests.services.installation import DIVISION
from tests.shared.web.test_acts import Desk, routes
from tests.shared.web.tokens import AUDIENCE, ISSUER, Ed25519Signer, claims, token

WRITTEN, OPEN = 3, 5  # refusals of the minute that is over, and of the one that is open


def main() -> None:
    settings, left = pickle.load(sys.stdin.buffer)
    assert isinstance(settings, Settings) and isinstance(left, Path)
    database = settings.database()
    store = EventStore(settings.service, settings.keyring(), settings.hmac_key)
    acts = Acts(store, database, ActFacts(AccessRefused, DataExported), DIVISION)
    signer = Ed25519Signer()
    who = Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks={"keys": [signer.jwk]})
    desk = Desk(None, store, database, left.parent)  # type: ignore[arg-type]
    headers = {"authorization": f"Bearer {token(signer, claims(kind='registrar', school='S1', division=None))}"}
    with TestClient(create_app("registry", [routes(desk)], authenticator=who, acts=acts)) as http:
        for times in (WRITTEN, OPEN):
            for _ in range(times):
                http.get("/v1/money/0", headers=headers)
            if times == WRITTEN:
                acts.write(None)
        left.write_bytes(http.get("/v1/list.xlsx", headers=headers).content)


if __name__ == "__main__":
    main()
