"""A batch of lines (NDJSON) is taken whole or not at all: what is wrong is told line by line, never by content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from services.registry.errors import InvalidBatch
from shared.kernel.refusals import Malformed

PROBLEMS_TOLD = 100
B = TypeVar("B", bound=BaseModel)
T = TypeVar("T")
R = TypeVar("R")


def parsed(model: type[B], lines: Sequence[bytes]) -> list[B]:
    """Raises InvalidBatch naming every line that is not such an object, by field and never by content."""
    bodies, wrong = [], []
    for number, line in enumerate(lines, 1):
        try:
            bodies.append(model.model_validate_json(line))
        except ValidationError as invalid:
            fields = ", ".join(".".join(str(part) for part in each["loc"]) or "JSON" for each in invalid.errors())
            wrong.append((number, "malformed", f"字段不符合要求:{fields}", f"Fields out of form: {fields}"))
    if wrong:
        raise InvalidBatch(wrong[:PROBLEMS_TOLD], len(wrong))
    return bodies


def all_good(bodies: Sequence[T], read: Callable[[T], R]) -> list[R]:
    """Every line read, or a refusal of all that names each line that cannot be."""
    records, wrong = [], []
    for number, body in enumerate(bodies, 1):
        try:
            records.append(read(body))
        except Malformed as refused:
            wrong.append((number, refused.code, refused.zh, refused.en))
    if wrong:
        raise InvalidBatch(wrong[:PROBLEMS_TOLD], len(wrong))
    return records
