"""Signed notes (c2sp.org/signed-note): a text with one or more Ed25519 signatures, each under a named key.

Two kinds of signature are known: a log's own (0x01, over the text) and a witness's ``cosignature/v1`` (0x04, over the
text and the moment). A public key travels as a *vkey*: ``name+key id+base64(kind ‖ key)``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

LOG_KIND, COSIGNATURE_KIND = 0x01, 0x04
NOTE_BYTES = 16_384  # far more than any note of ours; one that is longer is not read
SIGNATURES_LIMIT = 64
_ID_BYTES, _KEY_BYTES, _SIGNATURE_BYTES = 4, 32, 64
_NAME = re.compile(r"[^\s+]+")
_MARK = "— "


class NoteBroken(ValueError):
    """Not a signed note, or a signature of a known key is wrong."""


class KeyUnreadable(ValueError):
    """Not a vkey that can be used."""


class Verifier(NamedTuple):
    """A public key under its name. ``kind`` is LOG_KIND or COSIGNATURE_KIND."""

    name: str
    kind: int
    key: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes that stand in front of each signature."""
        return _key_id(self.name, self.kind, self.key)

    def vkey(self) -> str:
        """As text, to be handed to whoever verifies."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.key).decode()}"

    def verify(self, text: str, signature: bytes) -> int:
        """The POSIX second of a cosignature, 0 for a log's signature. Raises NoteBroken."""
        moment, message = 0, text.encode()
        if self.kind == COSIGNATURE_KIND:
            if len(signature) != 8 + _SIGNATURE_BYTES:
                raise NoteBroken(f"the cosignature of {self.name} has the wrong length")
            (moment,) = struct.unpack(">Q", signature[:8])
            message, signature = _cosigned(text, moment), signature[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, message)
        except InvalidSignature:
            raise NoteBroken(f"the signature of {self.name} is wrong") from None
        return moment


@dataclass(frozen=True)
class Signer:
    """A private key under its name. ``seed``: 32 bytes from the secrets."""

    name: str
    kind: int
    seed: bytes = field(repr=False)

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.kind, self._private.public_key().public_bytes_raw())

    def line(self, text: str, moment: int = 0) -> str:
        """The signature line over ``text``; a cosignature says the POSIX second ``moment``."""
        if self.kind == COSIGNATURE_KIND:
            signature = struct.pack(">Q", moment) + self._private.sign(_cosigned(text, moment))
        else:
            signature = self._private.sign(text.encode())
        return f"{_MARK}{self.name} {base64.b64encode(self.verifier.key_id + signature).decode()}\n"

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


class Signature(NamedTuple):
    """A signature that was verified; ``moment`` as in :meth:`Verifier.verify`."""

    verifier: Verifier
    moment: int


def signed(text: str, signers: Sequence[Signer], moment: int = 0) -> str:
    """A note: ``text`` (which ends in a newline) with a line of each signer."""
    return text + "\n" + "".join(signer.line(text, moment) for signer in signers)


def text_of(note: str) -> str:
    """What is signed, unverified. Raises NoteBroken."""
    return _parts(note)[0]


class ToldSignature(NamedTuple):
    """A signature as a note tells it, not verified: by whom, and of a cosignature its POSIX second (0: a log's own)."""

    name: str
    moment: int


def told_signatures(note: str) -> list[ToldSignature]:
    """Who has put their name to a note, unverified: to be shown, never to be relied on. Raises NoteBroken."""
    _, lines = _parts(note)
    cosigned = _ID_BYTES + 8 + _SIGNATURE_BYTES
    return [
        ToldSignature(name, struct.unpack(">Q", raw[_ID_BYTES : _ID_BYTES + 8])[0] if len(raw) == cosigned else 0)
        for name, raw in lines
    ]


def verified(note: str, verifiers: Iterable[Verifier]) -> tuple[str, list[Signature]]:
    """The text, with every signature of a known key, at least one. Lines of unknown keys are ignored, as the
    specification demands: that lets keys change and witnesses sign. Raises NoteBroken."""
    text, lines = _parts(note)
    known = {(each.name, each.key_id): each for each in verifiers}
    found = []
    for name, raw in lines:
        verifier = known.get((name, raw[:_ID_BYTES]))
        if verifier is not None:
            found.append(Signature(verifier, verifier.verify(text, raw[_ID_BYTES:])))
    if not found:
        raise NoteBroken("no signature of a known key")
    return text, found


def read_vkey(text: str) -> Verifier:
    """A vkey. Raises KeyUnreadable."""
    name, _, rest = text.strip().partition("+")
    told, _, encoded = rest.partition("+")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise KeyUnreadable(f"the key of {name or 'nobody'} is not base64") from None
    if not _NAME.fullmatch(name) or len(raw) != 1 + _KEY_BYTES or raw[0] not in (LOG_KIND, COSIGNATURE_KIND):
        raise KeyUnreadable(f"not an Ed25519 key of a log or witness: {name or 'without a name'}")
    found = Verifier(name, raw[0], raw[1:])
    if found.key_id.hex() != told:
        raise KeyUnreadable(f"the key of {name} does not have the id {told}: it was copied wrongly")
    return found


def read_vkeys(text: str) -> list[Verifier]:
    """One key a line; blank lines and those from ``#`` on count for nothing. Raises KeyUnreadable."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [read_vkey(line) for line in lines if line]


def _key_id(name: str, kind: int, key: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:_ID_BYTES]


def _cosigned(text: str, moment: int) -> bytes:
    return f"cosignature/v1\ntime {moment}\n{text}".encode()


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    if len(note.encode()) > NOTE_BYTES or any(ord(each) < 0x20 and each != "\n" for each in note):
        raise NoteBroken("the note is too long or holds control characters")
    body, gap, tail = note.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise NoteBroken("the note has no signature lines")
    lines = []
    for line in tail[:-1].split("\n"):
        name, _, encoded = line.removeprefix(_MARK).partition(" ")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if not line.startswith(_MARK) or not _NAME.fullmatch(name) or len(raw) <= _ID_BYTES:
            raise NoteBroken("a signature line cannot be read")
        lines.append((name, raw))
    if len(lines) > SIGNATURES_LIMIT:
        raise NoteBroken("the note has too many signatures")
    return body + "\n", lines
