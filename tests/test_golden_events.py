"""Events written by earlier versions still read, for ever (design.md §3, invariant 11).

``tests/golden/<type>.json`` holds one sealed event of a type as it was first written and the fields it must show. A
file is never edited; a type without one is refused. For a *new* type: ``python -m tests.test_golden_events``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import types
import typing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import msgspec
import pytest

from cli.events_doc import declared
from shared.eventsourcing.event import Event
from shared.eventsourcing.sealing import NONCE_BYTES, people_of, seal, unseal
from shared.kernel.facts import Fact, FactType, Personal, fact_type

GOLDEN = Path(__file__).parent / "golden"
STREAM, EVENT, PERSON = (UUID(int=n << 64 | 0x8 << 76 | 0x2 << 62 | n) for n in (1, 2, 3))
KEY = hashlib.sha256(b"a key for golden events only").digest()
NONCE = hashlib.sha256(b"a nonce for golden events only").digest()[:NONCE_BYTES]


def sample(hint: Any, name: str) -> Any:
    """A value that fits a field: the same for the same name, and every optional field filled."""
    plain = {str: f"{name}-1", int: 7, float: 0.5, bool: True, date: date(2026, 9, 1), UUID: STREAM}
    plain[datetime] = datetime(2026, 9, 1, 8, tzinfo=UTC)
    if hint in plain:
        return plain[hint]
    if isinstance(hint, type) and issubclass(hint, Personal):
        given = {f.name: sample(f.type, f.name) for f in msgspec.structs.fields(hint) if f.name != "person_id"}
        return hint(person_id=PERSON, **given)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint(**{f.name: sample(f.type, f.name) for f in msgspec.structs.fields(hint)})
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return arguments[0]
    if origin in (types.UnionType, typing.Union):
        return sample(next(option for option in arguments if option is not type(None)), name)
    if origin is tuple:
        return (sample(arguments[0], name),)
    if origin is dict:
        return {"key": sample(arguments[1], name)}
    raise TypeError(f"no sample for {hint!r}")


def made(known: FactType) -> dict[str, Any]:
    """The golden record of a type as it is written today."""
    fields = {f.name: sample(f.type, f.name) for f in msgspec.structs.fields(known.cls)}
    fact: Fact = known.cls(**fields)
    sealed = seal(fact, EVENT, STREAM, 1, {PERSON: KEY} if people_of(fact) else {}, iter([NONCE]))
    return {
        "type": known.name,
        "data": base64.b64encode(sealed).decode(),
        "shows": json.loads(msgspec.json.encode(fact)),
    }


def opened(record: dict[str, Any], keys: dict[UUID, bytes]) -> Fact:
    event = Event(
        *(EVENT, STREAM, 1, record["type"], date(2026, 9, 1), "golden", STREAM, None, None),
        base64.b64decode(record["data"]),
    )
    return unseal(event, keys)


def test_every_declared_type_has_a_golden_file() -> None:
    missing = {known.name for known in declared()} - {path.stem for path in GOLDEN.glob("*.json")}
    assert not missing, f"no golden file for {sorted(missing)}: run python -m tests.test_golden_events"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_an_old_event_still_reads_and_shows_what_it_showed(path: Path) -> None:
    declared()
    record = json.loads(path.read_text("utf-8"))
    assert fact_type(record["type"]).name == path.stem
    shown = json.loads(msgspec.json.encode(opened(record, {PERSON: KEY})))
    assert holds(shown, record["shows"])


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_an_old_event_reads_after_an_erasure_too(path: Path) -> None:
    declared()
    record = json.loads(path.read_text("utf-8"))
    shown = json.loads(msgspec.json.encode(opened(record, {})))
    for name, value in record["shows"].items():
        personal = isinstance(value, dict) and "person_id" in value
        assert shown[name] is None if personal else holds(shown[name], value)


def holds(shown: Any, golden: Any) -> bool:
    """Everything the old event said is still said; fields that were added since may stand beside it."""
    if isinstance(golden, dict) and isinstance(shown, dict):
        return all(name in shown and holds(shown[name], value) for name, value in golden.items())
    return bool(shown == golden)


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for each in declared():
        target = GOLDEN / f"{each.name}.json"
        if not target.exists():
            target.write_text(json.dumps(made(each), ensure_ascii=False, indent=1, sort_keys=True) + "\n", "utf-8")
