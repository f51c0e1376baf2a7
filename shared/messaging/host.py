"""The processor host: reads source logs through Faust's membership and applies them through runners.

It runs embedded in any asyncio loop (beside uvicorn, say): Faust's consumer has a thread of its own for Kafka and its
heartbeats, and every batch is applied in a worker thread. Several hosts, in one process or many, share the partitions;
which one applies a batch is irrelevant to the result.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

import structlog

from shared.kernel.failpoints import step
from shared.messaging.arrivals import read
from shared.messaging.checkpoint import BuildGone, Gap
from shared.messaging.failures import BuildRetired, DatabaseAway
from shared.messaging.gaps import GapSearch
from shared.messaging.intake import Intake, TopicPartition
from shared.messaging.positions import Range, TopicIdentity, hints_of, start_offset
from shared.messaging.runner import Applied, Place, Runner
from shared.messaging.transport import ProjectionApp

BATCH_EVENTS_MAX = 1_000
WORKER_THREADS = 2
START_TIMEOUT_SECONDS = 20.0
STOP_TIMEOUT_SECONDS = 20.0
SUPERVISION_SECONDS = 1.0
IDENTITY_CHECK_SECONDS = 5.0
SEEK_ATTEMPTS = 4
SEEK_BACKOFF_SECONDS = 0.5
PAUSE_FIRST_SECONDS, PAUSE_LAST_SECONDS = 0.5, 30.0
EXIT_CODE = 70  # EX_SOFTWARE: the supervisor starts the process again

log = structlog.get_logger(__name__)


class Problem(NamedTuple):
    """Something a person may have to look at. ``kind``: gap, halted, database, failing, kafka or silent."""

    kind: str
    where: str
    detail: str


class _Outcome(NamedTuple):
    """What became of one batch, over all runners."""

    results: dict[str, Applied]
    failures: dict[str, str]
    look_again: bool


def end_process(reason: str) -> None:
    """Leave at once: everything that counts is committed, and nothing here may guess where to start from."""
    log.critical("the processor ends its process", reason=reason)
    os._exit(EXIT_CODE)


class ProcessorHost:
    """Applies the logs in ``topics`` (service → topic) through ``runners``, as a member of the group ``app_id``.

    ``on_fatal`` is called when the process has to end; it must not return to normal work.
    """

    def __init__(
        self,
        app_id: str,
        bootstrap: str,
        topics: Mapping[str, str],
        runners: Sequence[Runner],
        *,
        threads: int = WORKER_THREADS,
        on_fatal: Callable[[str], None] = end_process,
    ) -> None:
        wanted = {service for runner in runners for service in runner.logs}
        if missing := wanted - topics.keys():
            raise ValueError(f"no topic is named for {', '.join(sorted(missing))}")
        self.app_id, self.runners = app_id, tuple(runners)
        self.topics = {service: topics[service] for service in sorted(wanted)}
        self.restarts = 0
        self._services = {topic: service for service, topic in self.topics.items()}
        self._bootstrap, self._threads, self._on_fatal = bootstrap, threads, on_fatal
        self._identity = TopicIdentity(bootstrap)
        self._places: dict[str, Place] = {}
        self._app: ProjectionApp | None = None
        self._starting: asyncio.Task[Any] | None = None
        self._supervisor: asyncio.Task[None] | None = None
        self._work: dict[TopicPartition, asyncio.Task[None]] = {}
        self._running: set[asyncio.Future[Any]] = set()
        self._seeks: dict[TopicPartition, asyncio.Task[None]] = {}
        self._searches: dict[TopicPartition, GapSearch] = {}
        self._problems: dict[tuple[str, str], Problem] = {}
        self._stopping = False

    # -- life ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Join the group; returns when this member is assigned, or after a bounded wait (it goes on trying)."""
        self.intake = Intake()
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix=f"apply-{self.app_id}")
        self._stopping = False
        await self._start_app()
        self._supervisor = asyncio.create_task(self._supervise())

    async def stop(self) -> None:
        """Leave the group after the running transactions; bounded."""
        self._stopping = True
        if self._supervisor is not None:
            self._supervisor.cancel()
            with suppress(asyncio.CancelledError):
                await self._supervisor
        await self._stop_app()
        for task in [*self._work.values(), *self._seeks.values()]:
            task.cancel()
        await self.finish_running(STOP_TIMEOUT_SECONDS)
        self._pool.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._identity.close)

    def problems(self) -> list[Problem]:
        """What stands in the way now; empty when all is well."""
        return sorted(self._problems.values())

    def assignment(self) -> set[TopicPartition]:
        """The partitions this member reads now."""
        return set(self.intake.partitions)

    async def restart(self, reason: str) -> None:
        """Leave the group and join again with a new client."""
        log.warning("the consumer is started again", app=self.app_id, reason=reason)
        self.restarts += 1
        await self._stop_app()
        await self._start_app()

    async def _start_app(self) -> None:
        self._app = ProjectionApp(self.app_id, self._bootstrap, self.topics.values(), self)
        self._starting = asyncio.create_task(self._app.start())
        done, _ = await asyncio.wait({self._starting}, timeout=START_TIMEOUT_SECONDS)
        if done and (error := self._starting.exception()) is not None:
            log.warning("the consumer did not start", app=self.app_id, error=type(error).__name__)
            self._note("kafka", self.app_id, f"did not start: {type(error).__name__}")

    async def _stop_app(self) -> None:
        app, starting = self._app, self._starting
        self._app = self._starting = None
        self.intake.revoke_all()
        if app is None or starting is None:
            return
        if not starting.done():
            starting.cancel()
        try:
            await asyncio.wait_for(app.stop(), STOP_TIMEOUT_SECONDS)
        except TimeoutError:
            if not self._stopping:
                self.fatal("a wedged consumer could not be stopped")
        except Exception:
            log.exception("the consumer stopped badly", app=self.app_id)

    async def _supervise(self) -> None:
        """Start the consumer again when it has crashed; notice a topic that was replaced under it."""
        pause, checked = PAUSE_FIRST_SECONDS, 0.0
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(SUPERVISION_SECONDS)
            starting, app = self._starting, self._app
            failed = starting is None or (starting.done() and (starting.cancelled() or starting.exception()))
            if failed or app is None or app.crashed:
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_LAST_SECONDS)
                await self.restart("crashed")
            elif self.intake.partitions:
                pause = PAUSE_FIRST_SECONDS
                self._clear("kafka", self.app_id)
                if clock() - checked > IDENTITY_CHECK_SECONDS:
                    checked = clock()
                    await self._check_identity()

    async def _check_identity(self) -> None:
        try:
            places = await asyncio.to_thread(self._identity.places, self.topics.values())
        except Exception as error:
            log.debug("topic ids not known now", error=type(error).__name__)
            return
        for where in list(self.intake.partitions):
            if self._places.get(where.topic) not in (None, places.get(where.topic)):
                log.warning("the topic was replaced by another of its name", topic=where.topic)
                self.reposition(where)

    # -- what the transport asks --------------------------------------------------------------------------------

    async def positions(self, assigned: set[TopicPartition]) -> dict[TopicPartition, int]:
        """Where each projection's checkpoint wants to read on; bounded attempts, then the last error."""
        for attempt in range(1, SEEK_ATTEMPTS + 1):
            try:
                return await self._positions(assigned)
            except Exception as error:
                if attempt == SEEK_ATTEMPTS:
                    raise
                log.warning("positions not known yet", error=type(error).__name__, attempt=attempt)
                await asyncio.sleep(SEEK_BACKOFF_SECONDS * 2 ** (attempt - 1))
        raise AssertionError("unreachable")

    async def finish_running(self, timeout_seconds: float) -> None:
        """Wait for the transactions under way, at most so long."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=timeout_seconds)

    def lost(self, where: Iterable[TopicPartition]) -> None:
        for each in where:
            self.reposition(each)

    def fetched(self, where: TopicPartition) -> None:
        step("host.fetched")
        if where not in self._work:
            self._work[where] = asyncio.create_task(self._drain(where))

    def fatal(self, reason: str) -> None:
        self._note("failing", self.app_id, reason)
        self._on_fatal(reason)

    # -- applying -----------------------------------------------------------------------------------------------

    async def _drain(self, where: TopicPartition) -> None:
        try:
            while records := self.intake.take(where, BATCH_EVENTS_MAX):
                await self._apply(where, records)
        finally:
            del self._work[where]

    async def _apply(self, where: TopicPartition, records: Sequence[Any]) -> None:
        """Apply one batch, waiting as long as the database is away and the partition is still read from here."""
        partition = self.intake.partitions.get(where)
        epoch, pause = partition.epoch if partition else -1, PAUSE_FIRST_SECONDS
        while partition is not None and partition.epoch == epoch and partition is self.intake.partitions.get(where):
            job = asyncio.get_running_loop().run_in_executor(self._pool, self._apply_all, where, records)
            self._running.add(job)
            job.add_done_callback(self._running.discard)
            try:
                outcome = await job
            except DatabaseAway as error:
                self._note("database", _name(where), str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_LAST_SECONDS)
                continue
            self._clear("database", _name(where))
            if partition.epoch == epoch:
                partition.next_offset = records[-1].offset + 1
                self._settle(where, partition.next_offset, outcome)
            return

    def _apply_all(self, where: TopicPartition, records: Sequence[Any]) -> _Outcome:
        """In a worker thread: the batch through every runner that reads this log. Raises DatabaseAway."""
        service, place = self._services[where.topic], self._places.get(where.topic)
        arrived = [read(record) for record in records]
        results: dict[str, Applied] = {}
        failures: dict[str, str] = {}
        look_again = False
        for runner in self.runners:
            if service not in runner.logs:
                continue
            name = runner.projection.name
            try:
                results[name] = runner.apply(service, where.partition, arrived, place)
            except DatabaseAway:
                raise
            except (BuildRetired, BuildGone):
                runner.forget_build()
                look_again = True
            except Exception as error:
                log.exception("a projection fails outside of its events", projection=name)
                failures[name] = type(error).__name__
        return _Outcome(results, failures, look_again)

    def _settle(self, where: TopicPartition, position: int, outcome: _Outcome) -> None:
        """Act on what became of a batch."""
        gap: Gap | None = None
        for name, applied in outcome.results.items():
            self._note_if(applied.halted, "halted", f"{name} {_name(where)}")
            self._clear("failing", f"{name} {_name(where)}")
            gap = gap or applied.gap
        for name, error in outcome.failures.items():
            self._note("failing", f"{name} {_name(where)}", error)
        if outcome.look_again:
            self.reposition(where)
        elif outcome.failures:
            self.reposition(where, after_seconds=PAUSE_LAST_SECONDS)
        elif gap is not None:
            self._search(where, gap, position)
        elif any(applied.applied for applied in outcome.results.values()):
            self._searches.pop(where, None)
            self._clear("gap", _name(where))

    def _search(self, where: TopicPartition, gap: Gap, position: int) -> None:
        """Events are missing before what arrived: look for them where they may be, then wait for the relay."""
        search = self._searches.setdefault(where, GapSearch())
        move = search.next_move(gap, position)
        if move == "seek":
            self.reposition(where, search=search)
        elif move == "wait":
            detail = f"after log index {gap.last} came {gap.found}, which follows {gap.previous}; waiting for the relay"
            self._note("gap", _name(where), detail)

    # -- positions ----------------------------------------------------------------------------------------------

    def reposition(self, where: TopicPartition, *, search: GapSearch | None = None, after_seconds: float = 0.0) -> None:
        """Seek one partition anew, in the background; the process ends if that cannot be done."""
        if where not in self.intake.partitions or where in self._seeks:
            return
        if not after_seconds:
            self.intake.begin_seek(where)
        self._seeks[where] = asyncio.create_task(self._reposition(where, search, after_seconds))

    async def _reposition(self, where: TopicPartition, search: GapSearch | None, after_seconds: float) -> None:
        generation = self.intake.generation
        try:
            if after_seconds:
                await asyncio.sleep(after_seconds)
                if generation == self.intake.generation and where in self.intake.partitions:
                    self.intake.begin_seek(where)
            offset = (await self.positions({where}))[where]
            if search is not None:
                offsets = (await self._ranges({where}))[where]
                offset = offsets.first if search.from_beginning else offset
                search.until = offsets.end
            if generation == self.intake.generation and self._app is not None:
                await self._app.seek_to({where: offset})
        except Exception as error:
            log.exception("a partition could not be positioned")
            if generation == self.intake.generation and not self._stopping:
                self.fatal(f"{_name(where)} could not be positioned: {type(error).__name__}")
        finally:
            self._seeks.pop(where, None)

    async def _positions(self, assigned: set[TopicPartition]) -> dict[TopicPartition, int]:
        if not assigned:
            return {}
        self._places |= await asyncio.to_thread(self._identity.places, {where.topic for where in assigned})
        ranges = await self._ranges(assigned)
        hints = await asyncio.to_thread(self._hints, assigned)
        return {where: start_offset(hints[where], self._places[where.topic], ranges[where]) for where in assigned}

    def _hints(self, assigned: set[TopicPartition]) -> dict[TopicPartition, Any]:
        return {
            where: hints_of(self.runners, self._services[where.topic], where.partition) for where in sorted(assigned)
        }

    async def _ranges(self, assigned: set[TopicPartition]) -> dict[TopicPartition, Range]:
        if self._app is None:
            raise RuntimeError("the consumer is not running")
        return {where: Range(*offsets) for where, offsets in (await self._app.ranges(assigned)).items()}

    # -- problems -----------------------------------------------------------------------------------------------

    def _note(self, kind: str, where: str, detail: str) -> None:
        if (kind, where) not in self._problems:
            log.warning("processor problem", kind=kind, where=where, detail=detail)
        self._problems[kind, where] = Problem(kind, where, detail)

    def _clear(self, kind: str, where: str) -> None:
        self._problems.pop((kind, where), None)

    def _note_if(self, detail: str | None, kind: str, where: str) -> None:
        if detail is None:
            self._clear(kind, where)
        else:
            self._note(kind, where, detail)


def _name(where: TopicPartition) -> str:
    return f"{where.topic}/{where.partition}"
