"""Topics are declared once, made on the real broker, and never silently another shape."""

from __future__ import annotations

from dataclasses import replace

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from deploy.errors import TopicMismatch
from deploy.topics import declared_topics, ensure_topics
from tests.conftest import KafkaFixture


def test_each_service_has_a_log_of_four_partitions_and_heads_of_one() -> None:
    topics = {topic.name: topic for topic in declared_topics("469000")}
    assert len(topics) == 14
    log = topics["rollcall.469000.registry.log"]
    assert (log.partitions, log.config["retention.ms"], log.config["cleanup.policy"]) == (4, "-1", "delete")
    heads = topics["rollcall.469000.notifications.heads"]
    assert (heads.partitions, heads.config["retention.ms"]) == (1, "3600000")


def test_topics_are_made_once_with_their_configuration(kafka: KafkaFixture) -> None:
    topics = declared_topics("110101")
    assert sorted(ensure_topics(kafka.bootstrap, topics)) == sorted(topic.name for topic in topics)
    assert ensure_topics(kafka.bootstrap, topics) == []
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    try:
        described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "rollcall.110101.visits.log")])
    finally:
        admin.close()
    assert "retention.ms" in str(described)


def test_another_partition_count_is_refused(kafka: KafkaFixture) -> None:
    topics = declared_topics("110102")
    ensure_topics(kafka.bootstrap, topics)
    changed = [replace(topics[0], partitions=8), *topics[1:]]
    with pytest.raises(TopicMismatch, match="has 4 partitions, 8 are declared"):
        ensure_topics(kafka.bootstrap, changed)
