"""Writes docs/events.md and docs/asyncapi/ from the declared facts: ``python -m cli.events_doc [--check]``.

They are generated, so they cannot go stale: a test compares them, and ``--check`` exits with 1 when one differs.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import types
import typing
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec

from shared.hosting.settings import PARTITIONS
from shared.kernel.facts import FactType, Personal, fact_types, personal_fields
from shared.messaging import asyncapi

PAGE = Path(__file__).resolve().parent.parent / "docs" / "events.md"
SERVICES = ("access", "registry", "matching", "disbursement", "visits", "notifications", "audit")

_WORDS: dict[Any, str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "yes/no",
    date: "date",
    datetime: "moment",
    UUID: "uuid",
    type(None): "null",
}
_HEAD = """# Events

Every fact that is ever recorded, generated from the declarations in `services/*/events.py` by
`python -m cli.events_doc`; do not edit. A type name carries its version. Schemas only grow compatibly: the files in
`tests/golden/` hold one old event per type and are never changed.

On the wire an event is a CloudEvent 1.0 in Kafka's binary binding: the attributes `specversion`, `source`, `id`,
`type`, `subject` (the stream), `streamversion`, `effectiveon`, `principal`, `commandid`, `causeid`, `causerecordedat`,
`datacontenttype`, `logindex` and `recordedat` as headers `ce_…`, the fact as JSON in the value. Fields marked
**sealed** are personal: encrypted under the key of the one person they are about, `null` after that person's erasure.
`traceparent`, `prevlogindex` and `leaf` ride beside the event and are no part of it.

Each service also says this in AsyncAPI 3: `/asyncapi.json`, and [asyncapi/](asyncapi/) of any installation.

Topics: `rollcall.<division>.<service>.log`, four partitions, never compacted, never expiring.
"""


def declared() -> list[FactType]:
    """Every fact of every service, by service in the order of the flow, then by name."""
    for service in SERVICES:
        importlib.import_module(f"services.{service}.events")
    return [known for service in SERVICES for known in fact_types(service)]


def page() -> str:
    """The whole page as Markdown."""
    parts = [_HEAD]
    service = ""
    for known in declared():
        if known.service != service:
            service = known.service
            parts.append(f"\n## {service}\n")
        parts.append(_section(known))
    return "".join(parts)


def _section(known: FactType) -> str:
    lines = [f"\n### `{known.name}`\n", f"{_sentence(known.cls)}\n"]
    fields = msgspec.structs.fields(known.cls)
    if fields:
        lines += ["\n| field | type | |\n", "|---|---|---|\n"]
        blocks = personal_fields(known.cls)
        lines += [row for field in fields for row in _rows(field, blocks.get(field.name))]
    return "".join(lines)


def _rows(field: msgspec.structs.FieldInfo, block: type[Personal] | None) -> Iterator[str]:
    if block is None:
        optional = "" if field.required else "optional"
        yield f"| `{field.name}` | {_type(field.type)} | {optional} |\n"
        return
    yield f"| `{field.name}` | {block.__name__} or null | **sealed** |\n"
    for inner in msgspec.structs.fields(block):
        yield f"| `{field.name}.{inner.name}` | {_type(inner.type)} | **sealed** |\n"


def _sentence(cls: type) -> str:
    return " ".join(inspect.cleandoc(cls.__doc__ or "").replace("``", "`").split())


def _type(hint: Any) -> str:
    """A type in plain words."""
    if hint in _WORDS:
        return _WORDS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin in (types.UnionType, typing.Union):
        words = [_type(option) for option in arguments if option is not type(None)]
        return " or ".join([*words, "null"] if type(None) in arguments else words)
    if origin in (tuple, list):
        return f"list of {_type(arguments[0])}"
    if origin is dict:
        return f"{_type(arguments[0])} → {_type(arguments[1])}"
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        parts = (f"{field.name}: {_type(field.type)}" for field in msgspec.structs.fields(hint))
        return f"({'; '.join(parts)})"
    raise TypeError(f"no words for {hint!r}")


def files() -> dict[Path, str]:
    """Every generated file: the page, and one AsyncAPI document per service."""
    declared()
    documents = {
        PAGE.parent / "asyncapi" / f"{service}.json": json.dumps(
            asyncapi.document(service, PARTITIONS), ensure_ascii=False, indent=1, sort_keys=True
        )
        + "\n"
        for service in SERVICES
    }
    return {PAGE: page(), **documents}


def main() -> int:
    """Write the files, or check them."""
    for path, text in files().items():
        if "--check" not in sys.argv[1:]:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
