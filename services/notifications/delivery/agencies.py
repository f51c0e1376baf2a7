"""An agency's silence told to the county: one more line in the one open message.

It is counted where the watching policy reads the registry's log, in that transaction: composing reads this service's
own log only, and would have to take in every event of every register for a few silences a month.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from services.notifications.delivery import message_store
from services.notifications.delivery.composing import Told, growths
from services.notifications.delivery.places import Place
from services.notifications.streams import Streams
from services.registry.events import AgencySilent
from shared.database.database import driver
from shared.eventsourcing.projection import Recorded


def tell_of_silences(connection: Connection, streams: Streams, division: str, events: Sequence[Recorded]) -> None:
    """Count the silent agencies among these events, by list, in the county's message."""
    county = Place(division, None)
    told = [
        Told(event, "agencies_silent", county, f"list_{event.fact.list}")
        for event in events
        if isinstance(event.fact, AgencySilent)
    ]
    message_store.grow(driver(connection), growths(streams, told))
