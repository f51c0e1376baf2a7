"""Talking to a running installation as one of its people: a token, and requests that say clearly why they failed."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from deploy.errors import StartRefused
from deploy.spec import Installation
from shared.hosting.ports import PORT_OFFSETS
from shared.outgoing.neighbours import neighbour_client

TIMEOUT_SECONDS = 600.0  # an import of a whole county is one request
_NAMESPACE = uuid.UUID("6f1c7a52-7e8e-5b86-9f8b-0a7d0c9a1f11")


class Refused(StartRefused):
    """The installation refused a request; the message is the reason it gave. ``code`` names the refusal (empty when
    the answer was no problem+json), ``facts`` are what it rests on."""

    def __init__(self, reason: str, code: str = "", facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.code, self.facts = code, dict(facts or {})


class Session:
    """Requests of one post. The token comes from ROLLCALL_TOKEN, else from the demonstration's issuer. Services answer
    at ROLLCALL_<SERVICE>_URL, else on this machine. ``operator_secret``: as who runs the machine, who has no token.

    Raises StartRefused when nothing runs, Refused for an answer that is not 2xx.
    """

    def __init__(
        self, installation: Installation, kind: str, *, operator_secret: str | None = None, **person: str
    ) -> None:
        self._addresses = {
            name: os.environ.get(f"ROLLCALL_{name.upper()}_URL") or f"http://127.0.0.1:{installation.port + offset}"
            for name, offset in PORT_OFFSETS.items()
        }
        self._client = neighbour_client(self._addresses.values(), TIMEOUT_SECONDS)
        if operator_secret is not None:
            self.token = ""  # no token yet # nosec B105
            self._headers = {"authorization": f"Operator {operator_secret}", "accept-language": "zh"}
            return
        token = os.environ.get("ROLLCALL_TOKEN")
        if not token:
            form = {"kind": kind, **person}
            answer = self._ask("POST", "portal", "/demo-issuer/token", data=form, headers={})
            token = str(answer.json()["access_token"])
        self.token = token
        self._headers = {"authorization": f"Bearer {token}", "accept-language": "zh"}

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, service: str, path: str, **params: Any) -> Any:
        """The JSON of a GET."""
        return self._ask("GET", service, path, params=params).json()

    def download(self, service: str, path: str, **params: str) -> bytes:
        """The bytes of a GET."""
        return self._ask("GET", service, path, params=params).content

    def lines(self, service: str, path: str, **params: Any) -> Iterator[bytes]:
        """The lines of a long GET, each with its newline, as they come: no more than a part is ever held."""
        address = self._addresses[service] + path
        try:
            with self._client.stream("GET", address, params=params, headers=self._headers) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _refused(answer)
                rest = b""
                for part in answer.iter_bytes():
                    *whole, rest = (rest + part).split(b"\n")
                    for line in whole:
                        yield line + b"\n"
                if rest:
                    yield rest
        except httpx.TransportError as lost:
            raise _unanswered(service, lost) from lost

    def post(self, service: str, path: str, body: Mapping[str, Any] | None, command_id: uuid.UUID) -> Any:
        """The JSON of a command."""
        headers = {"idempotency-key": str(command_id)}
        return self._ask("POST", service, path, json=body, headers=headers).json()

    def post_for_file(self, service: str, path: str, body: Mapping[str, Any], command_id: uuid.UUID) -> bytes:
        """The file that answers a command."""
        return self._ask("POST", service, path, json=body, headers={"idempotency-key": str(command_id)}).content

    def post_lines(self, service: str, path: str, lines: Sequence[str], command_id: uuid.UUID) -> Any:
        """The JSON of a command whose body is one JSON object per line."""
        headers = {"idempotency-key": str(command_id), "content-type": "application/x-ndjson"}
        return self._ask("POST", service, path, content="\n".join(lines).encode(), headers=headers).json()

    def send_file(self, service: str, path: str, file: Path, command_id: uuid.UUID, **params: Any) -> Any:
        """The JSON that answers a file."""
        with file.open("rb") as content:
            return self._ask(
                "POST",
                service,
                path,
                files={"file": (file.name, content)},
                params=params,
                headers={"idempotency-key": str(command_id)},
            ).json()

    def send_file_for_file(self, service: str, path: str, file: Path, command_id: uuid.UUID, **params: Any) -> bytes:
        """The file that answers a file."""
        headers = {"idempotency-key": str(command_id)}
        with file.open("rb") as content:
            files = {"file": (file.name, content)}
            return self._ask("POST", service, path, files=files, params=params, headers=headers).content

    def _ask(
        self, method: str, service: str, path: str, *, headers: Mapping[str, str] | None = None, **how: Any
    ) -> httpx.Response:
        address = self._addresses[service] + path
        own = getattr(self, "_headers", {})
        try:
            answer = self._client.request(method, address, headers={**own, **(headers or {})}, **how)
        except httpx.TransportError as lost:
            raise _unanswered(service, lost) from lost
        if answer.is_success:
            return answer
        raise _refused(answer)


def command_id_of(*parts: str) -> uuid.UUID:
    """The same parts always name the same command, so that repeating a command line does its work once."""
    return uuid.uuid5(_NAMESPACE, "|".join(parts))


def digest_of(file: Path) -> str:
    """SHA-256 of a file, hex."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _unanswered(service: str, lost: httpx.TransportError) -> StartRefused:
    return StartRefused(f"{service} does not answer ({type(lost).__name__}); ./rollcall up starts it")


def _refused(answer: httpx.Response) -> Refused:
    try:
        told = answer.json()
    except ValueError:
        return Refused(f"{answer.status_code} {answer.reason_phrase}")
    reason = str(told.get("detail") or told.get("title") or answer.status_code)
    wrong = [f"{str(each['pointer']).rpartition('/')[2]}: {each['detail']}" for each in told.get("errors") or ()]
    if wrong:
        reason = f"{reason} ({'; '.join(wrong)})"
    return Refused(reason, str(told.get("code") or ""), told.get("facts"))
