"""Access in a process of its own, so that its memory is measured whole.

python -m bench.staff_child prepare SCHOOLS | check FILE OUT | take FILE | hand-out OUT
One JSON line: rows, rejected, seconds, cpu_seconds. Settings come from the environment (bench/registry_stage.py).
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import uuid
from datetime import date
from pathlib import Path

from psycopg import sql

from bench.registry_stage import DIVISION
from bench.staff_import import school_code
from services.access.app import build, desk_of
from services.access.desk import Desk
from services.access.projections import ACCESS_VIEW
from services.access.staff.importing import Sender, Sent
from services.access.staff.start_passwords import hand_out, write_list
from services.access.tables import SCHOOLS
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command
from shared.eventsourcing.timeline import Timeline
from shared.hosting.collecting import calm_collector
from shared.hosting.runtime import prepared
from shared.hosting.settings import Settings
from shared.kernel.clock import utc_now
from shared.messaging.writing import PeriodWriter
from shared.standards.posts import Kind
from shared.standards.rights import held_by
from shared.web.viewers import Viewer

BY = "bench"


def main() -> None:
    """Do what the first argument says."""
    what, *given = sys.argv[1:]
    settings = Settings.from_environment("access")
    desk = desk_of(settings, settings.keyring())
    if what == "prepare":
        prepared(build(settings), settings)
        _fill_schools(desk, int(given[0]))
        _tell(0, 0, 0.0, 0.0)
        return
    kind = Kind.ACCOUNT_ADMINISTRATOR
    sender = Sender.of(desk, Viewer(BY, BY, kind, held_by(kind), Scope(division=DIVISION), "zh", 0.0))
    calm_collector()
    began, used, now = time.perf_counter(), _processor_seconds(), utc_now()
    command = Command(BY, uuid.uuid4(), b"")
    if what == "hand-out":
        imported = next(each for each in sender.imports() if each.receipt is not None and each.receipt.opened)
        handed = hand_out(desk, sender.by, imported.import_id, command, now)
        write_list(Path(given[0]), handed, now)
        rows, rejected = len(handed), 0
    else:
        sent = Sent(Path(given[0]), hashlib.sha256(Path(given[0]).read_bytes()).hexdigest())
        receipt = sender.check(sent, now, Path(given[1])) if what == "check" else sender.take(sent, command, now)
        rows, rejected = receipt.rows, receipt.rejected
    _tell(rows, rejected, time.perf_counter() - began, _processor_seconds() - used)


def _fill_schools(desk: Desk, count: int) -> None:
    """The schools as access would have folded them."""
    timelines = {}
    for number in range(count):
        timeline = timelines[uuid.UUID(int=number + 1)] = Timeline(len(SCHOOLS.columns))
        values = {"code": school_code(number), "name": f"第{number}小学", "division_code": f"{DIVISION}100"}
        told = [(SCHOOLS.positions[name], value) for name, value in values.items()]
        timeline.assert_from(date(2020, 9, 1), 0, told)
    with desk.database.working() as connection:
        raw = driver(connection)
        row = raw.execute(
            "SELECT schema FROM builds WHERE projection = %s AND state = 'live'", (ACCESS_VIEW.name,)
        ).fetchone()
        assert row is not None, "the service was prepared"
        raw.execute(sql.SQL("SET LOCAL search_path = {}, public").format(sql.Identifier(row[0])))
        PeriodWriter(SCHOOLS).write(raw, timelines)


def _tell(rows: int, rejected: int, seconds: float, cpu_seconds: float) -> None:
    told = {"rows": rows, "rejected": rejected, "seconds": seconds, "cpu_seconds": cpu_seconds}
    sys.stdout.write(json.dumps(told) + "\n")


def _processor_seconds() -> float:
    """Of this process and of the parsers it waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
