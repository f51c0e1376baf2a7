"""Facts: what happened, in plain frozen data, with personal fields set apart from the first moment.

A fact is a frozen msgspec struct declared in a service's ``events.py``::

    class StudentPersonal(Personal, frozen=True, kw_only=True):
        name: str
        id_number: str | None

    @fact("registry")
    class StudentEnrolled(Fact, frozen=True, kw_only=True):
        school_code: str
        personal: StudentPersonal | None

A field typed ``SomePersonal | None`` is a *personal block*: it is encrypted under the key of the person it names
(``Personal.person_id``) and is ``None`` after that person's erasure. Everything else travels in the clear, so it must
never identify anyone.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import msgspec

__all__ = ["Fact", "FactType", "Personal", "UnknownFactType", "fact", "fact_type", "fact_types", "personal_fields"]


class Personal(msgspec.Struct, frozen=True, kw_only=True):
    """Base of a block of personal fields, all about the one person whose key seals it."""

    person_id: UUID


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything that happened. Subclasses are declared with :func:`fact`."""


class FactType(msgspec.Struct, frozen=True):
    """How one class is known on the wire: ``name`` is for example ``registry.StudentEnrolled.v1``."""

    name: str
    service: str
    version: int
    cls: type[Fact]


class UnknownFactType(LookupError):
    """The type name in an event belongs to no declared fact (an older reader, or a forged event)."""


F = TypeVar("F", bound=type[Fact])

_by_name: dict[str, FactType] = {}
_by_class: dict[type[Fact], FactType] = {}


def fact(service: str, *, version: int = 1) -> Callable[[F], F]:
    """Declare a fact of ``service``. Raises ValueError when the type name is taken by another class."""

    def declare(cls: F) -> F:
        name = f"{service}.{cls.__name__}.v{version}"
        taken = _by_name.get(name)
        if taken is not None and taken.cls.__qualname__ != cls.__qualname__:
            raise ValueError(f"fact type {name} is declared twice")
        known = FactType(name, service, version, cls)
        _by_name[name] = _by_class[cls] = known
        return cls

    return declare


def fact_type(of: str | type[Fact]) -> FactType:
    """The declaration of a type name or a class. Raises UnknownFactType."""
    found = _by_name.get(of) if isinstance(of, str) else _by_class.get(of)
    if found is None:
        raise UnknownFactType(of if isinstance(of, str) else of.__qualname__)
    return found


def fact_types(service: str | None = None) -> list[FactType]:
    """Every declared fact, of one service or of all, by name."""
    return sorted((t for t in _by_name.values() if service in (None, t.service)), key=lambda t: t.name)


@functools.cache
def personal_fields(cls: type[Fact]) -> dict[str, type[Personal]]:
    """The personal blocks of a fact: field name → block class. A block is always declared ``Block | None``."""
    found: dict[str, type[Personal]] = {}
    for name, hint in typing.get_type_hints(cls).items():
        options = _options(hint)
        blocks = [option for option in options if isinstance(option, type) and issubclass(option, Personal)]
        if not blocks:
            continue
        if len(blocks) != 1 or set(options) != {blocks[0], type(None)}:
            raise TypeError(f"{cls.__qualname__}.{name}: a personal block is declared as Block | None")
        found[name] = blocks[0]
    return found


def _options(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return typing.get_args(hint)
    return (hint,)
