"""Every call to the outside goes through shared/outgoing: nobody opens a connection around its rules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.test_layout import PROJECT, relative

PACKAGES = ("cli", "deploy", "services", "shared", "simulation")
ONE_PLACE = PROJECT / "shared" / "outgoing"
OPENS = {"Client", "AsyncClient", "HTTPTransport", "AsyncHTTPTransport", "get", "post", "put", "patch", "delete",
         "head", "options", "request", "stream"}  # fmt: skip
OTHER_CLIENTS = ("urllib.request", "urllib3", "http.client", "requests", "aiohttp", "websockets", "ftplib", "smtplib",
                 "telnetlib", "socketserver", "httpx2")  # fmt: skip
# The supervisor asks its own children whether they are well, on the loopback address and nowhere else.
LOOPBACK_ONLY = {"deploy/parts.py": "http.client", "deploy/status.py": "http.client"}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((PROJECT / package).rglob("*.py")):
            text = "" if ONE_PLACE in path.parents else path.read_text("utf-8")
            if any(name.split(".")[0] in text for name in ("httpx", *OTHER_CLIENTS)):
                yield path, ast.parse(text)


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def test_only_one_place_opens_an_http_connection() -> None:
    around = [
        f"{relative(path)}:{node.lineno} httpx.{node.attr}"
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "httpx"
        and node.attr in OPENS and not _only_named(tree, node)
    ]  # fmt: skip
    around += [
        f"{relative(path)} from httpx import …"
        for path, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "httpx"
    ]
    assert not around, "go through shared/outgoing (fetching, exchange, neighbours): " + ", ".join(around)


def test_no_other_client_library_is_used() -> None:
    used = {(relative(path), name) for path, tree in modules() for name in imported(tree) if name in OTHER_CLIENTS}
    assert used == set(LOOPBACK_ONLY.items())
    for name in LOOPBACK_ONLY:
        text = (PROJECT / name).read_text()
        assert text.count("HTTPConnection(") == text.count("HTTPConnection(ports.LOOPBACK,") == 1


def _only_named(tree: ast.Module, node: ast.Attribute) -> bool:
    """Whether the name stands in an annotation or a type argument, and is not called."""
    return not any(isinstance(call, ast.Call) and call.func is node for call in ast.walk(tree))
