"""An agency's own topic on a real Kafka: each row once whatever is killed, each bad one answered but not repeated."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from deploy.errors import PartFailed
from deploy.spec import PROJECT
from deploy.topics import declared_agency_topics, ensure_topics
from services.registry import handlers
from services.registry.events import ListEntryAdded, ListEntryCorrected
from services.registry.lists import topic_intake
from services.registry.lists.agency_topics import AgencyTopic, configured
from services.registry.lists.topic_intake import Inlet, Record
from services.registry.lists.topic_worker import TopicWorker
from shared.database.database import driver
from tests.conftest import KafkaFixture
from tests.services.registry.office import Office

WAIT_SECONDS = 60.0


class Line:
    """An agency with a topic of its own, written and read with the other client."""

    def __init__(self, kafka: KafkaFixture, office: Office) -> None:
        self.office, self.bootstrap = office, kafka.bootstrap
        self.topic = AgencyTopic(office.agency, "poverty")
        self.make()

    def make(self) -> None:
        ensure_topics(self.bootstrap, declared_agency_topics(f"{self.topic.agency}:{self.topic.list}"))

    def send(self, *values: bytes | None, key: bytes | None = None) -> None:
        producer = KafkaProducer(bootstrap_servers=self.bootstrap, acks="all")
        for value in values:
            producer.send(self.topic.inlet, value=value, key=key if value is not None else b"gone")
        producer.flush()
        producer.close()

    def answers(self) -> list[dict[str, Any]]:
        """Everything on the topic of rejects."""
        where = TopicPartition(self.topic.rejects, 0)
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, group_id=None, auto_offset_reset="earliest")
        try:
            consumer.assign([where])
            end, found = consumer.end_offsets([where])[where], []
            consumer.seek(where, 0)
            while consumer.position(where) < end:
                for records in consumer.poll(timeout_ms=500).values():
                    found += [json.loads(record.value) for record in records]
        finally:
            consumer.close()
        return found

    def row(self, sequence: int, **changed: Any) -> bytes:
        """A row under the canonical names."""
        told = {"name": f"李{sequence:03d}", "id_number": self.office.number(sequence), "household_type": "脱贫户"}
        return json.dumps(told | changed, ensure_ascii=False).encode()

    def added(self) -> Counter[str]:
        """How often each person was put on the list."""
        facts = [each.fact for each in self.office.log()]
        return Counter(each.personal.name for each in facts if isinstance(each, ListEntryAdded) and each.personal)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The loop, in this process."""
        stop = threading.Event()
        worker = TopicWorker(self.office.registry, self.bootstrap, [self.topic])
        thread = threading.Thread(target=worker.run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(20)
            assert not thread.is_alive()

    def process(self, failpoint: str = "") -> subprocess.Popen[bytes]:
        """The loop, in a process of its own."""
        settings = self.office.installation.settings("registry")
        variables = {
            name: value for name, value in os.environ.items() if not name.startswith(("ROLLCALL_", "DATABASE_"))
        }
        secrets = {f"ROLLCALL_SECRET_{name.upper().replace('-', '_')}": key for name, key in settings.secrets.items()}
        variables |= {name: base64.b64encode(key).decode() for name, key in secrets.items()}
        variables |= {
            "PYTHONPATH": str(PROJECT),
            "ROLLCALL_ENV": "test",
            "ROLLCALL_DIVISION": settings.division,
            "ROLLCALL_AGENCY_TOPICS": f"{self.topic.agency}:{self.topic.list}",
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "DATABASE_URL_REGISTRY": settings.database_url,
            "DATABASE_URL_KEYS": settings.keys_database_url,
            "ROLLCALL_FAILPOINT": failpoint,
        }
        command = [sys.executable, "-m", "tests.services.registry.topic_process"]
        return subprocess.Popen(command, env=variables, cwd=PROJECT, stdin=subprocess.PIPE)


@pytest.fixture
def line(kafka: KafkaFixture, office: Office) -> Line:
    return Line(kafka, office)


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.2)


POISON = (b"\xff\xfe\x00", b"{", b"[]", b'{"name": {"a": 1}}', b'{"unknown": "x"}', b"x" * 70_000, None)


def test_rows_are_recorded_and_bad_ones_answered_with_place_and_reason_only(line: Line) -> None:
    line.send(line.row(1), line.row(2, id_number=line.office.number(2)[:-1] + "?"), key=b"A-17")
    line.send(*POISON)
    line.send(line.row(3), line.row(1, household_type="边缘易致贫户"))
    with line.reading():
        until(lambda: len(line.answers()) == 1 + len(POISON) and line.added()["李003"] == 1)
    assert line.added() == {"李001": 1, "李003": 1}
    assert line.office.count(lambda each: isinstance(each.fact, ListEntryCorrected)) == 1
    wrong, *poison = line.answers()
    assert (wrong["topic"], wrong["partition"], wrong["offset"], wrong["key"]) == (line.topic.inlet, 0, 1, "A-17")
    (reason,) = wrong["reasons"]
    assert (reason["field"], reason["code"]) == ("id_number", "characters") and "对照身份证" in reason["zh"]
    assert [each["offset"] for each in poison] == list(range(2, 2 + len(POISON)))
    codes = ["not_json", "not_json", "not_json", "not_json", "no_field", "too_long", "not_json"]
    assert [each["reasons"][0]["code"] for each in poison] == codes
    told = json.dumps(line.answers(), ensure_ascii=False)
    assert "李002" not in told and line.office.number(2)[:17] not in told


@pytest.mark.parametrize("failpoint", ["agency.before_commit:2", "agency.committed:1", ""])
def test_a_loop_that_is_killed_takes_each_row_once_and_answers_every_bad_one(line: Line, failpoint: str) -> None:
    rows = [line.row(each) if each % 7 else b"{broken" for each in range(1, 61)]
    line.send(*rows[:30])
    if not failpoint:  # killed from outside, in the middle of something
        killed = line.process()
        until(lambda: len(line.added()) > 0)
        line.send(*rows[30:])
        killed.send_signal(signal.SIGKILL)
    else:
        killed = line.process(failpoint)
        if failpoint.endswith(":2"):
            until(lambda: len(line.added()) > 0)
        line.send(*rows[30:])
    assert killed.wait(WAIT_SECONDS) == -signal.SIGKILL
    with line.reading():
        until(lambda: len(line.added()) == 52 and len({each["offset"] for each in line.answers()}) == 8)
    assert set(line.added().values()) == {1}
    assert {each["offset"] for each in line.answers()} == {each - 1 for each in range(7, 61, 7)}


def test_two_loops_and_a_topic_made_anew_take_each_row_once(line: Line) -> None:
    line.send(*(line.row(each) for each in range(1, 21)))
    with line.reading(), line.reading():
        until(lambda: len(line.added()) == 20)
    admin = KafkaAdminClient(bootstrap_servers=line.bootstrap)
    admin.delete_topics([line.topic.inlet])
    until(lambda: line.topic.inlet not in admin.list_topics())
    admin.close()
    line.make()
    line.send(line.row(20), line.row(21))
    with line.reading():
        until(lambda: line.added()["李021"] == 1)
    assert set(line.added().values()) == {1} and len(line.added()) == 21


def test_what_makes_a_row_fail_unforeseen_is_answered_and_the_others_are_taken(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = handlers.list_entries_recorded

    def breaking(registry: Any, intent: Any, part: str, connection: Any) -> Any:
        if intent.rows[0][0].name == "李002":
            raise ValueError("nobody foresaw this")
        return whole(registry, intent, part, connection)

    monkeypatch.setattr(topic_intake, "list_entries_recorded", breaking)
    inlet = Inlet(line.topic, str(UUID(int=9)), 0)
    records = [Record(offset, None, line.row(offset + 1)) for offset in range(3)]
    for _ in range(2):
        topic_intake.take(line.office.registry, inlet, records)
    assert line.added() == {"李001": 1, "李003": 1}
    with line.office.registry.database.writing() as connection:
        raw = driver(connection)
        (answer,) = topic_intake.waiting(raw, [line.topic.rejects])
        assert topic_intake.next_offset(raw, inlet) == 3
        topic_intake.sent(raw, [answer])
    assert json.loads(answer.answer)["reasons"][0]["code"] == "unprocessable"


def test_the_configured_topics_are_named_by_agency_and_list() -> None:
    assert configured(" poverty_office:poverty, civil_affairs:civil,") == (
        AgencyTopic("poverty_office", "poverty"),
        AgencyTopic("civil_affairs", "civil"),
    )
    names = [topic.name for topic in declared_agency_topics("poverty_office:poverty")]
    assert names == ["agency.poverty_office.poverty.in", "agency.poverty_office.poverty.rejects"]
    with pytest.raises(PartFailed, match="no agency:list"):
        declared_agency_topics("poverty_office:students")
