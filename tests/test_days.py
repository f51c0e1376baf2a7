"""The tests are green whenever they run, also across midnight: none holds the day of its import, none begins too late
to end on the day it began."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.midnight import seconds_to_wait

TESTS = Path(__file__).resolve().parent
CLOCKS = {"today", "utc_now", "now", "utcnow"}


def clocks_read_at_import(node: ast.AST) -> Iterator[str]:
    """Every call of a clock that runs when the module is imported: not those in a function's body, but those in its
    decorators and defaults."""
    inner = ast.iter_child_nodes(node)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        inner = iter([*node.decorator_list, node.args])
    elif isinstance(node, ast.Lambda):
        inner = iter([node.args])
    elif isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in CLOCKS:
            yield f"{node.lineno}: {ast.unparse(node)}"
    for each in inner:
        yield from clocks_read_at_import(each)


def test_no_test_holds_the_day_of_its_import() -> None:
    """A service asks for the day when it runs; a constant of yesterday would then be yesterday's all night."""
    found = {
        str(path.relative_to(TESTS)): read
        for path in sorted(TESTS.rglob("*.py"))
        if (read := list(clocks_read_at_import(ast.parse(path.read_text("utf-8")))))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("code", "calls"),
    [
        ("DAY = today() - timedelta(days=1)", 1),
        ("class Town:\n    since = clock.today()", 1),
        ("def told(on=today(), *, at=utc_now()): ...", 2),
        ("@given(days(datetime.now(UTC)))\ndef test(): today()", 1),
        ("BEGINS = {'day': [date.today()]}", 1),
        ("async def told():\n    return today()", 0),
        ("told = lambda: today()", 0),
    ],
)
def test_a_clock_read_at_import_is_found_wherever_it_stands(code: str, calls: int) -> None:
    assert len(list(clocks_read_at_import(ast.parse(code)))) == calls


@pytest.mark.parametrize(
    ("hour", "minute", "second", "seconds"),
    [(15, 58, 59, 0), (15, 59, 0, 60), (15, 59, 59, 1), (16, 0, 0, 0), (0, 0, 0, 0)],
)
def test_a_test_waits_for_the_next_day_in_the_last_minute_only(
    hour: int, minute: int, second: int, seconds: int
) -> None:
    assert seconds_to_wait(datetime(2026, 12, 31, hour, minute, second, tzinfo=UTC)) == seconds
