"""What every service's OpenAPI description says of all routes alike: which rights a route asks for, keys of commands,
and how one is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from shared.web.commands import IDEMPOTENCY_HEADER
from shared.web.problems import MEDIA_TYPE
from shared.web.viewers import Rule

RIGHT_FIELD = "x-rollcall-right"
RECORDED_FIELD = "x-rollcall-recorded"  # exports, reveals: what is recorded before the answer leaves
_WRITES = ("post", "put", "patch", "delete")
# Status → what it means, the same for every route. 5xx but 503 is a fault of ours and therefore not promised.
REFUSALS = {
    "400": "Not understood",
    "401": "No token, or none that can be trusted",
    "403": "Not permitted",
    "404": "Not found, or not for this viewer to know of",
    "409": "The state of the world says no",
    "422": "Malformed; errors name the fields, never their values",
    "429": "Too often; Retry-After says when to come back",
    "503": "For the moment not available, the event store included; Retry-After says when to come back",
}
REFUSALS_OF_WRITES = {
    "412": "Changed by someone else since it was read (If-Match)",
    "413": "The body is too large",
    "415": "The body is of no kind this route takes",
    "428": "If-Match is needed",
}
_PASSING = ("429", "503")
_RETRY_AFTER: dict[str, Any] = {
    "Retry-After": {"schema": {"type": "integer", "minimum": 0}, "description": "Seconds to wait, where it is known"}
}
_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "facts": {"type": "object"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def describe_alike(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Say of each of ``routes`` which rights (one of them) it asks for; of every route of ``app``, that a POST carries
    an Idempotency-Key and with which problems it may be refused."""
    plain = app.openapi
    rules = _rules(routes)

    def described() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        schema = plain()
        for path, operations in schema.get("paths", {}).items():
            for method, operation in operations.items():
                if rule := rules.get((path, method)):
                    operation[RIGHT_FIELD] = [right.value for right in rule.rights]
                    if recorded := _recorded(rule):
                        operation[RECORDED_FIELD] = recorded
                if method == "post":
                    operation.setdefault("parameters", []).append(_KEY)
                _describe_refusals(method, operation.setdefault("responses", {}))
        components = schema.setdefault("components", {})
        components.setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
        components["responses"] = {
            f"Refused{status}": {**_refused(said), **({"headers": _RETRY_AFTER} if status in _PASSING else {})}
            for status, said in {**REFUSALS, **REFUSALS_OF_WRITES}.items()
        }
        return schema

    app.openapi = described  # type: ignore[method-assign]


def _recorded(rule: Rule) -> list[str]:
    return [name for name in ("exports", "reveals") if getattr(rule, name)]


def _rules(routes: Sequence[BaseRoute]) -> dict[tuple[str, str], Rule]:
    """(path, method) → its rule. Rules that stand in a row all hold: the last one, the route's own, is told."""
    return {
        (route.path_format, method.lower()): found[-1]
        for route in routes
        if isinstance(route, APIRoute)
        if (found := rules_of(route.dependant))
        for method in route.methods or ()
    }


def rules_of(dependant: Dependant) -> list[Rule]:
    """The rules a route depends on, in the order in which they are asked."""
    own = [dependant.call] if isinstance(dependant.call, Rule) else []
    return [*(rule for inner in dependant.dependencies for rule in rules_of(inner)), *own]


def _describe_refusals(method: str, responses: dict[str, Any]) -> None:
    every = {**REFUSALS, **(REFUSALS_OF_WRITES if method in _WRITES else {})}
    for status in every:
        if status == "422" or status not in responses:  # the framework describes a 422 that we never send
            responses[status] = {"$ref": f"#/components/responses/Refused{status}"}
    responses["default"] = _refused("Refused or failed (RFC 9457)")


def _refused(said: str) -> dict[str, Any]:
    return {
        "description": said,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


_KEY: dict[str, Any] = {
    "name": IDEMPOTENCY_HEADER,
    "in": "header",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
    "description": "Sending the same request again with the same key does it once.",
}
