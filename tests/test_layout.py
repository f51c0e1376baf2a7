"""The shape of the code itself: sizes, names, leftovers, and nothing of one machine or registry in a file."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = ("cli", "deploy", "services", "shared", "simulation", "bench", "tests")
MODULES = sorted(path for package in PACKAGES for path in (PROJECT / package).rglob("*.py"))

LONGEST_MODULE_LINES = 400
LONGEST_FUNCTION_LINES = 70
EMPTY_WORDS = {"utils", "util", "helpers", "helper", "managers", "manager", "common", "misc", "base"}
LIBRARY_NAMES = {"kafka", "logging", "platform", "faust", "mode", "psycopg", "sqlalchemy", "fastapi", "json", "time"}
# Spelled in pieces, so that this file passes its own test.
REGISTRY_HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "maven" + ".org",
    "apache" + ".org/maven2",
    "registry." + "npmjs",
    "deb.debian" + ".org",
)
MACHINE_PATHS = re.compile(r"(?<![\w.])/(" + "|".join(("wor" + "k", "ro" + "ot", "ho" + "me", "tm" + r"p/s")) + r")/")


def relative(path: Path) -> str:
    """A path as the reader of a failure knows it."""
    return str(path.relative_to(PROJECT))


def tracked_text_files() -> list[Path]:
    """Every tracked file that is text; in a copy without git, every file of the packages."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, check=False)
    paths = (
        [PROJECT / name for name in listed.stdout.decode().split("\0") if name] if listed.returncode == 0 else MODULES
    )
    texts = []
    for path in paths:
        try:
            path.read_text("utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        texts.append(path)
    return texts


def functions(path: Path) -> list[tuple[str, int]]:
    """Name and length in lines of every function of a module."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, kinds)]
    return [(node.name, (node.end_lineno or node.lineno) - node.lineno + 1) for node in nodes]


def test_a_module_holds_one_idea() -> None:
    lengths = {relative(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE_LINES} == {}


def test_a_function_fits_a_screen() -> None:
    long = {
        f"{relative(path)}:{name}": lines
        for path in MODULES
        for name, lines in functions(path)
        if lines > LONGEST_FUNCTION_LINES
    }
    assert long == {}


def test_no_module_is_named_for_nothing_or_like_a_library() -> None:
    refused = EMPTY_WORDS | LIBRARY_NAMES
    assert [relative(path) for path in MODULES if path.stem in refused or path.parent.name in refused] == []


def test_every_folder_of_code_is_a_package() -> None:
    folders = {path.parent for path in MODULES}
    assert [relative(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
    assert [relative(path) for path in MODULES if marks.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize("host", REGISTRY_HOSTS)
def test_no_file_names_a_registry(host: str) -> None:
    assert [relative(path) for path in tracked_text_files() if host in path.read_text("utf-8")] == []


def test_no_file_knows_a_folder_of_one_machine() -> None:
    found = {}
    for path in tracked_text_files():
        hit = MACHINE_PATHS.search(path.read_text("utf-8"))
        if hit:
            found[relative(path)] = hit.group()
    assert found == {}


def test_every_pin_carries_its_hash_and_no_address() -> None:
    for path in PROJECT.glob("requirements*.txt"):
        text = path.read_text()
        pins = text.replace("\\\n", " ").splitlines()
        assert [pin for pin in pins if "==" in pin and "--hash=sha256:" not in pin] == [], path.name
        assert "://" not in text, path.name
        assert not re.search(r"^\s*(-i|-f|--index|--extra-index|--find-links)", text, re.MULTILINE), path.name
