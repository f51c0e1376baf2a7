"""Checkpoints (c2sp.org/tlog-checkpoint): how large a log was and which root it had, as a note its service signed.

The origin of a service's log is its ``ce_source`` without the slashes in front: ``rollcall/<division>/<service>``;
its keys carry the same name. No extension lines are written, and none is accepted: what stands there nobody can audit.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shared.transparency.notes import (
    COSIGNATURE_KIND,
    LOG_KIND,
    NoteBroken,
    Signature,
    Signer,
    Verifier,
    signed,
    text_of,
    verified,
)
from shared.transparency.tree import HASH_BYTES

_SIZE = re.compile(r"0|[1-9]\d{0,18}")


class Checkpoint(NamedTuple):
    """The tree over the first ``size`` events of the log ``origin`` has this ``root`` (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @property
    def service(self) -> str:
        return self.origin.rpartition("/")[2]

    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class Opened(NamedTuple):
    """A checkpoint whose log's signature is good, with the witnesses who cosigned it."""

    checkpoint: Checkpoint
    witnesses: list[Signature]


def origin_of(source: str) -> str:
    """``//rollcall/469080/registry`` → ``rollcall/469080/registry``."""
    return source.lstrip("/")


def witness_name(division: str) -> str:
    """The name of an installation's own witness (audit)."""
    return f"rollcall/{division}/witness"


def log_signers(source: str, seeds: Iterable[bytes]) -> list[Signer]:
    """A service's signers: its present key, and while it is being replaced the one before."""
    return [Signer(origin_of(source), LOG_KIND, seed) for seed in seeds]


def issue(checkpoint: Checkpoint, signers: Sequence[Signer]) -> str:
    """The signed note."""
    return signed(checkpoint.text(), signers)


def cosigned(note: str, witness: Signer, moment: int) -> str:
    """The note with one more line: ``witness`` saw this tree grow consistently up to POSIX second ``moment``."""
    return note + witness.line(text_of(note), moment)


def read_checkpoint(text: str) -> Checkpoint:
    """The three lines of a checkpoint. Raises NoteBroken."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0] or not _SIZE.fullmatch(lines[1]):
        raise NoteBroken("the note is no checkpoint of a log of ours")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except (binascii.Error, ValueError):
        root = b""
    if len(root) != HASH_BYTES:
        raise NoteBroken("the checkpoint's root is not 32 bytes in base64")
    return Checkpoint(lines[0], int(lines[1]), root)


def unverified(note: str) -> Checkpoint:
    """What a note says, whoever signed it. Raises NoteBroken."""
    return read_checkpoint(text_of(note))


def opened(note: str, keys: Iterable[Verifier]) -> Opened:
    """The checkpoint, if the log it names signed it under one of ``keys``; and who of ``keys`` cosigned it. Raises
    NoteBroken."""
    text, signatures = verified(note, keys)
    checkpoint = read_checkpoint(text)
    if not any(each.verifier.kind == LOG_KIND and each.verifier.name == checkpoint.origin for each in signatures):
        raise NoteBroken(f"the log {checkpoint.origin} has not signed this under a known key")
    return Opened(checkpoint, [each for each in signatures if each.verifier.kind == COSIGNATURE_KIND])
