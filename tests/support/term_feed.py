"""A simulated term through a real notifications service: each day opens, then what was told on it is delivered.

The registry's log is made, not stored: the same simulation gives the same events with the same ids, so that two runs
can be compared byte by byte. Within a day batches are cut and partitions interleaved as ``chance`` says.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from bench.term_facts import KEY, RegistryLog, Said, TermFacts
from services.notifications.events import AbsenceDocumented
from shared.database.database import driver
from shared.eventsourcing import log
from shared.eventsourcing.event import partition_of
from shared.hosting.service import Service
from shared.hosting.settings import PARTITIONS
from shared.kernel.facts import fact_type, personal_fields
from shared.kernel.identifiers import keyed_id
from shared.messaging.codec import Envelope
from simulation.terms import CountyTerms
from tests.services.installation import Installation

OWN = "notifications"
ENROLLED_BEFORE_DAYS = 30


class TermFeed:
    """One run. ``batch``: most events handed over at once. ``chance`` cuts batches and interleaves partitions; with
    ``in_turn`` it only cuts: everything arrives in the same order as without it, partition by partition."""

    def __init__(
        self,
        installation: Installation,
        service: Service,
        made: CountyTerms,
        batch: int = 500,
        chance: Random | None = None,
        in_turn: bool = False,
    ) -> None:
        self._in_turn = in_turn
        self.installation, self.service, self.facts = installation, service, TermFacts(made)
        self._batch, self._chance = batch, chance
        self.registry = RegistryLog()
        self._own_index = 0
        self._own_last = dict.fromkeys(range(PARTITIONS), 0)

    def run(self) -> None:
        """Every day from the first to the last school day simulated, vacations included."""
        first = self.facts.made.time.days[0]
        beginning = [*self.facts.beginning(first - timedelta(days=ENROLLED_BEFORE_DAYS))]
        for day, (said, documents) in told_on_days(self.facts, self.facts.made).items():
            self.installation.open_day(self.service, day)
            self.deliver({})
            for document in documents:
                stream = keyed_id(KEY, "document", str(document.student_id), document.first_day.isoformat())
                self.installation.append(OWN, stream, document, day)
            self.deliver(self.registry.envelopes([*beginning, *said], day))
            beginning = []

    def deliver(self, registry: dict[int, list[Envelope]]) -> None:
        """Hand over, and whatever follows of it, until nothing is left."""
        queues: dict[tuple[int, str, int], list[Envelope]] = {}
        self._put(queues, "registry", registry)
        while True:
            self.installation.sequence()
            self._put(queues, OWN, self._own())
            if not queues:
                return
            places = list(queues)
            if self._chance is not None and not self._in_turn:
                self._chance.shuffle(places)
                places = places[: self._chance.randrange(1, len(places) + 1)]
            for number, name, partition in places:
                self._apply(queues, number, name, partition)
                while self._in_turn and (number, name, partition) in queues:
                    self._apply(queues, number, name, partition)

    def _apply(
        self, queues: dict[tuple[int, str, int], list[Envelope]], number: int, name: str, partition: int
    ) -> None:
        waiting = queues[number, name, partition]
        count = self._batch if self._chance is None else self._chance.randint(1, self._batch)
        applied = self.installation.runners[number].apply(name, partition, waiting[:count])
        assert applied.gap is None and applied.halted is None and applied.poisoned == 0, applied
        del waiting[:count]
        if not waiting:
            del queues[number, name, partition]

    def _put(
        self, queues: dict[tuple[int, str, int], list[Envelope]], name: str, arrived: dict[int, list[Envelope]]
    ) -> None:
        for number, runner in enumerate(self.installation.runners):
            if name in runner.logs:
                for partition, envelopes in arrived.items():
                    queues.setdefault((number, name, partition), []).extend(envelopes)

    def _own(self) -> dict[int, list[Envelope]]:
        """What is new in the service's own log."""
        found: dict[int, list[Envelope]] = {}
        for logged, trace in own_log(self.service, self._own_index):
            partition = partition_of(logged.event.stream_id, PARTITIONS)
            found.setdefault(partition, []).append(Envelope(logged, self._own_last[partition], trace))
            self._own_last[partition] = self._own_index = logged.log_index
        return found


def told_on_days(facts: TermFacts, made: CountyTerms) -> dict[date, tuple[list[Said], list[AbsenceDocumented]]]:
    """Each day from the first to the last school day, vacations included → what the registry is told on it, and the
    documents a school enters."""
    days: dict[date, tuple[list[Said], list[AbsenceDocumented]]] = {
        day: ([], []) for day in _days(made.time.days[0], made.time.days[-1])
    }
    for life in made.lives:
        said = facts.life(life)
        if life.told_on not in days:
            continue
        if said is None:
            days[life.told_on][1].append(facts.document(life))
        else:
            days[life.told_on][0].append(said)
    for report in made.reports:
        if report.told_on in days:
            days[report.told_on][0].append(facts.report(report))
    return days


def own_log(service: Service, after: int = 0) -> list[log.Entry]:
    with service.database.working() as connection:
        return list(log.entries(driver(connection), after=after))


def alert_events(service: Service) -> list[tuple[Any, ...]]:
    """Every fact of every alert, by stream and version: (stream, version, type, effective_on, data). An event of this
    service's own log is named in it by stream and version instead of its id, which is another one in each run."""
    entries = own_log(service)
    names = {str(each.event.event_id): f"{each.event.stream_id}/{each.event.version}" for each, _ in entries}
    found = []
    for logged, _ in entries:
        event = logged.event
        if event.type.partition(".")[2].startswith("Alert") and "Rules" not in event.type:
            data = event.data.decode()
            for own in {each for each in names if each in data}:
                data = data.replace(own, names[own])
            found.append((str(event.stream_id), event.version, event.type, str(event.effective_on), data))
    return sorted(found)


def alert_facts(service: Service) -> Iterator[tuple[UUID, date, Any]]:
    """(alert, effective_on, fact) in the order of the log."""
    for logged, _ in own_log(service):
        event = logged.event
        if event.type.partition(".")[2].startswith("Alert") and "Rules" not in event.type:
            yield event.stream_id, event.effective_on, msgspec.json.decode(event.data, type=fact_type(event.type).cls)


def case_facts(service: Service) -> Iterator[tuple[UUID, Any]]:
    """(stream, fact) of every event of the service's own log that holds nothing personal, in its order."""
    for logged, _ in own_log(service):
        event = logged.event
        cls = fact_type(event.type).cls
        if not personal_fields(cls):
            yield event.stream_id, msgspec.json.decode(event.data, type=cls)


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=1)
