"""`verify leaves` on files: an untouched export passes, and no changed byte makes it pass for another log."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree
from typer.testing import CliRunner

from cli.main import build_app
from deploy.errors import StartRefused
from services.audit.domain import LogBroken, verify_log
from services.audit.export import NotAnExport, read_lines, to_line
from tests.services.audit.test_domain import a_log

LOG = a_log(12)
EXPORT = b"".join(map(to_line, LOG))
ATTRIBUTES = (
    *("specversion", "source", "id", "type", "subject", "streamversion", "effectiveon", "principal", "commandid"),
    *("causeid", "causerecordedat", "datacontenttype", "logindex", "recordedat"),
)
runner = CliRunner()


def verify(file: Path, *options: str) -> dict[str, object]:
    result = runner.invoke(build_app(), ["verify", "leaves", str(file), "--json", *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "registry.ndjson"
    path.write_bytes(EXPORT)
    return path


def preimage(line: bytes) -> bytes:
    """What a leaf covers behind its 0x00, put together from the exported text alone (design.md, invariant 1)."""
    named = json.loads(line)
    covered = b""
    for name in ATTRIBUTES:
        text = None if named[name] is None else named[name].encode()
        covered += b"\xff\xff\xff\xff" if text is None else len(text).to_bytes(4, "big") + text
    return covered + base64.b64decode(named["data"])


def test_the_tree_head_is_the_one_an_independent_implementation_computes(file: Path) -> None:
    tree = InmemoryTree(algorithm="sha256")
    for line in EXPORT.splitlines():
        tree.append_entry(preimage(line))
    told = verify(file)
    assert (told["events"], told["root"]) == (len(LOG), tree.get_root().hex())
    assert verify(file, "--root", tree.get_root().hex().upper()) == told


@pytest.mark.parametrize("index", [1, 7, 12])
def test_one_changed_byte_is_refused_with_its_index(file: Path, index: int) -> None:
    lines = EXPORT.splitlines(keepends=True)
    wrong = lines[index - 1].replace(b'"principal":"test"', b'"principal":"tesu"')
    assert sum(a != b for a, b in zip(wrong, lines[index - 1], strict=True)) == 1
    lines[index - 1] = wrong
    file.write_bytes(b"".join(lines))
    with pytest.raises(StartRefused, match=rf"registry #{index}: wrong_leaf"):
        verify(file)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(EXPORT) - 1), flip=st.integers(1, 255))
def test_no_changed_byte_makes_another_log_that_passes(place: int, flip: int) -> None:
    """Some bytes mean the same when changed (hex in capitals): then the very same events are read."""
    changed = EXPORT[:place] + bytes([EXPORT[place] ^ flip]) + EXPORT[place + 1 :]
    try:
        verify_log(read_lines(changed.splitlines(keepends=True)))
    except (NotAnExport, LogBroken):
        return
    assert list(read_lines(changed.splitlines(keepends=True))) == LOG


def test_a_log_that_was_cut_has_another_tree_head(file: Path) -> None:
    root = str(verify(file)["root"])
    file.write_bytes(b"".join(EXPORT.splitlines(keepends=True)[:-1]))
    with pytest.raises(StartRefused, match="has the tree head"):
        verify(file, "--root", root)


def test_a_missing_line_is_named(file: Path) -> None:
    lines = EXPORT.splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:4] + lines[5:]))
    with pytest.raises(StartRefused, match="registry #5: missing"):
        verify(file)


def test_an_empty_file_proves_nothing(file: Path) -> None:
    file.write_bytes(b"")
    with pytest.raises(StartRefused, match="holds no event"):
        verify(file)


@pytest.mark.parametrize("arguments", [[], ["no-such-file"], ["x.ndjson", "--from-running", "registry"]])
def test_a_wrong_usage_is_told_with_exit_code_2(arguments: list[str]) -> None:
    assert runner.invoke(build_app(), ["verify", "leaves", *arguments]).exit_code == 2
