"""Checking a bundle offline, with nothing but its bytes and the public keys; what is wrong is named by its file."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from services.audit.domain import LogBroken, verify_log
from services.audit.export import NotAnExport, read_lines
from services.audit.replays.bundle_format import (
    AFTER,
    ANSWER,
    BEFORE,
    CHECKPOINTS,
    FORMAT,
    LOG_FOLDER,
    NOTE,
    RESULT,
    Answer,
    LogCut,
    Proof,
    check_answer,
)
from services.audit.replays.differing import compared
from services.audit.replays.result_files import fixed_zip
from shared.transparency.checkpoints import opened, origin_of
from shared.transparency.notes import NoteBroken, Verifier
from shared.transparency.verifying import ProofBroken, verify_consistency

BUNDLE_BYTES = 2_000_000_000


class BundleBroken(Exception):
    """The bundle does not prove what it says; the message begins with the file that is wrong."""


class Checked(NamedTuple):
    """A bundle that holds. ``witnesses``: who cosigned a checkpoint; ``logs_checked``: whose events are in it, each
    leaf of them checked."""

    answer: Answer
    checkpoints: dict[str, int]
    witnesses: list[str]
    logs_checked: list[str]


def check_bundle(content: bytes, keys: Sequence[Verifier]) -> Checked:
    """Check everything a bundle says. Raises BundleBroken."""
    files = _files(content)
    answer = _decoded(files, ANSWER, Answer)
    if answer.format != FORMAT:
        raise BundleBroken(f"{ANSWER}: the format {answer.format[:40]} is not {FORMAT}")
    try:
        check_answer(_text(files, NOTE), files[ANSWER], answer.division, list(keys))
    except NoteBroken as broken:
        raise BundleBroken(f"{NOTE}: {broken}") from broken
    _check_files(files, answer)
    proofs: dict[str, Proof] = _decoded(files, CHECKPOINTS, dict[str, Proof])
    if proofs.keys() != answer.logs.keys():
        raise BundleBroken(f"{CHECKPOINTS}: it does not tell of the same logs as {ANSWER}")
    sizes: dict[str, int] = {}
    witnesses: set[str] = set()
    for service, cut in answer.logs.items():
        proof = proofs[service]
        sizes[service], names = _check_cut(service, cut, proof.checkpoint, proof.consistency, keys)
        witnesses |= names
    _check_difference(files, answer, proofs, keys)
    logs = [service for service in answer.logs if _check_log(files, service, answer)]
    _check_bytes(content, files)
    return Checked(answer, sizes, sorted(witnesses), logs)


def _files(content: bytes) -> dict[str, bytes]:
    """The entries. What is packed is refused: a bundle stores, and a packed one may be larger than it seems."""
    if len(content) > BUNDLE_BYTES:
        raise BundleBroken(f"the file is larger than {BUNDLE_BYTES:,} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            entries = packed.infolist()
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise BundleBroken("the file is packed; a bundle is not")
            if len({entry.filename for entry in entries}) != len(entries):
                raise BundleBroken("the file holds two entries of one name")
            return {entry.filename: _entry(packed, entry) for entry in entries}
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as broken:
        raise BundleBroken(f"the file is no bundle: {broken}") from broken


def _entry(packed: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        return packed.read(entry)
    except (zipfile.BadZipFile, EOFError) as broken:
        raise BundleBroken(f"{entry.filename}: its bytes were changed ({broken})") from broken


def _decoded(files: dict[str, bytes], name: str, kind: Any) -> Any:
    if name not in files:
        raise BundleBroken(f"{name}: it is missing")
    try:
        return msgspec.json.decode(files[name], type=kind)
    except msgspec.MsgspecError as broken:
        raise BundleBroken(f"{name}: {broken}") from broken


def _text(files: dict[str, bytes], name: str) -> str:
    try:
        return files[name].decode()
    except KeyError:
        raise BundleBroken(f"{name}: it is missing") from None
    except UnicodeDecodeError as broken:
        raise BundleBroken(f"{name}: it is no text") from broken


def _check_files(files: dict[str, bytes], answer: Answer) -> None:
    told = {*answer.files, ANSWER, NOTE, CHECKPOINTS}
    for name in sorted(told ^ files.keys()):
        raise BundleBroken(f"{name}: it is {'missing' if name in told else 'not named by ' + ANSWER}")
    for name, digest in answer.files.items():
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise BundleBroken(f"{name}: its bytes are not those {ANSWER} names")
    if answer.files.get(RESULT) != answer.result:
        raise BundleBroken(f"{RESULT}: its hash is not the result hash of {ANSWER}")
    if len(_decoded(files, RESULT, list[dict[str, Any]])) != answer.rows:
        raise BundleBroken(f"{RESULT}: it does not have {answer.rows} rows")


def _check_difference(
    files: dict[str, bytes], answer: Answer, proofs: dict[str, Proof], keys: Sequence[Verifier]
) -> None:
    """Of a difference: that the earlier cut, too, is the beginning of what was signed, and that the changes are those
    between the two lists of rows. Which events caused them is audit's word; each is in the logs."""
    earlier, before = answer.earlier_logs, answer.asked.before
    if isinstance(earlier, msgspec.UnsetType) or isinstance(before, msgspec.UnsetType):
        if earlier is not before:
            raise BundleBroken(f"{ANSWER}: it tells only one half of a difference")
        return
    for service, cut in earlier.items():
        proof = proofs.get(service)
        if proof is None or isinstance(proof.earlier, msgspec.UnsetType):
            raise BundleBroken(f"{CHECKPOINTS}: {service}: the earlier cut has no proof")
        _check_cut(service, cut, proof.checkpoint, proof.earlier, keys)
    was, now = (_decoded(files, name, list[dict[str, Any]]) for name in (BEFORE, AFTER))
    told = _decoded(files, RESULT, list[dict[str, Any]])
    try:
        found = msgspec.to_builtins(list(compared(was, now, tuple(before.key))))
        same = [_by_field(each) for each in told] == [_by_field(each) for each in found]
    except KeyError as missing:
        raise BundleBroken(f"{BEFORE}: its rows have no {missing}") from missing
    if not same:
        raise BundleBroken(f"{RESULT}: it is not what changed between {BEFORE} and {AFTER}")


def _by_field(change: dict[str, Any]) -> dict[str, Any]:
    """A change without its causes; the order of fields is the rows', which canonical JSON does not keep."""
    return change | {"causes": [], "fields": sorted(change["fields"], key=lambda field: str(field["field"]))}


def _check_cut(
    service: str, cut: LogCut, note: str, path: Sequence[str], keys: Sequence[Verifier]
) -> tuple[int, set[str]]:
    where = f"{CHECKPOINTS}: {service}"
    try:
        found = opened(note, keys)
        checkpoint = found.checkpoint
        if checkpoint.origin != origin_of(cut.source) or checkpoint.service != service:
            raise BundleBroken(f"{where}: the checkpoint is one of {checkpoint.origin}")
        hashes = [bytes.fromhex(each) for each in path]
        verify_consistency(cut.log_index, bytes.fromhex(cut.root), checkpoint.size, checkpoint.root, hashes)
    except (NoteBroken, ProofBroken, ValueError) as broken:
        raise BundleBroken(f"{where}: {broken}") from broken
    return checkpoint.size, {each.verifier.name for each in found.witnesses}


def _check_log(files: dict[str, bytes], service: str, answer: Answer) -> bool:
    """Check a log that is in the bundle, leaf by leaf up to the root; False when it is not."""
    name, cut = f"{LOG_FOLDER}{service}.ndjson", answer.logs[service]
    if name not in files:
        return False
    try:
        verified = verify_log(read_lines(io.BytesIO(files[name])), cut.source)
    except (NotAnExport, LogBroken) as broken:
        raise BundleBroken(f"{name}: {broken}") from broken
    if (verified.size, verified.root.hex()) != (cut.log_index, cut.root):
        raise BundleBroken(f"{name}: its {verified.size} events do not have the root of the cut")
    if verified.recorded_at is not None and verified.recorded_at > datetime.fromisoformat(answer.asked.known_at):
        raise BundleBroken(f"{name}: its last event was recorded after the moment of the question")
    return True


def _check_bytes(content: bytes, files: dict[str, bytes]) -> None:
    """The entries are right; so is every byte around them."""
    made = fixed_zip(files, first=ANSWER)
    if made != content:
        at = next((n for n, pair in enumerate(zip(made, content, strict=False)) if pair[0] != pair[1]), len(made))
        raise BundleBroken(f"the file: byte {at} is not what a bundle of these files has there")
