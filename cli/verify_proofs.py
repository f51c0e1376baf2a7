"""`./rollcall verify keys|checkpoint|inclusion|consistency`: proofs of a log, checked with public keys only.

Each check works offline on files. `--from-running SERVICE` first fetches what is checked (and `--out` keeps it).
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.errors import StartRefused
from deploy.spec import SERVICES, Installation

if TYPE_CHECKING:
    from shared.transparency.answers import ConsistencyProof, InclusionProof
    from shared.transparency.checkpoints import Opened
    from shared.transparency.notes import Verifier

Keys = Annotated[Path, typer.Option("--keys", help="Public keys, one a line, as `rollcall verify keys` writes them.")]
Running = Annotated[
    str | None, typer.Option("--from-running", metavar="SERVICE", help="Fetch it from the running system first.")
]
Out = Annotated[Path | None, typer.Option("--out", help="Keep what was fetched in this file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result for machines.")]


def register(group: typer.Typer) -> None:
    """Add the commands to `verify`."""
    for command in (keys, checkpoint, inclusion, consistency):
        group.command()(command)


def keys(out: Out = None) -> None:
    """The public keys of the running system's logs and witness; refused when a log signs with a key that is not in the
    installation's own file."""
    from cli.session import Session
    from shared.hosting.settings import PUBLIC_KEYS_FILE
    from shared.transparency.notes import read_vkeys

    installation = Installation.from_environment()
    file = installation.home / PUBLIC_KEYS_FILE
    if not file.is_file():
        raise StartRefused(f"there is no file {file}; ./rollcall up writes it")
    text = file.read_text("utf-8")
    known = {each.vkey() for each in read_vkeys(text)}
    with Session(installation, "auditor") as session:
        for service in SERVICES:
            for item in session.get(service, "/v1/log/keys")["items"]:
                if item["vkey"] not in known:
                    raise StartRefused(f"the log of {service} signs with a key that is not in {file}: {item['vkey']}")
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, "utf-8")


def checkpoint(
    keys: Keys,
    note: Annotated[Path | None, typer.Argument(help="A signed note.")] = None,
    running: Running = None,
    out: Out = None,
    cosigned: Annotated[bool, typer.Option("--cosigned", help="Require a known witness's signature too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check who signed a checkpoint; print how large the log was and which root it had."""
    _one_of(note, running)
    text = _text(note) if note is not None else _fetched_note(str(running), out)
    found = opened_note(text, read_keys(keys), str(note or running))
    if cosigned and not found.witnesses:
        raise StartRefused("no known witness has cosigned this checkpoint")
    told = _about(found)
    witnesses = ", ".join(f"{each['name']} at {each['at']}" for each in told["witnesses"]) or "nobody"
    line = f"{told['origin']}: {told['size']:,} events, root {told['root']}\ncosigned by {witnesses}"
    typer.echo(json.dumps(told) if as_json else line)


def inclusion(
    keys: Keys,
    proof: Annotated[Path | None, typer.Argument(help="A proof as a log's /v1/log/proof/inclusion gives it.")] = None,
    event: Annotated[
        Path | None, typer.Option("--event", help="The event: a line of /v1/log/events or of an exported log.")
    ] = None,
    running: Running = None,
    index: Annotated[int | None, typer.Option("--index", min=1, help="Of which event, with --from-running.")] = None,
    event_id: Annotated[uuid.UUID | None, typer.Option("--event-id", help="Or by its id.")] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Check that an event is in the tree of a signed checkpoint; with --event, that it is exactly this event."""
    _one_of(proof, running)
    if running is not None and (index is None) == (event_id is None):
        raise typer.BadParameter("with --from-running give --index or --event-id")
    asked = {"index": index, "event_id": event_id}
    where = "/v1/log/proof/inclusion"
    raw = _bytes(proof) if proof is not None else _fetched(str(running), where, asked, out)
    name = str(proof or running)
    found = _inclusion(raw, name)
    signed = opened_note(found.checkpoint, read_keys(keys), name)
    _check_inclusion(found, signed, name)
    if event is not None:
        _check_event(found, _bytes(event), str(event))
    told = {
        **_about(signed),
        "log_index": found.log_index,
        "leaf": found.leaf.hex(),
        "event_checked": event is not None,
    }
    what = "this very event" if event is not None else f"leaf {told['leaf']}"
    line = f"{told['origin']}: {what} is number {found.log_index:,} of {found.size:,} signed events"
    typer.echo(json.dumps(told) if as_json else line)


def consistency(
    keys: Keys,
    older: Annotated[Path, typer.Argument(help="The earlier checkpoint, a signed note.")],
    newer: Annotated[Path, typer.Argument(help="The later one.")],
    proof: Annotated[Path | None, typer.Argument(help="A proof as /v1/log/proof/consistency gives it.")] = None,
    running: Running = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Check that a log only grew between two checkpoints: everything signed first is still there, unchanged."""
    _one_of(proof, running)
    verifiers = read_keys(keys)
    old, new = (opened_note(_text(each), verifiers, str(each)) for each in (older, newer))
    asked = {"from": old.checkpoint.size, "to": new.checkpoint.size}
    where = "/v1/log/proof/consistency"
    raw = _bytes(proof) if proof is not None else _fetched(str(running), where, asked, out)
    check_consistency(_consistency(raw, str(proof or running)), old, new)
    told = {"older": _about(old), "newer": _about(new)}
    grown = new.checkpoint.size - old.checkpoint.size
    line = f"{old.checkpoint.origin}: the first {old.checkpoint.size:,} events are unchanged; {grown:,} came after them"
    typer.echo(json.dumps(told) if as_json else line)


def read_keys(file: Path) -> list[Verifier]:
    """The public keys of a file. Raises StartRefused."""
    from shared.transparency.notes import KeyUnreadable, read_vkeys

    try:
        found = read_vkeys(_text(file))
    except KeyUnreadable as broken:
        raise StartRefused(f"{file}: {broken}") from broken
    if not found:
        raise StartRefused(f"{file} holds no key")
    return found


def opened_note(text: str, verifiers: list[Verifier], name: str) -> Opened:
    """A checkpoint whose log's signature is good. Raises StartRefused."""
    from shared.transparency.checkpoints import opened
    from shared.transparency.notes import NoteBroken

    try:
        return opened(text, verifiers)
    except NoteBroken as broken:
        raise StartRefused(f"{name}: {broken}") from broken


def check_consistency(found: ConsistencyProof, old: Opened, new: Opened) -> None:
    """Raises StartRefused unless the proof leads from one checkpoint to the other."""
    from shared.transparency.verifying import ProofBroken, verify_consistency

    before, after = old.checkpoint, new.checkpoint
    if before.origin != after.origin:
        raise StartRefused(f"these are two logs: {before.origin} and {after.origin}")
    try:
        if (found.from_size, found.to_size) != (before.size, after.size):
            raise ProofBroken(f"the proof is about {found.from_size} and {found.to_size} events")
        verify_consistency(before.size, before.root, after.size, after.root, found.path)
    except ProofBroken as broken:
        raise StartRefused(f"the log was not only continued: {broken}") from broken


def _check_inclusion(found: InclusionProof, signed: Opened, name: str) -> None:
    from shared.transparency.verifying import ProofBroken, verify_inclusion

    root = signed.checkpoint
    try:
        if (found.origin, found.size) != (root.origin, root.size):
            raise ProofBroken("the proof is about another tree than its checkpoint")
        verify_inclusion(found.leaf, found.log_index - 1, root.size, found.path, root.root)
    except ProofBroken as broken:
        raise StartRefused(f"{name}: {broken}") from broken


def _check_event(found: InclusionProof, line: bytes, name: str) -> None:
    """The event's own bytes make the leaf, and it stands where it says."""
    from shared.eventsourcing.event import leaf_hash
    from shared.transparency.checkpoints import origin_of
    from shared.transparency.exported import NotAnEventLine, read_line

    try:
        logged = read_line(line)
    except NotAnEventLine as broken:
        raise StartRefused(f"{name} is {broken}") from broken
    leaf = leaf_hash(logged.source, logged.log_index, logged.recorded_at, logged.event)
    if (leaf, logged.log_index, origin_of(logged.source)) != (found.leaf, found.log_index, found.origin):
        raise StartRefused(f"{name} is another event than the one the proof is about")


def _inclusion(raw: bytes, name: str) -> InclusionProof:
    import pydantic

    from shared.transparency.answers import InclusionProof

    try:
        return InclusionProof.model_validate_json(raw)
    except pydantic.ValidationError as broken:
        raise StartRefused(f"{name} is no proof of inclusion") from broken


def _consistency(raw: bytes, name: str) -> ConsistencyProof:
    import pydantic

    from shared.transparency.answers import ConsistencyProof

    try:
        return ConsistencyProof.model_validate_json(raw)
    except pydantic.ValidationError as broken:
        raise StartRefused(f"{name} is no proof of consistency") from broken


def _about(found: Opened) -> dict[str, Any]:
    from datetime import UTC, datetime

    at = [(each.verifier.name, datetime.fromtimestamp(each.moment, UTC)) for each in found.witnesses]
    return {
        "origin": found.checkpoint.origin,
        "size": found.checkpoint.size,
        "root": found.checkpoint.root.hex(),
        "witnesses": [{"name": name, "at": moment.isoformat()} for name, moment in at],
    }


def _fetched(service: str, path: str, asked: dict[str, Any], out: Path | None) -> bytes:
    from cli.session import Session

    given = {name: str(value) for name, value in asked.items() if value is not None}
    with Session(Installation.from_environment(), "auditor") as session:
        if service not in SERVICES:
            raise StartRefused(f"there is no log of {service}; there are: {', '.join(SERVICES)}")
        raw = session.download(service, path, **given)
    if out is not None:
        out.write_bytes(raw)
    return raw


def _fetched_note(service: str, out: Path | None) -> str:
    """The last checkpoint as the witness cosigned it. Raises StartRefused."""
    from cli.session import Session

    with Session(Installation.from_environment(), "auditor") as session:
        note = session.download("audit", f"/v1/witness/{service}/checkpoint").decode()
    if out is not None:
        out.write_text(note, "utf-8")
    return note


def _one_of(file: Path | None, running: str | None) -> None:
    if (file is None) == (running is None):
        raise typer.BadParameter("give a file or --from-running SERVICE")


def _bytes(file: Path) -> bytes:
    if not file.is_file():
        raise typer.BadParameter(f"there is no file {file}")
    return file.read_bytes()


def _text(file: Path) -> str:
    try:
        return _bytes(file).decode()
    except UnicodeDecodeError as broken:
        raise StartRefused(f"{file} is no text") from broken
