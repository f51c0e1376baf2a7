"""AsyncAPI 3.0 of a service's log, generated from its fact classes: what a reader of the topic may rely on.

A message is a CloudEvent in Kafka's binary binding; its payload is the fact as it stands in the record, each personal
block in its sealed form. The plain form of a block stands beside it under ``x-sealed``, for whoever holds the key.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import msgspec

from shared.eventsourcing.event import DATA_CONTENT_TYPE
from shared.kernel.facts import FactType, fact_types, personal_fields
from shared.messaging.codec import HEADER_OF, LEAF_HEADER, PREVIOUS_HEADER, TRACEPARENT_HEADER

VERSION = "3.0.0"
_SCHEMAS = "#/components/schemas/{name}"
_SEALED: dict[str, Any] = {
    "title": "Sealed",
    "description": "A personal block under the key of the one person it is about: AES-256-GCM, a nonce of 12 bytes"
    " before the ciphertext, bound to event id, stream, version and person.",
    "type": "object",
    "properties": {
        "person": {"type": "string", "format": "uuid"},
        "box": {"type": "string", "contentEncoding": "base64"},
    },
    "required": ["person", "box"],
    "additionalProperties": False,
}


def document(service: str, partitions: int, topic: str | None = None) -> dict[str, Any]:
    """The description of ``service``, whose facts must be declared, with a log of so many partitions. ``topic`` None:
    of any installation, its division being a parameter of the address."""
    known = fact_types(service)
    messages = {each.name: _message(each) for each in known}
    channel: dict[str, Any] = {
        "address": topic or f"rollcall.{{division}}.{service}.log",
        "title": f"Log of {service}",
        "description": "Every fact, in the order of its stream; never compacted, never expiring. Duplicates are"
        f" possible, gaps are not: `{PREVIOUS_HEADER}` names the record before in the same partition.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {
            "kafka": {
                "partitions": partitions,
                "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": -1},
                "bindingVersion": "0.5.0",
            }
        },
    }
    if topic is None:
        channel["parameters"] = {"division": {"description": "Six digits: one installation is one division."}}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": f"Rollcall {service}",
            "version": "1",
            "description": "Schemas only grow compatibly: fields are added with defaults; a type name has its version.",
        },
        "defaultContentType": DATA_CONTENT_TYPE,
        "channels": {"log": channel},
        "operations": {"publish": {"action": "send", "channel": {"$ref": "#/channels/log"}}},
        "components": {"messages": messages, "schemas": _schemas(known)},
    }


def _message(known: FactType) -> dict[str, Any]:
    described = " ".join(inspect.cleandoc(known.cls.__doc__ or "").replace("``", "`").split())
    return {
        "name": known.name,
        "title": known.cls.__name__,
        "description": described,
        "contentType": DATA_CONTENT_TYPE,
        "headers": {
            "type": "object",
            "allOf": [{"$ref": _SCHEMAS.format(name="Attributes")}],
            "properties": {HEADER_OF["type"]: {"const": known.name}},
        },
        "payload": {"$ref": _SCHEMAS.format(name=known.cls.__name__)},
        "bindings": {"kafka": {"key": {"type": "string", "format": "uuid"}, "bindingVersion": "0.5.0"}},
    }


def _attributes() -> dict[str, Any]:
    """The headers of every record."""
    names = [*HEADER_OF.values(), PREVIOUS_HEADER, LEAF_HEADER, TRACEPARENT_HEADER]
    optional = {TRACEPARENT_HEADER, *(HEADER_OF[name] for name in ("causeid", "causerecordedat"))}
    return {
        "title": "Attributes",
        "description": "CloudEvents 1.0, binary binding; outside the event ride the last three.",
        "type": "object",
        "properties": {name: {"type": "string"} for name in names},
        "required": [name for name in names if name not in optional],
    }


def _schemas(known: Sequence[FactType]) -> dict[str, Any]:
    """A schema per fact as it is on the wire, and per personal block as it is once opened."""
    _, found = msgspec.json.schema_components([each.cls for each in known], ref_template=_SCHEMAS)
    for each in known:
        for field, block in personal_fields(each.cls).items():
            found[each.cls.__name__]["properties"][field] = {
                "anyOf": [{"$ref": _SCHEMAS.format(name="Sealed")}, {"type": "null"}],
                "default": None,
                "x-sealed": {"$ref": _SCHEMAS.format(name=block.__name__)},
            }
            found["Sealed"] = _SEALED
    return {name: _described(found[name]) for name in sorted(found)} | {"Attributes": _attributes()}


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its sentence on one line."""
    if "description" not in schema:
        return schema
    return schema | {"description": " ".join(str(schema["description"]).replace("``", "`").split())}
