"""A corrected list as a file, read as the registry reads it: the same columns, the same ids, the same parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from deploy.counterfactual.acts import ListKey
from deploy.counterfactual.history import History
from services.audit.counterfactuals.counterfactual_errors import ChangesRefused
from services.registry.events import ListEntryAdded, SchoolClosed, SchoolRegistered
from services.registry.keys import Keys
from services.registry.lists.known_schools import KnownSchool, Schools, schools_of
from services.registry.lists.parts import file_part, row_part
from services.registry.lists.receipts import forbids_matching
from services.registry.lists.sendings import LIST_NAMES
from services.registry.sheets.intake import entry_ids, listing
from services.registry.sheets.sheet_files import open_inputs, read_list
from shared.eventsourcing.projection import Recorded
from shared.tabular.errors import TabularError

PROBLEMS_TOLD = 50


class ListRows(NamedTuple):
    """The rows of a list by their entries, and the part each belongs to."""

    rows: dict[UUID, ListEntryAdded]
    parts: dict[UUID, str]


@dataclass
class ListFiles:
    """The files given, by name; ``keys`` name the registry's entries. Raises ChangesRefused."""

    history: History
    keys: Keys
    division: str
    paths: Mapping[str, Path]
    _schools: list[Recorded] | None = field(default=None, repr=False)

    def rows(self, file: str, key: ListKey, submission: UUID, at: datetime, dated: date) -> ListRows:
        """The rows of this file as the list of an agency that comes at this moment. Raises ChangesRefused with every
        problem of its rows that the sender would have to mend."""
        path = self.paths.get(file)
        name = next((each for each in LIST_NAMES if each == key[1]), None)
        if path is None or name is None:
            raise ChangesRefused([f"the file {file} was not given" if path is None else f"there is no list {key[1]}"])
        try:
            inputs = open_inputs({name: [path]})[name]
            rows = list(read_list(name, inputs, self._known(at, dated).directory))
        except TabularError as unusable:
            raise ChangesRefused([f"{file}: {unusable}"]) from unusable
        wrong = [
            f"{file} row {row.row}: {problem.en}"
            for row in rows
            if forbids_matching(row.problems)
            for problem in row.problems
        ]
        if wrong or not rows:
            more = [f"{file}: {len(wrong) - PROBLEMS_TOLD} more problems"] if len(wrong) > PROBLEMS_TOLD else []
            raise ChangesRefused([*wrong[:PROBLEMS_TOLD], *more] or [f"{file} holds no row"])
        part = file_part(name, rows)
        found = ListRows({}, {})
        for row, _, entry in entry_ids(rows, key[0], part, self.keys):
            found.rows[entry] = listing(row, entry, key[0], submission, self.keys, self.division)
            found.parts[entry] = row_part(row, part)
        return found

    def _known(self, at: datetime, on: date) -> Schools:
        """The schools on record at a moment, as rows of one day mean them."""
        if self._schools is None:
            self._schools = list(self.history.facts("registry", (SchoolRegistered, SchoolClosed)))
        known: dict[str, KnownSchool] = {}
        for event in self._schools:
            fact = event.fact
            if event.recorded_at > at:
                break
            if isinstance(fact, SchoolRegistered):
                known[fact.school_code] = KnownSchool(
                    fact.school_code, fact.name, fact.division_code, fact.former_names
                )
            elif fact.school_code in known:
                known[fact.school_code] = known[fact.school_code]._replace(
                    closed_on=event.effective_on, merged_into=fact.merged_into
                )
        return schools_of([known[code] for code in sorted(known)], on)
