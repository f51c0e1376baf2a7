"""The processor host: reads source logs through Faust's membership and applies them through runners.

It runs embedded in any asyncio loop (beside uvicorn, say): Faust's consumer has a thread of its own for Kafka and its
heartbeats, and every batch is applied in a worker thread. Several hosts, in one process or many, share the partitions;
which one applies a batch is irrelevant to the result.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

import structlog

from shared.database.stopped_clients import StoppedClients
from shared.kernel.failpoints import step
from shared.kernel.pacing import USUAL, Pace
from shared.messaging.arrivals import read
from shared.messaging.brokers import Brokers
from shared.messaging.checkpoint import BuildGone, Gap
from shared.messaging.failures import BuildRetired, DatabaseAway
from shared.messaging.intake import Intake, TopicPartition
from shared.messaging.problems import Problem, Problems
from shared.messaging.runner import Applied, Runner
from shared.messaging.seeking import Seeker, name
from shared.messaging.transport import ProjectionApp
from shared.messaging.watchdog import Lag, Watchdog

BATCH_EVENTS_MAX = 1_000
WORKER_THREADS = 2
START_TIMEOUT_SECONDS = 20.0
STOP_TIMEOUT_SECONDS = 20.0
SUPERVISION_SECONDS = 1.0
IDENTITY_CHECK_SECONDS = 5.0
STOPPED_CLIENTS_SECONDS = 5.0
PAUSE_FIRST_SECONDS, PAUSE_LAST_SECONDS = 0.5, 30.0
EXIT_CODE = 70  # EX_SOFTWARE: the supervisor starts the process again

log = structlog.get_logger(__name__)


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

    With ``heads`` (service → heads topic) a watchdog reports each projection's lag and starts a silent consumer again.
    ``on_fatal`` is called when the process has to end. Raises ValueError when a log has no topic.
    """

    def __init__(
        self,
        app_id: str,
        bootstrap: str | Brokers,
        topics: Mapping[str, str],
        runners: Sequence[Runner],
        *,
        heads: Mapping[str, str] | None = None,
        threads: int = WORKER_THREADS,
        pace: Pace = USUAL,
        on_fatal: Callable[[str], None] = end_process,
    ) -> None:
        wanted = {service for runner in runners for service in runner.logs}
        if missing := wanted - topics.keys():
            raise ValueError(f"no topic is named for {', '.join(sorted(missing))}")
        self.app_id, self.runners = app_id, tuple(runners)
        self.topics = {service: topics[service] for service in sorted(wanted)}
        self.restarts = 0
        self.intake = Intake()
        self.faults = Problems()
        self._bootstrap, self._threads, self._on_fatal = bootstrap, threads, on_fatal
        self._pace = pace
        self._services = {topic: service for service, topic in self.topics.items()}
        self._heads = {service: topic for service, topic in (heads or {}).items() if service in wanted}
        self._watchdog: Watchdog | None = None
        self._app: ProjectionApp | None = None
        self._starting: asyncio.Task[Any] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._work: dict[TopicPartition, asyncio.Task[None]] = {}
        self._running: set[asyncio.Future[Any]] = set()
        self._stopping = False
        self._turn = asyncio.Lock()  # the watchdog and the supervisor both start the consumer again: one at a time

    # -- life ---------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Join the group; returns when the consumer runs, or after a bounded wait (it goes on trying)."""
        self._stopping = False
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix=f"apply-{self.app_id}")
        self._seeker = Seeker(
            self._bootstrap, self._services, self.runners, self.intake, self.faults, lambda: self._app, self.fatal
        )
        await self._start_app()
        self._tasks = [asyncio.create_task(self._supervise()), asyncio.create_task(self._free_what_stopped())]
        if self._heads:
            self._watchdog = Watchdog(self, self._bootstrap, self._heads)
            self._watchdog.start()

    async def stop(self) -> None:
        """Leave the group after the running transactions; bounded."""
        self._stopping = True
        if self._watchdog is not None:
            await self._watchdog.stop()
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await self._stop_app()
        for task in list(self._work.values()):
            task.cancel()
        await self.finish_running(STOP_TIMEOUT_SECONDS)
        await self._seeker.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def problems(self) -> list[Problem]:
        """What stands in the way now; empty when all is well."""
        return self.faults.present()

    def lags(self) -> list[Lag]:
        """How far each projection is behind each log, as of a moment ago; empty without ``heads``."""
        return [] if self._watchdog is None else self._watchdog.lags

    def assignment(self) -> set[TopicPartition]:
        """The partitions this member reads now."""
        return set(self.intake.partitions)

    async def restart(self, reason: str, silent: Iterable[TopicPartition] = ()) -> None:
        """Leave the group and join again with a new client; read what was ``silent`` from its beginning."""
        async with self._turn:
            for where in silent:
                self._seeker.distrust(where)
            log.warning("the consumer is started again", app=self.app_id, reason=reason)
            self.restarts += 1
            await self._stop_app()
            await self._start_app()

    async def _start_app(self) -> None:
        self._app = app = ProjectionApp(self.app_id, self._bootstrap, self.topics.values(), self)
        self._starting = asyncio.create_task(app.start())
        done, _ = await asyncio.wait({self._starting}, timeout=START_TIMEOUT_SECONDS)
        if done and (error := self._starting.exception()) is not None:
            self.faults.note("kafka", self.app_id, f"did not start: {type(error).__name__}")

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

    def _failed(self) -> bool:
        """Whether the consumer has crashed or did not start; not while somebody is starting it again."""
        if self._turn.locked():
            return False
        starting, app = self._starting, self._app
        if starting is None or app is None or app.crashed:
            return True
        return starting.done() and (starting.cancelled() or starting.exception() is not None)

    async def _supervise(self) -> None:
        """Start the consumer again when it has crashed; notice a topic that was replaced under it."""
        pause, checked = PAUSE_FIRST_SECONDS, 0.0
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(SUPERVISION_SECONDS)
            if self._failed():
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_LAST_SECONDS)
                if self._failed():  # and nobody else has started it meanwhile
                    await self.restart("crashed")
            elif self.intake.partitions:
                pause = PAUSE_FIRST_SECONDS
                self.faults.clear("kafka", self.app_id)
                if clock() - checked > IDENTITY_CHECK_SECONDS:
                    checked = clock()
                    await self._seeker.check_identity()

    async def _free_what_stopped(self) -> None:
        """Another worker that was stopped inside a statement must not keep the rows of its partitions from us."""
        watches = [StoppedClients(database) for database in {runner.database for runner in self.runners}]
        while True:
            await asyncio.sleep(STOPPED_CLIENTS_SECONDS)
            for watch in watches:
                try:
                    await asyncio.to_thread(watch.look)
                except Exception as error:
                    log.info("sessions cannot be looked at now", error=type(error).__name__)

    # -- what the transport asks --------------------------------------------------------------------------------

    async def positions(self, assigned: set[TopicPartition]) -> Mapping[TopicPartition, int]:
        return await self._seeker.positions(assigned)

    async def finish_running(self, timeout_seconds: float) -> None:
        """Wait for the transactions under way, at most so long."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=timeout_seconds)

    def lost(self, where: Iterable[TopicPartition]) -> None:
        for each in where:
            self._seeker.reposition(each)

    def fetched(self, where: TopicPartition) -> None:
        step("host.fetched")
        if where not in self._work:
            self._work[where] = asyncio.create_task(self._drain(where))

    def fatal(self, reason: str) -> None:
        self.faults.note("failing", self.app_id, reason)
        self._on_fatal(reason)

    def look_again(self, service: str, partition: int) -> None:
        """Read a partition anew from its checkpoints: a halt was lifted."""
        where = TopicPartition(self.topics[service], partition)
        for runner in self.runners:
            self.faults.clear("halted", f"{runner.projection.name} {name(where)}")
        self._seeker.reposition(where)

    # -- applying -----------------------------------------------------------------------------------------------

    async def _drain(self, where: TopicPartition) -> None:
        try:
            while records := self.intake.take(where, BATCH_EVENTS_MAX):
                began = time.monotonic()
                await self._apply(where, records)
                worked = time.monotonic() - began
                await asyncio.sleep(self._pace.rest_seconds(worked, self.intake.queued(where)))
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
                self.faults.note("database", name(where), str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, PAUSE_LAST_SECONDS)
                continue
            self.faults.clear("database", name(where))
            if partition.epoch == epoch:
                partition.next_offset = records[-1].offset + 1
                self._settle(where, partition.next_offset, outcome)
            return

    def _apply_all(self, where: TopicPartition, records: Sequence[Any]) -> _Outcome:
        """In a worker thread: the batch through every runner that reads this log. Raises DatabaseAway."""
        service, place = self._services[where.topic], self._seeker.places.get(where.topic)
        arrived = [read(record) for record in records]
        results: dict[str, Applied] = {}
        failures: dict[str, str] = {}
        look_again = False
        for runner in self.runners:
            if service not in runner.logs:
                continue
            projection = runner.projection.name
            try:
                results[projection] = runner.apply(service, where.partition, arrived, place)
            except DatabaseAway:
                raise
            except (BuildRetired, BuildGone):
                runner.forget_build()
                look_again = True
            except Exception as error:
                log.exception("a projection fails outside of its events", projection=projection)
                failures[projection] = type(error).__name__
        return _Outcome(results, failures, look_again)

    def _settle(self, where: TopicPartition, position: int, outcome: _Outcome) -> None:
        """Act on what became of a batch."""
        gap: Gap | None = None
        for projection, applied in outcome.results.items():
            self.faults.set("halted", f"{projection} {name(where)}", applied.halted)
            self.faults.clear("failing", f"{projection} {name(where)}")
            gap = gap or applied.gap
        for projection, error in outcome.failures.items():
            self.faults.note("failing", f"{projection} {name(where)}", error)
        if outcome.look_again:
            self._seeker.reposition(where)
        elif outcome.failures:
            self._seeker.reposition(where, after_seconds=PAUSE_LAST_SECONDS)
        elif gap is not None:
            self._seeker.missing(where, gap, position)
        elif any(applied.applied for applied in outcome.results.values()):
            standing = [applied.last_log_index for applied in outcome.results.values() if applied.halted is None]
            self._seeker.went_on(where, min(standing, default=0))
