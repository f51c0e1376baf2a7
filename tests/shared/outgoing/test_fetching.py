"""A document from elsewhere: within its bounds it comes, beyond them the caller learns which one it broke."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shared.outgoing.addresses import AddressRefused, Gate
from shared.outgoing.fetching import FetchFailed, fetch_json
from shared.outgoing.neighbours import host_of, neighbour_client


class Elsewhere(BaseHTTPRequestHandler):
    """Answers by path; every request that arrived is kept."""

    asked: list[tuple[str, str, str]]

    def do_GET(self) -> None:
        self.server.asked.append((self.command, self.path, self.headers["host"]))  # type: ignore[attr-defined]
        if self.path == "/redirect":
            self._answer(302, b"", location="/keys")
        elif self.path == "/long":
            self._answer(200, b"[" + b"1," * 3_000 + b"1]")
        elif self.path == "/page":
            self._answer(200, b"<html>")
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            for _ in range(20):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.05)
        elif self.path == "/broken":
            self._answer(500, b"{}")
        else:
            length = int(self.headers.get("content-length", "0"))
            self._answer(200, json.dumps({"keys": [], "sent": self.rfile.read(length).decode()}).encode())

    do_POST = do_GET

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *told: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    server.asked = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def address(server: ThreadingHTTPServer, path: str = "") -> str:
    return f"http://127.0.0.1:{server.server_port}{path}"


HERE = Gate(frozenset({"127.0.0.1"}))


def test_a_small_document_comes_by_get_and_by_form(elsewhere: ThreadingHTTPServer) -> None:
    assert fetch_json(HERE, address(elsewhere, "/keys")) == {"keys": [], "sent": ""}
    assert fetch_json(HERE, address(elsewhere, "/token"), form={"code": "1"})["sent"] == "code=1"


@pytest.mark.parametrize(
    ("path", "code"),
    [("/redirect", "redirect"), ("/long", "too_large"), ("/page", "not_json"), ("/broken", "status_500"),
     ("/drip", "timeout")],
)  # fmt: skip
def test_what_breaks_a_bound_is_refused_by_name(elsewhere: ThreadingHTTPServer, path: str, code: str) -> None:
    deadline_seconds = 0.3 if code == "timeout" else 20.0
    with pytest.raises(FetchFailed, match=f"^{code}$"):
        fetch_json(HERE, address(elsewhere, path), deadline_seconds=deadline_seconds, most_bytes=4_000)


def test_an_inner_address_nobody_configured_is_not_even_asked(elsewhere: ThreadingHTTPServer) -> None:
    before = len(elsewhere.asked)  # type: ignore[attr-defined]
    inside = Gate(resolve=lambda host, port: ["127.0.0.1"])
    for url in (address(elsewhere, "/keys"), f"https://issuer.example:8443{'/keys'}"):
        with pytest.raises(FetchFailed, match="address_"):
            fetch_json(inside, url)
    assert len(elsewhere.asked) == before  # type: ignore[attr-defined]


def test_a_configured_host_may_stand_inside_and_is_still_pinned(elsewhere: ThreadingHTTPServer) -> None:
    url = f"http://issuer.county:{elsewhere.server_port}/keys"
    answers = iter([["127.0.0.1"], ["192.0.2.1"]])
    gate = Gate(host_of(url), resolve=lambda host, port: next(answers))
    assert fetch_json(gate, url)["keys"] == []
    assert elsewhere.asked[-1][2] == f"issuer.county:{elsewhere.server_port}"  # type: ignore[attr-defined]
    other = Gate(host_of(url), resolve=lambda host, port: ["127.0.0.1"])
    with pytest.raises(FetchFailed, match="address_not_https"):
        fetch_json(other, f"http://elsewhere.county:{elsewhere.server_port}/keys")


def test_a_neighbours_client_goes_to_neighbours_only(elsewhere: ThreadingHTTPServer) -> None:
    with neighbour_client([address(elsewhere)], 2.0) as client:
        assert client.get(address(elsewhere, "/keys")).status_code == 200
        assert client.get(address(elsewhere, "/redirect")).status_code == 302
        for stranger in (
            "http://127.0.0.1:1/keys",
            "http://169.254.169.254/",
            address(elsewhere).replace("http", "https"),
        ):
            with pytest.raises(AddressRefused, match="stranger"):
                client.get(stranger)
