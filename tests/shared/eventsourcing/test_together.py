"""Commands of one moment share a transaction, and nobody can tell: answers, refusals and streams are as one by one."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from shared.eventsourcing.store import Command, Decide, Proposed, Result
from shared.eventsourcing.together import Together
from shared.kernel.refusals import Conflict, Malformed
from tests.support.trial import Trial, joined, moved

TOGETHER = 24


class Full(Conflict):
    code = "full"

    def __init__(self) -> None:
        super().__init__("已满", "full")


def command(name: str = "clerk") -> Command:
    return Command(name, uuid.uuid4(), b"body")


def joins(stream: UUID) -> Callable[[Connection], Sequence[Proposed]]:
    return lambda connection: [joined(stream)]


def at_once(trial: Trial, works: Sequence[tuple[Command, Callable[[Connection], Sequence[Proposed]]]]) -> list[object]:
    """What each caller got, all of whom came while a first one held the turn."""
    together: Together[Decide] = Together(trial.store, trial.database)
    begun, go = threading.Event(), threading.Event()

    def slow(connection: Connection) -> Sequence[Proposed]:
        begun.set()
        assert go.wait(30)
        return [joined(uuid.uuid4())]

    def run(work: tuple[Command, Callable[[Connection], Sequence[Proposed]]]) -> object:
        try:
            return together.run(*work)
        except Exception as refused:
            return refused

    with ThreadPoolExecutor(len(works) + 1) as pool:
        first = pool.submit(run, (command(), slow))
        assert begun.wait(30)
        waiting = [pool.submit(run, work) for work in works]
        while len(together._waiting) < len(works):
            threading.Event().wait(0.01)
        go.set()
        assert isinstance(first.result(30), Result)
        return [each.result(30) for each in waiting]


def transactions(trial: Trial) -> int:
    with trial.database.owner() as connection:
        return int(connection.execute(text("SELECT count(DISTINCT xmin::text) FROM commands")).scalar_one())


def test_those_who_waited_are_written_in_one_transaction(trial: Trial) -> None:
    streams = [uuid.uuid4() for _ in range(TOGETHER)]
    before = transactions(trial)
    got = at_once(trial, [(command(), joins(stream)) for stream in streams])
    assert transactions(trial) - before == 2, "the first one, and all the others"
    with trial.database.writing() as connection:
        for stream, result in zip(streams, got, strict=True):
            (stored,) = trial.store.load(connection, stream, personal=True)
            assert isinstance(result, Result) and result.event_ids == (stored.event.event_id,)
            assert result.versions == {stream: 1} and not result.replayed


def test_a_refusal_is_kept_for_its_own_caller_and_the_others_are_done(trial: Trial) -> None:
    refused, malformed = command(), command()

    def full(connection: Connection) -> Sequence[Proposed]:
        raise Full

    def broken(connection: Connection) -> Sequence[Proposed]:
        raise Malformed("格式不正确", "malformed")

    streams = [uuid.uuid4() for _ in range(4)]
    got = at_once(trial, [(refused, full), (malformed, broken), *((command(), joins(stream)) for stream in streams)])
    assert isinstance(got[0], Full) and isinstance(got[1], Malformed)
    assert all(isinstance(each, Result) for each in got[2:])
    with pytest.raises(Conflict) as again:
        trial.store.run(trial.database, refused, joins(uuid.uuid4()))
    assert again.value.code == "full"
    assert not trial.store.run(trial.database, malformed, joins(uuid.uuid4())).replayed


def test_the_same_command_twice_at_once_is_done_once(trial: Trial) -> None:
    stream, twice = uuid.uuid4(), command()
    got = at_once(trial, [(twice, joins(stream)), (twice, joins(stream)), (command(), joins(uuid.uuid4()))])
    results = [each for each in got if isinstance(each, Result)]
    assert len(results) == 3 and results[0].event_ids == results[1].event_ids
    assert sorted(each.replayed for each in results[:2]) == [False, True]


def test_two_commands_about_one_stream_follow_each_other(trial: Trial) -> None:
    (stream,) = trial.join(1)

    def moves(connection: Connection) -> Sequence[Proposed]:
        return [moved(stream, len(trial.store.load(connection, stream)))]

    got = at_once(trial, [(command(), moves) for _ in range(4)])
    assert sorted(each.versions[stream] for each in got if isinstance(each, Result)) == [2, 3, 4, 5]


def test_a_database_that_refuses_one_command_refuses_no_other(trial: Trial) -> None:
    (stream,) = trial.join(1)
    late = uuid.uuid4()
    got = at_once(trial, [(command(), lambda connection: [moved(stream, 7)]), (command(), joins(late))])
    assert isinstance(got[0], Conflict) and isinstance(got[1], Result)
    with trial.database.writing() as connection:
        assert len(trial.store.load(connection, late)) == 1 and len(trial.store.load(connection, stream)) == 1


def test_callers_on_the_event_loop_are_written_together_and_told_each_their_own(trial: Trial) -> None:
    streams = [uuid.uuid4() for _ in range(TOGETHER)]
    together: Together[Decide] = Together(trial.store, trial.database)

    def full(connection: Connection) -> Sequence[Proposed]:
        raise Full

    async def all_of_them() -> list[object]:
        works = [(command(), joins(stream)) for stream in streams]
        await together.soon(command(), joins(uuid.uuid4()))
        before = transactions(trial)
        good = await asyncio.gather(*(together.soon(*work) for work in works))
        assert transactions(trial) - before == 1
        gone = asyncio.create_task(together.soon(command(), joins(uuid.uuid4())))
        mixed = [
            together.soon(command(), full),
            together.soon(*works[0]),
            together.soon(command(), joins(uuid.uuid4())),
        ]
        await asyncio.sleep(0)
        gone.cancel()
        return [*good, *await asyncio.gather(*mixed, return_exceptions=True)]

    *good, refused, repeated, after = asyncio.run(all_of_them())
    for stream, result in zip(streams, good, strict=True):
        assert isinstance(result, Result) and result.versions == {stream: 1}
    assert isinstance(refused, Full) and isinstance(after, Result)
    assert isinstance(repeated, Result) and isinstance(good[0], Result)
    assert repeated.replayed and repeated.event_ids == good[0].event_ids
