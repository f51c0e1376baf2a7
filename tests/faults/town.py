"""A small town under a running system: it works on while faults happen, and can be compared with its oracle at any
time."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta

from deploy.spec import SERVICES
from tests.support.district import District
from tests.support.independent_log import everything, read_topic
from tests.support.people import Child, Row
from tests.support.system import System

CHILDREN, ROWS = 240, 90


class Town(District):
    """A district that never stops working."""

    def __init__(self, system: System, seed: int) -> None:
        super().__init__(system, seed)
        self.random = random.Random(f"town {seed}")
        self.whole = True  # False from the beginning of a fault until everything was found right again

    def begin(self) -> None:
        """The town as it is before anything goes wrong."""
        self.found(CHILDREN)
        self.rows = self.people.rows(self.children, ROWS)
        self.office.list_rows(self.rows, self.today)

    def work(self, *, pay: bool = True) -> None:
        """One busy moment: children enrol, change school or drop out, rows come, change and leave, aid is paid.

        What is corrected, removed or paid has stood since an earlier moment, so that the end does not depend on how
        fast anything was. (Civil affairs sends two files; its removals are a journey of their own.)
        """
        standing = list(self.rows)
        newcomers = self.people.children(14)  # as many as are put on lists or leave: a long run must not use them up
        self.office.enrol(newcomers, self.today - timedelta(days=40))  # one may leave at a later moment, 30 days ago
        fresh = [*newcomers[:6], *self._unlisted(6)]
        rows = self.people.rows(fresh, 14)
        self.office.list_rows(rows, self.today)
        keyed = [row for row in standing if row.kind in ("exact", "stranger", "adult", "other_name")]
        for row in self.random.sample(keyed, 3):
            changed = self.people.corrected(row)
            self.office.list_rows([changed], self.today)
            standing[standing.index(row)] = changed
        gone = self.random.choice([row for row in standing if row.list != "civil"])
        self.office.remove(gone, self.today)
        leaver, dropout = self._unlisted(2, rows)
        self.office.transfer_out(leaver, self.today - timedelta(days=30))
        self.office.leave(dropout, self.today - timedelta(days=2), "dropped_out")
        self.children = [child for child in self.children if child not in (leaver, dropout)] + newcomers
        self.rows = [row for row in standing if row is not gone] + rows
        if pay:
            self._pay(2)

    def verify(self) -> None:
        """When all is quiet: tables and APIs say what the oracle says; logs and topics hold every event once."""
        self.system.settle(timeout_seconds=90.0)
        self.compare()
        self.verify_logs()
        self.whole = True

    def verify_logs(self) -> None:
        """Every event has one place, every place one event, and every topic the whole log in order; and whatever was
        killed or cut on the way, the witness has nothing to object to but what was away for a while."""
        away = ("missing", "unreadable", "topic_cut")
        alarms = self.system.ask("audit", "SELECT service, kind, log_index, detail FROM alarms")
        assert [alarm for alarm in alarms if alarm[1] not in away] == []
        for service in SERVICES:
            count, first, last, distinct = self.system.ask(service, _PLACES)[0]
            assert (first, last, distinct) == (1, count, count), f"{service}: the log is not gapless"
            published = everything(read_topic(self.system.broker.bootstrap, self.system.topic(service)))
            assert published == list(range(1, int(str(count)) + 1)), f"{service}: the topic lacks events"
            assert not self.system.ask(service, "SELECT id FROM dead_letters WHERE state IN ('poison', 'queued')")

    def _unlisted(self, count: int, new: Sequence[Row] = ()) -> list[Child]:
        """Children who are on no list, nor among the ``new`` rows, and were never proved anything: a row that proves
        nothing yet may be corrected after its child has left, and then proves the days before."""
        listed = {row.about.number for row in (*self.rows, *new) if row.about is not None}
        free = [child for child in self.children if child.number not in listed | self.oracle.proved.keys()]
        return self.random.sample(free, count)

    def _pay(self, count: int) -> None:
        by_id = {self.office.student_id(child): child for child in self.children}
        due = [row for row in self.office.due() if row["student_id"] in by_id]
        for row in due[:count]:
            self.office.disburse(by_id[row["student_id"]], row["entitlement_id"], self.today)


_PLACES = """
SELECT (SELECT count(*) FROM events), coalesce(min(log_index), 1), coalesce(max(log_index), 0), count(DISTINCT position)
FROM log
"""
