"""Creating the topics of topics.yaml, and refusing a broker whose topics have another shape."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.errors import PartFailed, TopicMismatch
from services.registry.lists.agency_topics import AgencyTopic, configured
from shared.messaging.brokers import Brokers, brokers_of

TOPICS_FILE = Path(__file__).with_name("topics.yaml")
# The broker's own default: 1 on the embedded node, the operator's choice on a real cluster.
BROKER_DEFAULT_REPLICATION = -1
REQUEST_TIMEOUT_MS = 30_000
VISIBLE_TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True)
class Topic:
    """One declared topic."""

    name: str
    partitions: int
    config: dict[str, str]


def declared_topics(division: str, path: Path = TOPICS_FILE) -> list[Topic]:
    """All topics of an installation, one per declaration and service."""
    declared = yaml.safe_load(path.read_text())
    return [
        Topic(
            name=each["name"].format(division=division, service=service),
            partitions=int(each["partitions"]),
            config={key: str(value) for key, value in each["config"].items()},
        )
        for service in declared["services"]
        for each in declared["topics"]
    ]


def asked_for(text: str) -> tuple[AgencyTopic, ...]:
    """Each agency and list in ``agency:list,…``. Raises: PartFailed for what names none."""
    try:
        return configured(text)
    except ValueError as wrong:
        raise PartFailed(f"ROLLCALL_AGENCY_TOPICS: {wrong}") from wrong


def declared_agency_topics(text: str, path: Path = TOPICS_FILE) -> list[Topic]:
    """The topics of each agency and list in ``agency:list,…``. Raises: PartFailed for what names none."""
    asked = asked_for(text)
    declared = yaml.safe_load(path.read_text())
    return [
        Topic(
            name=each["name"].format(agency=topic.agency, list=topic.list),
            partitions=int(each["partitions"]),
            config={key: str(value) for key, value in each["config"].items()},
        )
        for topic in asked
        for each in declared["agency_topics"]
    ]


def ensure_topics(kafka: str | Brokers, topics: Iterable[Topic]) -> list[str]:
    """Create what is missing and return the names created.

    Raises: TopicMismatch when an existing topic has another partition count, PartFailed when the broker refuses.
    """
    from kafka.admin import KafkaAdminClient, NewTopic
    from kafka.errors import KafkaError, TopicAlreadyExistsError

    wanted, brokers = list(topics), brokers_of(kafka)
    bootstrap = brokers.servers
    try:
        admin = KafkaAdminClient(**brokers.options(), request_timeout_ms=REQUEST_TIMEOUT_MS)
    except KafkaError as error:
        raise PartFailed(f"Kafka at {bootstrap} does not answer ({error}); check KAFKA_BOOTSTRAP_SERVERS") from error
    try:
        existing = set(admin.list_topics())
        missing = [topic for topic in wanted if topic.name not in existing]
        requests = [
            NewTopic(topic.name, topic.partitions, BROKER_DEFAULT_REPLICATION, topic_configs=topic.config)
            for topic in missing
        ]
        if requests:
            try:
                admin.create_topics(requests)
            except TopicAlreadyExistsError:
                pass  # another installation process was faster; the counts are checked next
        _require_partitions(admin, wanted)
    except KafkaError as error:
        raise PartFailed(f"Kafka at {bootstrap} refused the topics: {error}") from error
    finally:
        admin.close()
    return [topic.name for topic in missing]


def _partition_counts(admin: Any, names: list[str]) -> dict[str, int]:
    """Partitions by topic; a topic made a moment ago takes a while to appear in the broker's metadata."""
    deadline = time.monotonic() + VISIBLE_TIMEOUT_SECONDS
    while True:
        found = {each["name"]: len(each["partitions"]) for each in admin.describe_topics(names)}
        if all(found.get(name) for name in names) or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def _require_partitions(admin: Any, wanted: list[Topic]) -> None:
    found = _partition_counts(admin, [topic.name for topic in wanted])
    for topic in wanted:
        count = found.get(topic.name, 0)
        if count != topic.partitions:
            raise TopicMismatch(
                f"topic {topic.name} has {count} partitions, {topic.partitions} are declared; a log's partitions never "
                "change, so use a broker without that topic or another ROLLCALL_DIVISION"
            )
