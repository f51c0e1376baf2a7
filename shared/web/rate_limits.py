"""How often one person or one agency may ask: a token bucket for each, in each process.

Live lists and files have buckets of their own: they cost more than a page and must not be what keeps somebody from
their pages. Everybody of an agency shares its bucket, so that a second account brings no second allowance.

ROLLCALL_RATES changes the defaults, ``off`` leaves everybody unlimited: ``person=50/1000,agency=500/5000,…``, each
kind as requests per second over long times, and how many at once.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

from starlette.requests import Request

from shared.kernel.refusals import Refusal
from shared.standards.posts import Kind as PostKind
from shared.web.viewers import Viewer

VARIABLE = "ROLLCALL_RATES"
BUCKETS_KEPT = 20_000  # twice the staff of a county; the ones longest unused go first, and they are full again by then

Kind = Literal["person", "agency", "live", "file"]
_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)/(\d{1,7})")
_FILE = re.compile(r".*(\.(xlsx|csv|zip|docx|pdf|ndjson)|/export|/exports)")


class TooOften(Refusal):
    """Asked more often than one may; ``retry_after_seconds`` is whole seconds until the next request is answered."""

    status = 429
    code = "too_many_requests"

    def __init__(self, kind: Kind, retry_after_seconds: int) -> None:
        super().__init__(
            f"请求过于频繁,请 {retry_after_seconds} 秒后再试",
            f"Too many requests; please try again in {retry_after_seconds} s",
            limit=kind,
            retry_after_seconds=retry_after_seconds,
        )


@dataclass(frozen=True)
class Rate:
    """``per_second`` requests over long times, ``burst`` at once."""

    per_second: float
    burst: int


@dataclass(frozen=True)
class Rates:
    """``person``: requests of one person to one service; a page asks it for a handful. ``agency``: everything its
    machines send. ``live``: live lists opened; ``file``: exports begun. None = unlimited."""

    person: Rate | None = Rate(50, 1_000)
    agency: Rate | None = Rate(500, 5_000)
    live: Rate | None = Rate(1, 60)
    file: Rate | None = Rate(0.5, 60)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Rates:
        """The defaults, as ROLLCALL_RATES changes them. Raises ValueError."""
        given = environ.get(VARIABLE, "").strip()
        if given == "off":
            return UNLIMITED
        told: dict[str, Rate | None] = {}
        for part in filter(None, (each.strip() for each in given.split(","))):
            name, _, text = part.partition("=")
            found = _RATE.fullmatch(text)
            if name not in ("person", "agency", "live", "file") or not found or float(found[1]) <= 0 or found[2] == "0":
                raise ValueError(f"{VARIABLE}: {part!r} is no kind=rate/burst; kinds are person, agency, live, file")
            told[name] = Rate(float(found[1]), int(found[2]))
        return replace(cls(), **told)


UNLIMITED = Rates(None, None, None, None)


@dataclass
class _Bucket:
    """What is left, as of ``at`` (monotonic seconds)."""

    left: float
    at: float


class Limits:
    """The buckets of one process. Thread-safe."""

    def __init__(self, rates: Rates, now: Callable[[], float] = time.monotonic) -> None:
        self._rates: Mapping[Kind, Rate | None] = {
            "person": rates.person, "agency": rates.agency, "live": rates.live, "file": rates.file,
        }  # fmt: skip
        self._now = now
        self._buckets: OrderedDict[tuple[Kind, str], _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, request: Request, viewer: Viewer) -> None:
        """Count a request of a person or an agency; a service speaks for many. Raises TooOften; a refused one costs
        nothing."""
        if viewer.kind is PostKind.SERVICE:
            return
        agency = viewer.scope.agency
        kind = kind_of(request)
        if kind == "person" and agency is not None:
            kind = "agency"
        rate = self._rates[kind]
        if rate is None:
            return
        wait_seconds = self._taken((kind, agency if agency is not None else viewer.principal), rate)
        if wait_seconds > 0:
            raise TooOften(kind, max(1, ceil(wait_seconds)))

    def _taken(self, whose: tuple[Kind, str], rate: Rate) -> float:
        """Take one, or say how many seconds until there is one again."""
        with self._lock:
            now = self._now()
            bucket = self._buckets.setdefault(whose, _Bucket(float(rate.burst), now))
            self._buckets.move_to_end(whose)
            if len(self._buckets) > BUCKETS_KEPT:
                self._buckets.popitem(last=False)
            bucket.left = min(float(rate.burst), bucket.left + (now - bucket.at) * rate.per_second)
            bucket.at = now
            if bucket.left < 1:
                return (1 - bucket.left) / rate.per_second
            bucket.left -= 1
            return 0.0


def kind_of(request: Request) -> Kind:
    """What a request counts as; whose it is then decides between ``person`` and ``agency``."""
    path = request.url.path
    if request.method == "GET" and path.endswith("/stream"):
        return "live"
    return "file" if _FILE.fullmatch(path) else "person"
