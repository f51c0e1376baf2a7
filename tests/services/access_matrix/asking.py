"""Asking as a person of the matrix, and keeping count of what was asked and of what was wrong."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import uuid4

from fastapi.testclient import TestClient
from httpx import Response

from tests.services.access_matrix.oracle import Person
from tests.services.access_matrix.planted import SIGNER
from tests.services.access_matrix.records import SCHOOLS
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
        assert not self.wrong, "\n".join(self._told())
        assert self.cases >= least, self.cases

    def _told(self) -> Iterator[str]:
        """One of each kind of fault at each route, and how many there are of it: a hundred of one hide no other."""
        alike: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        for each in self.wrong:
            what = tuple(part for part in each[:4] if isinstance(part, str | tuple) and part not in SCHOOLS)
            alike.setdefault(what, []).append(each)
        for found in alike.values():
            yield f"{len(found)} × {str(found[0])[:600]}"
