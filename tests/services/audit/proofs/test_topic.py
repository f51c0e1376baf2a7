"""A checkpoint travels with the head through a real Kafka to the witness; what is altered in a topic afterwards is
found by reading it again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.audit import app
from services.audit.archiver import Source
from services.audit.proofs.topic_sweep import TopicSweep
from shared.database.database import driver
from shared.eventsourcing.event import Logged, leaf_hash
from shared.hosting.service import Service
from shared.transparency.checkpoints import Checkpoint, issue, log_signers, origin_of
from shared.transparency.tree import folded
from tests.services.audit.test_archiver import Topic, archiving, until
from tests.services.audit.test_domain import SOURCE, a_log
from tests.services.installation import Installation


@pytest.fixture
def audit(postgres: Any, tmp_path: Path) -> Iterator[Service]:
    installation = Installation(postgres, tmp_path)
    yield installation.start(app.build(installation.settings("audit"), {}))
    installation.close()


def found(audit: Service, query: str) -> list[tuple[Any, ...]]:
    with audit.database.working() as connection:
        return driver(connection).execute(query.encode()).fetchall()


def read_again(audit: Service, topic: Topic) -> list[tuple[str, int]]:
    """One round over the topic; every alarm so far."""
    TopicSweep(audit.database, topic.bootstrap, []).round(Source(SOURCE, topic.log, topic.heads), threading.Event())
    return [(kind, index) for kind, index in found(audit, "SELECT kind, log_index FROM alarms ORDER BY id")]


def forged(logged: Logged) -> Logged:
    event = logged.event._replace(data=b'{"n":0}')
    return logged._replace(event=event, leaf=leaf_hash(SOURCE, logged.log_index, logged.recorded_at, event))


def test_checkpoints_come_with_the_heads_and_a_topic_rewritten_later_is_found(audit: Service, kafka: Any) -> None:
    topic, log = Topic(kafka), a_log(60)
    root = folded([each.leaf for each in log])
    note = issue(Checkpoint(origin_of(SOURCE), 60, root), log_signers(SOURCE, [b"1" * 32]))
    topic.publish(log, checkpoint=note)
    with archiving(audit, topic):
        until(lambda: found(audit, "SELECT count(*) FROM archive") == [(60,)])
        until(lambda: found(audit, "SELECT size, note FROM told_checkpoints") == [(60, note)])
    assert read_again(audit, topic) == []
    # Somebody makes the topic anew while nobody reads: two events are others, the last three are gone.
    topic.make_anew()
    topic.publish([*log[:20], forged(log[20]), *log[21:40], forged(log[40]), *log[41:57]])
    alarms = read_again(audit, topic)
    assert ("topic_differs", 21) in alarms
    assert ("topic_cut", 58) in alarms
    topic.make_anew()
    topic.publish([log[0]._replace(recorded_at=log[0].recorded_at + timedelta(days=1)), *log[1:]])
    assert ("topic_differs", 1) in read_again(audit, topic)
