"""One counterfactual question, from the archive to the answer: a rerun with nothing changed, which must come to what
really was, and one with the changes; both on databases of their own, which end with this."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psycopg

from deploy.counterfactual.changing import Changed, Changing
from deploy.counterfactual.comparing import children, deviations
from deploy.counterfactual.entitlements import MONEY, PROOFS, Claim, Due, dues, made, proofs_of
from deploy.counterfactual.erased import erased_streams
from deploy.counterfactual.history import LOGS, Days, History, Placed
from deploy.counterfactual.keys import ReadKeys
from deploy.counterfactual.list_files import ListFiles
from deploy.counterfactual.reasons import Reasoning
from deploy.counterfactual.rerun import Rerun, rerun_on
from deploy.counterfactual.scratch import scratch
from services.audit.counterfactuals.answer import CounterfactualAnswer, by_agency, by_school, totals
from services.audit.counterfactuals.changes import AnyChange
from services.audit.replays.moments import Cut, cut
from services.registry.keys import Keys
from shared.database.database import Database
from shared.hosting.settings import Settings
from shared.keys.keyring import KeyRing

Progress = Callable[[str, int], None]  # which rerun, events fed to it


class Ask(NamedTuple):
    """``known_at`` UTC, None: the latest complete moment. ``files``: those the changes name."""

    changes: list[AnyChange]
    known_at: datetime | None = None
    files: Mapping[str, Path] = {}


@dataclass(frozen=True)
class Laboratory:
    """What an answer needs: the archive, the keys of people, the server scratch databases are made on, and the settings
    of registry, matching and disbursement (division and keys of ids). Of all that only the scratch databases are
    written."""

    archive: Database
    keyring: KeyRing
    admin_url: str
    settings: Mapping[str, Settings]

    def answer(self, ask: Ask, progress: Progress = lambda rerun, fed: None) -> CounterfactualAnswer:
        """Raises ChangesRefused with all that is wrong, what a replay raises for its moment, ArchiveDoubtful."""
        begun = time.monotonic()
        with self._reading() as raw:
            known = cut(raw, LOGS, ask.known_at)
            history = History(raw, ReadKeys(self.keyring), known.upto)
            history = replace(history, erased=erased_streams(history))
            days = Days(history)
            registry = self.settings["registry"]
            files = ListFiles(history, Keys(registry.hmac_key), registry.division, ask.files)
            changed = Changing(history, days, files, registry.source).changed(ask.changes)
            proofs = proofs_of((event.event_id, event.fact) for event in history.facts("matching", PROOFS))
            real = dues(((event.stream_id, event.fact) for event in history.facts("disbursement", MONEY)), proofs)
            with scratch(self.admin_url) as place:
                control = rerun_on(place, "control", self.settings, history.keys)
                control.progress = lambda fed: progress("control", fed)
                would = _both(control, history, changed, progress)
                found = _Found(real, made(control), would)
            touched = len(history.erased & changed.entries.keys())
            if touched:
                changed.notes.append(f"{touched} rows of erased people keep the decisions that were made about them")
            if control.unpaid:
                changed.notes.append(f"{len(control.unpaid)} payments could not be made again even without a change")
        return _told(ask, known, changed, found, control.fed, time.monotonic() - begun)

    @contextmanager
    def _reading(self) -> Iterator[psycopg.Connection[Any]]:
        """The archive on a connection that can write nothing. What is archived never changes, so each read may see a
        later state of it: only what lies before the cut is asked for."""
        with psycopg.connect(self.archive.worker_conninfo, autocommit=True) as raw:
            raw.execute("SET default_transaction_read_only = on")
            yield raw


class _Found(NamedTuple):
    """The entitlements as they really are, as the control came to them, and as they would be."""

    real: dict[Claim, Due]
    control: dict[Claim, Due]
    would: dict[Claim, Due]


def _both(control: Rerun, history: History, changed: Changed, progress: Progress) -> dict[Claim, Due]:
    """Run the control to its end, and from the first difference on a fork of it with the changes; what that came to."""
    since, told = changed.since, history.told()
    first: list[Placed] = []

    def alike() -> Iterator[Placed]:
        for placed in told:
            if since is not None and placed.at >= since:
                first.append(placed)
                return
            yield placed

    try:
        control.run(alike())
        other = control.fork("changed")
        control.run(chain(first, told))
    finally:
        control.close()
    other.progress = lambda fed: progress("changed", fed)
    try:
        other.run(placed for placed in changed.told(history) if since is not None and placed.at >= since)
        found = made(other)
    finally:
        other.close()
    lost = len(other.unpaid) - len(control.unpaid)
    changed.notes += [f"{lost} payments of the log would have had nothing to pay"] if lost > 0 else []
    return found


def _told(ask: Ask, known: Cut, changed: Changed, found: _Found, fed: int, seconds: float) -> CounterfactualAnswer:
    real, control, would = found
    unlike = deviations(real, control)
    unsure = {(each.student_id, each.programme, each.term) for each in unlike}
    rows = children(real, would, unsure, Reasoning.of(ask.changes, changed))
    shown = [row.model_dump(mode="json") for row in rows]
    text = json.dumps(shown, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return CounterfactualAnswer(
        known_at=known.known_at,
        log_index=known.upto,
        changes=msgspec.to_builtins(ask.changes),
        clean=not unlike,
        entitlements=len(real),
        deviations=unlike,
        children=rows,
        schools=totals(rows, by_school),
        agencies=totals(rows, by_agency),
        notes=changed.notes,
        hash=hashlib.sha256(text.encode()).hexdigest(),
        events=fed,
        seconds=round(seconds, 1),
    )
