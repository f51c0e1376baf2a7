"""The policy of hand-overs: a correction the predecessor asked for in the post, and that nobody has decided, is the
successor's from then on. Everything else that waits at the registry is of a place and moves with the post."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from services.access.events import HandoverClosed
from services.registry.handlers import Registry
from services.registry.request_events import ChangeRequestApproved, ChangeRequestPassedOn, ChangeRequestRefused
from shared.database.database import driver
from shared.eventsourcing.projection import Assertion, Change, Fold, Projection, Recorded
from shared.eventsourcing.store import Proposed
from shared.kernel.facts import Fact
from shared.messaging.handing_over import HANDED_OVER, HandedOver, given_at, handover_closed, later_ones, told_by
from shared.messaging.policy import policy_command

NAME = "requests_handed_on"
CHUNK = 500
CHUNKS_MOST = 1_000  # of one person's requests
# Asked before posts were kept: passed on with the first post that is handed over. Whoever asked is out by now, so
# nothing is added meanwhile.
_HIS = """
SELECT request_id FROM public.asked_requests WHERE requested_by = %s AND post IN ('', %s)
ORDER BY request_id FOR UPDATE
"""


def passing_on(registry: Registry) -> Projection:
    """The policy as the processor runs it."""

    def react(connection: Connection, events: Sequence[Recorded], changes: Sequence[Change]) -> None:
        for event in events:
            if isinstance(event.fact, HandoverClosed):
                told = told_by(event)
                found = [] if told is None else [told]
            else:  # passed on to somebody who has handed the post over, too
                found = later_ones(connection, event.fact.account, given_at(event))
            for number, told in enumerate(found):
                _pass_on(registry, connection, event, told, number * CHUNKS_MOST)

    folds: dict[type[Fact], Fold] = {HandoverClosed: handover_closed, ChangeRequestPassedOn: _asserts_nothing}
    return Projection(NAME, (HANDED_OVER,), folds, after=react)


def still_open(history: Iterable[Fact]) -> bool:
    """Whether a request, told by its stream, waits to be decided."""
    return not any(isinstance(fact, ChangeRequestApproved | ChangeRequestRefused) for fact in history)


def _pass_on(registry: Registry, connection: Connection, cause: Recorded, told: HandedOver, first: int) -> None:
    raw = driver(connection)
    ids = [row[0] for row in raw.execute(_HIS, (told.former, str(told.post_id))).fetchall()]
    loaded = registry.store.load_many(connection, ids)
    waiting = [each for each in ids if still_open(stored.fact for stored in loaded[each])]
    for ordinal, begin in enumerate(range(0, len(waiting), CHUNK)):
        proposed = []
        for request_id in waiting[begin : begin + CHUNK]:
            stored = loaded[request_id]
            target_id = stored[0].fact.target_id  # type: ignore[attr-defined] # the first of them is the asking
            fact = ChangeRequestPassedOn(
                target_id=target_id, former=told.former, account=told.account, handover_id=told.handover_id
            )
            proposed.append(Proposed(request_id, len(stored), fact, max(told.day, stored[-1].event.effective_on)))
        command = policy_command(NAME, cause, first + ordinal, NAME.encode())
        registry.store.execute(connection, command, lambda: proposed)  # noqa: B023 (called before the next turn)
    raw.execute(
        "UPDATE public.asked_requests SET requested_by = %s WHERE request_id = ANY(%s)", (told.account, waiting)
    )


def _asserts_nothing(_event: Recorded) -> Iterable[Assertion]:
    return ()
