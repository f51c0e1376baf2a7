"""What audit's processor runs: the archiver. No logic here."""

from __future__ import annotations

from services.audit.archiver import Archiver, Source
from shared.database.database import Database
from shared.hosting.service import Worker
from shared.hosting.settings import Settings


def workers(database: Database, settings: Settings, services: tuple[str, ...]) -> tuple[Worker, ...]:
    """One archiver for all logs."""
    sources = [
        Source(f"//rollcall/{settings.division}/{name}", settings.topic(name), settings.heads_topic(name))
        for name in services
    ]
    return (Worker("archiver", Archiver(database, settings.bootstrap_servers, sources).run),)
