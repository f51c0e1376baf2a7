"""What a transparency log answers, as data: proofs and the hashes of what the store holds. Hashes in base64."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator

from shared.transparency.tree import HASH_BYTES


def _hash(value: object) -> bytes:
    raw = value if isinstance(value, bytes) else b64decode(str(value), validate=True)
    if len(raw) != HASH_BYTES:
        raise ValueError("a hash has 32 bytes")
    return raw


Hash = Annotated[
    bytes,
    PlainValidator(_hash, json_schema_input_type=str),
    PlainSerializer(lambda raw: b64encode(raw).decode(), return_type=str),
]


class InclusionProof(BaseModel):
    """The event at ``log_index`` (leaf ``log_index`` - 1) has the hash ``leaf``; ``path`` leads from it to the root of
    ``checkpoint``, a signed note over ``size`` events."""

    model_config = ConfigDict(extra="forbid")

    origin: str
    log_index: int = Field(ge=1)
    size: int = Field(ge=1)
    leaf: Hash
    path: Sequence[Hash]
    checkpoint: str


class ConsistencyProof(BaseModel):
    """The tree over ``to_size`` events begins with the one over ``from_size``."""

    model_config = ConfigDict(extra="forbid")

    origin: str
    from_size: int = Field(ge=1)
    to_size: int = Field(ge=1)
    path: Sequence[Hash]


class Tile(BaseModel):
    """Neighbouring complete nodes of one level (0: leaves), from ``first``."""

    level: int
    first: int
    hashes: Sequence[Hash]


class LogKey(BaseModel):
    """A public key this log signed with, and from which size on."""

    vkey: str
    since_size: int


class LogKeys(BaseModel):
    origin: str
    items: list[LogKey]


class StoreRange(BaseModel):
    """What the store holds of indexes ``first`` … ``last``: the root over the leaves computed anew from the event
    rows, and the one over the leaves kept beside them. What is not there counts as 32 zero bytes. ``size``: where the
    log ends."""

    first: int
    last: int
    rows: Hash
    leaves: Hash
    size: int
