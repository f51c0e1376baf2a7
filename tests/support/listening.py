"""A client of a live list, reading Server-Sent Events in a thread as a browser would."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx

from tests.support.callers import Caller


class Heard(NamedTuple):
    """One event: ``at`` is the monotonic second it arrived."""

    name: str
    data: dict[str, Any]
    id: str
    at: float


class Listener:
    """Everything heard so far on one stream."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.opened = threading.Event()
        self._news = threading.Condition()

    def wait_for(self, wanted: Callable[[Heard], bool], timeout_seconds: float = 15.0) -> Heard:
        """The first event that is wanted. Raises AssertionError when none comes in time."""
        deadline = time.monotonic() + timeout_seconds
        with self._news:
            while True:
                for each in self.heard:
                    if wanted(each):
                        return each
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"not heard within {timeout_seconds:g} s; heard {self.heard[-5:]}")
                self._news.wait(left)

    def wait_for_row(self, met: Callable[[dict[str, Any]], bool], timeout_seconds: float = 15.0) -> Heard:
        """The first ``row`` event whose row is wanted."""
        return self.wait_for(lambda each: each.name == "row" and met(each.data["row"]), timeout_seconds)

    def read(self, response: httpx.Response) -> None:
        """Take in the stream until it ends."""
        name, data, last = "message", "", ""
        for line in response.iter_lines():
            self.opened.set()
            field, _, value = line.partition(": ")
            if field == "id":
                last = value
            elif field == "event":
                name = value
            elif field == "data":
                data = value
            elif not line and data:
                with self._news:
                    self.heard.append(Heard(name, json.loads(data), last, time.monotonic()))
                    self._news.notify_all()
                name, data = "message", ""


@contextmanager
def listening(caller: Caller, service: str, path: str, **query: Any) -> Iterator[Listener]:
    """An open live list, as this caller."""
    listener = Listener()
    headers = {"authorization": f"Bearer {caller.token}", "accept": "text/event-stream"}
    client = httpx.Client(timeout=httpx.Timeout(10.0, read=40.0), headers=headers, trust_env=False)
    with client, client.stream("GET", caller.url(service, path), params=query) as response:
        assert response.status_code == 200, f"{response.status_code} {response.read()[:300]!r}"
        thread = threading.Thread(target=_listen, args=(listener, response), daemon=True)
        thread.start()
        assert listener.opened.wait(10.0), "the stream says nothing"
        yield listener
        response.close()
    thread.join(5.0)


def _listen(listener: Listener, response: httpx.Response) -> None:
    try:
        listener.read(response)
    except (httpx.HTTPError, httpx.StreamError):
        return  # the test has closed the stream, or a fault has: what was heard before counts
