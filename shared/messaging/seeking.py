"""Positions of a running host: at assignment, after an offset was lost, when a topic was replaced, over a gap.

Every position comes from the checkpoints. If one cannot be found in bounded attempts the process ends: reading on from
anywhere else would be a guess.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog

from shared.messaging.brokers import Brokers
from shared.messaging.checkpoint import Gap, Hint
from shared.messaging.gaps import GapSearch
from shared.messaging.intake import Intake, TopicPartition
from shared.messaging.positions import Range, TopicIdentity, hints_of, start_offset
from shared.messaging.problems import Problems
from shared.messaging.runner import Place, Runner
from shared.messaging.transport import ProjectionApp

ATTEMPTS = 4
BACKOFF_SECONDS = 0.5

log = structlog.get_logger(__name__)


class Seeker:
    """Finds positions and moves partitions to them. ``app`` gives the present Faust app, None while there is none."""

    def __init__(
        self,
        bootstrap: str | Brokers,
        services: Mapping[str, str],
        runners: Sequence[Runner],
        intake: Intake,
        problems: Problems,
        app: Callable[[], ProjectionApp | None],
        fatal: Callable[[str], None],
    ) -> None:
        self.places: dict[str, Place] = {}
        self._services, self._runners, self._intake, self._problems = services, runners, intake, problems
        self._app, self._fatal = app, fatal
        self._identity = TopicIdentity(bootstrap)
        self._seeks: dict[TopicPartition, asyncio.Task[None]] = {}
        self._searches: dict[TopicPartition, GapSearch] = {}
        self._distrusted: set[TopicPartition] = set()

    async def close(self) -> None:
        """Give up what is under way."""
        for task in list(self._seeks.values()):
            task.cancel()
        await asyncio.to_thread(self._identity.close)

    async def positions(self, assigned: set[TopicPartition]) -> dict[TopicPartition, int]:
        """Where each projection's checkpoint wants to read on; bounded attempts, then the last error."""
        for attempt in range(1, ATTEMPTS):
            try:
                return await self._positions(assigned)
            except Exception as error:
                log.warning("positions not known yet", error=type(error).__name__, attempt=attempt)
                await asyncio.sleep(BACKOFF_SECONDS * 2 ** (attempt - 1))
        return await self._positions(assigned)

    def reposition(self, where: TopicPartition, *, after_seconds: float = 0.0) -> None:
        """Seek one partition anew, in the background."""
        if where not in self._intake.partitions or where in self._seeks:
            return
        if not after_seconds:
            self._intake.begin_seek(where)
        self._seeks[where] = asyncio.create_task(self._reposition(where, after_seconds))

    def missing(self, where: TopicPartition, gap: Gap, position: int) -> None:
        """Events are missing before what arrived: look for them where they may be, then wait for the relay."""
        move = self._searches.setdefault(where, GapSearch()).next_move(gap, position)
        if move == "seek":
            log.warning("gap in the log", where=name(where), last=gap.last, found=gap.found, follows=gap.previous)
            self.reposition(where)
        elif move == "wait":
            detail = f"after log index {gap.last} came {gap.found}, which follows {gap.previous}; waiting for the relay"
            self._problems.note("gap", name(where), detail)

    def went_on(self, where: TopicPartition, last: int) -> None:
        """The partition's chain reaches ``last`` now. What was dropped beyond it stands before this position: read it
        again from the beginning; otherwise nothing is missing any more."""
        search = self._searches.pop(where, None)
        self._problems.clear("gap", name(where))
        if search is not None and search.furthest > last:
            self.distrust(where)
            self.reposition(where)

    def distrust(self, where: TopicPartition) -> None:
        """Read the partition from its beginning at the next seek: its hint may stand behind events still needed."""
        self._distrusted.add(where)

    async def check_identity(self) -> None:
        """Seek anew where a topic was replaced by another of its name."""
        try:
            places = await asyncio.to_thread(self._identity.places, self._services)
        except Exception as error:
            log.debug("topic ids not known now", error=type(error).__name__)
            return
        for where in list(self._intake.partitions):
            if self.places.get(where.topic) not in (None, places.get(where.topic)):
                log.warning("the topic was replaced by another of its name", topic=where.topic)
                self.reposition(where)

    async def _reposition(self, where: TopicPartition, after_seconds: float) -> None:
        generation = self._intake.generation
        try:
            if after_seconds:
                await asyncio.sleep(after_seconds)
                if self._is_ours(where, generation):
                    self._intake.begin_seek(where)
            if not self._is_ours(where, generation):
                return
            offset = (await self.positions({where}))[where]
            if (search := self._searches.get(where)) is not None:
                offsets = (await self._ranges({where}))[where]
                offset = offsets.first if search.from_beginning else offset
                search.until = offsets.end
            app = self._app()
            if app is not None and self._is_ours(where, generation):
                await app.seek_to({where: offset})
        except Exception as error:
            if self._is_ours(where, generation) and self._app() is not None:
                log.exception("a partition could not be positioned")
                self._fatal(f"{name(where)} could not be positioned: {type(error).__name__}")
        finally:
            self._seeks.pop(where, None)

    def _is_ours(self, where: TopicPartition, generation: int) -> bool:
        return generation == self._intake.generation and where in self._intake.partitions

    async def _positions(self, assigned: set[TopicPartition]) -> dict[TopicPartition, int]:
        if not assigned:
            return {}
        self.places |= await asyncio.to_thread(self._identity.places, {where.topic for where in assigned})
        ranges = await self._ranges(assigned)
        hints = await asyncio.to_thread(self._hints, assigned)
        found = {where: start_offset(hints[where], self.places[where.topic], ranges[where]) for where in assigned}
        doubtful = assigned & self._distrusted
        self._distrusted -= doubtful
        return found | {where: ranges[where].first for where in doubtful}

    def _hints(self, assigned: set[TopicPartition]) -> dict[TopicPartition, list[Hint | None]]:
        return {
            where: hints_of(self._runners, self._services[where.topic], where.partition) for where in sorted(assigned)
        }

    async def _ranges(self, assigned: set[TopicPartition]) -> dict[TopicPartition, Range]:
        app = self._app()
        if app is None:
            raise RuntimeError("the consumer is not running")
        return {where: Range(*offsets) for where, offsets in (await app.ranges(assigned)).items()}


def name(where: TopicPartition) -> str:
    """A partition as people read it."""
    return f"{where.topic}/{where.partition}"
