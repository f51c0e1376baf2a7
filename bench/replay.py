"""Replaying a county's archive into views: read, verified leaf by leaf, decrypted, folded and written with indexes;
from the first event, and to any moment from a snapshot."""

from __future__ import annotations

import importlib.util
import resource
import time

from bench.archive_stage import CHUNK_EVENTS, CHUNK_SHARES, fill_archive, moment_of
from bench.report import MEBIBYTE, BenchResult, Measure, result, timed
from bench.stage import Stage, processor_seconds, stage
from deploy.views import VIEWS
from services.audit.replays.folding import folded
from services.audit.replays.moments import cut, day_of
from services.audit.replays.narrowing import narrowed
from services.audit.snapshots.shelf import Shelf
from services.audit.snapshots.snapshotter import EVERY_EVENTS, Snapshotter
from services.audit.tables import STEPS
from shared.database import driver
from shared.database.scopes import Scope

VIEWS_MEASURED = ("entitlements", "payments", "alerts", "roster", "reports")  # the last opens nothing sealed
VIEWS_KEPT = ("entitlements", "roster")
ALL_VIEWS_UPTO = 3_000_000  # beyond it only the first of each, which reads every log: a view takes minutes then
TARGET = 60_000.0
DECRYPTING_TARGET = 40_000.0
WHOLE_TARGET_MS = 300_000.0
SNAPSHOT_TARGET_MS = 20_000.0
SHARES = (0.5, 1.0)  # of the history, at whose ends moments are asked for
PEER = importlib.util.find_spec("eventsourcing") is not None  # it comes with what the tests need
PEER_EVENTS, PEER_BATCH = 50_000, 1_000
SCHOOL = "3146000000"


def run(events: int = 200_000, every_events: int = EVERY_EVENTS) -> BenchResult:
    """``events`` in the archive; each view is replayed to its end, and two of them to moments that lie as far behind
    their snapshot as there can be (one after every ``every_events`` of a view's logs); of more than three million one.

    Two rates per view: events of its logs by the clock, and by the processor time of this process and its
    database, which other work on the machine inflates but does not hide.
    """
    with stage() as ready:
        ready.database.prepare(STEPS)
        began = time.perf_counter()
        upto = fill_archive(ready, events)
        measures = [Measure("(filled)", sum(upto.values()), time.perf_counter() - began)]
        views = slice(None if events <= ALL_VIEWS_UPTO else 1)
        for name in VIEWS_MEASURED[views]:
            measures += _replayed(ready, name, upto)
        for name in VIEWS_KEPT[views]:
            measures += _from_snapshots(ready, name, sum(upto.values()), every_events)
        kept = Shelf(ready.database, ready.keyring).sealed_bytes() // MEBIBYTE
        measures += _peers(ready, min(events, PEER_EVENTS)) if PEER else []
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024
    return result("replay", measures, events=sum(upto.values()), peak_mib=peak, snapshots_mib=kept)


def _replayed(ready: Stage, name: str, upto: dict[str, int]) -> list[Measure]:
    projection = VIEWS[name].projection
    known = {service: upto.get(service, 0) for service in projection.logs}
    count = sum(known.values())
    target = DECRYPTING_TARGET if projection.sealed_types else TARGET
    with ready.database.owner() as connection:
        own, began = processor_seconds(None), time.perf_counter()
        folded(connection, [projection], known, ready.keyring)
        seconds, own = time.perf_counter() - began, processor_seconds(None) - own
        connection.rollback()
    label = f"{name}, decrypting" if projection.sealed_types else name
    return [
        Measure(label, count, seconds, target_rate=target, p99_ms=1_000 * seconds, target_p99_ms=WHOLE_TARGET_MS),
        Measure(f"{label}: processor", count, own),
    ]


def _from_snapshots(ready: Stage, name: str, events: int, every_events: int) -> list[Measure]:
    """Writing the snapshots that moments would find, then asking for these moments: cut, fold, a school's rows."""
    projection = VIEWS[name].projection
    shelf = Shelf(ready.database, ready.keyring)
    writer = Snapshotter(shelf, {projection.name: projection})
    read = sum(count for service, count in CHUNK_SHARES.items() if service in projection.logs) / CHUNK_EVENTS
    ends = [int(events * share) for share in SHARES]
    began, covered = time.perf_counter(), 0
    for end in ends:
        head = writer.write(projection, moment_of(max(1, end - int(every_events / read) + 1)))
        assert head is not None
        covered = head.events
    written = Measure(f"{name}: (snapshots written)", covered, time.perf_counter() - began)
    latencies, own = [], processor_seconds(None)
    for end in ends:
        asked = time.perf_counter()
        with ready.database.owner() as connection:
            known_at, upto = cut(driver(connection), projection.logs, moment_of(end))
            scratch = folded(connection, [projection], upto, ready.keyring, shelf=shelf)
            with narrowed(scratch, Scope(school=SCHOOL)):
                scratch.asked(projection.name, VIEWS[name].query, day_of(known_at))
            latencies.append(time.perf_counter() - asked)
            assert scratch.began[projection.name].snapshot is not None
            connection.rollback()
    label = f"{name}: from a snapshot"
    told = timed(label, sum(latencies), latencies, target_p99_ms=SNAPSHOT_TARGET_MS)
    return [written, told, Measure(f"{label}: processor", len(ends), processor_seconds(None) - own)]


def _peers(ready: Stage, events: int) -> list[Measure]:
    """The library eventsourcing on the same server: read in order, decoded and counted in memory, nothing written."""
    from bench import eventsourcing_peer as peer

    measures = []
    for label, encrypted in (("peer eventsourcing, in clear", False), ("peer eventsourcing, decrypting", True)):
        with peer.application(ready.dsn, "peer_encrypted" if encrypted else "peer_plain", encrypted=encrypted) as app:
            for _ in range(max(1, events // PEER_BATCH)):
                app.save(*peer.children(PEER_BATCH))
            measures.append(Measure(label, *peer.replayed(app)))
    return measures
