"""What a bundle is (format 1): a zip with fixed bytes that carries a replay's answer and what proves it.

=====================  ================================================================================
answer.json            the question, the cut through the logs, result hash, configuration and code; canonical
answer.note            a signed note of audit over the SHA-256 of answer.json
checkpoints.json       per log: the note its service signed, and the proof that the cut is its beginning
result.json            the rows, canonical JSON: its SHA-256 is the result hash; result.parquet, result.xlsx
before.json            only of a difference, with after.json: the rows of its two sides; result.json then holds what
                       changed between them, which whoever checks works out again
log/<service>.ndjson   only with the logs: every event up to the cut, as ``replay log.<service>`` writes them
=====================  ================================================================================

answer.json names the SHA-256 of every result and log file, so one signature covers them all.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import msgspec

from shared.transparency.notes import LOG_KIND, NoteBroken, Signer, Verifier, signed, verified

FORMAT = "rollcall-bundle/1"
ANSWER, NOTE, CHECKPOINTS = "answer.json", "answer.note", "checkpoints.json"
LOG_FOLDER = "log/"
RESULT, BEFORE, AFTER = "result.json", "before.json", "after.json"


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """The earlier side of a difference, and the ``key`` by which rows of the two sides are the same row."""

    known_at: str
    true_on: str
    key: list[str]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The question. ``known_at`` UTC in ISO 8601; the part of the division, or the one student, it was asked for;
    ``before`` only of a difference."""

    view: str
    known_at: str
    true_on: str
    student_id: str | None = None
    division_code: str | None = None
    school_code: str | None = None
    before: Earlier | msgspec.UnsetType = msgspec.UNSET


class LogCut(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a log counts: events 1 to ``log_index``, over which the tree has this root (hex)."""

    source: str
    log_index: int
    root: str


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """Rules, rates, a model or a calendar as it was in force: its event, and the hash of its content."""

    service: str
    log_index: int
    event_id: str
    type: str
    effective_on: str
    content_hash: str | None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """answer.json. ``division``: of the installation. ``files``: name → SHA-256 (hex) of every file but these three.
    ``code``: SHA-256 over the program's sources. ``left_out``: (service, index) a live view would hold as unread;
    ``inputs``: how old each input was (数据截至). ``earlier_logs``: of a difference, the logs as its earlier side knew
    them."""

    format: str
    division: str
    asked: Asked
    logs: dict[str, LogCut]
    rows: int
    result: str
    left_out: list[tuple[str, int]]
    inputs: list[dict[str, Any]]
    configuration: list[Version]
    code: str
    files: dict[str, str]
    earlier_logs: dict[str, LogCut] | msgspec.UnsetType = msgspec.UNSET


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """``checkpoint``: the signed note; ``consistency``: hashes in hex, from the cut to the checkpoint's size;
    ``earlier``: from the earlier cut of a difference to the same size."""

    checkpoint: str
    consistency: list[str]
    earlier: list[str] | msgspec.UnsetType = msgspec.UNSET


def answer_of(bundle: bytes) -> Answer:
    """What a bundle says of itself, unverified."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as packed:
        return msgspec.json.decode(packed.read(ANSWER), type=Answer)


def signer_name(division: str) -> str:
    """Who signs answers: audit, under the name of its own log."""
    return f"rollcall/{division}/audit"


def signed_answer(answer: bytes, division: str, seeds: list[bytes]) -> str:
    """answer.note. No checkpoint: its second line is no size."""
    return signed(_text(answer, division), [Signer(signer_name(division), LOG_KIND, seed) for seed in seeds])


def check_answer(note: str, answer: bytes, division: str, keys: list[Verifier]) -> None:
    """That audit signed exactly this answer. Raises NoteBroken."""
    text, _ = verified(note, [key for key in keys if (key.name, key.kind) == (signer_name(division), LOG_KIND)])
    if text != _text(answer, division):
        raise NoteBroken("the note is about another answer")


def _text(answer: bytes, division: str) -> str:
    return f"{signer_name(division)}\n{FORMAT}\n{hashlib.sha256(answer).hexdigest()}\n"


def source_hash() -> str:
    """SHA-256 (hex) over the sources that fold and query: every module of services/ and shared/ by path."""
    root = Path(__file__).resolve().parents[3]
    digest = hashlib.sha256()
    for path in sorted(each for folder in ("services", "shared") for each in (root / folder).rglob("*.py")):
        digest.update(f"{path.relative_to(root).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
