"""What audit's processor runs: the archiver and the witness. No logic here."""

from __future__ import annotations

from services.audit.alarms.alarm_folds import ALARMS_VIEW
from services.audit.archiver import Archiver, Source
from services.audit.erasure.erasure_folds import ERASURES
from services.audit.events import PersonErased
from services.audit.proofs.keys import Judges
from services.audit.proofs.store_client import HttpStores
from services.audit.proofs.sweeping import Sweep, Witness
from services.audit.proofs.topic_sweep import TopicSweep
from services.audit.reads.read_folds import READS_VIEW
from shared.database.database import Database
from shared.eventsourcing.projection import Projection
from shared.hosting.service import Worker
from shared.hosting.settings import Settings
from shared.keys.keyring import KeyRing
from shared.messaging.erasing import erasing
from shared.transparency.checkpoints import witness_name
from shared.transparency.notes import COSIGNATURE_KIND, Signer
from shared.transparency.store_ranges import SECRET as STORE_READING


def projections(keyring: KeyRing) -> tuple[Projection, ...]:
    """Who saw whom, who is erased or kept, who took note of alarms, and erasing itself: what is folded here holds
    nothing of anybody, but dead letters may."""
    return (READS_VIEW, ERASURES, ALARMS_VIEW, erasing(PersonErased, (), keyring))


def workers(database: Database, settings: Settings, services: tuple[str, ...]) -> tuple[Worker, ...]:
    """One archiver for all logs, who judges them, and who compares store and topic with the archive."""
    sources = [
        Source(f"//rollcall/{settings.division}/{name}", settings.topic(name), settings.heads_topic(name))
        for name in services
    ]
    witness = Signer(witness_name(settings.division), COSIGNATURE_KIND, settings.secret("witness"))
    stores = HttpStores(settings.addresses, settings.secret(STORE_READING))
    judges = Judges(settings.public_keys_file, [source.name for source in sources], witness)
    return (
        Worker("archiver", Archiver(database, settings.brokers, sources).run),
        Worker("witness", Witness(database, judges, stores).run),
        Worker("store sweep", Sweep(database, services, stores).run),
        Worker("topic sweep", TopicSweep(database, settings.brokers, sources).run),
    )
