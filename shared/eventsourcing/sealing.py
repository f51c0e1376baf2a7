"""Facts to bytes and back: personal blocks sealed with AES-256-GCM under the key of the one person they are about.

The bytes are JSON. A personal block stands in them as ``{"person": id, "box": base64(nonce ‖ ciphertext ‖ tag)}``; the
additional data binds it to its event id, stream, version and person, so a box cannot be moved to another event
(design.md §3, invariant 14). A block whose key is gone opens to ``None``: the one tombstone.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.eventsourcing.event import Event
from shared.kernel.facts import Fact, Personal, fact_type, personal_fields

NONCE_BYTES = 12
_NONCES_AT_ONCE = 64
_BOUND_BYTES = 16 + 16 + 8 + 16
KEY_BYTES = 32


class Box(msgspec.Struct, frozen=True):
    """One sealed personal block on the wire."""

    person: UUID
    box: bytes


class SealBroken(Exception):
    """A box does not open under its person's key: altered, moved from another event, or the wrong key."""


_encoder = msgspec.json.Encoder()


@functools.cache
def _wire(cls: type[Fact]) -> tuple[msgspec.json.Decoder[Any], tuple[tuple[str, msgspec.json.Decoder[Any]], ...]]:
    """The decoder of a fact's sealed form, and a decoder for each of its personal blocks."""
    blocks = personal_fields(cls)
    if not blocks:
        return msgspec.json.Decoder(cls), ()
    fields: list[Any] = []
    for field in msgspec.structs.fields(cls):
        kind: Any = Box | None if field.name in blocks else field.type
        if field.default is not msgspec.NODEFAULT:
            fields.append((field.name, kind, field.default))
        elif field.default_factory is not msgspec.NODEFAULT:
            fields.append((field.name, kind, msgspec.field(default_factory=field.default_factory)))
        else:
            fields.append((field.name, kind))
    struct = msgspec.defstruct(f"Sealed{cls.__name__}", fields, frozen=True, kw_only=True)
    return msgspec.json.Decoder(struct), tuple((name, msgspec.json.Decoder(block)) for name, block in blocks.items())


def _bound_to(event_id: UUID, stream_id: UUID, version: int, person: UUID) -> bytes:
    """Event id, stream, version (8 bytes) and person, one behind the other; as one number, which takes half as long."""
    head = (event_id.int << 128 | stream_id.int) << 64 | version
    return (head << 128 | person.int).to_bytes(_BOUND_BYTES, "big")


def people_of(*facts: Fact) -> set[UUID]:
    """The people whose keys :func:`seal` needs for these facts."""
    return {
        block.person_id
        for fact in facts
        for name in personal_fields(type(fact))
        if (block := getattr(fact, name)) is not None
    }


def fresh_nonces() -> Iterator[bytes]:
    """Random nonces without end, drawn many at a time (a system call for each would cost more than the encryption).
    Each iterator belongs to one command: sharing one across a fork would use nonces twice."""
    while True:
        drawn = os.urandom(_NONCES_AT_ONCE * NONCE_BYTES)
        yield from (drawn[start : start + NONCE_BYTES] for start in range(0, len(drawn), NONCE_BYTES))


def seal(
    fact: Fact,
    event_id: UUID,
    stream_id: UUID,
    version: int,
    keys: Mapping[UUID, bytes],
    nonces: Iterator[bytes] | None = None,
) -> bytes:
    """The event's ``data``; ``nonces`` from :func:`fresh_nonces` when many are sealed.

    Raises KeyError when a person's key is missing: nothing personal is written in clear.
    """
    blocks = personal_fields(type(fact))
    if not blocks:
        return _encoder.encode(fact)
    boxes: dict[str, Any] = {}
    for name in blocks:
        block: Personal | None = getattr(fact, name)
        if block is None:
            continue
        person, nonce = block.person_id, os.urandom(NONCE_BYTES) if nonces is None else next(nonces)
        bound = _bound_to(event_id, stream_id, version, person)
        ciphertext = AESGCM(keys[person]).encrypt(nonce, _encoder.encode(block), bound)
        boxes[name] = Box(person, nonce + ciphertext)
    # The fact itself with boxes for blocks: encoding asks for no declared type, and a dict of its fields costs as much
    # as the encryption.
    return _encoder.encode(msgspec.structs.replace(fact, **boxes))


def sealed_of(event: Event) -> Any:
    """The fact as it stands in the event, each personal block still a :class:`Box`: decoded once, for
    :func:`people_of_sealed` and :func:`opened`. Raises UnknownFactType, msgspec.DecodeError (not the declared shape).
    """
    return _wire(fact_type(event.type).cls)[0].decode(event.data)


def people_of_sealed(event: Event, sealed: Any) -> list[UUID]:
    """The people whose keys :func:`opened` would use."""
    _, blocks = _wire(fact_type(event.type).cls)
    return [box.person for name, _ in blocks if (box := getattr(sealed, name)) is not None]


def opened(event: Event, sealed: Any, keys: Mapping[UUID, bytes]) -> Fact:
    """The fact, with ``None`` for each block whose person has no key in ``keys`` (erased, or not asked for).

    Raises msgspec.DecodeError (a block is not of the declared shape), SealBroken (altered).
    """
    cls = fact_type(event.type).cls
    _, blocks = _wire(cls)
    if not blocks:
        return sealed  # type: ignore[no-any-return]
    values: dict[str, Any] = {name: getattr(sealed, name) for name in cls.__struct_fields__}
    for name, block_decoder in blocks:
        box: Box | None = values[name]
        values[name] = None if box is None else _open(box, block_decoder, event, keys)
    return cls(**values)


def people_in(event: Event) -> set[UUID]:
    """The people whose keys :func:`unseal` would use for this event. Raises UnknownFactType, msgspec.DecodeError."""
    return set(people_of_sealed(event, sealed_of(event)))


def unseal(event: Event, keys: Mapping[UUID, bytes]) -> Fact:
    """The fact, with ``None`` for each block whose person has no key in ``keys`` (erased, or not asked for).

    Raises UnknownFactType, msgspec.DecodeError (not the declared shape), SealBroken (altered).
    """
    return opened(event, sealed_of(event), keys)


def _open(box: Box, decoder: msgspec.json.Decoder[Any], event: Event, keys: Mapping[UUID, bytes]) -> Any:
    key = keys.get(box.person)
    if key is None:
        return None
    bound = _bound_to(event.event_id, event.stream_id, event.version, box.person)
    try:
        plain = AESGCM(key).decrypt(box.box[:NONCE_BYTES], box.box[NONCE_BYTES:], bound)
    except InvalidTag as broken:
        raise SealBroken(f"event {event.event_id}: the block of person {box.person} does not open") from broken
    return decoder.decode(plain)
