"""Replaying a county's archive into views: read, verified leaf by leaf, decrypted, folded and written with indexes."""

from __future__ import annotations

import resource
import time

from bench.archive_stage import fill_archive
from bench.report import BenchResult, Measure, result
from bench.stage import Stage, processor_seconds, stage
from deploy.views import VIEWS
from services.audit.replays.folding import folded
from services.audit.tables import STEPS

VIEWS_MEASURED = ("entitlements", "payments", "alerts", "roster")
TARGET = 60_000.0
DECRYPTING_TARGET = 40_000.0


def run(events: int = 200_000) -> BenchResult:
    """``events`` in the archive; each view is replayed to its end.

    Two rates per view: events of its logs by the clock, and by the processor time of this process and its
    database, which other work on the machine inflates but does not hide.
    """
    measures = []
    with stage() as ready:
        ready.database.prepare(STEPS)
        began = time.perf_counter()
        upto = fill_archive(ready, events)
        measures.append(Measure("(filled)", sum(upto.values()), time.perf_counter() - began))
        for name in VIEWS_MEASURED:
            measures += _replayed(ready, name, upto)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024
    return result("replay", measures, events=sum(upto.values()), peak_mib=peak)


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
    return [Measure(label, count, seconds, target_rate=target), Measure(f"{label}: processor", count, own)]
