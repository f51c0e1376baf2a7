"""docs/security.md speaks of every chapter of the standard, one of four things of each row, and of real files."""

from __future__ import annotations

import re

from tests.test_layout import PROJECT

TEXT = (PROJECT / "docs" / "security.md").read_text("utf-8")
STATES = {"met", "partly", "not met", "not applicable"}


def test_every_chapter_is_there_and_each_row_says_where_it_stands() -> None:
    chapters = re.findall(r"^### V(\d+) ", TEXT, re.MULTILINE)
    assert chapters == [str(number) for number in range(1, 18)]
    rows = re.findall(r"^\| (\d+\.\d+[^|]*) \| ([^|]+) \| ([^|]+) \|$", TEXT, re.MULTILINE)
    assert len(rows) > 60
    assert {state.strip() for _, state, _ in rows} <= STATES
    assert all(where.strip() for _, _, where in rows)


def test_what_it_points_to_exists() -> None:
    named = set(re.findall(r"`((?:docs|deploy|services|shared|tests|cli)/[\w./-]+)`", TEXT))
    assert len(named) > 40
    assert [path for path in sorted(named) if not (PROJECT / path).exists()] == []


def test_the_tests_it_names_exist() -> None:
    named = re.findall(r"`(tests/[\w./-]+)::(\w+)`", TEXT)
    assert named
    for path, name in named:
        assert f"def {name}(" in (PROJECT / path).read_text("utf-8"), name
