"""Every projection with rows is declared as a view or says why not, and no fold uses a clock, chance or a file."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any
from uuid import uuid4

import pytest

from deploy.run import built
from deploy.services import PROCESSES
from deploy.spec import SECRETS
from deploy.views import NOT_REPLAYED, VIEWS
from shared.eventsourcing.projection import Assertion, Projection, Recorded
from shared.hosting.settings import Settings
from shared.kernel.clock import SHANGHAI

OURS = {"services", "shared"}
# What a fold may not reach for, whether it names it itself or through any function of ours.
FORBIDDEN_MODULES = {
    *("time", "random", "secrets", "os", "pathlib", "io", "tempfile", "subprocess", "socket", "shutil", "threading"),
    *("glob", "urllib", "httpx", "asyncio", "locale", "psycopg", "sqlalchemy"),
}
FORBIDDEN_NAMES = {
    *("open", "input", "now", "today", "utcnow", "time_ns", "monotonic", "perf_counter", "uuid1", "uuid4", "uuid7"),
    *("getrandom", "urandom", "token_bytes", "token_hex", "randbytes", "read_text", "read_bytes", "getenv", "hash"),
    *("environ", "new_event_id"),
}

_OF_ACCESS = ("access-signing", "access-portal", "access-operator")


def settings(name: str) -> Settings:
    """Enough to build a service; nothing is connected."""
    names = (*SECRETS, f"hmac-{name}", f"log-{name}")
    secrets = dict.fromkeys(names, bytes(32))
    address = "postgresql://nobody:nothing@127.0.0.1:1/none"
    return Settings(
        service=name,
        division="469000",
        environment="test",
        home=Path("/nowhere"),
        port=0,
        bootstrap_servers="127.0.0.1:1",
        database_url=address,
        keys_database_url=address,
        secrets=secrets,
    )


def every_projection() -> Iterator[Projection]:
    for spec in PROCESSES:
        if spec.name != "portal":
            yield from built(spec.name, settings(spec.name)).projections


PROJECTIONS = tuple(every_projection())


def undeclared(projections: tuple[Projection, ...], reasons: Mapping[str, str]) -> set[str]:
    """The projections with rows that can neither be replayed nor say why not."""
    declared = {view.projection.name for view in VIEWS.values()}
    return (
        {each.name for each in projections if each.tables} - declared - {name for name, why in reasons.items() if why}
    )


def test_every_projection_is_replayable_or_says_why_not() -> None:
    assert undeclared(PROJECTIONS, NOT_REPLAYED) == set()


def test_a_projection_nobody_declared_is_refused() -> None:
    some = next(each for each in PROJECTIONS if each.tables)
    stranger = Projection("strange", some.tables, some.folds)
    assert undeclared((*PROJECTIONS, stranger), NOT_REPLAYED) == {"strange"}
    assert undeclared((stranger,), {"strange": ""}) == {"strange"}


def test_a_reason_is_given_only_for_a_projection_that_runs_and_is_not_replayed() -> None:
    running = {each.name for each in PROJECTIONS}
    assert set(NOT_REPLAYED) <= running
    assert not set(NOT_REPLAYED) & {view.projection.name for view in VIEWS.values()}


def test_a_view_replays_the_very_folds_and_tables_that_run() -> None:
    running = {each.name: each for each in PROJECTIONS}
    for view in VIEWS.values():
        live = running[view.projection.name]
        assert dict(view.projection.folds) == dict(live.folds), view.name
        assert set(view.projection.tables) == set(live.tables), view.name
        assert view.service in view.projection.logs, view.name


def reachable(fold: Any) -> Iterator[FunctionType]:
    """The fold, and every function of ours that it can come to by the names it uses."""
    seen: set[FunctionType] = set()
    waiting: list[Any] = [fold]
    while waiting:
        for function in functions_in(inspect.unwrap(waiting.pop())):
            # A record's own hash may use hash(): it tells equals apart and is never told to anybody.
            if function not in seen and ours(function) and function.__name__ != "__hash__":
                seen.add(function)
                yield function
                waiting += [function.__globals__[name] for name in names_in(function) if name in function.__globals__]


def functions_in(found: Any) -> Iterator[FunctionType]:
    """A function is itself, a bound method its function, a class of ours all its methods."""
    found = getattr(found, "__func__", found)
    if isinstance(found, FunctionType):
        yield found
    elif inspect.isclass(found) and found.__module__.partition(".")[0] in OURS:
        for member in vars(found).values():
            plain = getattr(member, "__func__", getattr(member, "fget", None) or getattr(member, "func", member))
            if isinstance(plain, FunctionType):
                yield plain


def ours(function: FunctionType) -> bool:
    return (function.__module__ or "").partition(".")[0] in OURS


def names_in(function: FunctionType) -> set[str]:
    """Globals and attributes that the code names, that of functions within it, too."""
    waiting, names = [function.__code__], set[str]()
    while waiting:
        code = waiting.pop()
        names.update(code.co_names)
        waiting += [each for each in code.co_consts if isinstance(each, CodeType)]
    return names


def impurities(fold: Any) -> set[str]:
    """What a fold could learn the time, a random number or a file's content from."""
    found = set[str]()
    for function in reachable(fold):
        for name in names_in(function):
            value = function.__globals__.get(name)
            module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
            from_outside = isinstance(value, ModuleType) or callable(value)
            if name in FORBIDDEN_NAMES or (from_outside and str(module).partition(".")[0] in FORBIDDEN_MODULES):
                found.add(f"{function.__module__}.{function.__qualname__}: {name}")
    return found


def test_no_fold_can_reach_a_clock_chance_or_a_file() -> None:
    folds = {id(fold): fold for each in PROJECTIONS for fold in each.folds.values()}
    found = {fold.__qualname__: reached for fold in folds.values() if (reached := impurities(fold))}
    assert len(folds) > 50
    assert found == {}


def clocked(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(VIEWS["roster"].projection.tables[0], event.stream_id, datetime.now(SHANGHAI).date(), {})


def drawn(event: Recorded) -> Iterable[Assertion]:
    yield Assertion(VIEWS["roster"].projection.tables[0], uuid4(), event.effective_on, {})


def filed(event: Recorded) -> Iterable[Assertion]:
    return read_elsewhere(event)


def read_elsewhere(event: Recorded) -> Iterable[Assertion]:
    with open("/etc/hostname") as file:
        yield Assertion(VIEWS["roster"].projection.tables[0], event.stream_id, event.effective_on, {"name": file.name})


@pytest.mark.parametrize(("fold", "name"), [(clocked, "now"), (drawn, "uuid4"), (filed, "open")])
def test_a_fold_that_uses_one_is_found(fold: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "OURS", {*OURS, "tests"})
    assert {each.rpartition(": ")[2] for each in impurities(fold)} == {name}
