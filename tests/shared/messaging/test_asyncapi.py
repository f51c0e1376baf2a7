"""AsyncAPI says what is on the wire: every type, every field, and every golden event fits its schema."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import msgspec
import pytest
from fastapi.testclient import TestClient

from cli.events_doc import SERVICES, declared
from deploy.topics import TOPICS_FILE
from shared.eventsourcing.event import Event, Logged
from shared.hosting.descriptions import asyncapi_routes
from shared.hosting.settings import PARTITIONS
from shared.kernel.facts import fact_types, personal_fields
from shared.messaging.asyncapi import document
from shared.messaging.codec import encode
from shared.web.application import create_app

GOLDEN = sorted((Path(__file__).parents[2] / "golden").glob("*.json"))
DOCUMENTS = {service: document(service, PARTITIONS) for service in SERVICES if declared()}


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            yield from references(value)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


def found_at(document: dict[str, Any], reference: str) -> Any:
    node: Any = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


@pytest.mark.parametrize("service", SERVICES)
def test_the_document_has_the_shape_of_asyncapi_3(service: str) -> None:
    told = DOCUMENTS[service]
    assert told["asyncapi"] == "3.0.0" and {"title", "version"} <= set(told["info"])
    assert set(told) <= {
        *("asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components")
    }
    for reference in references(told):
        assert reference.startswith("#/") and found_at(told, reference) is not None, reference
    for channel in told["channels"].values():
        assert channel["address"] and channel["messages"]
        assert set(channel.get("parameters", {})) == {part.split("}")[0] for part in channel["address"].split("{")[1:]}
        assert channel["bindings"]["kafka"]["partitions"] == PARTITIONS
    for operation in told["operations"].values():
        assert operation["action"] in ("send", "receive") and operation["channel"]["$ref"] in ("#/channels/log",)
    for name, message in told["components"]["messages"].items():
        assert message["name"] == name and message["description"] and message["payload"]
        assert message["headers"]["properties"]["ce_type"] == {"const": name}
    attributes = told["components"]["schemas"]["Attributes"]
    assert set(attributes["required"]) < set(attributes["properties"])


@pytest.mark.parametrize("service", SERVICES)
def test_every_type_and_every_field_is_in_it(service: str) -> None:
    told = DOCUMENTS[service]
    assert set(told["channels"]["log"]["messages"]) == {known.name for known in fact_types(service)}
    for known in fact_types(service):
        payload = found_at(told, told["components"]["messages"][known.name]["payload"]["$ref"])
        assert set(payload["properties"]) == {field.name for field in msgspec.structs.fields(known.cls)}
        for field, block in personal_fields(known.cls).items():
            plain = found_at(told, payload["properties"][field]["x-sealed"]["$ref"])
            assert set(plain["properties"]) == {each.name for each in msgspec.structs.fields(block)}
            assert "anyOf" in payload["properties"][field], "on the wire a block is sealed or null"


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_an_event_as_it_was_once_written_fits_its_schema(path: Path) -> None:
    record = json.loads(path.read_text("utf-8"))
    told = DOCUMENTS[record["type"].split(".")[0]]
    payload = told["components"]["messages"][record["type"]]["payload"]
    schema = {**payload, "components": told["components"]}
    data = json.loads(base64.b64decode(record["data"]))
    validator = jsonschema_rs.validator_for(schema)
    validator.validate(data)
    required = found_at(told, payload["$ref"]).get("required", ())
    for name in required:
        assert not validator.is_valid({key: value for key, value in data.items() if key != name}), name


def test_the_headers_told_are_those_of_a_record() -> None:
    cause, moment = UUID(int=3), datetime(2026, 9, 1, tzinfo=UTC)
    event = Event(UUID(int=1), UUID(int=2), 1, "registry.DayOpened.v1", moment.date(), "x", cause, cause, moment, b"{}")
    _, _, headers = encode(Logged("//rollcall/469000/registry", 1, moment, bytes(32), event), 0, "00-trace")
    assert set(DOCUMENTS["registry"]["components"]["schemas"]["Attributes"]["properties"]) == {
        name for name, _ in headers
    }


def test_the_partitions_told_are_those_of_the_topics() -> None:
    assert f"partitions: {PARTITIONS}" in TOPICS_FILE.read_text("utf-8")


def test_a_service_serves_its_own() -> None:
    app = create_app("registry", [asyncapi_routes("registry", "rollcall.469000.registry.log")], authenticator=None)
    with TestClient(app) as client:
        told = client.get("/asyncapi.json").json()
        assert told["channels"]["log"]["address"] == "rollcall.469000.registry.log"
        assert "parameters" not in told["channels"]["log"]
        assert "/asyncapi.json" not in client.get("/openapi.json").json()["paths"]
