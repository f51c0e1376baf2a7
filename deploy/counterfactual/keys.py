"""The keys of people for a rerun: the real ones are read and never made; people who stand in no log but in a corrected
list have a key in this process's memory only."""

from __future__ import annotations

import os
from collections.abc import Collection
from uuid import UUID

from shared.keys.keyring import KEY_BYTES, KeyRing


class ReadKeys(KeyRing):
    """A key ring that asks ``real`` for keys and changes nothing there: whoever would make or destroy one finds no
    way. Erased people have none here either."""

    def __init__(self, real: KeyRing) -> None:
        self._real = real
        self._own: dict[UUID, bytes] = {}

    def keys(self, person_ids: Collection[UUID], create: bool = False) -> dict[UUID, bytes]:
        """The keys of these people as far as there are any; ``create`` makes none."""
        found = self._real.keys(person_ids)
        return found | {person: self._own[person] for person in person_ids if person in self._own}

    def imagine(self, person_ids: Collection[UUID]) -> None:
        """Give those of these people who are in no log a key that ends with this process."""
        known = self._real.keys(person_ids)
        erased = self._real.erased(person_ids)
        for person in person_ids:
            if person not in known and person not in erased:
                self._own.setdefault(person, os.urandom(KEY_BYTES))

    def erase_all(self, person_ids: Collection[UUID]) -> set[UUID]:
        """Never: a rerun erases nobody."""
        raise AssertionError("a rerun destroys no key")

    def close(self) -> None:
        """Forget the keys made here; the real ring is its owner's."""
        self._own.clear()
