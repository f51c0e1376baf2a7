"""The broker's jars are what the lock file pins, or they are not used."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from deploy import jars
from deploy.errors import DownloadFailed


def test_every_pinned_jar_has_a_full_hash_and_the_roots_are_among_them() -> None:
    pinned = jars.read_lock()
    assert all(len(jar.sha256) == 64 for jar in pinned)
    assert set(jars.ROOTS) <= {f"{jar.group}:{jar.artifact}:{jar.version}" for jar in pinned}


def test_a_torn_download_is_noticed(tmp_path: Path) -> None:
    jar = jars.Jar("org.example", "thing", "1.0", hashlib.sha256(b"whole").hexdigest())
    assert not jar.intact(tmp_path)
    jar.path(tmp_path).parent.mkdir(parents=True)
    jar.path(tmp_path).write_bytes(b"who")
    assert not jar.intact(tmp_path)
    jar.path(tmp_path).write_bytes(b"whole")
    assert jar.intact(tmp_path)


def test_a_jar_that_cannot_be_fetched_is_one_line_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unreachable:
        def project(self, group: str, artifact: str) -> Unreachable:
            raise ConnectionError("no route to host")

    monkeypatch.setattr(jars, "_maven", lambda store: Unreachable())
    monkeypatch.setenv("ROLLCALL_CACHE", str(tmp_path))
    with pytest.raises(DownloadFailed, match=r"no route to host.*KAFKA_BOOTSTRAP_SERVERS") as refused:
        jars.classpath()
    assert "\n" not in str(refused.value)
