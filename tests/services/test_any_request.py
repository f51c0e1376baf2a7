"""Whatever is sent to a service within or beside its description: no failure, and no answer it does not describe.

Requests are made from each service's own OpenAPI by schemathesis and answered in process on a real PostgreSQL, in
every kind of post in turn. A few in the suite; thousands with ``--long``, where what one answer
names is also used in the next request.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.python import asgi
from schemathesis.schemas import APIOperation

from deploy.run import built
from shared.standards.posts import Kind
from shared.transparency.routes import log_routes, store_routes
from shared.web import Authenticator, create_app
from shared.web.live import SseHub
from tests.services.installation import DIVISION, Installation
from tests.shared.web.tokens import AUDIENCE, ISSUER, Ed25519Signer, claims, token

SERVICES = ("access", "registry", "matching", "disbursement", "visits", "notifications", "audit")
SCOPE: dict[str, Any] = {
    "division": DIVISION[:2],
    "school": "3146900101",
    "class": "primary/5/1",
    "agency": "civil_affairs",
}
PEOPLE = tuple({"sub": kind.value, "kind": kind.value, **SCOPE} for kind in Kind)
LARGEST = ("registry", "matching", "notifications")
FEW, MANY = 67, 900  # examples of each service: in the suite, and with --long
WALKS, STEPS = 20, 6
SIGNER = Ed25519Signer()
UNPROMISED = {"default"}  # says what a proxy may add; an answer of ours is listed by its status


class Answering(NamedTuple):
    """A service's application, running, and its description as schemathesis reads it."""

    client: Any
    operations: list[APIOperation[Any, Any, Any, Any]]
    schema: Any


@pytest.fixture(scope="module")
def ask_of(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Answering]]:
    """A service by its name, made when it is first asked for."""
    installation = Installation(postgres, tmp_path_factory.mktemp("any"))
    yield cache(lambda name: answering(installation, name))
    installation.close()


def answering(installation: Installation, name: str) -> Answering:
    """The service ``name`` with its database, as a process would build it."""
    told = installation.settings(name)
    service = installation.start(built(name, told))
    installation.sequence()
    routers = [
        *service.routers,
        log_routes(service.database, told.source, DIVISION),
        store_routes(service.database, told.source, lambda: bytes(32)),
    ]
    app = create_app(
        name,
        routers,
        authenticator=Authenticator(issuer=ISSUER, audience=AUDIENCE, jwks={"keys": [SIGNER.jwk]}),
        database=service.database,
        state={"hub": SseHub(service.database.app_conninfo), "settings": told},
    )
    # A live list goes on for half an hour and a long poll waits; both have tests of their own.
    schema = schemathesis.openapi.from_dict(app.openapi()).exclude(method="GET", path_regex=r"/(stream|revocations)$")
    schema.app = app
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    return Answering(asgi.get_client(cast(Any, app)), operations, schema)


def ask(case: Case[Any], client: Any, person: dict[str, Any]) -> Any:
    """Send it, and refuse to hear a failure or an answer that is not described."""
    answer = case.call(
        session=client, base_url="http://testserver", headers={"authorization": f"Bearer {bearer(person)}"}
    )
    described = set(case.operation.definition.raw["responses"]) - UNPROMISED
    where = f"{case.method} {case.operation.path} → {answer.status_code}"
    assert answer.status_code < 500 or answer.status_code == 503, f"{where}: {case.as_curl_command()}"
    assert str(answer.status_code) in described, f"{where} is not described: {answer.content[:300]!r}"
    if answer.status_code >= 400:
        assert answer.headers["content-type"][0] == "application/problem+json", where
    return answer


_TOKENS: dict[str, str] = {}


def bearer(person: dict[str, Any]) -> str:
    return _TOKENS.setdefault(person["sub"], token(SIGNER, claims(**person)))


def several(operation: APIOperation[Any, Any, Any, Any], client: Any, count: int, number: int) -> None:
    """``count`` requests of one operation, the same ones each time for the same ``number``."""
    people = itertools.cycle(PEOPLE[number % len(PEOPLE) :] + PEOPLE[: number % len(PEOPLE)])

    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def each(case: Case[Any]) -> None:
        ask(case, client, next(people))

    each()


def each_operation(told: Answering, count: int) -> None:
    """Spread ``count`` requests over all operations; with fewer than there are, over every n-th."""
    step = max(1, len(told.operations) // count)
    for number, operation in enumerate(told.operations[::step]):
        several(operation, told.client, -(-count // len(told.operations)), number)


@pytest.mark.parametrize("name", LARGEST)
def test_no_request_makes_a_service_fail_or_answer_otherwise_than_it_says(
    ask_of: Callable[[str], Answering], name: str
) -> None:
    each_operation(ask_of(name), FEW)


@pytest.mark.long
@pytest.mark.parametrize("name", SERVICES)
def test_thousands_of_requests_do_not_either(ask_of: Callable[[str], Answering], name: str) -> None:
    each_operation(ask_of(name), MANY)


@pytest.mark.long
@pytest.mark.parametrize("name", SERVICES)
def test_what_one_answer_names_can_be_asked_for_next(ask_of: Callable[[str], Answering], name: str) -> None:
    """Links between operations as schemathesis infers them: an id that was answered is the next one's path."""
    told = ask_of(name)

    class Walk(told.schema.as_state_machine()):  # type: ignore[misc]  # made anew from each description
        def call(self, case: Case[Any], **kwargs: Any) -> Any:
            return ask(case, told.client, PEOPLE[0])

        def validate_response(self, response: Any, case: Case[Any], **kwargs: Any) -> None:
            """Done while asking."""

    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
