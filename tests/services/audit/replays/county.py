"""One archived county for the tests of replays: a history with the input list as its oracle, then a few facts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from deploy.views import VIEWS
from services.audit import app
from services.audit.archive import note_head
from services.audit.replays.replaying import Question, Replays
from services.matching import app as matching_app
from services.registry.events import SchoolRegistered
from shared.database.database import driver
from shared.hosting.seeding import plant
from tests.services.audit.replays.test_replaying import SERVICES, TODAY, Moment, a_history, archive, replays
from tests.services.happenings import enrolled, link, someone, unlink
from tests.services.installation import Installation

ALL_LOGS = (*SERVICES, "visits")


class County:
    """``moments``: five of the history (0 to 4), then a stranger of school S2 to whom a row was linked by mistake, a
    student on no list and matching's rules (5), then the school's two names (6, 7)."""

    def __init__(self, postgres: Any, home: Path) -> None:
        self.installation = Installation(postgres, home)
        self.audit = self.installation.start(app.build(self.installation.settings("audit"), VIEWS))
        self.installation.bare("visits")
        self.moments = a_history(self.installation)
        self.stranger, self.unaided, school = someone(), someone(), someone()
        elsewhere = enrolled(self.stranger, "S2", division_code="469002")
        self.installation.append("registry", self.stranger, elsewhere, date(2021, 9, 1))
        self.installation.append("registry", self.unaided, enrolled(self.unaided), date(2021, 9, 1))
        self._mistaken(next(iter(self.moments[-1].dropped_out)))
        settings = self.installation.settings("matching")
        plant(matching_app.build(settings), settings.hmac_key)
        self._moment()
        for name in ("天明小学", "天明中心小学"):
            named = SchoolRegistered(school_code="S1", name=name, division_code="469001", stages=("primary",))
            self.installation.append("registry", school, named, TODAY)
            self._moment()
        archive(self.installation, self.audit)
        with self.audit.database.working() as connection:
            for name in ("access", "visits", "audit"):
                note_head(driver(connection), name, 0, datetime.now(UTC))
        self.replays: Replays = replays(self.installation, self.audit)
        self.paid = next(iter(self.moments[-1].paid))
        self.dropped_out = next(iter(self.moments[-1].dropped_out))

    def _mistaken(self, other: UUID) -> None:
        """A row is linked to the stranger, which was never true: it is about another one."""
        row, entry = someone(), someone()
        for fact in (link(entry, self.stranger), unlink(entry, self.stranger, "not_the_same"), link(entry, other)):
            self.installation.append("matching", row, fact, date(2026, 9, 1))

    def _moment(self) -> None:
        self.installation.pump()
        last = max(entry.logged.recorded_at for name in SERVICES for entry in self.installation.entries(name))
        self.moments.append(self.moments[-1]._replace(at=last))

    @property
    def end(self) -> Moment:
        return self.moments[-1]

    def rows(self, view: str, **question: Any) -> list[dict[str, Any]]:
        """What a view shows at the end, unless asked otherwise."""
        question.setdefault("known_at", self.end.at)
        return self.replays.ask(Question(view, question.pop("true_on", TODAY), **question)).rows

    def event(self, name: str, student: UUID) -> UUID:
        """The id of the one event of this type about this student."""
        (found,) = (
            entry.logged.event.event_id
            for entry in self.installation.entries(name.partition(".")[0])
            if entry.logged.event.type == name and str(student).encode() in entry.logged.event.data
        )
        return found
