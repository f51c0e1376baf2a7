"""What the registry's processor runs: its views, its policy and its loops. No logic here."""

from __future__ import annotations

from services.audit.events import PersonErased
from services.registry.changes.change_work import Changing
from services.registry.corrections.passing_on import passing_on
from services.registry.forgetting import forget
from services.registry.handlers import Registry
from services.registry.lists.agency_topics import configured
from services.registry.lists.reporting import Reporting
from services.registry.lists.topic_worker import TopicWorker
from services.registry.projections import REGISTER
from services.registry.promotion.promoting import Promoting
from services.registry.search.search_view import SEARCH
from shared.eventsourcing.projection import Projection
from shared.hosting.service import Worker
from shared.hosting.settings import Settings
from shared.messaging.erasing import erasing


def projections(registry: Registry, reporting: Reporting) -> tuple[Projection, ...]:
    """The register as people read it, what search reads, who is told of as silent, erasing from all that, and what
    moves with a post."""
    views = (REGISTER, SEARCH, reporting.projection())
    return (
        *views,
        passing_on(registry),
        erasing(PersonErased, views, registry.keyring, (forget(registry.keys, registry.keyring),)),
    )


def workers(registry: Registry, settings: Settings) -> tuple[Worker, ...]:
    """One that promotes and one for mass changes (more processes bring more of them), and one for the agencies' topics
    where there are any."""
    long_work = (Worker("promoter", Promoting(registry).run), Worker("changer", Changing(registry).run))
    topics = configured(settings.agency_topics)
    if not topics:
        return long_work
    return (*long_work, Worker("agency-topics", TopicWorker(registry, settings.brokers, topics).run))
