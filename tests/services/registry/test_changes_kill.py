"""A mass change whose process is killed while it previews, applies or undoes goes on by itself, and nobody is changed
twice; two workers at once do no chunk twice either."""

from __future__ import annotations

import threading
from uuid import UUID

import pytest

from services.registry.changes import change_work
from services.registry.changes.change_work import Changing
from services.registry.events import StudentPlaced
from shared.kernel.clock import today
from tests.services.registry.office import Office
from tests.services.registry.promotion_process import until_killed
from tests.services.registry.test_api import CLERK, Client, client, http
from tests.services.registry.test_changes_in_mass import SECOND, Village, village
from tests.services.registry.year import change_all

__all__ = ["client", "http", "village"]  # fixtures


def order(client: Client, village: Village) -> str:
    client.act_as(CLERK)
    body = {"kind": "schools_merged", "sources": [village.a, village.b], "into": village.c}
    answer = client.post("/v1/changes", json=body | {"day": today().isoformat(), "reason": "布局调整"})
    return str(answer.json()["change_id"])


def approved(client: Client, change: str) -> None:
    client.act_as(SECOND)
    told = client.get(f"/v1/changes/{change}").json()
    answer = client.post(f"/v1/changes/{change}/approve", json={"preview_hash": told["preview_hash"]})
    assert answer.status_code == 202, answer.text


def placed(office: Office, change: str) -> list[UUID]:
    """The students whom the change moved, once for each time."""
    facts = [(each.stream, each.fact) for each in office.log()]
    return [stream for stream, fact in facts if isinstance(fact, StudentPlaced) and fact.change_id == UUID(change)]


def test_a_killed_change_goes_on_where_it_was(client: Client, office: Office, village: Village) -> None:
    settings = office.installation.settings("registry")
    before = village.shown()
    change = order(client, village)
    until_killed(settings, "change.before_preview_commit:1")
    change_all(office.registry)
    assert client.get(f"/v1/changes/{change}").json()["students"] == 6
    approved(client, change)
    until_killed(settings, "change.before_commit:1")
    change_all(office.registry)
    assert sorted(placed(office, change)) == sorted(village.everybody)
    assert {row[1] for row in village.shown().values()} == {village.c}
    assert client.post(f"/v1/changes/{change}/undo", json={}).status_code == 202
    until_killed(settings, "change.before_commit:1")
    change_all(office.registry)
    assert village.shown() == before
    assert client.get(f"/v1/changes/{change}").json()["restored"] == 6


def test_two_workers_at_once_change_nobody_twice(
    client: Client, office: Office, village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_work, "CHUNK_STUDENTS", 2)
    change = order(client, village)
    gate = threading.Barrier(2)

    def work() -> None:
        worker = Changing(office.registry)
        gate.wait()
        while worker.change_some():
            pass

    for step in range(2):
        if step:
            approved(client, change)
        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(placed(office, change)) == sorted(village.everybody)
    assert client.get(f"/v1/changes/{change}").json()["changed"] == 6
