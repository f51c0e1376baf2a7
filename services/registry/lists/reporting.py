"""Who reports which list when: contracts, what came in last, and who is silent, as the write side knows it.

A silent agency is told of once per due day, by the day ticker; its next list ends that. Asked of the write side: a list
that was received a moment ago must not be missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from services.registry.events import (
    AgencyReported,
    AgencySilent,
    DayOpened,
    FreshnessContractActivated,
    ListSubmissionReceived,
)
from services.registry.keys import Keys
from services.registry.lists.freshness import Contract, canonical, content_hash, missed, parse
from services.registry.lists.standing import Raw
from shared.database.database import Database, driver
from shared.eventsourcing.projection import Change, Projection, Recorded
from shared.eventsourcing.store import Command, EventStore, Proposed, Result
from shared.hosting.figures import Gauge
from shared.kernel.clock import SHANGHAI
from shared.messaging.policy import policy, policy_command

NAME = "freshness"
_LOCK = 0x66726573686E

STEPS: tuple[tuple[str, str], ...] = (
    (
        "registry-0005-freshness",
        """
ALTER TABLE begun_submissions
    ADD COLUMN received_at timestamptz, ADD COLUMN withdrawn boolean NOT NULL DEFAULT false;
UPDATE begun_submissions AS b SET received_at = t.recorded_at, agency = t.said ->> 'agency', list = t.said ->> 'list',
    mode = t.said ->> 'mode'
FROM (SELECT e.stream_id, l.recorded_at, convert_from(e.data, 'UTF8')::json AS said FROM events e
      JOIN log l ON l.position = e.position WHERE e.type LIKE '%.ListSubmissionReceived.%') AS t
WHERE b.submission_id = t.stream_id;
CREATE INDEX begun_submissions_by_list ON begun_submissions (agency, list, received_at);
CREATE TABLE freshness_contracts (
    agency text NOT NULL,
    list text NOT NULL,
    content text NOT NULL,
    content_hash text NOT NULL,
    PRIMARY KEY (agency, list)
);
CREATE TABLE agency_silences (
    agency text NOT NULL,
    list text NOT NULL,
    due_on date NOT NULL,
    ended boolean NOT NULL DEFAULT false,
    PRIMARY KEY (agency, list, due_on)
);
GRANT SELECT, INSERT, UPDATE ON freshness_contracts, agency_silences TO rollcall_app, rollcall_worker;
GRANT SELECT ON begun_submissions TO rollcall_worker;
""",
    ),
)

GAUGES = (
    Gauge(
        "rollcall_agency_freshness_seconds",
        "Since the agency's last list was received",
        ("agency", "list"),
        "SELECT agency, list, extract(epoch FROM now() - max(received_at)) FROM begun_submissions"
        " WHERE received_at IS NOT NULL AND NOT withdrawn GROUP BY agency, list",
    ),
    Gauge(
        "rollcall_agency_silent_days",
        "Since the first due day for which a silent agency has sent nothing",
        ("agency", "list"),
        "SELECT agency, list, (now() AT TIME ZONE 'Asia/Shanghai')::date - min(due_on) FROM agency_silences"
        " WHERE NOT ended GROUP BY agency, list",
    ),
)


class Reported(NamedTuple):
    """One agency's list: what came last (None: nothing yet), the contract (None: none) and since which due day the
    agency is silent (None: it is not)."""

    agency: str
    list: str
    last_dated: date | None
    last_received_at: datetime | None
    contract: Contract | None
    contract_hash: str | None
    silent_since: date | None


@dataclass(frozen=True)
class Reporting:
    """Contracts and silences of one registry. ``division`` is the installation's."""

    store: EventStore
    keys: Keys
    division: str

    def activate(
        self, database: Database, agency: str, list_name: str, contract: Contract, on: date, command: Command
    ) -> Result:
        """Put a contract in force; the one before it ends. Raises BadContract."""
        content = canonical(contract)
        parse(content)
        stream = self.keys.contract(agency, list_name)
        digest = content_hash(content)
        fact = FreshnessContractActivated(agency=agency, list=list_name, content=content, content_hash=digest)

        def decide(connection: Connection) -> Sequence[Proposed]:
            driver(connection).execute(
                "INSERT INTO freshness_contracts VALUES (%s, %s, %s, %s) ON CONFLICT (agency, list)"
                " DO UPDATE SET content = excluded.content, content_hash = excluded.content_hash",
                (agency, list_name, content, digest),
            )
            return [Proposed(stream, len(self.store.load(connection, stream)), fact, on)]

        return self.store.run(database, command, decide)

    def projection(self) -> Projection:
        """The policy as the processor runs it."""
        return policy(NAME, (DayOpened, ListSubmissionReceived), self.react)

    def react(self, connection: Connection, events: Sequence[Recorded], changes: Sequence[Change]) -> None:
        """Tell of the silent when a day begins, and end a silence when a list has come."""
        raw = driver(connection)
        raw.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        for event in events:
            if isinstance(event.fact, DayOpened):
                for ordinal, one in enumerate(reported(raw)):
                    self._on_day(connection, event, ordinal, one, event.fact.day)
            else:
                self._on_list(connection, event, event.fact)

    def _on_day(self, connection: Connection, cause: Recorded, ordinal: int, one: Reported, day: date) -> None:
        if one.contract is None:
            return
        last = None if one.last_received_at is None else _day_of(one.last_received_at)
        due_on = missed(one.contract, last, day)
        if due_on is None or not _first_told(driver(connection), one, due_on):
            return
        assert one.contract_hash is not None
        fact = AgencySilent(
            agency=one.agency,
            list=one.list,
            division_code=self.division,
            due_on=due_on,
            last_received_on=last,
            contract_hash=one.contract_hash,
        )
        self._append(connection, cause, ordinal, self.keys.silence(one.agency, one.list), fact, day)

    def _on_list(self, connection: Connection, cause: Recorded, received: ListSubmissionReceived) -> None:
        ended = driver(connection).execute(
            "UPDATE agency_silences SET ended = true WHERE agency = %s AND list = %s AND NOT ended RETURNING due_on",
            (received.agency, received.list),
        )
        since = min((row[0] for row in ended), default=None)
        if since is None:
            return
        fact = AgencyReported(
            agency=received.agency,
            list=received.list,
            division_code=self.division,
            silent_since=since,
            submission_id=cause.stream_id,
        )
        stream = self.keys.silence(received.agency, received.list)
        self._append(connection, cause, 0, stream, fact, _day_of(cause.recorded_at))

    def _append(
        self,
        connection: Connection,
        cause: Recorded,
        ordinal: int,
        stream: UUID,
        fact: AgencySilent | AgencyReported,
        on: date,
    ) -> None:
        command = policy_command(NAME, cause, ordinal, NAME.encode())
        version = len(self.store.load(connection, stream))
        self.store.execute(connection, command, lambda: [Proposed(stream, version, fact, on)])


_REPORTED = """
SELECT agency, list, s.effective_on, s.received_at, c.content, c.content_hash, q.since
FROM (SELECT agency, list FROM begun_submissions WHERE received_at IS NOT NULL
      UNION SELECT agency, list FROM freshness_contracts) AS known
LEFT JOIN LATERAL (SELECT effective_on, received_at FROM begun_submissions AS b
    WHERE b.agency = known.agency AND b.list = known.list AND b.received_at IS NOT NULL AND NOT b.withdrawn
    ORDER BY received_at DESC LIMIT 1) AS s ON true
LEFT JOIN freshness_contracts AS c USING (agency, list)
LEFT JOIN LATERAL (SELECT min(due_on) AS since FROM agency_silences AS a
    WHERE a.agency = known.agency AND a.list = known.list AND NOT a.ended) AS q ON true
ORDER BY list, agency
"""


def reported(raw: Raw) -> list[Reported]:
    """Every list of every agency that sent one or has a contract."""
    found = []
    for agency, list_name, dated, received_at, content, digest, since in raw.execute(_REPORTED):
        contract = None if content is None else parse(content)
        found.append(Reported(agency, list_name, dated, received_at, contract, digest, since))
    return found


def _day_of(moment: datetime) -> date:
    return moment.astimezone(SHANGHAI).date()


def _first_told(raw: Raw, one: Reported, due_on: date) -> bool:
    """Whether this silence was not told of yet; it is now. One that ended and stands again, because the list that ended
    it was withdrawn, is told of again."""
    told = raw.execute(
        "INSERT INTO agency_silences (agency, list, due_on) VALUES (%s, %s, %s)"
        " ON CONFLICT (agency, list, due_on) DO UPDATE SET ended = false WHERE agency_silences.ended RETURNING 1",
        (one.agency, one.list, due_on),
    )
    return told.fetchone() is not None
