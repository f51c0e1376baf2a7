"""Kafka that asks who speaks: each service and agency as itself, within its rights, on the real embedded broker."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError as KafkaRefusal
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError

from deploy.broker import EmbeddedKafka
from deploy.errors import StartRefused
from deploy.guarding import ensure_guard, guard_of, outside_administrator
from deploy.ports import free_port
from deploy.principals import CONSUMES, agency_principal, all_grants, ensure_principals, secret_of, service_grants
from deploy.run import built
from deploy.secrets import Secrets
from deploy.spec import Installation
from deploy.topics import asked_for, declared_agency_topics, declared_topics, ensure_topics
from shared.hosting.networks import principal_of
from shared.hosting.runtime import application, prepared
from shared.messaging.brokers import Brokers
from tests.conftest import KafkaFixture, PostgresFixture
from tests.services.installation import DIVISION
from tests.services.installation import Installation as Services

AGENCIES = "poverty_office:poverty,civil_affairs:civil"
SECONDS = 15.0


class Guarded:
    """A running guarded broker with the topics and principals of an installation."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="rollcall-guard-"))
        self.installation = Installation(self.home, division=DIVISION, kafka_protocol="SASL_PLAINTEXT")
        self.secrets = Secrets(self.home, production=False)
        guard = guard_of(self.installation, self.secrets)
        self.broker = EmbeddedKafka(self.home, free_port(), free_port(), guard=guard)
        self.broker.start()
        topics = [*declared_topics(DIVISION), *declared_agency_topics(AGENCIES)]
        ensure_topics(self.broker.administrator, topics)
        ensure_guard(self.broker.administrator, self.installation, asked_for(AGENCIES), self.secrets)

    def as_service(self, name: str) -> Brokers:
        return self._as(principal_of(DIVISION, name), secret_of(name))

    def as_agency(self, name: str) -> Brokers:
        return self._as(agency_principal(name), secret_of(f"agency-{name.replace('_', '-')}"))

    def _as(self, user: str, secret: str) -> Brokers:
        return Brokers(self.broker.bootstrap, "SASL_PLAINTEXT", user, self.secrets.password(secret))


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    made = Guarded()
    yield made
    made.broker.stop(timeout_seconds=5.0)
    shutil.rmtree(made.home, ignore_errors=True)


def log_of(service: str) -> str:
    return f"rollcall.{DIVISION}.{service}.log"


def written(brokers: Brokers, topic: str) -> str:
    """Try to write a record; the name of the broker's refusal, empty when it was taken."""

    async def write() -> str:
        producer = AIOKafkaProducer(**brokers.options())
        await producer.start()
        try:
            async with asyncio.timeout(SECONDS):
                await producer.send_and_wait(topic, b"x", partition=0)
        except KafkaRefusal as refused:
            return type(refused).__name__
        finally:
            await producer.stop()
        return ""

    return asyncio.run(write())


def read(brokers: Brokers, topic: str, group: str | None = None) -> str:
    """Try to read a topic (and to stand in a group); the name of the refusal, empty when it was let."""
    consumer = KafkaConsumer(**brokers.options(), group_id=group, enable_auto_commit=False)
    try:
        where = TopicPartition(topic, 0)
        consumer.assign([where])
        consumer.seek(where, consumer.beginning_offsets([where])[where])
        consumer.poll(timeout_ms=300)
        if group is not None:
            consumer.committed(where)
    except KafkaError as refused:
        return type(refused).__name__
    finally:
        consumer.close()
    return ""


def let_in(brokers: Brokers) -> bool:
    """Whether the brokers answer somebody at all."""
    try:
        KafkaAdminClient(**brokers.options(), bootstrap_timeout_ms=700).close()
    except KafkaError:
        return False
    return True


def test_a_principal_does_what_it_must_and_nothing_beside_it(guarded: Guarded) -> None:
    visits, poverty = guarded.as_service("visits"), guarded.as_agency("poverty_office")
    forbidden = "TopicAuthorizationFailedError"
    assert written(visits, log_of("visits")) == "" and read(visits, log_of("registry")) == ""
    assert written(visits, log_of("registry")) == forbidden, "another service's log"
    assert read(visits, log_of("disbursement")) == forbidden, "a log it does not consume"
    assert read(visits, log_of("registry"), f"rollcall.{DIVISION}.visits") == ""
    assert read(visits, log_of("registry"), f"rollcall.{DIVISION}.matching") == "GroupAuthorizationFailedError"
    assert written(poverty, "agency.poverty_office.poverty.in") == ""
    assert read(poverty, "agency.poverty_office.poverty.rejects", "agency.poverty_office.reader") == ""
    assert written(poverty, "agency.civil_affairs.civil.in") == forbidden, "another agency's list"
    assert read(poverty, "agency.poverty_office.poverty.in") == forbidden, "it writes, it does not read"
    assert written(poverty, log_of("registry")) == forbidden, "an agency is no service"
    assert written(guarded.as_service("registry"), "agency.poverty_office.poverty.in") == forbidden


def test_nobody_else_is_let_in(guarded: Guarded) -> None:
    visits = guarded.as_service("visits")
    foreign = replace(visits, user="somebody", password="whatever")
    assert let_in(visits)
    for stranger in (foreign, replace(visits, password="wrong"), replace(visits, mechanism="PLAIN")):
        assert not let_in(stranger), stranger.user
    assert not let_in(Brokers(guarded.broker.bootstrap)), "without a name"
    # Known, with a good password, but nobody gave it any right: it cannot even see that a topic is there.
    ensure_principals(guarded.broker.administrator, {"newcomer": "n" * 32}, {})
    newcomer = replace(visits, user="newcomer", password="n" * 32)
    assert written(newcomer, log_of("visits")) == read(newcomer, log_of("visits")) == "TopicAuthorizationFailedError"


def test_only_the_administrator_makes_topics_and_rights_that_are_not_declared_go(guarded: Guarded) -> None:
    visits = guarded.as_service("visits")
    admin = KafkaAdminClient(**visits.options())
    try:
        with pytest.raises(KafkaError, match=r"(?i)authoriz"):
            admin.create_topics([NewTopic("mine", 1, 1)])
    finally:
        admin.close()
    name = principal_of(DIVISION, "visits")
    wider = service_grants(DIVISION)[name] | service_grants(DIVISION)[principal_of(DIVISION, "disbursement")]
    ensure_principals(guarded.broker.administrator, {}, {name: wider})
    assert read(visits, log_of("disbursement")) == ""
    ensure_guard(guarded.broker.administrator, guarded.installation, asked_for(AGENCIES), guarded.secrets)
    assert read(visits, log_of("disbursement")) == "TopicAuthorizationFailedError"


def test_services_work_as_themselves_from_the_log_to_the_projection(
    guarded: Guarded, postgres: PostgresFixture, tmp_path: Path
) -> None:
    """The registry opens a day and publishes it; visits reads it as a member of its own group."""
    services = Services(postgres, tmp_path)
    told = {name: replace(services.settings(name), kafka=guarded.as_service(name)) for name in ("registry", "visits")}
    registry, visits = (built(name, settings) for name, settings in told.items())
    try:
        asyncio.run(_until_read(registry, visits, told))
    finally:
        for service in (registry, visits):
            service.database.close()
        services.close()
        postgres.drop_databases([service.database.name for service in (registry, visits)])


async def _until_read(registry: Any, visits: Any, told: dict[str, Any]) -> None:
    async with AsyncExitStack() as stack:
        for service, roles in ((registry, {"relay"}), (visits, {"processor"})):
            settings = told[service.name]
            await asyncio.to_thread(prepared, service, settings)
            app = application(service, settings, frozenset(roles))
            await stack.enter_async_context(app.router.lifespan_context(app))
        async with asyncio.timeout(60):
            while not await asyncio.to_thread(_checkpoints, visits):
                await asyncio.sleep(0.1)


def _checkpoints(service: Any) -> int:
    with service.database.owner() as connection:
        found = connection.exec_driver_sql(
            "SELECT count(*) FROM checkpoints WHERE log = 'registry' AND last_log_index > 0"
        )
        return int(found.scalar_one())


def test_the_rights_follow_from_what_the_services_are_built_to_read(postgres: PostgresFixture, tmp_path: Path) -> None:
    assert {log_of(name) for name in CONSUMES} == {
        each.name for each in declared_topics(DIVISION) if ".log" in each.name
    }
    services = Services(postgres, tmp_path)
    try:
        for name, consumed in CONSUMES.items():
            service = built(name, services.settings(name))
            read_by_it = {log for projection in service.projections for log in projection.logs} - {name}
            assert read_by_it <= set(consumed), name
            if name != "audit":  # its archiver reads every log without folding it
                assert read_by_it == set(consumed), name
    finally:
        services.close()
    everybody = all_grants(DIVISION, asked_for(AGENCIES))
    writers = [(grant.name, who) for who, grants in everybody.items() for grant in grants if grant.operation == "WRITE"]
    assert len({topic for topic, _ in writers}) == len(writers), "a topic has one writer"
    assert not any(grant.prefixed and grant.resource == "TOPIC" for grants in everybody.values() for grant in grants)


def test_an_unguarded_broker_listens_on_loopback_alone(kafka: KafkaFixture, guarded: Guarded) -> None:
    for broker in (kafka.broker, guarded.broker):
        assert broker.identity is not None
        listening = [
            each.laddr.ip
            for each in psutil.Process(broker.identity.pid).net_connections("inet")
            if each.status == psutil.CONN_LISTEN
        ]
        assert len(listening) >= 2 and set(listening) <= {"127.0.0.1", "::ffff:127.0.0.1"}
    assert (guarded.broker.home / "server.properties").stat().st_mode & 0o077 == 0, "it holds passwords"


def test_a_broker_elsewhere_needs_a_named_administrator(tmp_path: Path) -> None:
    installation, secrets = Installation(tmp_path, division=DIVISION), Secrets(tmp_path, production=False)
    outside = {"KAFKA_BOOTSTRAP_SERVERS": "kafka.county:9093", "KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}
    with pytest.raises(StartRefused, match="KAFKA_ADMIN_USER"):
        outside_administrator(outside, installation, secrets)
    told = outside_administrator(
        {**outside, "KAFKA_ADMIN_USER": "root", "KAFKA_ADMIN_PASSWORD": "p"}, installation, secrets
    )
    assert (told.user, told.password, told.protocol) == ("root", "p", "SASL_SSL")
    with pytest.raises(StartRefused, match="certificate"):
        guard_of(replace(installation, kafka_protocol="SASL_SSL"), secrets)
