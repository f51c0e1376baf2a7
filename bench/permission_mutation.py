"""Whether the tests of the permission core notice when it is wrong: each mutant of it, and the tests that must fail.

`python -m bench.permission_mutation [--only FILE] [--events N]`: the files and their tests are those of
tests/permission_core.toml; N mutants of each at most, spread over the file. Every mutant has a process of its own,
forked from one that has the libraries loaded but nothing of ours, and beside it a PostgreSQL for the tests that ask.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.abc
import importlib.util
import io
import json
import os
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from bench.mutants import Mutant, mutants
from bench.report import machine_line
from deploy.ports import free_port
from deploy.postgres import EmbeddedPostgres

PROJECT = Path(__file__).resolve().parent.parent
CORE = PROJECT / "tests" / "permission_core.toml"
OURS = ("shared", "services", "tests", "simulation", "cli")
TARGET = 0.9
PASSED, FAILED = 0, 1  # pytest's exit codes; any other one is a mutant that cannot even be imported
LEAST_SECONDS, TIMES_THE_USUAL = 60.0, 15
OPTIONS = ["-x", "-q", "--no-header", "-p", "no:cacheprovider", "-p", "no:randomly", "--durations=0", "-W", "ignore"]


class Tally:
    """What became of the mutants of one file."""

    def __init__(self) -> None:
        self.killed = self.broken = self.equivalent = 0
        self.timed_out: list[Mutant] = []
        self.survived: list[Mutant] = []

    @property
    def judged(self) -> int:
        return self.killed + len(self.survived)

    @property
    def score(self) -> float:
        return self.killed / self.judged if self.judged else 1.0


class Core(NamedTuple):
    """``tests`` of each file; ``equivalent``: (file, name of a mutant) of those that change nothing."""

    tests: dict[str, list[str]]
    equivalent: set[tuple[str, str]]


def core() -> Core:
    told = tomllib.loads(CORE.read_text(encoding="utf-8"))
    return Core(told["core"], {(each["file"], each["change"].strip()) for each in told.get("equivalent", ())})


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module another content than its file has."""

    def __init__(self, path: str, code: str) -> None:
        self._module, self._path, self._code = path.removesuffix(".py").replace("/", "."), str(PROJECT / path), code

    def find_spec(self, name: str, _path: Any = None, _target: ModuleType | None = None) -> Any:
        return importlib.util.spec_from_file_location(name, self._path, loader=self) if name == self._module else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._code, self._path, "exec"), module.__dict__)


class _Given:
    """pytest plugin: fixtures whose value is already there."""

    def __init__(self, values: dict[str, Callable[[], Any]]) -> None:
        self._values = values

    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Any:
        make = self._values.get(fixturedef.argname)
        if make is None:
            return None
        value = make()
        fixturedef.cached_result = (value, fixturedef.cache_key(request), None)
        return value


class Bench:
    """Runs tests in forked processes. ``server``: the PostgreSQL they share."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._routes: list[tuple[list[str], Any]] | None = None

    def ready(self, tests: Sequence[str]) -> float:
        """Load what these tests load of other people's libraries. Seconds of an unchanged run after that; raises
        SystemExit when they do not pass as it is."""
        libraries = json.loads(self._told(lambda: _libraries(tests)))
        for name in libraries:
            with contextlib.suppress(Exception):  # a part that only its whole can load
                importlib.import_module(name)
        if self._routes is None and any("test_who_may" in test for test in tests):
            self._routes = json.loads(self._told(_routes))
        began = time.perf_counter()
        if self.run(tests, None, 600.0) != PASSED:
            raise SystemExit(f"these tests do not pass as it is: {' '.join(tests)}")
        return time.perf_counter() - began

    def run(self, tests: Sequence[str], changed: _Changed | None, seconds: float) -> int | None:
        """pytest's exit code in a process of its own; None when it took longer."""
        child = os.fork()
        if child == 0:
            code = 3
            try:
                os.setsid()
                _quiet()
                if changed is not None:
                    sys.meta_path.insert(0, changed)
                code = self._pytest(tests)
            finally:
                os._exit(code)
        return _ended(child, seconds)

    def _pytest(self, tests: Sequence[str]) -> int:
        import pytest

        values: dict[str, Callable[[], Any]] = {"postgres": self._postgres}
        if self._routes is not None:
            values["rights_asked"] = lambda: {tuple(route): rights for route, rights in self._routes or ()}
        return int(pytest.main([*OPTIONS, *tests], plugins=[_Given(values)]))

    def _postgres(self) -> Any:
        return importlib.import_module("tests.conftest").PostgresFixture(self._server)

    def _told(self, ask: Callable[[], str]) -> str:
        """What a process says that has loaded things of ours, so that this one need not."""
        with tempfile.TemporaryDirectory() as folder:
            answer = Path(folder) / "answer"
            child = os.fork()
            if child == 0:
                try:
                    _quiet()
                    answer.write_text(ask(), encoding="utf-8")
                finally:
                    os._exit(0)
            _ended(child, 600.0)
            return answer.read_text(encoding="utf-8")


def _quiet() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    sys.stdout = sys.stderr = io.TextIOWrapper(io.FileIO(nowhere, "w"))


def _ended(child: int, seconds: float) -> int | None:
    until = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(0.01)


def _libraries(tests: Sequence[str]) -> str:
    """Names of the modules, not ours, that these tests have loaded."""
    import pytest

    pytest.main([*OPTIONS, "--collect-only", *tests])
    return json.dumps([name for name in sys.modules if name.partition(".")[0] not in (*OURS, "bench", "deploy")])


def _routes() -> str:
    """The routes of all services and the rights they ask for: they do not hang on which post holds what."""
    told = importlib.import_module("tests.services.access_matrix.test_who_may").rules(Path(tempfile.mkdtemp()))
    return json.dumps([[list(route), rights] for route, rights in told.items()])


def judged(bench: Bench, path: str, tests: Sequence[str], equivalent: set[tuple[str, str]], most: int | None) -> Tally:
    """Run every mutant of a file, or ``most`` of them."""
    tally, usual = Tally(), bench.ready(tests)
    chosen = mutants(PROJECT / path)
    if most is not None and len(chosen) > most:
        chosen = [chosen[place * len(chosen) // most] for place in range(most)]
    for mutant in chosen:
        if (path, mutant.name.strip()) in equivalent:
            tally.equivalent += 1
            continue
        code = bench.run(tests, _Changed(path, mutant.code), max(LEAST_SECONDS, TIMES_THE_USUAL * usual))
        if code is None:
            tally.timed_out.append(mutant)
        elif code == PASSED:
            tally.survived.append(mutant)
        else:
            tally.killed += 1
            tally.broken += code != FAILED
    return tally


@contextlib.contextmanager
def postgres() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory(prefix="rollcall-mutation-") as home:
        server = EmbeddedPostgres(Path(home), free_port(), settings={"fsync": "off"})
        server.start()
        try:
            yield server
        finally:
            server.stop(timeout_seconds=10.0)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", help="one file of the core")
    arguments.add_argument("--events", type=int, help="so many mutants of each file at most")
    told = arguments.parse_args()
    if importlib.util.find_spec("cosmic_ray") is None:
        print("left out: it needs what the tests need (./rollcall test --version fetches it)")
        return
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # other plugins cost a second per mutant
    tests, equivalent = core()
    print(machine_line())
    killed = judged_count = 0
    with postgres() as server:
        bench = Bench(server)
        for path in [told.only] if told.only else list(tests):
            began = time.perf_counter()
            tally = judged(bench, path, tests[path], equivalent, told.events)
            killed, judged_count = killed + tally.killed, judged_count + tally.judged
            _show(path, tally, time.perf_counter() - began)
    share = killed / judged_count if judged_count else 1.0
    print(f"{killed} of {judged_count} killed: {share:.1%} (wanted: {TARGET:.0%})")


def _show(path: str, tally: Tally, seconds: float) -> None:
    print(
        f"{path:36} {tally.killed:4} killed ({tally.broken} on import), {len(tally.survived)} survived,"
        f" {len(tally.timed_out)} timed out, {tally.equivalent} equivalent: {tally.score:.1%}, {seconds:.0f} s",
        flush=True,
    )
    for what, some in (("survived", tally.survived), ("timed out", tally.timed_out)):
        for mutant in some:
            print(f"    {what} {path}:{mutant.line}  {mutant.name}", flush=True)


if __name__ == "__main__":
    main()
