"""Another version of a programme's rules, put in force from a day on in place of what was."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import msgspec

from deploy.counterfactual.history import Days, History, Placed
from services.audit.counterfactuals.changes import OtherRules
from services.audit.counterfactuals.counterfactual_errors import ChangesRefused
from services.disbursement.errors import BadProgramme
from services.disbursement.events import ProgrammeActivated
from services.disbursement.schedule import canonical, content_hash, parse
from shared.eventsourcing.projection import Recorded
from shared.kernel.identifiers import keyed_id

_OWN = b"counterfactual rules"  # only has to repeat


class ProgrammeChange(NamedTuple):
    """``placed``: the activation of the other version; ``replaced``: the ids of those it stands in place of; ``real``:
    these themselves."""

    number: int
    programme: str
    placed: Placed
    replaced: frozenset[UUID]
    real: tuple[Recorded, ...]

    @classmethod
    def of(cls, number: int, change: OtherRules, history: History, days: Days) -> ProgrammeChange:
        """The change over what was known. Raises ChangesRefused."""
        known = [
            each
            for each in history.facts("disbursement", (ProgrammeActivated,))
            if each.fact.programme == change.programme
        ]
        if not known:
            raise ChangesRefused([f"no programme {change.programme} was known by then"])
        content = _content(change, known)
        since = change.since or min(each.effective_on for each in known)
        if days.last is None or since > days.last:
            raise ChangesRefused([f"{since} lies after the moment asked for ({days.last})"])
        replaced = tuple(each for each in known if each.effective_on >= since)
        first = replaced[0] if replaced else known[-1]
        fact = ProgrammeActivated(programme=change.programme, content=content, content_hash=content_hash(content))
        event = first.logged.event._replace(
            event_id=keyed_id(_OWN, str(first.event_id), content),
            effective_on=since,
            data=msgspec.json.encode(fact),
        )
        at = _moment(since, replaced, days, known)
        placed = Placed(at, 1, first.logged._replace(recorded_at=at, event=event))
        return cls(number, change.programme, placed, frozenset(each.event_id for each in replaced), replaced)


def _content(change: OtherRules, known: list[Recorded]) -> str:
    if change.version is not None:
        found: set[str] = {each.fact.content for each in known if each.fact.content_hash.startswith(change.version)}
        if len(found) != 1 or len(change.version) < 8:
            versions = ", ".join(sorted({each.fact.content_hash[:16] for each in known}))
            raise ChangesRefused([f"{change.programme} has no one version {change.version}; there were: {versions}"])
        return found.pop()
    assert change.content is not None, "checked when it was read"
    try:
        programme = parse(change.content)
    except BadProgramme as bad:
        raise ChangesRefused([str(bad)]) from bad
    if programme.programme != change.programme:
        raise ChangesRefused([f"the content is a version of {programme.programme}, not of {change.programme}"])
    return canonical(programme)


def _moment(since: date, replaced: tuple[Recorded, ...], days: Days, known: list[Recorded]) -> datetime:
    """When it becomes known: in place of the first it replaces, but no later than the day it is in force; at the
    earliest with the programme's first version."""
    moments = [each.recorded_at for each in replaced[:1]]
    if days.first is not None and since >= days.first:
        moments.append(days.moment(since))
    return max(min(moments, default=known[0].recorded_at), known[0].recorded_at)
