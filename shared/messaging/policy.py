"""Policies: projections without tables that send commands, exactly once in effect.

What a policy appends goes through the event store on the connection of the batch, so it commits with the checkpoint;
and its command id is derived from its cause, so even a rebuild that runs it again only repeats answers (design.md §3,
invariant 10). Declared in ``services/<x>/projections.py``::

    CONFIRM = policy("confirm_links", [ListEntryAdded], react)

    def react(connection: Connection, events: Sequence[Recorded], changes: Sequence[Change]) -> None:
        for event in events:
            command = policy_command("confirm_links", event, 0, body)
            STORE.execute(connection, command, lambda: decide(...))
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from shared.eventsourcing.projection import After, Assertion, Projection, Recorded
from shared.kernel.facts import Fact
from shared.kernel.identifiers import keyed_id

if TYPE_CHECKING:
    from shared.eventsourcing.store import Command

_COMMAND_KEY = (
    b"rollcall policy command"  # not a secret: event ids are random enough, the derivation only has to repeat
)


def _asserts_nothing(event: Recorded) -> Iterable[Assertion]:
    return ()


def policy(name: str, facts: Iterable[type[Fact]], react: After, *, halts: bool = False) -> Projection:
    """A projection without tables: ``react`` gets these facts, batch by batch, in the batch's own transaction.

    A refusal that ``react`` lets through makes its event a poison event; refusals that are an answer are caught there.
    """
    return Projection(name, (), dict.fromkeys(facts, _asserts_nothing), halts=halts, after=react)


def policy_command(policy: str, cause: Recorded, ordinal: int, body: bytes) -> Command:
    """The ``ordinal``-th command this policy sends because of ``cause``: the same three always give the same id."""
    from shared.eventsourcing.store import Cause, Command

    return Command(
        principal=f"policy:{policy}",
        command_id=keyed_id(_COMMAND_KEY, policy, str(cause.event_id), str(ordinal)),
        body=body,
        cause=Cause(cause.event_id, cause.recorded_at, cause.traceparent),
        traceparent=cause.traceparent,
    )
