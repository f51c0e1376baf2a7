"""What may befall a broker: its tail cut off as by a power loss, a topic deleted and made anew."""

from __future__ import annotations

import os
import time
from pathlib import Path

from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError

from deploy.broker import EmbeddedKafka
from deploy.topics import declared_topics, ensure_topics
from tests.support.system import System

GONE_SECONDS = 20.0


def cut_tail(broker: EmbeddedKafka, topic: str, share: float) -> dict[int, int]:
    """Cut the last ``share`` of the bytes off the newest segment of every partition of a broker that does not run,
    wherever that falls inside a record: what a power loss does to pages not yet written. Partition → bytes cut."""
    assert not broker.alive(), "a running broker writes on"
    cut: dict[int, int] = {}
    for partition, folder in _folders(broker, topic).items():
        segment = max(folder.glob("*.log"))
        size = segment.stat().st_size
        keep = int(size * (1 - share))
        if size > keep:
            os.truncate(segment, keep)
            cut[partition] = size - keep
    return cut


def bytes_of(broker: EmbeddedKafka, topic: str) -> dict[int, int]:
    """Partition → bytes of its segments."""
    folders = _folders(broker, topic)
    return {partition: sum(each.stat().st_size for each in f.glob("*.log")) for partition, f in folders.items()}


def _folders(broker: EmbeddedKafka, topic: str) -> dict[int, Path]:
    """Partition → its folder; those being deleted have other names."""
    found = {folder.name.rpartition("-")[2]: folder for folder in sorted(broker.data.glob(f"{topic}-*"))}
    return {int(number): folder for number, folder in found.items() if number.isdigit()}


def recreate_topic(system: System, topic: str) -> None:
    """Delete a topic under the running system and make it again, empty, with the shape it is declared with."""
    declared = next(each for each in declared_topics(system.division) if each.name == topic)
    admin = KafkaAdminClient(bootstrap_servers=system.broker.bootstrap)
    try:
        before = _topic_id(admin, topic)
        admin.delete_topics([topic])
        deadline = time.monotonic() + GONE_SECONDS
        while True:
            try:
                admin.create_topics([NewTopic(topic, declared.partitions, 1, topic_configs=declared.config)])
                break
            except TopicAlreadyExistsError:
                assert time.monotonic() < deadline, "the topic does not go away"
                time.sleep(0.05)
        while _topic_id(admin, topic) in (before, None):
            assert time.monotonic() < deadline, "the topic does not come back"
            time.sleep(0.05)
    finally:
        admin.close()
    ensure_topics(system.broker.bootstrap, declared_topics(system.division))


def _topic_id(admin: KafkaAdminClient, topic: str) -> str | None:
    try:
        described = admin.describe_topics([topic])[0]
    except KafkaError:
        return None
    return None if described["error_code"] else str(described["topic_id"])
