"""Every route that gives a file away or shows fields in full carries the mark by which that is recorded."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.responses import FileResponse, StreamingResponse

from cli.events_doc import SERVICES
from deploy.run import built
from shared.hosting.settings import Settings
from shared.web.descriptions import RECORDED_FIELD
from tests.services.installation import SECRETS
from tests.services.test_openapi import described, operations

ALL = tuple(dict.fromkeys([*SERVICES, "audit"]))
_FILE_WORDS = ("export", ".xlsx", ".csv", ".docx", ".zip", ".ndjson", "bundle", "sheet", "download", "print", "scan")
# A template is filled masked unless a purpose is given; then exporting records the fields (test_exports.py).
IN_FULL_FOR_A_PURPOSE = ("registry", "post", "/v1/exports/{kind}/template")
REVEALS = {
    ("registry", "post", "/v1/students/{student_id}/reveal"),
    ("registry", "post", "/v1/students/{student_id}/care/reveal"),
    ("registry", "post", "/v1/exports/{kind}"),
    ("registry", "get", "/v1/papers/{paper_id}/scan"),
    ("registry", "get", "/v1/submissions/{submission_id}/rejects.xlsx"),
    ("matching", "post", "/v1/reviews/{entry_id}/reveal"),
    ("notifications", "post", "/v1/alerts/{alert_id}/reveal"),
    ("disbursement", "post", "/v1/letters/{letter_id}/letter.docx"),
    ("audit", "post", "/v1/person/full"),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str], tuple[APIRoute, dict[str, Any]]]:
    found = {}
    home = tmp_path_factory.mktemp("recorded")
    for name in ALL:
        routes, description = described(name, home)
        by_path = {(route.path_format, method.lower()): route for route in routes for method in route.methods or ()}
        for path, method, operation in operations(description):
            if (path, method) in by_path:
                found[name, method, path] = by_path[path, method], operation
    return found


def media_types(operation: dict[str, Any]) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            yield from answer.get("content", {})


def gives_a_file(route: APIRoute, operation: dict[str, Any]) -> bool:
    """By the class of its answer, by its media types, by its name, or because its code says so."""
    kind = route.response_class
    by_class = isinstance(kind, type) and issubclass(kind, FileResponse | StreamingResponse)
    others = set(media_types(operation)) - {"application/json", "text/plain", "text/event-stream"}
    stream = route.path_format.endswith("/stream")
    said = "content-disposition" in inspect.getsource(route.endpoint)
    named = any(word in route.path_format for word in _FILE_WORDS)
    return not stream and (by_class or bool(others) or named or said)


def test_every_route_whose_answer_is_a_file_or_that_is_named_so_is_marked_as_an_export(told: Any) -> None:
    files = {key for key, (route, operation) in told.items() if gives_a_file(route, operation)}
    marked = {key for key, (_, operation) in told.items() if "exports" in operation.get(RECORDED_FIELD, ())}
    assert len(marked) >= 14
    assert files <= marked, f"require(…, exports=True): {sorted(files - marked)}"


def test_every_route_that_shows_fields_in_full_is_marked(told: Any) -> None:
    marked = {key for key, (_, operation) in told.items() if "reveals" in operation.get(RECORDED_FIELD, ())}
    assert marked == REVEALS
    named = {key for key in told if "reveal" in key[2] or key[2].endswith("/full")}
    asks = {key for key, (_, operation) in told.items() if "purpose" in _asked(operation, key, told)}
    assert named | asks <= marked | {IN_FULL_FOR_A_PURPOSE}, "a purpose is asked for to show more"


def _asked(operation: dict[str, Any], key: tuple[str, str, str], told: Any) -> set[str]:
    """The names of what a route asks for in its query or body."""
    route = told[key][0]
    names = {each["name"] for each in operation.get("parameters", ())}
    for body in route.dependant.body_params:
        fields = getattr(body.field_info.annotation, "model_fields", {})
        names |= set(fields)
    return names


@pytest.mark.parametrize("name", ALL)
def test_every_service_records_what_people_are_refused_and_take_away(name: str, tmp_path: Path) -> None:
    secrets = {each: bytes(32) for each in (*SECRETS, f"hmac-{name}", f"log-{name}")}
    service = built(
        name,
        Settings(
            service=name, division="469000", environment="test", home=tmp_path, port=0,
            bootstrap_servers="127.0.0.1:1", database_url="postgresql://nobody:word@127.0.0.1:1/none",
            keys_database_url="postgresql://nobody:word@127.0.0.1:1/none", secrets=secrets,
        ),
    )  # fmt: skip
    assert service.acts is not None
    refused, exported = service.acts
    assert (refused.__name__, exported.__name__) == ("AccessRefused", "DataExported")
    assert {refused.__module__, exported.__module__} == {f"services.{name}.events"}
