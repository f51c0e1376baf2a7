"""Where children of ours are registered, as people tell it: a child at a time, or a school's as the office typed it.

The name of a school may suggest a place; what is recorded is what a person sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection

from services.disbursement.letter_errors import PlacesRefused, UnknownInquiry
from services.disbursement.letter_events import RegisterPlaceTold
from services.disbursement.letters.elsewhere import UNKNOWN_PLACE, ElsewhereChild, division_history
from services.disbursement.letters.letter_desk import VIEW, LetterDesk
from services.disbursement.letters.place_names import Division, PlaceNames
from shared.database.scopes import Scope
from shared.eventsourcing.store import BATCH_LIMIT, Command, Proposed, Result
from shared.kernel.refusals import Refusal


class ChildToPlace(ElsewhereChild):
    """``school_id`` stands for the school as typed, None for none; ``school_children``: of the same school in the same
    place who were not asked about. ``suggested``: what the school's name begins with, of a child of unknown place;
    several where divisions share the name."""

    school_id: UUID | None
    school_children: int
    suggested: list[Division]


@dataclass(frozen=True)
class PlacesTold:
    """Codes or names of divisions as typed, by child, and by school of the children now in ``place``. A child named
    herself is not among her school's."""

    place: str
    children: Mapping[UUID, str]
    schools: Mapping[UUID, str]


def place_names(desk: LetterDesk, scope: Scope, day: date) -> PlaceNames:
    """The places a letter can go to."""
    with desk.database.reading(scope, VIEW) as connection:
        return PlaceNames(division_history(connection), desk.division, day)


def to_place(desk: LetterDesk, scope: Scope, term: str, day: date) -> list[ChildToPlace]:
    """Every entitled child registered elsewhere, by place; in it the largest school first, its children together."""
    found = [child for child in desk.elsewhere(scope, term, day) if child.category is not None]
    names = place_names(desk, scope, day)
    ids = {name: desk.streams.school_elsewhere(name) for name in {child.school for child in found} if name}
    sizes = Counter((child.place, child.school) for child in found if child.asking == "to_ask" and child.school)
    suggested = {name: names.suggested(name) for name in ids}
    shown = [
        ChildToPlace(
            **dict(child),
            school_id=ids.get(child.school),
            school_children=sizes[child.place, child.school],
            suggested=suggested.get(child.school, []) if child.place == UNKNOWN_PLACE else [],
        )
        for child in found
    ]
    return sorted(shown, key=order)


def order(child: ChildToPlace) -> tuple[str, int, str, str]:
    """The place of a child in the list; nothing in it is personal."""
    return child.place, -child.school_children, str(child.school_id or ""), str(child.child_id)


def tell_places(desk: LetterDesk, scope: Scope, told: PlacesTold, term: str, command: Command, today: date) -> Result:
    """Note where children are registered, all or none; of a school at most BATCH_LIMIT together with the others, who
    are left is told again. Raises PlacesRefused with all that are wrong, UnknownInquiry for a child who is not among
    the viewer's: a place of our own, or one that is no division, would take her out of every list."""
    names = place_names(desk, scope, today)
    places, wrong = _meant(names, {**told.schools, **told.children})
    known = {child.child_id: child for child in desk.elsewhere(scope, term, today)}
    if told.children.keys() - known.keys():
        raise UnknownInquiry
    if wrong:
        raise PlacesRefused(wrong)
    meant = {child: places[child] for child in told.children}
    if told.schools:
        meant |= _of_schools(desk, known.values(), told, places)
    facts = [
        RegisterPlaceTold(
            child_id=child, place=place, division_code=known[child].division_code, told_by=command.principal
        )
        for child, place in list(meant.items())[:BATCH_LIMIT]
    ]
    streams = [desk.streams.register_place(fact.child_id) for fact in facts]

    def decide(connection: Connection) -> Sequence[Proposed]:
        stored = desk.store.load_many(connection, streams)
        return [Proposed(stream, len(stored[stream]), fact, today) for stream, fact in zip(streams, facts, strict=True)]

    return desk.store.run(desk.database, command, decide)


def tell_place(
    desk: LetterDesk, scope: Scope, child_id: UUID, place: str, term: str, command: Command, today: date
) -> Result:
    """The same of one child. Raises what PlaceNames.told raises, UnknownInquiry."""
    try:
        return tell_places(desk, scope, PlacesTold(UNKNOWN_PLACE, {child_id: place}, {}), term, command, today)
    except PlacesRefused as refused:
        raise refused.reasons[child_id] from None


def _meant(names: PlaceNames, typed: Mapping[UUID, str]) -> tuple[dict[UUID, str], dict[UUID, Refusal]]:
    places: dict[UUID, str] = {}
    wrong: dict[UUID, Refusal] = {}
    for each, text in typed.items():
        try:
            places[each] = names.told(text).code
        except Refusal as refusal:
            wrong[each] = refusal
    return places, wrong


def _of_schools(
    desk: LetterDesk, known: Iterable[ElsewhereChild], told: PlacesTold, places: Mapping[UUID, str]
) -> dict[UUID, str]:
    found = {}
    for child in known:
        waits = child.category is not None and child.asking == "to_ask" and child.place == told.place and child.school
        if waits and child.child_id not in told.children:
            school = desk.streams.school_elsewhere(child.school)
            if school in places:
                found[child.child_id] = places[school]
    return found
