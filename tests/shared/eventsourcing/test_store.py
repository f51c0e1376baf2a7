from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from shared.database import driver
from shared.eventsourcing import store
from shared.eventsourcing.store import BATCH_LIMIT, Cause, Command, PersonErased, Proposed, Result
from shared.kernel.refusals import CommandReused, Conflict, Malformed, NotFound, Refusal, VersionConflict
from tests.support.trial import PupilJoined, PupilMoved, Server, Trial, fresh_trial, joined, moved


class AlreadyEnrolled(Conflict):
    code = "already_enrolled"

    def __init__(self, school: str, since: date) -> None:
        super().__init__(f"已在{school}就读", f"already enrolled in {school}", school=school, since=since)


@pytest.fixture(scope="module")
def shared_trial(postgres: Server) -> Iterator[Trial]:
    with fresh_trial(postgres) as made:
        yield made


def versions(trial: Trial, stream: UUID) -> list[int]:
    with trial.database.writing() as connection:
        return [stored.event.version for stored in trial.store.load(connection, stream)]


def count_events(trial: Trial) -> int:
    with trial.database.writing() as connection:
        return int(connection.execute(text("SELECT count(*) FROM events")).scalar_one())


@pytest.mark.parametrize("count", [1, 3, 39, 40, 700])
def test_what_was_appended_is_loaded_again_by_insert_and_by_copy(shared_trial: Trial, count: int) -> None:
    stream = uuid.uuid4()
    cause = Cause(uuid.uuid4(), datetime(2026, 9, 1, 1, 2, 3, 456789, tzinfo=UTC), "00-aa-bb-01")
    command = Command("政策:核对", uuid.uuid4(), b"body", cause, "00-cc-dd-01")
    facts = [joined(stream), *(moved(stream, version, grade=version) for version in range(1, count))]
    result = shared_trial.store.run(shared_trial.database, command, lambda connection: facts)
    assert result.versions == {stream: count}
    with shared_trial.database.writing() as connection:
        stored = shared_trial.store.load(connection, stream, personal=True)
        traces = driver(connection).execute("SELECT traceparent FROM events WHERE stream_id = %s", (stream,)).fetchall()
    assert [each.fact for each in stored] == [each.fact for each in facts]
    assert [each.event.version for each in stored] == list(range(1, count + 1))
    assert tuple(each.event.event_id for each in stored) == result.event_ids
    assert {(each.event.principal, each.event.command_id) for each in stored} == {("政策:核对", command.command_id)}
    assert {(each.event.cause_id, each.event.cause_recorded_at) for each in stored} == {cause[:2]}
    assert {each.event.effective_on for each in stored} == {date(2026, 9, 1)}
    assert set(traces) == {("00-cc-dd-01",)}


def test_personal_blocks_stay_shut_unless_asked_for_and_after_erasure(trial: Trial) -> None:
    (stream,) = trial.join(1)
    with trial.database.writing() as connection:
        (shut,) = trial.store.load(connection, stream)
        (opened,) = trial.store.load(connection, stream, personal=True)
        trial.keyring.erase(stream)
        (erased,) = trial.store.load(connection, stream, personal=True)
    assert isinstance(shut.fact, PupilJoined)
    assert isinstance(opened.fact, PupilJoined)
    assert opened.fact.personal is not None
    assert shut.fact.personal is None
    assert erased.fact == shut.fact


def test_nothing_is_written_about_an_erased_person(trial: Trial) -> None:
    (stream,) = trial.join(1)
    trial.keyring.erase(stream)
    with pytest.raises(PersonErased):
        trial.append(joined(stream)._replace(expected_version=1))
    assert versions(trial, stream) == [1]


@pytest.mark.parametrize("count", [2, 300])
def test_a_fact_that_is_too_long_leaves_nothing_of_its_command(
    shared_trial: Trial, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By COPY the facts before it are on their way to the database by then."""
    pupils, command_id = [joined() for _ in range(count)], uuid.uuid4()
    monkeypatch.setattr(store, "DATA_LIMIT_BYTES", 600)
    long = joined(name="王" * 600)
    with pytest.raises(ValueError, match="holds at most"):
        shared_trial.append(*pupils, long, command_id=command_id)
    assert versions(shared_trial, pupils[0].stream_id) == []
    assert not shared_trial.append(*pupils, command_id=command_id).replayed
    assert versions(shared_trial, pupils[-1].stream_id) == [1]


def test_the_same_command_gives_the_same_answer_and_one_effect(shared_trial: Trial) -> None:
    command_id, pupil = uuid.uuid4(), joined()
    first = shared_trial.append(pupil, command_id=command_id, body=b"one")
    again = shared_trial.append(pupil, command_id=command_id, body=b"one")
    assert not first.replayed
    assert again == first._replace(replayed=True)
    with pytest.raises(CommandReused):
        shared_trial.append(pupil, command_id=command_id, body=b"two")
    assert versions(shared_trial, pupil.stream_id) == [1]


def test_what_rests_on_an_append_is_noted_with_it_once_or_not_at_all(shared_trial: Trial) -> None:
    command, stream, noted = Command("anna", uuid.uuid4(), b"body"), uuid.uuid4(), []

    def then(connection: Connection, result: Result) -> None:
        noted.append(result.event_ids)
        found = connection.execute(
            text("SELECT count(*) FROM events WHERE event_id = ANY(:ids)"), {"ids": [*noted[-1]]}
        )
        assert found.scalar_one() == 1, "it sees the event it rests on"
        if len(noted) == 1:
            raise RuntimeError("the note cannot be made")

    def decide(connection: Connection) -> list[Proposed]:
        return [joined(stream)]

    with pytest.raises(RuntimeError):
        shared_trial.store.run(shared_trial.database, command, decide, then)
    assert versions(shared_trial, stream) == [], "nor is the event"
    first = shared_trial.store.run(shared_trial.database, command, decide, then)
    again = shared_trial.store.run(shared_trial.database, command, decide, then)
    assert (again.event_ids, again.replayed) == (first.event_ids, True)
    assert noted[1:] == [first.event_ids]


def test_a_command_id_belongs_to_its_principal(shared_trial: Trial) -> None:
    command_id, one, other = uuid.uuid4(), joined(), joined()
    shared_trial.append(one, command_id=command_id)
    stranger = Command("another clerk", command_id, b"x")
    assert not shared_trial.store.run(shared_trial.database, stranger, lambda connection: [other]).replayed


@pytest.mark.parametrize("size", [1, 60])
def test_the_same_command_from_eight_threads_has_one_effect(trial: Trial, size: int) -> None:
    command_id = uuid.uuid4()
    start, answers, failures = threading.Barrier(8), [], []

    def send() -> None:
        start.wait()
        try:
            # New streams each time: only the command itself can tell that these are one.
            answers.append(trial.append(*[joined() for _ in range(size)], command_id=command_id))
        except Exception as failure:
            failures.append(failure)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len({answer.event_ids for answer in answers}) == 1
    assert count_events(trial) == size


def test_a_refusal_on_facts_is_kept_with_its_command(shared_trial: Trial) -> None:
    command, asked = Command("clerk", uuid.uuid4(), b"x"), []

    def refuse(connection: Connection) -> Sequence[Proposed]:
        asked.append(1)
        raise AlreadyEnrolled("海口一小", date(2026, 9, 1))

    answers: list[Refusal] = []
    for _ in range(2):
        with pytest.raises(AlreadyEnrolled) as refused:
            shared_trial.store.run(shared_trial.database, command, refuse)
        answers.append(refused.value)
    assert asked == [1]
    assert [(each.code, each.status, each.zh, each.en) for each in answers] == [
        ("already_enrolled", 409, "已在海口一小就读", "already enrolled in 海口一小")
    ] * 2
    assert answers[1].facts == {"school": "海口一小", "since": "2026-09-01"}
    with pytest.raises(CommandReused):
        shared_trial.store.run(shared_trial.database, Command("clerk", command.command_id, b"y"), refuse)


@pytest.mark.parametrize("kind", [Malformed, NotFound])
def test_a_request_that_makes_no_sense_is_not_kept(shared_trial: Trial, kind: type[Refusal]) -> None:
    command, pupil = Command("clerk", uuid.uuid4(), b"x"), joined()

    def refuse(connection: Connection) -> Sequence[Proposed]:
        raise kind("无效", "invalid")

    with pytest.raises(kind):
        shared_trial.store.run(shared_trial.database, command, refuse)
    assert not shared_trial.store.run(shared_trial.database, command, lambda connection: [pupil]).replayed


@pytest.mark.parametrize("expected", [0, 1, 3, 7])
@pytest.mark.parametrize("extra", [0, 50])
def test_an_append_on_another_version_than_the_streams_is_refused_whole(
    shared_trial: Trial, expected: int, extra: int
) -> None:
    stream = uuid.uuid4()
    shared_trial.append(joined(stream), moved(stream, 1))
    others = [joined() for _ in range(extra)]
    with pytest.raises(VersionConflict):
        shared_trial.append(*others, moved(stream, expected))
    assert versions(shared_trial, stream) == [1, 2]
    assert all(versions(shared_trial, other.stream_id) == [] for other in others[:2])


def test_a_conflict_inside_a_longer_transaction_ends_it_so_that_no_half_can_be_committed(shared_trial: Trial) -> None:
    (stream,) = shared_trial.join(1)
    with shared_trial.database.working() as connection:
        with pytest.raises(VersionConflict):
            shared_trial.store.execute(connection, Command("p", uuid.uuid4(), b""), lambda: [moved(stream, 5)])
        assert driver(connection).info.transaction_status.name == "INERROR"
        connection.rollback()
    assert versions(shared_trial, stream) == [1]


def test_versions_of_one_command_must_follow_each_other(shared_trial: Trial) -> None:
    stream = uuid.uuid4()
    with pytest.raises(ValueError, match="version 5"):
        shared_trial.append(joined(stream), moved(stream, 5))
    with pytest.raises(ValueError, match=str(BATCH_LIMIT)):
        shared_trial.append(*[joined() for _ in range(BATCH_LIMIT + 1)])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 1), st.integers(1, 3)), max_size=12))
def test_optimistic_concurrency_agrees_with_a_counter_per_stream(
    shared_trial: Trial, attempts: list[tuple[int, int, int]]
) -> None:
    """Each attempt: which stream, how far its expectation is off, how many facts."""
    streams, model = [uuid.uuid4() for _ in range(3)], [0, 0, 0]
    for which, off, count in attempts:
        expected = max(0, model[which] + off)
        facts = [moved(streams[which], expected) for _ in range(count)]
        if expected == model[which]:
            assert shared_trial.append(*facts).versions == {streams[which]: expected + count}
            model[which] += count
        else:
            with pytest.raises(VersionConflict):
                shared_trial.append(*facts)
    assert [versions(shared_trial, stream) for stream in streams] == [list(range(1, last + 1)) for last in model]


def test_writers_that_reload_after_a_conflict_lose_nothing(trial: Trial) -> None:
    (stream,) = trial.join(1)
    done = []

    def write() -> None:
        for _ in range(10):
            for _ in range(50):  # run() itself tries five times

                def decide(connection: Connection) -> Sequence[Proposed]:
                    return [moved(stream, len(trial.store.load(connection, stream)))]

                try:
                    trial.store.run(trial.database, Command("clerk", uuid.uuid4(), b""), decide)
                except VersionConflict:
                    continue
                done.append(1)
                break

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 40
    assert versions(trial, stream) == list(range(1, 42))


def test_a_person_shared_by_many_streams_loads_in_one_go(shared_trial: Trial) -> None:
    streams = shared_trial.join(5)
    with shared_trial.database.writing() as connection:
        loaded = shared_trial.store.load_many(connection, [*streams, unknown := uuid.uuid4()], personal=True)
    assert loaded.pop(unknown) == []
    assert all(isinstance(each[0].fact, PupilJoined) and each[0].fact.personal for each in loaded.values())
    assert PupilMoved not in {type(each[0].fact) for each in loaded.values()}
