"""What changes make of one list's acts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from uuid import UUID

from deploy.counterfactual.acts import Act, ListHistory, ListKey
from deploy.counterfactual.history import Days
from deploy.counterfactual.list_files import ListFiles, ListRows
from services.audit.counterfactuals.changes import BringList, LeaveOutList, ListChange, MoveList, RedateList
from services.audit.counterfactuals.counterfactual_errors import ChangesRefused
from services.registry.lists.parts import MAIN_PART
from shared.kernel.identifiers import keyed_id

_OWN = b"counterfactual list"  # only has to repeat
NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass
class ListChanges:
    """The acts of a list while changes are made to them. ``touched``: entry → the number of the change that is about
    it; ``wrong`` collects everything that cannot be."""

    key: ListKey
    acts: list[Act]
    parts: dict[UUID, str]
    days: Days
    files: ListFiles
    wrong: list[str]
    touched: dict[UUID, int] = field(default_factory=dict)

    @classmethod
    def over(cls, key: ListKey, history: ListHistory, days: Days, files: ListFiles, wrong: list[str]) -> ListChanges:
        """Before the first change."""
        return cls(key, list(history.acts), dict(history.parts), days, files, wrong)

    def make(self, number: int, change: ListChange | BringList) -> None:
        """Make one change."""
        if isinstance(change, BringList):
            self._bring(number, change)
        else:
            self._change(number, change)
        self.acts.sort(key=lambda act: act.at)

    def _bring(self, number: int, change: BringList) -> None:
        at, dated = self._moment(number, change.on), change.dated or change.on
        submission = keyed_id(_OWN, *self.key, str(number))
        found = self._rows(number, change.file, submission, at, dated)
        parts = frozenset(found.parts.values() or [MAIN_PART]) if change.mode == "snapshot" else frozenset()
        self.acts.append(Act("stated", submission, at, dated, found.rows, parts, late=True))

    def _change(self, number: int, change: ListChange) -> None:
        (act,) = (each for each in self.acts if each.kind == "stated" and each.submission == change.submission)
        later = [each for each in self.acts if each.submission == change.submission and each.kind != "stated"]
        self.acts = [each for each in self.acts if each.submission != change.submission]
        self.touched |= dict.fromkeys(act.rows, number)
        if isinstance(change, LeaveOutList):
            return
        if isinstance(change, MoveList):
            at, dated = self._moment(number, change.to), change.dated or min(act.dated, change.to)
            act = replace(act, at=at, dated=dated, late=True)
            later = [each for each in later if each.kind != "confirmed" and each.at > at]
        elif isinstance(change, RedateList):
            act = replace(act, dated=self._day(number, change.dated))
        else:
            found = self._rows(number, change.file, change.submission, act.at, act.dated)
            parts = frozenset(found.parts.values()) if act.parts else act.parts
            act = replace(act, rows=found.rows, parts=parts, unseen=0)
        self.acts += [act, *later]

    def _rows(self, number: int, file: str, submission: UUID, at: datetime, dated: date) -> ListRows:
        try:
            found = self.files.rows(file, self.key, submission, at, dated)
        except ChangesRefused as refused:
            self.wrong += numbered(number, refused)
            return ListRows({}, {})
        self.touched |= dict.fromkeys(found.rows, number)
        self.parts |= {entry: part for entry, part in found.parts.items() if entry not in self.parts}
        return found

    def _moment(self, number: int, day: date) -> datetime:
        """Just after the day began; a day outside what was known is noted as wrong."""
        self._day(number, day)
        try:
            return self.days.moment(day)
        except LookupError:
            self.wrong.append(f"change {number}: {day} lies before the first day of the log ({self.days.first})")
            return NEVER

    def _day(self, number: int, day: date) -> date:
        if self.days.last is None or day > self.days.last:
            self.wrong.append(f"change {number}: {day} lies after the moment asked for ({self.days.last})")
        return day


def numbered(number: int, refused: ChangesRefused) -> Sequence[str]:
    """What is wrong with a change, saying with which."""
    return [f"change {number}: {each}" for each in refused.facts["wrong"]]
