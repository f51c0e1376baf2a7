"""Asking as a person of the matrix, and keeping count of what was asked and of what was wrong."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import uuid4

from fastapi.testclient import TestClient
from httpx import Response

from tests.services.access_matrix.oracle import Person
from tests.services.access_matrix.planted import SIGNER
from tests.shared.web.tokens import claims, token


@cache
def bearer(person: Person) -> dict[str, str]:
    """The headers of the person's requests."""
    told = {"division": None, **person.claims}
    return {"authorization": f"Bearer {token(SIGNER, claims(**told))}", "accept-language": "en"}


def ask(client: TestClient, person: Person, method: str, path: str, **request: Any) -> Response:
    """``path`` below /v1. Whatever is not read carries a key of its own."""
    headers = dict(bearer(person))
    if method != "GET":
        headers["idempotency-key"] = str(uuid4())
    answer: Response = client.request(method, f"/v1{path}", headers=headers, **request)
    return answer


class Found:
    """What was asked and what was wrong. ``cases``: (answer, record) pairs looked at."""

    def __init__(self) -> None:
        self.cases = 0
        self.wrong: list[tuple[Any, ...]] = []

    def expect(self, right: bool, *where: Any, cases: int = 1) -> None:
        """Note as many cases, and where it went wrong."""
        self.cases += cases
        if not right:
            self.wrong.append(where)

    def check(self, least: int) -> None:
        """Fail with what was wrong, or when fewer cases than these were looked at."""
        assert not self.wrong, "\n".join(str(each)[:600] for each in self.wrong[:40])
        assert self.cases >= least, self.cases
