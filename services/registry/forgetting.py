"""What the registry keeps beside its events and views and forgets of an erased person.

Papers that were recorded go with their scans: what they said stands in events. What still waits, was refused or came
back names nobody by an id; it is opened once more, and goes where it holds a number of hers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.registry.keys import Keys
from services.registry.lists.standing import rejected_bound
from shared.eventsourcing.sealing import NONCE_BYTES
from shared.keys.keyring import KeyRing
from shared.messaging.erasing import Erasure, Forget

STEPS: tuple[tuple[str, str], ...] = (
    (
        "registry-forgetting-0001",
        """
GRANT SELECT, DELETE ON provisional_students, rejected_rows, household_proposals, papers, change_wanted
    TO rollcall_worker;
""",
    ),
)
_NUMBER = re.compile(r"\d{17}[\dXx]")
Raw = psycopg.Connection[Any]


def forget(keys: Keys, keyring: KeyRing) -> Forget:
    """What the erasing policy does in the registry's own tables."""

    def forgotten(raw: Raw, erasure: Erasure) -> None:
        raw.execute("DELETE FROM provisional_students WHERE student_id = %s", (erasure.student_id,))
        raw.execute("DELETE FROM change_wanted WHERE person_id = ANY(%s)", (list(erasure.people),))
        _forget_papers(raw, keys, keyring, erasure)
        for submission, row, text in _opened(raw, keyring, _RETURNED, rejected_bound):
            if _names(text, keys, erasure):
                raw.execute("DELETE FROM rejected_rows WHERE submission_id = %s AND row = %s", (submission, row))
        for proposal, _, text in _opened(raw, keyring, _PROPOSALS, lambda proposal, _: proposal.bytes):
            if _names(text, keys, erasure):
                raw.execute("DELETE FROM household_proposals WHERE proposal_id = %s", (proposal,))

    return forgotten


_RETURNED = "SELECT submission_id, row, sealed FROM rejected_rows"
_PROPOSALS = "SELECT proposal_id, 0, sealed FROM household_proposals"
_PAPERS = "SELECT paper_id, 0, sealed FROM papers"
# Whose record a paper became.
_RECORDED = """
SELECT stream_id FROM events WHERE type = 'registry.PaperRecorded.v1'
  AND convert_from(data, 'UTF8')::jsonb ->> 'recorded_id' = ANY(%s)
"""


def _forget_papers(raw: Raw, keys: Keys, keyring: KeyRing, erasure: Erasure) -> None:
    streams = [str(stream) for stream in (erasure.student_id, *erasure.streams)]
    gone = {row[0] for row in raw.execute(_RECORDED, (streams,))}
    papers = _opened(raw, keyring, _PAPERS, lambda paper, _: paper.bytes + b"fields")
    gone |= {paper for paper, _, text in papers if _names(text, keys, erasure)}
    if gone:
        raw.execute("DELETE FROM papers WHERE paper_id = ANY(%s)", (list(gone),))
        keyring.erase_all(gone)  # also from every backup of this table


def _opened(raw: Raw, keyring: KeyRing, select: str, bound: Any) -> Iterator[tuple[UUID, int, str]]:
    """Each sealed text of a table that its own key still opens."""
    rows = raw.execute(select.encode(), binary=True).fetchall()
    sealing = keyring.keys({owner for owner, _, _ in rows})
    for owner, row, box in rows:
        key = sealing.get(owner)
        if key is not None:
            yield owner, row, AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], bound(owner, row)).decode()


def _names(text: str, keys: Keys, erasure: Erasure) -> bool:
    """Whether it holds an identity number of one of these people."""
    return any(keys.person(number.upper(), erasure.student_id) in erasure.people for number in _NUMBER.findall(text))
