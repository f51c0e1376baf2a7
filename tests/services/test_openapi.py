"""OpenAPI 3.1 of every service: each route is in it, explained, with its key, its answer and its refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from cli.events_doc import SERVICES
from deploy.run import built
from shared.hosting.settings import Settings
from shared.transparency.routes import log_routes, store_routes
from shared.web.application import create_app
from tests.services.installation import SECRETS

METHODS = frozenset(("get", "post", "put", "patch", "delete"))


def described(name: str, home: Path) -> tuple[list[APIRoute], dict[str, Any]]:
    secrets = {each: bytes(32) for each in (*SECRETS, f"hmac-{name}", f"log-{name}")}
    settings = Settings(
        service=name,
        division="469000",
        environment="test",
        home=home,
        port=0,
        bootstrap_servers="127.0.0.1:1",
        database_url="postgresql://nobody:word@127.0.0.1:1/none",
        keys_database_url="postgresql://nobody:word@127.0.0.1:1/none",
        secrets=secrets,
    )
    service = built(name, settings)
    source = settings.source
    routers = [*service.routers, log_routes(service.database, source, "469000")]
    routers.append(store_routes(service.database, source, lambda: b""))
    routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
    return routes, create_app(name, routers, authenticator=None).openapi()


def operations(told: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield path, method, operation


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


@pytest.mark.parametrize("name", [*SERVICES, "audit"])
def test_every_route_is_described(name: str, tmp_path: Path) -> None:
    routes, told = described(name, tmp_path)
    assert told["openapi"].startswith("3.1.")
    known = {(path, method) for path, method, _ in operations(told)}
    mine = {(route.path_format, method.lower()) for route in routes for method in route.methods or ()}
    assert len(mine) >= 4 and mine == {(path, method) for path, method in known if path.startswith("/v1/")}
    names = [operation["operationId"] for _, _, operation in operations(told)]
    assert len(names) == len(set(names))
    for reference in set(references(told)):
        node: Any = told
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]
        assert node, reference
    for path, method, operation in operations(told):
        where = f"{method} {path}"
        answers = operation["responses"]
        assert operation["summary"] and any(code.startswith("2") for code in answers), where
        assert "application/problem+json" in answers["default"]["content"], where
        keyed = [each for each in operation.get("parameters", ()) if each["name"].lower() == "idempotency-key"]
        assert len(keyed) == (method == "post"), where
        told_in_path = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
        assert told_in_path == {part.split("}")[0] for part in path.split("{")[1:]}, where
