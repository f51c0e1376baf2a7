"""The keys of people, apart from their data: one per person, wrapped, erasable (design.md §3, invariant 14)."""

from shared.keys.keyring import KeyRing

__all__ = ["KeyRing"]
